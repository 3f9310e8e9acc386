// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-tie-state)'

// The argument itself comes back beside its update: the storage has the new
// contents by then.

func.func @old_argument(%a: tensor<4xf32> {kvlift.slot = "a"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<4xf32>, tensor<4xf32> {kvlift.slot = "a"}) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  // expected-error@below {{slot 'a': result #0 returns an old version beside the updated one in result #1}}
  // expected-note@below {{the runtimes overwrite it in place; return a value computed from it, or do not tie it}}
  return %a, %0 : tensor<4xf32>, tensor<4xf32>
}

// -----

// So does a version in the middle of the chain, in another shape.

func.func @old_version(%a: tensor<4xf32> {kvlift.slot = "a"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<4xf32> {kvlift.slot = "a"}, tensor<2x2xf32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %0, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %2 = stablehlo.reshape %0 : (tensor<4xf32>) -> tensor<2x2xf32>
  // expected-error@below {{slot 'a': result #1 returns an old version beside the updated one in result #0}}
  // expected-note@below {{the runtimes overwrite it in place}}
  return %1, %2 : tensor<4xf32>, tensor<2x2xf32>
}

// -----

// Whole-value state has no update op; its old value is overwritten as well.

func.func @old_counter(%pos: tensor<i32> {kvlift.slot = "pos"}) -> (tensor<i32> {kvlift.slot = "pos"}, tensor<i32>) {
  %0 = stablehlo.add %pos, %pos : tensor<i32>
  // expected-error@below {{slot 'pos': result #1 returns an old version}}
  // expected-note@below {{the runtimes overwrite it in place}}
  return %0, %pos : tensor<i32>, tensor<i32>
}

// -----

// Contradicting marks are refused here too: somebody may have edited them.

// expected-error@below {{slot 'a' is on argument #0 but on no result of function 'half'}}
func.func @half(%a: tensor<4xf32> {kvlift.slot = "a"}) -> tensor<4xf32> {
  return %a : tensor<4xf32>
}

// -----

// Two arguments would share one result.

// expected-error@below {{slot 'a': argument #1 aliases its result #0 as well; run kvlift-find-state first}}
func.func @shared_result(%a: tensor<4xf32> {kvlift.slot = "a"}, %b: tensor<4xf32> {tf.aliasing_output = 0 : i32}) -> (tensor<4xf32> {kvlift.slot = "a"}) {
  return %a : tensor<4xf32>
}
