// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-simplify-updates)' | filecheck %s
//
// Scatters whose body combines the update with what is there. Rows that are
// windows are read, combined and written back.

// A row whose position is not known: where it is out of range, the row that the
// slices are moved to stays as it is, NaNs and all: it is selected as integers.

// CHECK-LABEL: func.func @adds
// CHECK-SAME: %[[SLOT:[^ ]+]]: tensor<8x4xbf16>
// CHECK: %[[OLD:[^ ]+]] = stablehlo.dynamic_slice %[[SLOT]], %[[ROW:[^ ]+]], %[[ZERO:[^ ]+]], sizes = [1, 4]
// CHECK: %[[SUM:[^ ]+]] = stablehlo.add %[[OLD]], %{{[^ ]+}} : tensor<1x4xbf16>
// CHECK: %[[NEWBITS:[^ ]+]] = stablehlo.bitcast_convert %[[SUM]]
// CHECK: %[[OLDBITS:[^ ]+]] = stablehlo.bitcast_convert %[[OLD]]
// CHECK: %[[BITS:[^ ]+]] = stablehlo.select %{{[^ ]+}}, %[[NEWBITS]], %[[OLDBITS]]
// CHECK: %[[KEPT:[^ ]+]] = stablehlo.bitcast_convert %[[BITS]] : (tensor<1x4xi16>) -> tensor<1x4xbf16>
// CHECK: %[[NEW:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]], %[[KEPT]], %[[ROW]], %[[ZERO]]
// CHECK: return %[[NEW]]
func.func @adds(%slot: tensor<8x4xbf16> {kvlift.slot = "k"}, %i: tensor<1x1xi32>, %new: tensor<1x4xbf16>) -> (tensor<8x4xbf16> {kvlift.slot = "k"}) {
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<bf16>, %y: tensor<bf16>):
    %s = stablehlo.add %x, %y : tensor<bf16>
    stablehlo.return %s : tensor<bf16>
  }) : (tensor<8x4xbf16>, tensor<1x1xi32>, tensor<1x4xbf16>) -> tensor<8x4xbf16>
  return %0 : tensor<8x4xbf16>
}

// -----

// A longer body, its operands in their order, its constant spread; the position
// is in range.

// CHECK-LABEL: func.func @decays
// CHECK-SAME: %[[SLOT:[^ ]+]]: tensor<8x4xf32>
// CHECK: %[[OLD:[^ ]+]] = stablehlo.dynamic_slice %[[SLOT]]
// CHECK: %[[HALF:[^ ]+]] = stablehlo.constant dense<5.000000e-01> : tensor<f32>
// CHECK: %[[HALVES:[^ ]+]] = stablehlo.broadcast_in_dim %[[HALF]], dims = [] : (tensor<f32>) -> tensor<1x4xf32>
// CHECK: %[[LESS:[^ ]+]] = stablehlo.multiply %[[OLD]], %[[HALVES]]
// CHECK: %[[NEW:[^ ]+]] = stablehlo.subtract %{{[^ ]+}}, %[[LESS]] : tensor<1x4xf32>
// CHECK-NOT: select
// CHECK: stablehlo.dynamic_update_slice %[[SLOT]], %[[NEW]]
func.func @decays(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %new: tensor<1x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %i = stablehlo.constant dense<3> : tensor<1x1xi32>
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    %half = stablehlo.constant dense<0.5> : tensor<f32>
    %less = stablehlo.multiply %x, %half : tensor<f32>
    %s = stablehlo.subtract %y, %less : tensor<f32>
    stablehlo.return %s : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<1x1xi32>, tensor<1x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// Two updates of one row: an overwriting scatter would keep the last, this one
// adds both, one after the other.

// CHECK-LABEL: func.func @twice
// CHECK-SAME: %[[SLOT:[^ ]+]]: tensor<8x4xf32>
// CHECK: %[[OLD:[^ ]+]] = stablehlo.dynamic_slice %[[SLOT]]
// CHECK: stablehlo.add %[[OLD]]
// CHECK: %[[ONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]]
// CHECK: %[[THEN:[^ ]+]] = stablehlo.dynamic_slice %[[ONE]]
// CHECK: stablehlo.add %[[THEN]]
// CHECK: %[[BOTH:[^ ]+]] = stablehlo.dynamic_update_slice %[[ONE]]
// CHECK: return %[[BOTH]]
func.func @twice(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %new: tensor<2x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %i = stablehlo.constant dense<3> : tensor<2x1xi32>
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    %s = stablehlo.add %x, %y : tensor<f32>
    stablehlo.return %s : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<2x1xi32>, tensor<2x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// A body that returns the old value writes nothing.

// CHECK-LABEL: func.func @keeps
// CHECK-SAME: %[[SLOT:[^ ]+]]: tensor<8x4xf32>
// CHECK: %[[OLD:[^ ]+]] = stablehlo.dynamic_slice %[[SLOT]]
// CHECK: stablehlo.dynamic_update_slice %[[SLOT]], %[[OLD]]
func.func @keeps(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %new: tensor<1x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %i = stablehlo.constant dense<3> : tensor<1x1xi32>
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %x : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<1x1xi32>, tensor<1x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}
