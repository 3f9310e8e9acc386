// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-find-state{lost-updates=return},kvlift-return-updates)' | filecheck %s

// Each lost update becomes one more result, tied to its argument, behind the
// results that were there. What was tied stays.

// CHECK-LABEL: func.func @append
// CHECK-SAME: %[[A:[^ ]+]]: tensor<4xf32> {kvlift.kind = "inferred", kvlift.slot = "arg0"}
// CHECK-SAME: %[[B:[^ ]+]]: tensor<4xf32> {kvlift.kind = "inferred", kvlift.slot = "arg1"}
// CHECK-SAME: -> (tensor<4xf32> {jax.result_info = "x", kvlift.slot = "arg1"}, tensor<i32>, tensor<4xf32> {kvlift.slot = "arg0"})
// CHECK: stablehlo.dynamic_update_slice %[[A]]
// CHECK: %[[LAST:[^ ]+]] = stablehlo.dynamic_update_slice
// CHECK: %[[KEPT:[^ ]+]] = stablehlo.dynamic_update_slice %[[B]]
// CHECK: return %[[KEPT]], %{{[^ ]+}}, %[[LAST]]
func.func @append(%a: tensor<4xf32>, %b: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<4xf32> {jax.result_info = "x"}, tensor<i32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %0, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %2 = stablehlo.dynamic_update_slice %b, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %2, %i : tensor<4xf32>, tensor<i32>
}

// -----

// A function without results gets its first ones, in the order of the updates.
// Two arguments of one name become two slots of two names.

// CHECK-LABEL: func.func @no_results
// CHECK-SAME: %[[A:[^ ]+]]: tensor<4xf32> {kvlift.kind = "inferred", kvlift.slot = "cache_1"}
// CHECK-SAME: %[[B:[^ ]+]]: tensor<4xf32> {kvlift.kind = "inferred", kvlift.slot = "cache"}
// CHECK-SAME: -> (tensor<4xf32> {kvlift.slot = "cache"}, tensor<4xf32> {kvlift.slot = "cache_1"})
// CHECK: %[[NEW_B:[^ ]+]] = stablehlo.dynamic_update_slice %[[B]]
// CHECK: %[[NEW_A:[^ ]+]] = stablehlo.dynamic_update_slice %[[A]]
// CHECK: return %[[NEW_B]], %[[NEW_A]]
func.func @no_results(%a: tensor<4xf32> loc("cache"), %b: tensor<4xf32> loc("cache"), %u: tensor<1xf32>, %i: tensor<i32>) {
  %0 = stablehlo.dynamic_update_slice %b, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return
}

// -----

// One scatter writes two arguments and one of them comes back: the other is
// added.

// CHECK-LABEL: func.func @half_lost
// CHECK-SAME: -> (tensor<4x2xf32> {kvlift.slot = "arg0"}, tensor<4x2xf32> {kvlift.slot = "arg1"})
// CHECK: %[[BOTH:[^ ]+]]:2 = "stablehlo.scatter"
// CHECK: return %[[BOTH]]#0, %[[BOTH]]#1
func.func @half_lost(%k: tensor<4x2xf32>, %v: tensor<4x2xf32>, %i: tensor<1x1xi32>, %u: tensor<1x2xf32>) -> tensor<4x2xf32> {
  %0:2 = "stablehlo.scatter"(%k, %v, %i, %u, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %p: tensor<f32>, %y: tensor<f32>, %q: tensor<f32>):
    stablehlo.return %y, %q : tensor<f32>, tensor<f32>
  }) : (tensor<4x2xf32>, tensor<4x2xf32>, tensor<1x1xi32>, tensor<1x2xf32>, tensor<1x2xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>)
  return %0#0 : tensor<4x2xf32>
}

// -----

// Nothing is lost: nothing changes. Private functions are not called from
// outside; nobody could take what they would return.

// CHECK-LABEL: func.func @nothing_lost
// CHECK-SAME: -> tensor<i32> {
// CHECK-LABEL: func.func private @inner
// CHECK-SAME: tensor<i32>) {
func.func @nothing_lost(%i: tensor<i32>) -> tensor<i32> {
  return %i : tensor<i32>
}
func.func private @inner(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return
}

// -----

// The last version stands in another layout than the argument, as torch's
// index_copy_ leaves it when the transpose back was never read: it is returned
// in the argument's own.

