// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-simplify-reads{target=iree:cpu})' | filecheck %s
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-simplify-reads{target=pjrt:cpu})' | filecheck %s --check-prefix=PJRT
// RUN: not kvlift-opt %s --pass-pipeline='builtin.module(kvlift-simplify-reads{target=tpu})' 2>&1 | filecheck %s --check-prefix=TARGET
// TARGET: error: target=tpu is not one of any, pjrt:cpu, pjrt:cuda, iree:cpu

// IREE transposes a whole weight for a product with a row. With the weight
// first it reads the rows of the weight one after the other.

// CHECK-LABEL: func.func @one_row
// CHECK-SAME: (%[[ROW:[^ ]+]]: tensor<1x4xf32>, %[[WEIGHT:[^ ]+]]: tensor<6x4xf32>)
// CHECK-NEXT: %[[DOT:[^ ]+]] = stablehlo.dot_general %[[WEIGHT]], %[[ROW]], contracting_dims = [1] x [1] : (tensor<6x4xf32>, tensor<1x4xf32>) -> tensor<6x1xf32>
// CHECK-NEXT: %[[RESULT:[^ ]+]] = stablehlo.transpose %[[DOT]], dims = [1, 0]
// CHECK-NEXT: return %[[RESULT]]
// PJRT-LABEL: func.func @one_row
// PJRT: stablehlo.transpose %arg1
// PJRT: stablehlo.dot_general %arg0
func.func @one_row(%row: tensor<1x4xf32>, %weight: tensor<6x4xf32>) -> tensor<1x6xf32> {
  %0 = stablehlo.transpose %weight, dims = [1, 0] : (tensor<6x4xf32>) -> tensor<4x6xf32>
  %1 = stablehlo.dot_general %row, %0, contracting_dims = [1] x [0] : (tensor<1x4xf32>, tensor<4x6xf32>) -> tensor<1x6xf32>
  return %1 : tensor<1x6xf32>
}

// -----

// Several rows are a product of matrices, for which IREE packs the weight in
// either order, and XLA:CPU more slowly if it is transposed. XLA folds the
// transpose of a product into it, which the barrier prevents.

// CHECK-LABEL: func.func @two_rows
// CHECK: stablehlo.transpose %arg1
// CHECK: stablehlo.dot_general %arg0
// PJRT-LABEL: func.func @two_rows
// PJRT-SAME: (%[[ROWS:[^ ]+]]: tensor<2x4xf32>, %[[WEIGHT:[^ ]+]]: tensor<6x4xf32>)
// PJRT-NEXT: %[[DOT:[^ ]+]] = stablehlo.dot_general %[[WEIGHT]], %[[ROWS]], contracting_dims = [1] x [1] : (tensor<6x4xf32>, tensor<2x4xf32>) -> tensor<6x2xf32>
// PJRT-NEXT: %[[KEPT:[^ ]+]] = stablehlo.optimization_barrier %[[DOT]]
// PJRT-NEXT: %[[RESULT:[^ ]+]] = stablehlo.transpose %[[KEPT]], dims = [1, 0]
// PJRT-NEXT: return %[[RESULT]]
func.func @two_rows(%rows: tensor<2x4xf32>, %weight: tensor<6x4xf32>) -> tensor<2x6xf32> {
  %0 = stablehlo.transpose %weight, dims = [1, 0] : (tensor<6x4xf32>) -> tensor<4x6xf32>
  %1 = stablehlo.dot_general %rows, %0, contracting_dims = [1] x [0] : (tensor<2x4xf32>, tensor<4x6xf32>) -> tensor<2x6xf32>
  return %1 : tensor<2x6xf32>
}

// -----

// Many rows pay for the packing, on either target.

// CHECK-LABEL: func.func @many_rows
// CHECK: stablehlo.transpose %arg1
// CHECK: stablehlo.dot_general %arg0
// PJRT-LABEL: func.func @many_rows
// PJRT: stablehlo.transpose %arg1
// PJRT: stablehlo.dot_general %arg0
func.func @many_rows(%rows: tensor<33x4xf32>, %weight: tensor<6x4xf32>) -> tensor<33x6xf32> {
  %0 = stablehlo.transpose %weight, dims = [1, 0] : (tensor<6x4xf32>) -> tensor<4x6xf32>
  %1 = stablehlo.dot_general %rows, %0, contracting_dims = [1] x [0] : (tensor<33x4xf32>, tensor<4x6xf32>) -> tensor<33x6xf32>
  return %1 : tensor<33x6xf32>
}

// -----

// A weight that lies as the product reads it, and one that is computed.

// CHECK-LABEL: func.func @not_turned
// CHECK: stablehlo.dot_general %arg0, %arg1
// CHECK: %[[COMPUTED:[^ ]+]] = stablehlo.add
// CHECK: %[[TURNED:[^ ]+]] = stablehlo.transpose %[[COMPUTED]]
// CHECK: stablehlo.dot_general %arg0, %[[TURNED]]
func.func @not_turned(%row: tensor<1x4xf32>, %weight: tensor<4x6xf32>, %other: tensor<6x4xf32>) -> (tensor<1x6xf32>, tensor<1x6xf32>) {
  %0 = stablehlo.dot_general %row, %weight, contracting_dims = [1] x [0] : (tensor<1x4xf32>, tensor<4x6xf32>) -> tensor<1x6xf32>
  %1 = stablehlo.add %other, %other : tensor<6x4xf32>
  %2 = stablehlo.transpose %1, dims = [1, 0] : (tensor<6x4xf32>) -> tensor<4x6xf32>
  %3 = stablehlo.dot_general %row, %2, contracting_dims = [1] x [0] : (tensor<1x4xf32>, tensor<4x6xf32>) -> tensor<1x6xf32>
  return %0, %3 : tensor<1x6xf32>, tensor<1x6xf32>
}
