// RUN: kvlift-opt %s --pass-pipeline='builtin.module(kvlift-simplify-reads)' | filecheck %s
//
// A sum over two dims keeps the order in which it was written, which is not the
// order of the dims: floats would round differently.

// CHECK-LABEL: func.func @order
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<3x3x2x3xf32> {{{.*}}}, %[[OTHER:[^ ]+]]: tensor<2x3xf32>)
// CHECK: %[[SUM:[^ ]+]] = stablehlo.dot_general %[[OTHER]], %[[SLOT]], contracting_dims = [1, 0] x [1, 2]
// CHECK: return %[[SUM]]
func.func @order(%slot: tensor<3x3x2x3xf32> {kvlift.slot = "k"}, %other: tensor<2x3xf32>) -> tensor<3x3xf32> {
  %0 = stablehlo.transpose %slot, dims = [0, 1, 3, 2] : (tensor<3x3x2x3xf32>) -> tensor<3x3x3x2xf32>
  %1 = stablehlo.dot_general %other, %0, contracting_dims = [1, 0] x [1, 3] : (tensor<2x3xf32>, tensor<3x3x3x2xf32>) -> tensor<3x3xf32>
  return %1 : tensor<3x3xf32>
}
