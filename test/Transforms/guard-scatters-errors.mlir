// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-guard-scatters{target=iree:cpu})'
//
// Scatters that may write out of range and cannot be guarded.

func.func @body(%slot: tensor<8x4xf32>, %i: tensor<3x1xi32>, %new: tensor<3x4xf32>) -> tensor<8x4xf32> {
  // expected-error@below {{IREE writes outside of the buffer where this scatter's indices are out of range, and it cannot be guarded: its body is not one add, multiply, minimum, maximum, and, or, xor of both values}}
  // expected-note@below {{clamp the indices into range before it, so that this can be proved}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    %s = stablehlo.subtract %x, %y : tensor<f32>
    stablehlo.return %s : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<3x1xi32>, tensor<3x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

func.func @edge(%slot: tensor<8xf32>, %i: tensor<1xi8>, %new: tensor<3xf32>) -> tensor<8xf32> {
  // expected-error@below {{cannot be guarded: it has several inputs or narrow indices, and windows that may lie across the edge}}
  // expected-note@below {{clamp the indices}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0], scatter_dims_to_operand_dims = [0]>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8xf32>, tensor<1xi8>, tensor<3xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

func.func @dynamic(%slot: tensor<?xf32>, %i: tensor<1x1xi32>, %new: tensor<1xf32>) -> tensor<?xf32> {
  // expected-error@below {{cannot be guarded: its shapes are dynamic}}
  // expected-note@below {{clamp the indices}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<?xf32>, tensor<1x1xi32>, tensor<1xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
