// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-simplify-updates)' | filecheck %s

// CHECK-LABEL: func.func @transposed
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<4x8x2xf32> {{{.*}}}, %[[ROW:[^ ]+]]: tensor<1x4x2xf32>, %[[POS:[^ ]+]]: tensor<i32>)
// CHECK: %[[ZERO:[^ ]+]] = stablehlo.constant dense<0> : tensor<i32>
// CHECK-NOT: tensor<8x4x2xf32>
// CHECK: %[[TURNED:[^ ]+]] = stablehlo.transpose %[[ROW]], dims = [1, 0, 2]
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]], %[[TURNED]], %[[ZERO]], %[[POS]], %[[ZERO]]
// CHECK-NOT: tensor<8x4x2xf32>
// CHECK: return %[[DONE]]
func.func @transposed(%slot: tensor<4x8x2xf32> {kvlift.slot = "k"}, %row: tensor<1x4x2xf32>, %pos: tensor<i32>) -> (tensor<4x8x2xf32> {kvlift.slot = "k"}) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %0 = stablehlo.transpose %slot, dims = [1, 0, 2] : (tensor<4x8x2xf32>) -> tensor<8x4x2xf32>
  %1 = stablehlo.dynamic_update_slice %0, %row, %pos, %z, %z : (tensor<8x4x2xf32>, tensor<1x4x2xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x4x2xf32>
  %2 = stablehlo.transpose %1, dims = [1, 0, 2] : (tensor<8x4x2xf32>) -> tensor<4x8x2xf32>
  return %2 : tensor<4x8x2xf32>
}

// -----

// Unit dims come and go, other dims are merged where the update covers them,
// and a barrier moves behind the update with the view above it.

// CHECK-LABEL: func.func @reshaped_turned
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<1x4x8x2xf32>
// CHECK-NOT: tensor<8x8xf32>
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]], %{{[^ ]+}}, %{{[^ ]+}}, %{{[^ ]+}}, %arg2, %{{[^ ]+}} : (tensor<1x4x8x2xf32>, tensor<1x4x1x2xf32>
// CHECK: %[[BEHIND:[^ ]+]] = stablehlo.optimization_barrier %{{[^ ]+}} : tensor<8x8xf32>
// CHECK: return
func.func @reshaped_turned(%slot: tensor<1x4x8x2xf32> {kvlift.slot = "k"}, %row: tensor<1x8xf32>, %pos: tensor<i32>) -> (tensor<1x4x8x2xf32> {kvlift.slot = "k"}) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %0 = stablehlo.transpose %slot, dims = [2, 0, 1, 3] : (tensor<1x4x8x2xf32>) -> tensor<8x1x4x2xf32>
  %1 = stablehlo.reshape %0 : (tensor<8x1x4x2xf32>) -> tensor<8x8xf32>
  %2 = stablehlo.optimization_barrier %1 : tensor<8x8xf32>
  %3 = stablehlo.dynamic_update_slice %2, %row, %pos, %z : (tensor<8x8xf32>, tensor<1x8xf32>, tensor<i32>, tensor<i32>) -> tensor<8x8xf32>
  %4 = stablehlo.reshape %3 : (tensor<8x8xf32>) -> tensor<8x1x4x2xf32>
  %5 = stablehlo.transpose %4, dims = [1, 2, 0, 3] : (tensor<8x1x4x2xf32>) -> tensor<1x4x8x2xf32>
  return %5 : tensor<1x4x8x2xf32>
}

// -----

// CHECK-LABEL: func.func @bits
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<8x2xf32> {{{.*}}}, %[[ROW:[^ ]+]]: tensor<1x2xi32>
// CHECK: %[[BITS:[^ ]+]] = stablehlo.bitcast_convert %[[ROW]] : (tensor<1x2xi32>) -> tensor<1x2xf32>
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]], %[[BITS]]
// CHECK-NEXT: return %[[DONE]]
func.func @bits(%slot: tensor<8x2xf32> {kvlift.slot = "k"}, %row: tensor<1x2xi32>, %pos: tensor<i32>) -> (tensor<8x2xf32> {kvlift.slot = "k"}) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %0 = stablehlo.bitcast_convert %slot : (tensor<8x2xf32>) -> tensor<8x2xi32>
  %1 = stablehlo.dynamic_update_slice %0, %row, %pos, %z : (tensor<8x2xi32>, tensor<1x2xi32>, tensor<i32>, tensor<i32>) -> tensor<8x2xi32>
  %2 = stablehlo.bitcast_convert %1 : (tensor<8x2xi32>) -> tensor<8x2xf32>
  return %2 : tensor<8x2xf32>
}

