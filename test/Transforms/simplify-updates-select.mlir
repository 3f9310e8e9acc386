// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-simplify-updates)' | filecheck %s

// A one-hot mask: one row, guarded, because a position outside of the slot
// chooses none.

// CHECK-LABEL: func.func @one_hot
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<4x8xf32> {{{.*}}}, %[[ROW:[^ ]+]]: tensor<4xf32>, %[[POS:[^ ]+]]: tensor<i32>)
// CHECK: %[[NEW:[^ ]+]] = stablehlo.broadcast_in_dim %[[ROW]], dims = [0] : (tensor<4xf32>) -> tensor<4x1xf32>
// CHECK: %[[LOW:[^ ]+]] = stablehlo.compare GE, %[[POS]]
// CHECK: %[[HIGH:[^ ]+]] = stablehlo.compare LT, %[[POS]]
// CHECK: %[[OLD:[^ ]+]] = stablehlo.dynamic_slice %[[SLOT]], %{{[^ ]+}}, %[[POS]], sizes = [4, 1]
// CHECK: %[[KEPT:[^ ]+]] = stablehlo.select %{{[^ ]+}}, %[[NEW]], %[[OLD]]
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]], %[[KEPT]], %{{[^ ]+}}, %[[POS]]
// CHECK-NEXT: return %[[DONE]]
func.func @one_hot(%slot: tensor<4x8xf32> {kvlift.slot = "k"}, %row: tensor<4xf32>, %pos: tensor<i32>) -> (tensor<4x8xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.iota dim = 0 : tensor<8xi32>
  %1 = stablehlo.broadcast_in_dim %pos, dims = [] : (tensor<i32>) -> tensor<8xi32>
  %2 = stablehlo.compare NE, %1, %0 : (tensor<8xi32>, tensor<8xi32>) -> tensor<8xi1>
  %3 = stablehlo.broadcast_in_dim %2, dims = [1] : (tensor<8xi1>) -> tensor<4x8xi1>
  %4 = stablehlo.broadcast_in_dim %row, dims = [0] : (tensor<4xf32>) -> tensor<4x8xf32>
  %5 = stablehlo.select %3, %slot, %4 : tensor<4x8xi1>, tensor<4x8xf32>
  return %5 : tensor<4x8xf32>
}

// -----

// Constant rows need no guard, and come from where the new value has them.

// CHECK-LABEL: func.func @constant_rows
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<8xf32> {{{.*}}}, %[[NEW:[^ ]+]]: tensor<8xf32>)
// CHECK: %[[ROWS:[^ ]+]] = stablehlo.slice %[[NEW]] [3:8]
// CHECK: %[[THREE:[^ ]+]] = stablehlo.constant dense<3> : tensor<i32>
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]], %[[ROWS]], %[[THREE]]
// CHECK-NEXT: return %[[DONE]]
func.func @constant_rows(%slot: tensor<8xf32> {kvlift.slot = "k"}, %new: tensor<8xf32>) -> (tensor<8xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.iota dim = 0 : tensor<8xi32>
  %1 = stablehlo.constant dense<2> : tensor<8xi32>
  %2 = stablehlo.compare GT, %0, %1 : (tensor<8xi32>, tensor<8xi32>) -> tensor<8xi1>
  %3 = stablehlo.select %2, %new, %slot : tensor<8xi1>, tensor<8xf32>
  return %3 : tensor<8xf32>
}

// -----

// One condition for all elements.

// CHECK-LABEL: func.func @one_condition
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<8xf32> {{{.*}}}, %[[NEW:[^ ]+]]: tensor<2xf32>, %[[POS:[^ ]+]]: tensor<i64>, %[[FLAG:[^ ]+]]: tensor<i1>)
// CHECK: %[[OLD:[^ ]+]] = stablehlo.dynamic_slice %[[SLOT]], %[[POS]], sizes = [2]
// CHECK: %[[KEPT:[^ ]+]] = stablehlo.select %{{[^ ]+}}, %[[OLD]], %[[NEW]] : tensor<2xi1>, tensor<2xf32>
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]], %[[KEPT]], %[[POS]]
// CHECK-NEXT: return %[[DONE]]
func.func @one_condition(%slot: tensor<8xf32> {kvlift.slot = "k"}, %new: tensor<2xf32>, %pos: tensor<i64>, %flag: tensor<i1>) -> (tensor<8xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.dynamic_update_slice %slot, %new, %pos : (tensor<8xf32>, tensor<2xf32>, tensor<i64>) -> tensor<8xf32>
  %1 = stablehlo.broadcast_in_dim %slot, dims = [0] : (tensor<8xf32>) -> tensor<8xf32>
  %2 = stablehlo.select %flag, %1, %0 : tensor<i1>, tensor<8xf32>
  return %2 : tensor<8xf32>
}

// -----

// A padded mask is a window.

// CHECK-LABEL: func.func @padded
// CHECK: %[[FIVE:[^ ]+]] = stablehlo.constant dense<5> : tensor<i64>
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %arg0, %arg1, %[[FIVE]]
// CHECK-NEXT: return %[[DONE]]
func.func @padded(%slot: tensor<8xf32> {kvlift.slot = "k"}, %new: tensor<2xf32>) -> (tensor<8xf32> {kvlift.slot = "k"}) {
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %yes = stablehlo.constant dense<true> : tensor<2xi1>
  %no = stablehlo.constant dense<false> : tensor<i1>
  %0 = stablehlo.pad %new, %f, low = [5], high = [1], interior = [0] : (tensor<2xf32>, tensor<f32>) -> tensor<8xf32>
  %1 = stablehlo.pad %yes, %no, low = [5], high = [1], interior = [0] : (tensor<2xi1>, tensor<i1>) -> tensor<8xi1>
  %2 = stablehlo.select %1, %0, %slot : tensor<8xi1>, tensor<8xf32>
  return %2 : tensor<8xf32>
}
