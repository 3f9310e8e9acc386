// The module of the 2024 OpenXLA thread: single-head attention with torchtune's
// KVCache. Both caches are updated and none comes back, so every call starts
// from empty caches. From the StableHLO alone, both updates are reported as
// lost, where they stand; `return` ties them and simplify makes them row writes.
//
// RUN: kvlift-opt %s --verify-diagnostics --pass-pipeline='builtin.module(kvlift-find-state)'
// RUN: kvlift-opt %s --pass-pipeline='builtin.module(kvlift-find-state{lost-updates=return},kvlift-return-updates,kvlift-simplify-updates,kvlift-tie-state)' | filecheck %s

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[K:[^ ]+]]: tensor<5x1x10x8xf32> {kvlift.kind = "inferred", kvlift.slot = "arg0", tf.aliasing_output = 1 : i32}
// CHECK-SAME: %[[V:[^ ]+]]: tensor<5x1x10x8xf32> {kvlift.kind = "inferred", kvlift.slot = "arg1", tf.aliasing_output = 2 : i32}
// CHECK-SAME: -> (tensor<5x1x10x8xf32>, tensor<5x1x10x8xf32> {kvlift.slot = "arg0"}, tensor<5x1x10x8xf32> {kvlift.slot = "arg1"})
// CHECK-NOT: stablehlo.scatter
// CHECK-NOT: stablehlo.transpose
// CHECK: %[[NEW_K:[^ ]+]] = stablehlo.dynamic_update_slice %[[K]]
// CHECK-NOT: stablehlo.scatter
// CHECK-NOT: stablehlo.transpose
// CHECK: %[[NEW_V:[^ ]+]] = stablehlo.dynamic_update_slice %[[V]]
// CHECK: %[[OUT:[^ ]+]] = stablehlo.add %[[NEW_K]], %[[NEW_V]]
// CHECK: return %[[OUT]], %[[NEW_K]], %[[NEW_V]]
// expected-note@below {{argument #0 enters here}}
func.func @main(%k: tensor<5x1x10x8xf32>,
                // expected-note@below {{argument #1 enters here}}
                %v: tensor<5x1x10x8xf32>,
                %pos: tensor<1x1xi64>, %newK: tensor<5x1x1x8xf32>, %newV: tensor<5x1x1x8xf32>)
    -> tensor<5x1x10x8xf32> {
  // expected-error@below {{lost update of argument 'arg0': no result carries what 'stablehlo.scatter' writes}}
  // expected-note@below {{pass lost-updates=return to return it}}
  %0 = "stablehlo.scatter"(%k, %pos, %newK) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 1, 3], inserted_window_dims = [2], scatter_dims_to_operand_dims = [2], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<f32>, %new: tensor<f32>):
    stablehlo.return %new : tensor<f32>
  }) : (tensor<5x1x10x8xf32>, tensor<1x1xi64>, tensor<5x1x1x8xf32>) -> tensor<5x1x10x8xf32>
  // expected-error@below {{lost update of argument 'arg1': no result carries what 'stablehlo.scatter' writes}}
  // expected-note@below {{pass lost-updates=return to return it}}
  %1 = "stablehlo.scatter"(%v, %pos, %newV) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 1, 3], inserted_window_dims = [2], scatter_dims_to_operand_dims = [2], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<f32>, %new: tensor<f32>):
    stablehlo.return %new : tensor<f32>
  }) : (tensor<5x1x10x8xf32>, tensor<1x1xi64>, tensor<5x1x1x8xf32>) -> tensor<5x1x10x8xf32>
  %2 = stablehlo.add %0, %1 : tensor<5x1x10x8xf32>
  return %2 : tensor<5x1x10x8xf32>
}
