// The module before and after each pass goes to standard error, the result to standard output.
// RUN: kvlift-opt %s --pass-pipeline='builtin.module(func.func(canonicalize{top-down=true}),kvlift-find-state,cse)' --mlir-print-ir-before-all --mlir-print-ir-after-all -o %t 2>&1 | filecheck %s
// RUN: filecheck %s --check-prefix=RESULT < %t
// RUN: kvlift-opt %s --pass-pipeline='builtin.module(func.func(canonicalize),kvlift-find-state,cse)' --mlir-print-ir-before=canonicalize,cse --mlir-print-ir-after=kvlift-find-state -o %t 2>&1 | filecheck %s --check-prefix=SOME

// CHECK: IR Dump Before func.func(canonicalize{top-down=true}) //
// CHECK: stablehlo.add
// CHECK: IR Dump After func.func(canonicalize{top-down=true}) //
// CHECK-NOT: stablehlo.add
// CHECK: IR Dump Before kvlift-find-state //
// CHECK: IR Dump After kvlift-find-state //
// CHECK: IR Dump Before cse //
// CHECK: IR Dump After cse //

// RESULT: func.func @f
// RESULT-NOT: IR Dump

// SOME: IR Dump Before func.func(canonicalize) //
// SOME-NOT: IR Dump After func.func(canonicalize)
// SOME-NOT: IR Dump Before kvlift-find-state
// SOME: IR Dump After kvlift-find-state //
// SOME: IR Dump Before cse //
// SOME-NOT: IR Dump

func.func @f(%arg0: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.add %arg0, %arg0 : tensor<4xf32>
  return %arg0 : tensor<4xf32>
}
