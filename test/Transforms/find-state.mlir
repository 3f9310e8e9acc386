// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-find-state)' | filecheck %s

// K and V have one shape and come back in swapped order: only the updates tell
// which result belongs to which argument.

// CHECK-LABEL: func.func @swapped
// CHECK-SAME: %[[K:[^ ]+]]: tensor<4x8xf32> {kvlift.kind = "inferred", kvlift.slot = "arg0"}
// CHECK-SAME: %[[V:[^ ]+]]: tensor<4x8xf32> {kvlift.kind = "inferred", kvlift.slot = "arg1"}
// CHECK-SAME: -> (tensor<4x8xf32> {kvlift.slot = "arg1"}, tensor<4x8xf32> {kvlift.slot = "arg0"})
func.func @swapped(%k: tensor<4x8xf32>, %v: tensor<4x8xf32>,
                   %row: tensor<1x8xf32>, %i: tensor<i32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %newK = stablehlo.dynamic_update_slice %k, %row, %i, %i : (tensor<4x8xf32>, tensor<1x8xf32>, tensor<i32>, tensor<i32>) -> tensor<4x8xf32>
  %newV = stablehlo.dynamic_update_slice %v, %row, %i, %i : (tensor<4x8xf32>, tensor<1x8xf32>, tensor<i32>, tensor<i32>) -> tensor<4x8xf32>
  return %newV, %newK : tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// The updated value also goes *into* the other cache's update. What is written
// is no root: only what is written to.

// CHECK-LABEL: func.func @written_is_no_root
// CHECK-SAME: tensor<4xf32> {kvlift.kind = "inferred", kvlift.slot = "arg0"}
// CHECK-SAME: tensor<4xf32> {kvlift.kind = "inferred", kvlift.slot = "arg1"}
// CHECK-SAME: -> (tensor<4xf32> {kvlift.slot = "arg1"}, tensor<4xf32> {kvlift.slot = "arg0"})
func.func @written_is_no_root(%a: tensor<4xf32>, %b: tensor<4xf32>, %i: tensor<i32>)
    -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = stablehlo.dynamic_update_slice %a, %b, %i : (tensor<4xf32>, tensor<4xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %b, %0, %i : (tensor<4xf32>, tensor<4xf32>, tensor<i32>) -> tensor<4xf32>
  return %1, %0 : tensor<4xf32>, tensor<4xf32>
}

// -----

// Eight slots of one type, returned in the order 3 0 7 1 6 2 5 4.

// CHECK-LABEL: func.func @shuffled
// CHECK-SAME: -> (tensor<2xi8> {kvlift.slot = "arg3"}, tensor<2xi8> {kvlift.slot = "arg0"},
// CHECK-SAME: tensor<2xi8> {kvlift.slot = "arg7"}, tensor<2xi8> {kvlift.slot = "arg1"},
// CHECK-SAME: tensor<2xi8> {kvlift.slot = "arg6"}, tensor<2xi8> {kvlift.slot = "arg2"},
// CHECK-SAME: tensor<2xi8> {kvlift.slot = "arg5"}, tensor<2xi8> {kvlift.slot = "arg4"})
func.func @shuffled(%a0: tensor<2xi8>, %a1: tensor<2xi8>, %a2: tensor<2xi8>, %a3: tensor<2xi8>,
                    %a4: tensor<2xi8>, %a5: tensor<2xi8>, %a6: tensor<2xi8>, %a7: tensor<2xi8>,
                    %u: tensor<1xi8>, %i: tensor<i32>)
    -> (tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>,
        tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>) {
  %0 = stablehlo.dynamic_update_slice %a0, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %1 = stablehlo.dynamic_update_slice %a1, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %2 = stablehlo.dynamic_update_slice %a2, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %3 = stablehlo.dynamic_update_slice %a3, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %4 = stablehlo.dynamic_update_slice %a4, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %5 = stablehlo.dynamic_update_slice %a5, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %6 = stablehlo.dynamic_update_slice %a6, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %7 = stablehlo.dynamic_update_slice %a7, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  return %3, %0, %7, %1, %6, %2, %5, %4 : tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>
}

// -----

// A chain goes through many updates and through what keeps the storage:
// barriers, reshapes, and transposes that cancel. Two slots may share a barrier.

// CHECK-LABEL: func.func @chain
// CHECK-SAME: tensor<2x6xf32> {kvlift.kind = "inferred", kvlift.slot = "arg0"}
// CHECK-SAME: tensor<6xf32> {kvlift.kind = "inferred", kvlift.slot = "arg1"}
// CHECK-SAME: -> (tensor<6xf32> {kvlift.slot = "arg1"}, tensor<2x6xf32> {kvlift.slot = "arg0"})
func.func @chain(%a: tensor<2x6xf32>, %b: tensor<6xf32>, %u: tensor<1xf32>,
                 %cell: tensor<1x1xf32>, %i: tensor<i32>) -> (tensor<6xf32>, tensor<2x6xf32>) {
  %b1 = stablehlo.dynamic_update_slice %b, %u, %i : (tensor<6xf32>, tensor<1xf32>, tensor<i32>) -> tensor<6xf32>
  %flat = stablehlo.reshape %a : (tensor<2x6xf32>) -> tensor<12xf32>
  %a1 = stablehlo.dynamic_update_slice %flat, %u, %i : (tensor<12xf32>, tensor<1xf32>, tensor<i32>) -> tensor<12xf32>
  %both:2 = stablehlo.optimization_barrier %a1, %b1 : tensor<12xf32>, tensor<6xf32>
  %b2 = stablehlo.dynamic_update_slice %both#1, %u, %i : (tensor<6xf32>, tensor<1xf32>, tensor<i32>) -> tensor<6xf32>
  %a2 = stablehlo.reshape %both#0 : (tensor<12xf32>) -> tensor<2x6xf32>
  %turned = stablehlo.transpose %a2, dims = [1, 0] : (tensor<2x6xf32>) -> tensor<6x2xf32>
  %a3 = stablehlo.dynamic_update_slice %turned, %cell, %i, %i : (tensor<6x2xf32>, tensor<1x1xf32>, tensor<i32>, tensor<i32>) -> tensor<6x2xf32>
  %back = stablehlo.transpose %a3, dims = [1, 0] : (tensor<6x2xf32>) -> tensor<2x6xf32>
  return %b2, %back : tensor<6xf32>, tensor<2x6xf32>
}

// -----

// A square slot looks the same when it comes back transposed, but it is not the
// same storage layout: no tie. Three turns of a cube cancel, two do not.

// CHECK-LABEL: func.func @layouts
// CHECK-SAME: (%[[A:[^ ]+]]: tensor<3x3xf32>,
// CHECK-SAME: tensor<2x2x2xf32>, %{{[^ ]+}}: tensor<2x2x2xf32> {kvlift.kind = "inferred", kvlift.slot = "arg2"}
// CHECK-SAME: -> (tensor<3x3xf32>, tensor<2x2x2xf32>, tensor<2x2x2xf32> {kvlift.slot = "arg2"})
func.func @layouts(%a: tensor<3x3xf32>, %b: tensor<2x2x2xf32>, %c: tensor<2x2x2xf32>,
                   %u: tensor<1x1xf32>, %w: tensor<1x1x1xf32>, %i: tensor<i32>)
    -> (tensor<3x3xf32>, tensor<2x2x2xf32>, tensor<2x2x2xf32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i, %i : (tensor<3x3xf32>, tensor<1x1xf32>, tensor<i32>, tensor<i32>) -> tensor<3x3xf32>
  %1 = stablehlo.transpose %0, dims = [1, 0] : (tensor<3x3xf32>) -> tensor<3x3xf32>
  %2 = stablehlo.transpose %b, dims = [1, 2, 0] : (tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  %3 = stablehlo.dynamic_update_slice %2, %w, %i, %i, %i : (tensor<2x2x2xf32>, tensor<1x1x1xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x2x2xf32>
  %4 = stablehlo.transpose %3, dims = [1, 2, 0] : (tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  %5 = stablehlo.transpose %c, dims = [1, 2, 0] : (tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  %6 = stablehlo.dynamic_update_slice %5, %w, %i, %i, %i : (tensor<2x2x2xf32>, tensor<1x1x1xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x2x2xf32>
  %7 = stablehlo.transpose %6, dims = [1, 2, 0] : (tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  %8 = stablehlo.transpose %7, dims = [1, 2, 0] : (tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  return %1, %4, %8 : tensor<3x3xf32>, tensor<2x2x2xf32>, tensor<2x2x2xf32>
}

// -----

// An update in a reshaped form that comes back in another type is no slot, but
// neither is it lost: a result carries it.

// CHECK-LABEL: func.func @other_type
// CHECK-SAME: (%{{[^ ]+}}: tensor<2x3xf32>,
// CHECK-SAME: -> tensor<6xf32> {
func.func @other_type(%a: tensor<2x3xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<6xf32> {
  %0 = stablehlo.reshape %a : (tensor<2x3xf32>) -> tensor<6xf32>
  %1 = stablehlo.dynamic_update_slice %0, %u, %i : (tensor<6xf32>, tensor<1xf32>, tensor<i32>) -> tensor<6xf32>
  return %1 : tensor<6xf32>
}

// -----

// One scatter may write K and V at once. Its results belong to its operands,
// one by one.

// CHECK-LABEL: func.func @one_scatter_two_slots
// CHECK-SAME: tensor<4x2xf32> {kvlift.kind = "inferred", kvlift.slot = "arg0"}
// CHECK-SAME: tensor<4x2xf32> {kvlift.kind = "inferred", kvlift.slot = "arg1"}
// CHECK-SAME: -> (tensor<4x2xf32> {kvlift.slot = "arg1"}, tensor<4x2xf32> {kvlift.slot = "arg0"})
func.func @one_scatter_two_slots(%k: tensor<4x2xf32>, %v: tensor<4x2xf32>, %i: tensor<1x1xi32>,
                                 %u: tensor<1x2xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>) {
  %0:2 = "stablehlo.scatter"(%k, %v, %i, %u, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %p: tensor<f32>, %y: tensor<f32>, %q: tensor<f32>):
    stablehlo.return %y, %q : tensor<f32>, tensor<f32>
  }) : (tensor<4x2xf32>, tensor<4x2xf32>, tensor<1x1xi32>, tensor<1x2xf32>, tensor<1x2xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>)
  return %0#1, %0#0 : tensor<4x2xf32>, tensor<4x2xf32>
}

// -----

// What the IR says already is taken over: tf.aliasing_output and
// iree.abi.output name whole-value state that has no update op; a slot that is
// marked keeps its name. A parameter without marks or updates stays alone.

// CHECK-LABEL: func.func @said_already
// CHECK-SAME: tensor<i32> {kvlift.kind = "inferred", kvlift.slot = "arg0", tf.aliasing_output = 2 : i32}
// CHECK-SAME: tensor<i32> {iree.abi.output = 1 : index, kvlift.kind = "inferred", kvlift.slot = "arg1"}
// CHECK-SAME: tensor<i32> {kvlift.slot = "mine"}
// CHECK-SAME: %{{[^ ]+}}: tensor<i32>)
// CHECK-SAME: -> (tensor<i32> {kvlift.slot = "mine"}, tensor<i32> {kvlift.slot = "arg1"}, tensor<i32> {kvlift.slot = "arg0"})
func.func @said_already(%a: tensor<i32> {tf.aliasing_output = 2 : i32},
                        %b: tensor<i32> {iree.abi.output = 1 : index},
                        %c: tensor<i32> {kvlift.slot = "mine"}, %d: tensor<i32>)
    -> (tensor<i32> {kvlift.slot = "mine"}, tensor<i32>, tensor<i32>) {
  %0 = stablehlo.add %a, %d : tensor<i32>
  %1 = stablehlo.add %b, %d : tensor<i32>
  %2 = stablehlo.add %c, %d : tensor<i32>
  return %2, %1, %0 : tensor<i32>, tensor<i32>, tensor<i32>
}

// -----

// Marks, attributes and updates may say the same thing; that is one slot.

// CHECK-LABEL: func.func @said_twice
// CHECK-SAME: tensor<4xf32> {kvlift.slot = "k", tf.aliasing_output = 0 : i32}
// CHECK-SAME: -> (tensor<4xf32> {kvlift.slot = "k"})
func.func @said_twice(%k: tensor<4xf32> {kvlift.slot = "k", tf.aliasing_output = 0 : i32},
                      %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<4xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.dynamic_update_slice %k, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Where two results carry versions of an argument, an attribute settles it.

// CHECK-LABEL: func.func @attribute_settles
// CHECK-SAME: -> (tensor<4xf32>, tensor<4xf32> {kvlift.slot = "arg0"})
func.func @attribute_settles(%a: tensor<4xf32> {tf.aliasing_output = 1 : i32}, %u: tensor<1xf32>, %i: tensor<i32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %0, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// A frontend that marks kinds has named all state: its buffer that comes back
// updated is no slot, and its update that does not come back is not lost.

// CHECK-LABEL: func.func @spoken_for
// CHECK-SAME: (%{{[^ ]+}}: tensor<4xf32> {kvlift.kind = "user_input"},
// CHECK-SAME: tensor<4xf32> {kvlift.kind = "buffer"},
// CHECK-SAME: -> tensor<4xf32> {
func.func @spoken_for(%a: tensor<4xf32> {kvlift.kind = "user_input"},
                      %b: tensor<4xf32> {kvlift.kind = "buffer"},
                      %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<4xf32> {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %b, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Only public functions are called from outside and have state; their slots are
// called what the source calls them, and two of one name are told apart.

// CHECK-LABEL: func.func @names
// CHECK-SAME: tensor<4xf32> {kvlift.kind = "inferred", kvlift.slot = "cache"}
// CHECK-SAME: tensor<4xf32> {kvlift.kind = "inferred", kvlift.slot = "cache_1"}
// CHECK-SAME: tensor<4xf32> {kvlift.kind = "inferred", kvlift.name = "mine", kvlift.slot = "mine"}
// CHECK-LABEL: func.func private @inner
// CHECK-NOT: kvlift
// CHECK: return
func.func @names(%a: tensor<4xf32> loc("cache"), %b: tensor<4xf32> loc("cache"),
                 %c: tensor<4xf32> {kvlift.name = "mine"} loc("other"),
                 %u: tensor<1xf32>, %i: tensor<i32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %b, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %2 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %0, %1, %2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
func.func private @inner(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<4xf32> {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Nothing to find in a declaration, and nothing is guessed about a function of
// several blocks.

// CHECK-LABEL: func.func private @declared(tensor<4xf32>) -> tensor<4xf32>
// CHECK-LABEL: func.func @blocks
// CHECK-NOT: kvlift
// CHECK: return
func.func private @declared(tensor<4xf32>) -> tensor<4xf32>
func.func @blocks(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<4xf32> {
  cf.br ^next
^next:
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
