// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-unlift)'

// Without its marks nobody could tell that this module was never lifted.

// expected-error@below {{slot 'a' is on argument #0 but on no result of function 'half'}}
func.func @half(%a: tensor<4xf32> {kvlift.slot = "a"}) -> tensor<4xf32> {
  return %a : tensor<4xf32>
}

// -----

// The tie says another result than the marks.

// expected-error@below {{slot 'a' is marked on result #0, but tf.aliasing_output ties argument #0 to result #1}}
// expected-note@below {{run kvlift-tie-state first, or remove the wrong one}}
func.func @torn(%a: tensor<4xf32> {kvlift.slot = "a", tf.aliasing_output = 1 : i32})
    -> (tensor<4xf32> {kvlift.slot = "a"}, tensor<4xf32>) {
  return %a, %a : tensor<4xf32>, tensor<4xf32>
}

// -----

// expected-error@below {{slot 'a' is marked on result #0, but iree.abi.output ties argument #0 to result #1}}
// expected-note@below {{run kvlift-tie-state first}}
func.func @torn_for_iree(%a: tensor<4xf32> {kvlift.slot = "a", iree.abi.output = 1 : index})
    -> (tensor<4xf32> {kvlift.slot = "a"}, tensor<4xf32>) {
  return %a, %a : tensor<4xf32>, tensor<4xf32>
}

// -----

// expected-error@below {{sliced slot 'a' of function 'no_argument' has kvlift.rows on result #0 but no argument}}
func.func @no_argument(%a: tensor<4xf32>) -> (tensor<4xf32> {kvlift.rows = "a"}) {
  return %a : tensor<4xf32>
}
