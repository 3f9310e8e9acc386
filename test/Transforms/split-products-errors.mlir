// RUN: not kvlift-opt %s --pass-pipeline='builtin.module(kvlift-split-products{target=pjrt:cpu bytes=many})' 2>&1 | filecheck %s --check-prefix=MANY
// RUN: not kvlift-opt %s --pass-pipeline='builtin.module(kvlift-split-products{target=pjrt:cpu bytes=0})' 2>&1 | filecheck %s --check-prefix=NONE
// RUN: not kvlift-opt %s --pass-pipeline='builtin.module(kvlift-split-products{target=tpu})' 2>&1 | filecheck %s --check-prefix=TARGET

// Options come from the user.

// MANY: error: bytes=many is no number of bytes above 0
// NONE: error: bytes=0 is no number of bytes above 0
// TARGET: error: target=tpu is not one of any, pjrt:cpu
func.func @main(%a: tensor<2xf32>) -> tensor<2xf32> {
  return %a : tensor<2xf32>
}
