// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-simplify-updates)' | filecheck %s

// CHECK-LABEL: func.func @row_in_the_middle
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<8x2xf32> {{{.*}}}, %[[NEW:[^ ]+]]: tensor<1x2xf32>)
// CHECK: %[[FIVE:[^ ]+]] = stablehlo.constant dense<5> : tensor<i32>
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]], %[[NEW]], %[[FIVE]], %{{[^ ]+}} :
// CHECK-NEXT: return %[[DONE]]
func.func @row_in_the_middle(%slot: tensor<8x2xf32> {kvlift.slot = "k"}, %new: tensor<1x2xf32>) -> (tensor<8x2xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.slice %slot [0:5, 0:2] : (tensor<8x2xf32>) -> tensor<5x2xf32>
  %1 = stablehlo.slice %slot [6:8, 0:2] : (tensor<8x2xf32>) -> tensor<2x2xf32>
  %2 = stablehlo.concatenate %0, %new, dim = 0 : (tensor<5x2xf32>, tensor<1x2xf32>) -> tensor<6x2xf32>
  %3 = stablehlo.concatenate %2, %1, dim = 0 : (tensor<6x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>
  return %3 : tensor<8x2xf32>
}

// -----

// Layers that were taken out, updated and stacked again: each update goes to
// the stack where it was, and its reader sees the stack.

// CHECK-LABEL: func.func @stacked_again
// CHECK-SAME: (%[[STACK:[^ ]+]]: tensor<2x8xf32> {{{.*}}}, %[[ROW:[^ ]+]]: tensor<1xf32>, %[[POS:[^ ]+]]: tensor<i32>)
// CHECK: %[[ONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[STACK]], %{{[^ ]+}}, %{{[^ ]+}}, %[[POS]] : (tensor<2x8xf32>, tensor<1x1xf32>
// CHECK: %[[LAYER:[^ ]+]] = stablehlo.dynamic_slice %[[ONE]]
// CHECK: stablehlo.reduce
// CHECK: %[[TWO:[^ ]+]] = stablehlo.dynamic_update_slice %[[ONE]], %{{[^ ]+}}, %{{[^ ]+}}, %[[POS]] : (tensor<2x8xf32>, tensor<1x1xf32>
// CHECK-NOT: stablehlo.concatenate
// CHECK: return %[[TWO]]
func.func @stacked_again(%stack: tensor<2x8xf32> {kvlift.slot = "k"}, %row: tensor<1xf32>, %pos: tensor<i32>) -> (tensor<2x8xf32> {kvlift.slot = "k"}) {
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.slice %stack [0:1, 0:8] : (tensor<2x8xf32>) -> tensor<1x8xf32>
  %1 = stablehlo.reshape %0 : (tensor<1x8xf32>) -> tensor<8xf32>
  %2 = stablehlo.dynamic_update_slice %1, %row, %pos : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  %3 = stablehlo.reduce(%2 init: %f) applies stablehlo.add across dimensions = [0] : (tensor<8xf32>, tensor<f32>) -> tensor<f32>
  %4 = stablehlo.reshape %3 : (tensor<f32>) -> tensor<1xf32>
  %5 = stablehlo.slice %stack [1:2, 0:8] : (tensor<2x8xf32>) -> tensor<1x8xf32>
  %6 = stablehlo.reshape %5 : (tensor<1x8xf32>) -> tensor<8xf32>
  %7 = stablehlo.dynamic_update_slice %6, %4, %pos : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  %8 = stablehlo.reshape %2 : (tensor<8xf32>) -> tensor<1x8xf32>
  %9 = stablehlo.broadcast_in_dim %7, dims = [1] : (tensor<8xf32>) -> tensor<1x8xf32>
  %10 = stablehlo.concatenate %8, %9, dim = 0 : (tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<2x8xf32>
  return %10 : tensor<2x8xf32>
}
