// A pipeline that cannot run stops the tool before it reads anything.
// RUN: %exits 1 kvlift-opt %s --pass-pipeline='builtin.module(kvlift-find-stat)' 2>&1 | filecheck %s --check-prefix=OURS
// OURS: kvlift-opt: error: unknown pass 'kvlift-find-stat'; did you mean 'kvlift-find-state'?

// RUN: %exits 1 kvlift-opt %s --pass-pipeline='builtin.module(func.func(canonicalise))' 2>&1 | filecheck %s --check-prefix=HOST
// HOST: kvlift-opt: error: unknown pass 'canonicalise'; did you mean 'canonicalize'?

// RUN: %exits 1 kvlift-opt %s --pass-pipeline='builtin.module(zzzzzz)' 2>&1 | filecheck %s --check-prefix=FAR
// FAR: kvlift-opt: error: unknown pass 'zzzzzz'{{$}}

// RUN: %exits 1 kvlift-opt %s --pass-pipeline='builtin.module(kvlift-find-state{lost=1})' 2>&1 | filecheck %s --check-prefix=OPTION
// OPTION: kvlift-opt: error: pass 'kvlift-find-state' has no option 'lost'

// RUN: %exits 1 kvlift-opt %s --pass-pipeline='builtin.module(canonicalize{bogus=1})' 2>&1 | filecheck %s --check-prefix=HOSTOPTION
// HOSTOPTION: kvlift-opt: error: pass pipeline: the host refuses 'canonicalize{bogus=1}'

// RUN: %exits 1 kvlift-opt %s --pass-pipeline='builtin.module(cse' 2>&1 | filecheck %s --check-prefix=SYNTAX
// SYNTAX: kvlift-opt: error: pass pipeline: expected

// RUN: %exits 1 kvlift-opt %s --pass-pipeline=cse 2>&1 | filecheck %s --check-prefix=ANCHOR
// ANCHOR: kvlift-opt: error: pass pipeline: must have the form

// RUN: %exits 1 kvlift-opt %s --pass-pipeline='builtin.module(func.func(kvlift-find-state))' 2>&1 | filecheck %s --check-prefix=NESTED
// NESTED: kvlift-opt: error: pass 'kvlift-find-state' runs on builtin.module and cannot be nested

// The library aborts on a pipeline that is nested wrongly; the tool tells, and ends with 1.
// RUN: %exits 1 kvlift-opt %s --pass-pipeline='builtin.module(func.func(torch-backend-to-stablehlo-backend-pipeline))' 2>&1 | filecheck %s --check-prefix=ABORT
// ABORT: kvlift-opt: error: the MLIR library or a pass ended the process (Aborted); nothing was written

func.func @f(%arg0: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.add %arg0, %arg0 : tensor<4xf32>
  return %0 : tensor<4xf32>
}
