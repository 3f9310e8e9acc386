// When a step fails, nothing of what the steps before it did gets out: no
// result, and an output file that was there stays as it was.
//
// RUN: echo untouched > %t
// RUN: not kvlift-opt %s -o %t --pass-pipeline='builtin.module(kvlift-find-state{state=arg0:result0},kvlift-find-state{state=arg0:result1})' 2>&1 | filecheck %s
// RUN: filecheck --check-prefix=FILE --input-file=%t %s
// RUN: not kvlift-opt %s --pass-pipeline='builtin.module(kvlift-find-state{state=arg0:result0},kvlift-find-state{state=arg0:result1})' 2>%t.err >%t.out
// RUN: test ! -s %t.out
//
// CHECK: error: option 'state' cannot tie argument #0 to result #1 of function 'main': one of them is part of another slot
// CHECK-NOT: func.func @main{{.*}}kvlift
// FILE: untouched
// FILE-NOT: func.func
func.func @main(%a: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  return %a, %a : tensor<4xf32>, tensor<4xf32>
}