// -----

// Half of a merged dim is no window of the slot.

// CHECK-LABEL: func.func @half_of_a_merged_dim
// CHECK: %[[FLAT:[^ ]+]] = stablehlo.reshape %arg0
// CHECK: stablehlo.dynamic_update_slice %[[FLAT]]
func.func @half_of_a_merged_dim(%slot: tensor<4x8xf32> {kvlift.slot = "k"}, %part: tensor<5xf32>, %pos: tensor<i32>) -> (tensor<4x8xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.reshape %slot : (tensor<4x8xf32>) -> tensor<32xf32>
  %1 = stablehlo.dynamic_update_slice %0, %part, %pos : (tensor<32xf32>, tensor<5xf32>, tensor<i32>) -> tensor<32xf32>
  %2 = stablehlo.reshape %1 : (tensor<32xf32>) -> tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// -----

// The old rows that a guard keeps come from the slot too, not from its view;
// rows of another place stay with the view.

// CHECK-LABEL: func.func @guarded_view
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<2x3x8x4xf32> {{{.*}}}, %[[ROW:[^ ]+]]: tensor<6x1x4xf32>, %[[POS:[^ ]+]]: tensor<i32>, %[[ELSE:[^ ]+]]: tensor<i32>, %{{[^ ]+}}: tensor<6x1x4xi1>)
// CHECK: %[[VIEW:[^ ]+]] = stablehlo.reshape %[[SLOT]]
// CHECK: %[[OLD:[^ ]+]] = stablehlo.dynamic_slice %[[SLOT]], %{{[^ ]+}}, %{{[^ ]+}}, %[[POS]], %{{[^ ]+}}, sizes = [2, 3, 1, 4]
// CHECK-NEXT: %[[SHOWN:[^ ]+]] = stablehlo.reshape %[[OLD]] : (tensor<2x3x1x4xf32>) -> tensor<6x1x4xf32>
// CHECK: %[[OTHER:[^ ]+]] = stablehlo.dynamic_slice %[[VIEW]], %{{[^ ]+}}, %[[ELSE]]
// CHECK: %[[KEPT:[^ ]+]] = stablehlo.select %{{[^ ]+}}, %[[ROW]], %[[SHOWN]]
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]]
// CHECK: return %[[DONE]], %[[OTHER]]
func.func @guarded_view(%slot: tensor<2x3x8x4xf32> {kvlift.slot = "k"}, %row: tensor<6x1x4xf32>, %pos: tensor<i32>, %else: tensor<i32>, %inside: tensor<6x1x4xi1>)
    -> (tensor<2x3x8x4xf32> {kvlift.slot = "k"}, tensor<6x1x4xf32>) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %0 = stablehlo.reshape %slot : (tensor<2x3x8x4xf32>) -> tensor<6x8x4xf32>
  %1 = stablehlo.dynamic_slice %0, %z, %pos, %z, sizes = [6, 1, 4] : (tensor<6x8x4xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<6x1x4xf32>
  %2 = stablehlo.dynamic_slice %0, %z, %else, %z, sizes = [6, 1, 4] : (tensor<6x8x4xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<6x1x4xf32>
  %3 = stablehlo.select %inside, %row, %1 : tensor<6x1x4xi1>, tensor<6x1x4xf32>
  %4 = stablehlo.dynamic_update_slice %0, %3, %z, %pos, %z : (tensor<6x8x4xf32>, tensor<6x1x4xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<6x8x4xf32>
  %5 = stablehlo.reshape %4 : (tensor<6x8x4xf32>) -> tensor<2x3x8x4xf32>
  return %5, %2 : tensor<2x3x8x4xf32>, tensor<6x1x4xf32>
}

// -----

// What has slid is no version of the slot any more; the row that is written
// into it still needs no transposes. Hugging Face's full sliding cache.

// CHECK-LABEL: func.func @slid_then_written
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<2x8x4xf32> {{{.*}}}, %[[ROW:[^ ]+]]: tensor<1x2x4xf32>
// CHECK-NOT: stablehlo.scatter
// CHECK: %[[SLID:[^ ]+]] = stablehlo.concatenate
// CHECK-NOT: tensor<8x2x4xf32>
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLID]]
// CHECK-NOT: tensor<8x2x4xf32>
// CHECK: return %[[DONE]]
func.func @slid_then_written(%slot: tensor<2x8x4xf32> {kvlift.slot = "k"}, %row: tensor<1x2x4xf32>, %pos: tensor<1x1xi64>) -> (tensor<2x8x4xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.slice %slot [0:2, 1:8, 0:4] : (tensor<2x8x4xf32>) -> tensor<2x7x4xf32>
  %1 = stablehlo.slice %slot [0:2, 0:1, 0:4] : (tensor<2x8x4xf32>) -> tensor<2x1x4xf32>
  %2 = stablehlo.concatenate %0, %1, dim = 1 : (tensor<2x7x4xf32>, tensor<2x1x4xf32>) -> tensor<2x8x4xf32>
  %3 = stablehlo.transpose %2, dims = [1, 0, 2] : (tensor<2x8x4xf32>) -> tensor<8x2x4xf32>
  %4 = "stablehlo.scatter"(%3, %pos, %row) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<f32>, %new: tensor<f32>):
    stablehlo.return %new : tensor<f32>
  }) : (tensor<8x2x4xf32>, tensor<1x1xi64>, tensor<1x2x4xf32>) -> tensor<8x2x4xf32>
  %5 = stablehlo.transpose %4, dims = [1, 0, 2] : (tensor<8x2x4xf32>) -> tensor<2x8x4xf32>
  return %5 : tensor<2x8x4xf32>
}

