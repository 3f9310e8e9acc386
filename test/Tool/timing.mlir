// A table on standard error names each pass with seconds and percent.
// RUN: kvlift-opt %s --pass-pipeline='builtin.module(func.func(cse),kvlift-find-state)' --mlir-timing -o %t 2>&1 | filecheck %s
// RUN: filecheck %s --check-prefix=RESULT < %t

// CHECK: ... Execution time report ...
// CHECK: ----Wall Time----  ----Name----
// CHECK-NEXT: {{[0-9]+\.[0-9]+}} ({{ *[0-9.]+}}%)  Parser
// CHECK-NEXT: {{[0-9]+\.[0-9]+}} ({{ *[0-9.]+}}%)  func.func(cse)
// CHECK-NEXT: {{[0-9]+\.[0-9]+}} ({{ *[0-9.]+}}%)  kvlift-find-state
// CHECK-NEXT: {{[0-9]+\.[0-9]+}} ({{ *[0-9.]+}}%)  Output
// CHECK-NEXT: {{[0-9]+\.[0-9]+}} (100.0%)  Total

// RESULT: func.func @f

func.func @f(%arg0: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.add %arg0, %arg0 : tensor<4xf32>
  return %0 : tensor<4xf32>
}
