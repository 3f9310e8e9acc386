// A kvlift diagnostic shows the source at its place and at its notes' places, also a file that locations name.
// RUN: not kvlift-opt %s --pass-pipeline='builtin.module(kvlift-find-state)' 2>&1 | filecheck %s

func.func @f(%slot: tensor<8xf32>, %row: tensor<1xf32>, %at: tensor<i32>) -> tensor<8xf32> {
  // CHECK: notes.mlir:[[# @LINE + 3]]:{{[0-9]+}}: error:
  // CHECK-NEXT: %new = stablehlo.dynamic_update_slice %slot
  // CHECK-NEXT: {{^ *\^}}
  %new = stablehlo.dynamic_update_slice %slot, %row, %at : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  return %slot : tensor<8xf32>
}
