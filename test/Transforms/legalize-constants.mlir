// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-legalize-constants)' | filecheck %s
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-legalize-constants,kvlift-legalize-constants)' | filecheck %s

// Tensors of arith.constant become StableHLO's, with their very bits.

// CHECK-LABEL: func.func @tensors
// CHECK-NOT: arith
// CHECK-DAG: %[[A:[^ ]+]] = stablehlo.constant dense<[0x7FC12345, -0.000000e+00]> : tensor<2xf32>
// CHECK-DAG: %[[B:[^ ]+]] = stablehlo.constant dense<true> : tensor<3xi1>
// CHECK-DAG: %[[C:[^ ]+]] = stablehlo.constant dense<-9223372036854775808> : tensor<i64>
// CHECK-DAG: %[[D:[^ ]+]] = stablehlo.constant dense<1.500000e+00> : tensor<2x2xbf16>
// CHECK: return %[[A]], %[[B]], %[[C]], %[[D]]
func.func @tensors() -> (tensor<2xf32>, tensor<3xi1>, tensor<i64>, tensor<2x2xbf16>) {
  %0 = arith.constant dense<[0x7FC12345, -0.0]> : tensor<2xf32>
  %1 = arith.constant dense<true> : tensor<3xi1>
  %2 = arith.constant dense<-9223372036854775808> : tensor<i64>
  %3 = arith.constant dense<1.5> : tensor<2x2xbf16>
  return %0, %1, %2, %3 : tensor<2xf32>, tensor<3xi1>, tensor<i64>, tensor<2x2xbf16>
}

// -----

// torch-mlir builds small tensors from scalars: from constants, or from the one
// element of another tensor. The scalars go with their last use.

// CHECK-LABEL: func.func @from_elements
// CHECK-SAME: (%[[T:[^ ]+]]: tensor<1x1xi64>)
// CHECK-NOT: arith
// CHECK-NOT: tensor.extract
// CHECK-DAG: %[[ROW:[^ ]+]] = stablehlo.constant dense<{{\[\[}}1, -2, 3], [3, -2, 1]]> : tensor<2x3xi64>
// CHECK-DAG: %[[BOOL:[^ ]+]] = stablehlo.constant dense<true> : tensor<i1>
// CHECK-DAG: %[[FLAT:[^ ]+]] = stablehlo.reshape %[[T]] : (tensor<1x1xi64>) -> tensor<1xi64>
// CHECK: return %[[ROW]], %[[BOOL]], %[[FLAT]], %[[T]]
func.func @from_elements(%t: tensor<1x1xi64>) -> (tensor<2x3xi64>, tensor<i1>, tensor<1xi64>, tensor<1x1xi64>) {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1 : i64
  %two = arith.constant -2 : i64
  %three = arith.constant 3 : i64
  %true = arith.constant true
  %0 = tensor.from_elements %one, %two, %three, %three, %two, %one : tensor<2x3xi64>
  %1 = tensor.from_elements %true : tensor<i1>
  %element = tensor.extract %t[%c0, %c0] : tensor<1x1xi64>
  %2 = tensor.from_elements %element : tensor<1xi64>
  %3 = tensor.from_elements %element : tensor<1x1xi64>
  return %0, %1, %2, %3 : tensor<2x3xi64>, tensor<i1>, tensor<1xi64>, tensor<1x1xi64>
}

// -----

// A cast that casts nothing, an assertion that holds, and scalars that nobody
// needs say nothing.

// CHECK-LABEL: func.func @nothing
// CHECK-SAME: (%[[T:[^ ]+]]: tensor<4xf32>)
// CHECK-NEXT: return %[[T]]
func.func @nothing(%t: tensor<4xf32>) -> tensor<4xf32> {
  %true = arith.constant true
  cf.assert %true, "holds"
  %0 = tensor.cast %t : tensor<4xf32> to tensor<4xf32>
  %c1 = arith.constant 1 : index
  %c2 = arith.addi %c1, %c1 : index
  %size = tensor.dim %t, %c1 : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Regions are no hiding place.

// CHECK-LABEL: func.func @nested
// CHECK: stablehlo.while
// CHECK: do
// CHECK-NOT: arith
// CHECK: stablehlo.constant dense<1> : tensor<i32>
// CHECK: stablehlo.add
func.func @nested(%n: tensor<i32>) -> tensor<i32> {
  %0 = stablehlo.while(%i = %n) : tensor<i32>
  cond {
    %less = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %less : tensor<i1>
  } do {
    %one = arith.constant dense<1> : tensor<i32>
    %next = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %next : tensor<i32>
  }
  return %0 : tensor<i32>
}