// -----

// A cube turned on by the same transpose is not turned back, although its shape is
// the slot's: the update moves to the slot, and both transposes stay behind it.

// CHECK-LABEL: func.func @turned_further
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %arg0, %{{[^ ]+}}, %{{[^ ]+}}, %arg2, %{{[^ ]+}} :
// CHECK: %[[ONCE:[^ ]+]] = stablehlo.transpose %[[DONE]], dims = [1, 2, 0]
// CHECK: %[[TWICE:[^ ]+]] = stablehlo.transpose %[[ONCE]], dims = [1, 2, 0]
// CHECK: return %[[TWICE]]
func.func @turned_further(%slot: tensor<4x4x4xf32> {kvlift.slot = "k"}, %new: tensor<1x4x4xf32>, %p: tensor<i32>) -> (tensor<4x4x4xf32> {kvlift.slot = "k"}) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %0 = stablehlo.transpose %slot, dims = [1, 2, 0] : (tensor<4x4x4xf32>) -> tensor<4x4x4xf32>
  %1 = stablehlo.dynamic_update_slice %0, %new, %p, %z, %z : (tensor<4x4x4xf32>, tensor<1x4x4xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<4x4x4xf32>
  %2 = stablehlo.transpose %1, dims = [1, 2, 0] : (tensor<4x4x4xf32>) -> tensor<4x4x4xf32>
  return %2 : tensor<4x4x4xf32>
}

// -----

// A view without dims: its update has no start.

// CHECK-LABEL: func.func @scalar_view
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<1xf32> {{{.*}}}, %[[NEW:[^ ]+]]: tensor<f32>)
// CHECK: %[[ROW:[^ ]+]] = stablehlo.reshape %[[NEW]] : (tensor<f32>) -> tensor<1xf32>
// CHECK: %[[ZERO:[^ ]+]] = stablehlo.constant dense<0> : tensor<i32>
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]], %[[ROW]], %[[ZERO]]
// CHECK: return %[[DONE]]
func.func @scalar_view(%slot: tensor<1xf32> {kvlift.slot = "k"}, %new: tensor<f32>) -> (tensor<1xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.reshape %slot : (tensor<1xf32>) -> tensor<f32>
  %1 = "stablehlo.dynamic_update_slice"(%0, %new) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %2 = stablehlo.reshape %1 : (tensor<f32>) -> tensor<1xf32>
  return %2 : tensor<1xf32>
}
