// RUN: not kvlift-opt %s --pass-pipeline='builtin.module(kvlift-await-sums{target=tpu})' 2>&1 | filecheck %s

// The target comes from the user.

// CHECK: error: target=tpu is not one of any, pjrt:cpu
func.func @main(%a: tensor<2xf32>) -> tensor<2xf32> {
  return %a : tensor<2xf32>
}
