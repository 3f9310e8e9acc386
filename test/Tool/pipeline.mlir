// kvlift's passes and the host's run in one pipeline, with options and nesting.
// RUN: kvlift-opt %s --pass-pipeline='builtin.module( func.func( cse, canonicalize{max-iterations=2 top-down=true} ), kvlift-find-state{lost-updates=ignore}, kvlift-tie-state, symbol-dce )' | filecheck %s
// RUN: kvlift-opt %s --pass-pipeline 'builtin.module()' | filecheck %s --check-prefix=NOTHING

// CHECK: func.func @f(%[[SLOT:.*]]: tensor<8xf32> {{{.*}}tf.aliasing_output = 0 : i32{{.*}}}
// CHECK-NOT: stablehlo.multiply
// CHECK: stablehlo.dynamic_update_slice %[[SLOT]]
// CHECK-NOT: @unused

// NOTHING: stablehlo.multiply
// NOTHING: @unused
func.func @f(%slot: tensor<8xf32>, %row: tensor<1xf32>, %at: tensor<i32>) -> tensor<8xf32> {
  %dead = stablehlo.multiply %slot, %slot : tensor<8xf32>
  %new = stablehlo.dynamic_update_slice %slot, %row, %at : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  return %new : tensor<8xf32>
}
func.func private @unused() { return }
