// The same input gives the same bytes, in every format, and the same diagnostics in the same order.
// RUN: kvlift-opt %s --pass-pipeline='builtin.module(cse,kvlift-find-state,kvlift-tie-state)' --mlir-print-debuginfo -o %t.1 2> %t.e1
// RUN: kvlift-opt %s --pass-pipeline='builtin.module(cse,kvlift-find-state,kvlift-tie-state)' --mlir-print-debuginfo -o %t.2 2> %t.e2
// RUN: cmp %t.1 %t.2 && cmp %t.e1 %t.e2
// RUN: kvlift-opt %s --target-version=1.9.0 -o %t.5 && kvlift-opt %s --target-version=1.9.0 -o %t.6 && cmp %t.5 %t.6

// Functions are verified in parallel, but reported in order.
// RUN: %exits 1 kvlift-opt %S/Inputs/many-errors.mlir > %t.7 2>&1
// RUN: %exits 1 kvlift-opt %S/Inputs/many-errors.mlir > %t.8 2>&1
// RUN: cmp %t.7 %t.8 && filecheck %s < %t.7
// CHECK: many-errors.mlir:2:3: error
// CHECK: many-errors.mlir:5:3: error
// CHECK: many-errors.mlir:8:3: error
// CHECK: many-errors.mlir:11:3: error

func.func @f(%k: tensor<8xf32>, %v: tensor<8xf32>, %row: tensor<1xf32>, %at: tensor<i32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %0 = stablehlo.dynamic_update_slice %k, %row, %at : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  %1 = stablehlo.dynamic_update_slice %v, %row, %at : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  return %1, %0 : tensor<8xf32>, tensor<8xf32>
}
func.func @g(%k: tensor<8xf32>, %row: tensor<1xf32>, %at: tensor<i32>) -> tensor<8xf32> {
  %0 = stablehlo.dynamic_update_slice %k, %row, %at : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
