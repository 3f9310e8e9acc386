// RUN: kvlift-opt %s --split-input-file --allow-unregistered-dialect --pass-pipeline='builtin.module(kvlift-lift-globals)' | filecheck %s

// A load is the version that the last store left. The slot has the global's
// name and keeps its first value; arguments and results that were there keep
// their places.

// CHECK-NOT: ml_program
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[U:[^ ]+]]: tensor<1xf32>, %[[I:[^ ]+]]: tensor<i32>,
// CHECK-SAME: %[[K:[^ ]+]]: tensor<4xf32> {kvlift.initial = dense<0.000000e+00> : tensor<4xf32>, kvlift.kind = "global", kvlift.name = "k", kvlift.slot = "k"})
// CHECK-SAME: -> (tensor<4xf32>, tensor<4xf32> {kvlift.slot = "k"})
// CHECK: %[[ONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[K]]
// CHECK: %[[TWO:[^ ]+]] = stablehlo.dynamic_update_slice %[[ONE]]
// CHECK: return %[[ONE]], %[[TWO]]
ml_program.global private mutable @k(dense<0.0> : tensor<4xf32>) : tensor<4xf32>
func.func @main(%u: tensor<1xf32>, %i: tensor<i32>) -> tensor<4xf32> {
  %0 = ml_program.global_load @k : tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %0, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  ml_program.global_store @k = %1 : tensor<4xf32>
  %2 = ml_program.global_load @k : tensor<4xf32>
  %3 = stablehlo.dynamic_update_slice %2, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  ml_program.global_store @k = %3 : tensor<4xf32>
  return %2 : tensor<4xf32>
}

// -----

// Through calls: every function takes the globals that it or its callees use,
// in the module's order, and returns those that are written. A function that
// only reads has no slot. Constants stay as they are, and a global without a
// first value has none.

// CHECK: ml_program.global private @weights
// CHECK-LABEL: func.func @step
// CHECK-SAME: tensor<4xf32> {kvlift.kind = "global", kvlift.name = "k", kvlift.slot = "k"}
// CHECK-SAME: tensor<i32> {kvlift.initial = dense<7> : tensor<i32>, kvlift.kind = "global", kvlift.name = "pos", kvlift.slot = "pos"}
// CHECK-SAME: -> (tensor<4xf32>, tensor<4xf32> {kvlift.slot = "k"}, tensor<i32> {kvlift.slot = "pos"})
// CHECK: %[[CALL:[^ ]+]]:2 = call @put(%{{[^ ]+}}, %[[K:[^ ]+]], %[[POS:[^ ]+]])
// CHECK: %[[NEXT:[^ ]+]] = stablehlo.add %[[POS]]
// CHECK: %[[AGAIN:[^ ]+]]:2 = call @put(%{{[^ ]+}}, %[[CALL]]#1, %[[NEXT]])
// CHECK: return %[[AGAIN]]#0, %[[AGAIN]]#1, %[[NEXT]]
// CHECK-LABEL: func.func private @put
// CHECK-NOT: kvlift
// CHECK-SAME: %[[K2:[^ ]+]]: tensor<4xf32>, %[[POS2:[^ ]+]]: tensor<i32>) -> (tensor<4xf32>, tensor<4xf32>)
// CHECK: %[[NEW:[^ ]+]] = stablehlo.dynamic_update_slice %[[K2]], %{{[^ ]+}}, %[[POS2]]
// CHECK: return %[[NEW]], %[[NEW]]
// CHECK-LABEL: func.func @position
// CHECK-SAME: (%[[POS3:[^ ]+]]: tensor<i32> {kvlift.initial = dense<7> : tensor<i32>, kvlift.kind = "global", kvlift.name = "pos"}) -> tensor<i32>
// CHECK: return %[[POS3]]
ml_program.global private mutable @k : tensor<4xf32>
ml_program.global private @weights(dense<1.0> : tensor<1xf32>) : tensor<1xf32>
ml_program.global private mutable @pos(dense<7> : tensor<i32>) : tensor<i32>
func.func @step(%one: tensor<i32>) -> tensor<4xf32> {
  %u = ml_program.global_load_const @weights : tensor<1xf32>
  %0 = call @put(%u) : (tensor<1xf32>) -> tensor<4xf32>
  %1 = ml_program.global_load @pos : tensor<i32>
  %2 = stablehlo.add %1, %one : tensor<i32>
  ml_program.global_store @pos = %2 : tensor<i32>
  %3 = call @put(%u) : (tensor<1xf32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}
func.func private @put(%u: tensor<1xf32>) -> tensor<4xf32> {
  %0 = ml_program.global_load @k : tensor<4xf32>
  %1 = ml_program.global_load @pos : tensor<i32>
  %2 = stablehlo.dynamic_update_slice %0, %u, %1 : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  ml_program.global_store @k = %2 : tensor<4xf32>
  return %2 : tensor<4xf32>
}
func.func @position() -> tensor<i32> {
  %0 = ml_program.global_load @pos : tensor<i32>
  return %0 : tensor<i32>
}

// -----

// A branch may read: it sees the version of the moment.

// CHECK-LABEL: func.func @branch
// CHECK: %[[NEW:[^ ]+]] = stablehlo.negate
// CHECK: "stablehlo.if"
// CHECK: stablehlo.return %[[NEW]]
ml_program.global private mutable @k(dense<0.0> : tensor<4xf32>) : tensor<4xf32>
func.func @branch(%p: tensor<i1>) -> tensor<4xf32> {
  %0 = ml_program.global_load @k : tensor<4xf32>
  %1 = stablehlo.negate %0 : tensor<4xf32>
  ml_program.global_store @k = %1 : tensor<4xf32>
  %2 = "stablehlo.if"(%p) ({
    %3 = ml_program.global_load @k : tensor<4xf32>
    stablehlo.return %3 : tensor<4xf32>
  }, {
    stablehlo.return %0 : tensor<4xf32>
  }) : (tensor<i1>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// -----

// IREE's globals, in generic form: the host does not know that dialect.

// CHECK-LABEL: func.func @iree
// CHECK-SAME: %[[K:[^ ]+]]: tensor<4xf32> {kvlift.initial = dense<0.000000e+00> : tensor<4xf32>, kvlift.kind = "global", kvlift.name = "k", kvlift.slot = "k"}
// CHECK-SAME: -> (tensor<4xf32> {kvlift.slot = "k"})
// CHECK: %[[NEW:[^ ]+]] = stablehlo.negate %[[K]]
// CHECK: return %[[NEW]]
"util.global"() <{initial_value = dense<0.0> : tensor<4xf32>, is_mutable, sym_name = "k", sym_visibility = "private", type = tensor<4xf32>}> : () -> ()
func.func @iree() {
  %0 = "util.global.load"() {global = @k} : () -> tensor<4xf32>
  %1 = stablehlo.negate %0 : tensor<4xf32>
  "util.global.store"(%1) {global = @k} : (tensor<4xf32>) -> ()
  return
}