// CHECK-LABEL: func.func @transposed
// CHECK-SAME: (%[[CACHE:.*]]: tensor<2x3x4xf32> {{{.*}}kvlift.slot = "arg0"}
func.func @transposed(%cache: tensor<2x3x4xf32>, %row: tensor<1x2x4xf32>, %at: tensor<i32>) -> tensor<3x2x4xf32> {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  // CHECK: %[[SEEN:.*]] = stablehlo.transpose %[[CACHE]]
  %0 = stablehlo.transpose %cache, dims = [1, 0, 2] : (tensor<2x3x4xf32>) -> tensor<3x2x4xf32>
  // CHECK: %[[NEXT:.*]] = stablehlo.dynamic_update_slice %[[SEEN]]
  %1 = stablehlo.dynamic_update_slice %0, %row, %at, %zero, %zero : (tensor<3x2x4xf32>, tensor<1x2x4xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<3x2x4xf32>
  %2 = stablehlo.abs %1 : tensor<3x2x4xf32>
  // CHECK: %[[BACK:.*]] = stablehlo.transpose %[[NEXT]], dims = [1, 0, 2]
  // CHECK: return %{{.*}}, %[[BACK]] :
  return %2 : tensor<3x2x4xf32>
}

// -----

// The same for a version in another shape.

// CHECK-LABEL: func.func @reshaped
func.func @reshaped(%a: tensor<2x3xf32>, %u: tensor<1xf32>, %i: tensor<i32>) {
  %0 = stablehlo.reshape %a : (tensor<2x3xf32>) -> tensor<6xf32>
  // CHECK: %[[NEXT:.*]] = stablehlo.dynamic_update_slice
  %1 = stablehlo.dynamic_update_slice %0, %u, %i : (tensor<6xf32>, tensor<1xf32>, tensor<i32>) -> tensor<6xf32>
  // CHECK: %[[BACK:.*]] = stablehlo.reshape %[[NEXT]] : (tensor<6xf32>) -> tensor<2x3xf32>
  // CHECK: return %[[BACK]] : tensor<2x3xf32>
  return
}

// -----

// The update is two calls deep. Every function on the way returns one more
// value, every call of them takes it, and only the public function gets a slot.
// The second call of @inner passes no argument on; what it gets is dropped.

// CHECK-LABEL: func.func @deep
// CHECK-SAME: (%[[K:[^ ]+]]: tensor<4xf32> {kvlift.kind = "inferred", kvlift.slot = "arg0"}
// CHECK-SAME: -> (tensor<i32>, tensor<4xf32> {kvlift.slot = "arg0"})
// CHECK: %[[OUTER:[^ ]+]]:2 = call @outer(%{{[^ ]+}}, %[[K]], %{{[^ ]+}})
// CHECK: return %[[OUTER]]#0, %[[OUTER]]#1 : tensor<i32>, tensor<4xf32>
// CHECK-LABEL: func.func private @outer
// CHECK-SAME: -> (tensor<i32>, tensor<4xf32>) {
// CHECK: %[[INNER:[^ ]+]] = call @inner(%[[A:[^ ]+]], %{{[^ ]+}}, %{{[^ ]+}})
// CHECK: call @inner(%{{[^ ]+}}, %{{[^ ]+}}, %{{[^ ]+}})
// CHECK: return %{{[^ ]+}}, %[[INNER]] : tensor<i32>, tensor<4xf32>
// CHECK-LABEL: func.func private @inner
// CHECK-SAME: -> tensor<4xf32> {
// CHECK: %[[NEW:[^ ]+]] = stablehlo.dynamic_update_slice
// CHECK: return %[[NEW]] : tensor<4xf32>
func.func @deep(%k: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<i32> {
  %0 = call @outer(%u, %k, %i) : (tensor<1xf32>, tensor<4xf32>, tensor<i32>) -> tensor<i32>
  return %0 : tensor<i32>
}
func.func private @outer(%u: tensor<1xf32>, %a: tensor<4xf32>, %i: tensor<i32>) -> tensor<i32> {
  call @inner(%a, %u, %i) : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> ()
  %zeros = stablehlo.constant dense<0.0> : tensor<4xf32>
  call @inner(%zeros, %u, %i) : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> ()
  return %i : tensor<i32>
}
func.func private @inner(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return
}

// -----

// Two call sites give two slots; the callee sees one of them transposed. A
// public function that is called gets its slot, and its caller does.

// CHECK-LABEL: func.func @two_sites
// CHECK-SAME: -> (tensor<2x4xf32> {kvlift.slot = "two_sites.arg0"}, tensor<4x2xf32> {kvlift.slot = "two_sites.arg1"})
// CHECK: %[[TURNED:[^ ]+]] = stablehlo.transpose
// CHECK: %[[K:[^ ]+]] = call @put(%[[TURNED]]
// CHECK: %[[V:[^ ]+]] = call @put(
// CHECK: %[[BACK:[^ ]+]] = stablehlo.transpose %[[K]], dims = [1, 0]
// CHECK: return %[[BACK]], %[[V]]
// CHECK-LABEL: func.func @put
// CHECK-SAME: tensor<4x2xf32> {kvlift.kind = "inferred", kvlift.slot = "put.arg0"}
// CHECK-SAME: -> (tensor<4x2xf32> {kvlift.slot = "put.arg0"})
func.func @two_sites(%k: tensor<2x4xf32>, %v: tensor<4x2xf32>, %u: tensor<1x1xf32>, %i: tensor<i32>) {
  %0 = stablehlo.transpose %k, dims = [1, 0] : (tensor<2x4xf32>) -> tensor<4x2xf32>
  call @put(%0, %u, %i) : (tensor<4x2xf32>, tensor<1x1xf32>, tensor<i32>) -> ()
  call @put(%v, %u, %i) : (tensor<4x2xf32>, tensor<1x1xf32>, tensor<i32>) -> ()
  return
}
func.func @put(%a: tensor<4x2xf32>, %u: tensor<1x1xf32>, %i: tensor<i32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i, %i : (tensor<4x2xf32>, tensor<1x1xf32>, tensor<i32>, tensor<i32>) -> tensor<4x2xf32>
  return
}

// -----

// The callee returns what it writes and the caller drops it: the call is the
// lost update. Its other argument is lost in the callee; both come back.

// CHECK-LABEL: func.func @dropped
// CHECK-SAME: -> (tensor<4xf32> {kvlift.slot = "arg0"}, tensor<4xf32> {kvlift.slot = "arg1"})
// CHECK: %[[BOTH:[^ ]+]]:2 = call @put
// CHECK: return %[[BOTH]]#0, %[[BOTH]]#1
func.func @dropped(%k: tensor<4xf32>, %v: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) {
  %0 = call @put(%k, %v, %u, %i) : (tensor<4xf32>, tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return
}
func.func private @put(%a: tensor<4xf32>, %b: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<4xf32> {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %b, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// What an if and a loop write comes out of them as their result.

// CHECK-LABEL: func.func @regions
// CHECK-SAME: -> (tensor<4xf32> {kvlift.slot = "arg0"})
// CHECK: %[[LOOP:[^ ]+]] = stablehlo.while
// CHECK: %[[IF:[^ ]+]] = "stablehlo.if"
// CHECK: return %[[IF]]
func.func @regions(%k: tensor<4xf32>, %p: tensor<i1>, %u: tensor<1xf32>, %i: tensor<i32>) {
  %0 = stablehlo.while(%a = %k) : tensor<4xf32>
    cond {
      stablehlo.return %p : tensor<i1>
    } do {
      %1 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
      stablehlo.return %1 : tensor<4xf32>
    }
  %2 = "stablehlo.if"(%p) ({
    %3 = stablehlo.dynamic_update_slice %0, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
    stablehlo.return %3 : tensor<4xf32>
  }, {
    stablehlo.return %0 : tensor<4xf32>
  }) : (tensor<i1>) -> tensor<4xf32>
  return
}

// -----

// What one branch of an if writes comes out of it; the other one yields what
// has come in.

// CHECK-LABEL: func.func @in_if
// CHECK-SAME: (%[[A:[^ ]+]]: tensor<4xf32> {{{[^}]*}}kvlift.slot = "arg0"}
// CHECK: %[[IF:[^ ]+]]:2 = "stablehlo.if"
// CHECK: %[[NEW:[^ ]+]] = stablehlo.dynamic_update_slice %[[A]]
// CHECK: stablehlo.return %{{[^ ]+}}, %[[NEW]] : tensor<f32>, tensor<4xf32>
// CHECK: stablehlo.return %{{[^ ]+}}, %[[A]] : tensor<f32>, tensor<4xf32>
// CHECK: return %[[IF]]#0, %[[IF]]#1
func.func @in_if(%a: tensor<4xf32>, %p: tensor<i1>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<f32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = "stablehlo.if"(%p) ({
    %1 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
    %2 = stablehlo.reduce(%1 init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
    stablehlo.return %2 : tensor<f32>
  }, {
    stablehlo.return %zero : tensor<f32>
  }) : (tensor<i1>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// Two of three branches write; each starts from the version that an update
// before them has made, and all of them go on from there.

// CHECK-LABEL: func.func @in_case
// CHECK-SAME: (%[[A:[^ ]+]]: tensor<4xf32>
// CHECK: %[[FIRST:[^ ]+]] = stablehlo.dynamic_update_slice %[[A]]
// CHECK: %[[CASE:[^ ]+]] = "stablehlo.case"
// CHECK: %[[ONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[FIRST]]
// CHECK: stablehlo.return %[[ONE]]
// CHECK: stablehlo.return %[[FIRST]]
// CHECK: %[[TWO:[^ ]+]] = stablehlo.dynamic_update_slice %[[FIRST]]
// CHECK: stablehlo.return %[[TWO]]
// CHECK: return %[[CASE]]
func.func @in_case(%a: tensor<4xf32>, %p: tensor<i32>, %u: tensor<1xf32>, %i: tensor<i32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  "stablehlo.case"(%p) ({
    %1 = stablehlo.dynamic_update_slice %0, %u, %p : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
    stablehlo.return
  }, {
    stablehlo.return
  }, {
    %1 = stablehlo.add %u, %u : tensor<1xf32>
    %2 = stablehlo.dynamic_update_slice %0, %1, %p : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
    stablehlo.return
  }) : (tensor<i32>) -> ()
  return
}

// -----

// Branches in branches, of two arguments; what the inner ones write is
// transposed, and comes out as the argument lies.

// CHECK-LABEL: func.func @nested
// CHECK-SAME: (%[[A:[^ ]+]]: tensor<2x4xf32> {{{[^}]*}}kvlift.slot = "arg0"}, %[[B:[^ ]+]]: tensor<4xf32> {{{[^}]*}}kvlift.slot = "arg1"}
// CHECK: %[[OUT:[^ ]+]]:2 = "stablehlo.if"
// CHECK: %[[IN:[^ ]+]] = "stablehlo.if"
// CHECK: stablehlo.return %[[A]]
// CHECK: %[[T:[^ ]+]] = stablehlo.transpose %[[A]], dims = [1, 0]
// CHECK: %[[NEW:[^ ]+]] = stablehlo.dynamic_update_slice %[[T]]
// CHECK: %[[BACK:[^ ]+]] = stablehlo.transpose %[[NEW]], dims = [1, 0]
// CHECK: stablehlo.return %[[BACK]]
// CHECK: %[[B1:[^ ]+]] = stablehlo.dynamic_update_slice %[[B]]
// CHECK: stablehlo.return %[[IN]], %[[B1]]
// CHECK: %[[B2:[^ ]+]] = stablehlo.dynamic_update_slice %[[B]]
// CHECK: stablehlo.return %[[A]], %[[B2]]
// CHECK: return %[[OUT]]#0, %[[OUT]]#1
func.func @nested(%a: tensor<2x4xf32>, %b: tensor<4xf32>, %p: tensor<i1>, %q: tensor<i1>, %u: tensor<1xf32>, %v: tensor<1x1xf32>, %i: tensor<i32>) {
  "stablehlo.if"(%p) ({
    "stablehlo.if"(%q) ({
      stablehlo.return
    }, {
      %0 = stablehlo.transpose %a, dims = [1, 0] : (tensor<2x4xf32>) -> tensor<4x2xf32>
      %1 = stablehlo.dynamic_update_slice %0, %v, %i, %i : (tensor<4x2xf32>, tensor<1x1xf32>, tensor<i32>, tensor<i32>) -> tensor<4x2xf32>
      stablehlo.return
    }) : (tensor<i1>) -> ()
    %2 = stablehlo.dynamic_update_slice %b, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
    stablehlo.return
  }, {
    %0 = stablehlo.add %u, %u : tensor<1xf32>
    %1 = stablehlo.dynamic_update_slice %b, %0, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
    stablehlo.return
  }) : (tensor<i1>) -> ()
  return
}

// -----

// The branch calls what writes.

func.func private @put(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return
}

// CHECK-LABEL: func.func @call_in_if
// CHECK-SAME: (%[[A:[^ ]+]]: tensor<4xf32>
// CHECK: %[[IF:[^ ]+]] = "stablehlo.if"
// CHECK: %[[NEW:[^ ]+]] = func.call @put(%[[A]]
// CHECK: stablehlo.return %[[NEW]]
// CHECK: stablehlo.return %[[A]]
// CHECK: return %[[IF]]
func.func @call_in_if(%a: tensor<4xf32>, %p: tensor<i1>, %u: tensor<1xf32>, %i: tensor<i32>) {
  "stablehlo.if"(%p) ({
    func.call @put(%a, %u, %i) : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> ()
    stablehlo.return
  }, {
    stablehlo.return
  }) : (tensor<i1>) -> ()
  return
}
