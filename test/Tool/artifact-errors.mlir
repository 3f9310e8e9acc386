// What an artifact cannot hold is named at its place, and no file appears.
// RUN: rm -f %t
// RUN: %exits 1 kvlift-opt %s --emit-artifact -o %t 2>&1 | filecheck %s
// RUN: not ls %t

// CHECK: artifact-errors.mlir:[[# @LINE + 2]]:8: error: a portable artifact of this version cannot hold 'arith.constant', only
func.func @f() -> tensor<4xf32> {
  %0 = arith.constant dense<1.0> : tensor<4xf32>
  return %0 : tensor<4xf32>
}
