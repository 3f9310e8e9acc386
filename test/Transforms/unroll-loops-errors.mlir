// RUN: not kvlift-opt %s --pass-pipeline='builtin.module(kvlift-unroll-loops{target=abacus})' 2>&1 | filecheck %s --check-prefix=TARGET
// RUN: not kvlift-opt %s --pass-pipeline='builtin.module(kvlift-unroll-loops{target=iree:cpu limit=many})' 2>&1 | filecheck %s --check-prefix=LIMIT
// RUN: not kvlift-opt %s --pass-pipeline='builtin.module(kvlift-unroll-loops{target=iree:cpu limit=-1})' 2>&1 | filecheck %s --check-prefix=NEGATIVE
//
// Options that mean nothing.

// TARGET: error: target=abacus is not one of any, pjrt:cpu, pjrt:cuda, iree:cpu
// LIMIT: error: limit=many is not a number of ops
// NEGATIVE: error: limit=-1 is not a number of ops
func.func @main(%c: tensor<16xf32>) -> tensor<16xf32> {
  return %c : tensor<16xf32>
}
