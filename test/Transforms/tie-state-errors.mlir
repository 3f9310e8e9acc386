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

// -----

// The old value comes out of a function that hands it on, and out of a branch
// that does nothing, beside the update of a loop.

func.func @old_through_regions(%a: tensor<4xf32> {kvlift.slot = "a"}, %p: tensor<i1>, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<4xf32> {kvlift.slot = "a"}, tensor<2x2xf32>, tensor<4xf32>) {
  %0 = stablehlo.while(%b = %a) : tensor<4xf32>
    cond {
      stablehlo.return %p : tensor<i1>
    } do {
      %1 = stablehlo.dynamic_update_slice %b, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
      stablehlo.return %1 : tensor<4xf32>
    }
  %2 = call @shown(%a) : (tensor<4xf32>) -> tensor<2x2xf32>
  %3 = "stablehlo.if"(%p) ({
    %4 = stablehlo.optimization_barrier %a : tensor<4xf32>
    stablehlo.return %4 : tensor<4xf32>
  }, {
    stablehlo.return %a : tensor<4xf32>
  }) : (tensor<i1>) -> tensor<4xf32>
  // expected-error@below {{slot 'a': result #1 returns an old version beside the updated one in result #0}}
  // expected-note@below {{the runtimes overwrite it in place}}
  // expected-error@below {{slot 'a': result #2 returns an old version beside the updated one in result #0}}
  // expected-note@below {{the runtimes overwrite it in place}}
  return %0, %2, %3 : tensor<4xf32>, tensor<2x2xf32>, tensor<4xf32>
}
func.func private @shown(%a: tensor<4xf32>) -> tensor<2x2xf32> {
  %0 = stablehlo.reshape %a : (tensor<4xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

// A mask that the chain goes on from is a version like any other, and a view of
// it stays one in a layout that cannot be followed.

func.func @old_mask(%a: tensor<2x4xf32> {kvlift.slot = "a"}, %m: tensor<2x4xi1>, %u: tensor<1x1xf32>, %i: tensor<i32>)
    -> (tensor<8xf32>, tensor<2x4xf32> {kvlift.slot = "a"}) {
  %zero = stablehlo.constant dense<0.0> : tensor<2x4xf32>
  %0 = stablehlo.select %m, %a, %zero : tensor<2x4xi1>, tensor<2x4xf32>
  %1 = stablehlo.dynamic_update_slice %0, %u, %i, %i : (tensor<2x4xf32>, tensor<1x1xf32>, tensor<i32>, tensor<i32>) -> tensor<2x4xf32>
  %2 = stablehlo.transpose %0, dims = [1, 0] : (tensor<2x4xf32>) -> tensor<4x2xf32>
  %3 = stablehlo.reshape %2 : (tensor<4x2xf32>) -> tensor<8xf32>
  // expected-error@below {{slot 'a': result #0 returns an old version beside the updated one in result #1}}
  // expected-note@below {{the runtimes overwrite it in place}}
  return %3, %1 : tensor<8xf32>, tensor<2x4xf32>
}

// -----

// One updated version for two slots: it lives in one storage.

func.func @one_for_two(%a: tensor<4xf32> {kvlift.slot = "a"}, %b: tensor<4xf32> {kvlift.slot = "b"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<4xf32> {kvlift.slot = "a"}, tensor<4xf32> {kvlift.slot = "b"}) {
  // expected-note@below {{the version is made here}}
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  // expected-error@below {{slot 'b': result #1 returns the updated version of slot 'a'; one version cannot be two slots}}
  return %0, %0 : tensor<4xf32>, tensor<4xf32>
}

// -----

// A function that gets the slot twice and writes to one of the two would see the
// write in the other.

func.func @passed_twice(%a: tensor<4xf32> {kvlift.slot = "a"}, %u: tensor<1xf32>, %i: tensor<i32>) -> (tensor<4xf32> {kvlift.slot = "a"}) {
  // expected-error@below {{slot 'a' is passed twice, as operands #0 and #2 of function 'put', which updates it}}
  %0 = call @put(%a, %i, %a) : (tensor<4xf32>, tensor<i32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
// expected-note@below {{the function is here; run `inline` first, or pass it once}}
func.func private @put(%a: tensor<4xf32>, %i: tensor<i32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.slice %b [0:1] : (tensor<4xf32>) -> tensor<1xf32>
  %1 = stablehlo.dynamic_update_slice %a, %0, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// Functions that call a slot by the same name have it in one storage, so it is
// of one type.

// expected-note@below {{function 'prefill' has it as tensor<4xf32> here; give one of them another name}}
func.func @prefill(%c: tensor<4xf32> {kvlift.slot = "c"}) -> (tensor<4xf32> {kvlift.slot = "c"}) {
  return %c : tensor<4xf32>
}
// expected-error@below {{slot 'c' of function 'decode' is tensor<8xf32>; functions that name the same slot share its storage}}
func.func @decode(%c: tensor<8xf32> {kvlift.slot = "c"}) -> (tensor<8xf32> {kvlift.slot = "c"}) {
  return %c : tensor<8xf32>
}

// -----

// expected-note@below {{function 'prefill' has it as tensor<1x4xf32> here; give one of them another name}}
func.func @prefill(%c: tensor<1x4xf32> {kvlift.slot = "c"}) -> (tensor<1x4xf32> {kvlift.slot = "c"}) {
  return %c : tensor<1x4xf32>
}
// expected-error@below {{slot 'c' of function 'decode' is stored as tensor<4xf32>; functions that name the same slot share its storage}}
func.func @decode(%c: tensor<4xf32> {kvlift.slot = "c", kvlift.logical = tensor<1x4xf32>}) -> (tensor<4xf32> {kvlift.slot = "c"}) {
  return %c : tensor<4xf32>
}

// -----

// Of two equal types, the dims can still lie otherwise.

// expected-note@below {{function 'prefill' has it as tensor<4x4xf32> here; give one of them another name}}
func.func @prefill(%c: tensor<4x4xf32> {kvlift.slot = "c"}) -> (tensor<4x4xf32> {kvlift.slot = "c"}) {
  return %c : tensor<4x4xf32>
}
// expected-error@below {{slot 'c' of function 'decode' is stored as tensor<4x4xf32> in the order [1, 0]; functions that name the same slot share its storage}}
func.func @decode(%c: tensor<4x4xf32> {kvlift.slot = "c", kvlift.logical = tensor<4x4xf32>, kvlift.order = [1, 0]}) -> (tensor<4x4xf32> {kvlift.slot = "c"}) {
  return %c : tensor<4x4xf32>
}

// -----

// Marks that say what the argument's type cannot be.

// expected-error@below {{argument #0 of function 'stored' is tensor<4x8xf32>, which stores no tensor<8x4xf32>}}
// expected-note@below {{remove its kvlift.logical and kvlift.order, or lift again}}
func.func @stored(%c: tensor<4x8xf32> {kvlift.slot = "c", kvlift.logical = tensor<8x4xf32>}) -> (tensor<4x8xf32> {kvlift.slot = "c"}) {
  return %c : tensor<4x8xf32>
}

// -----

// expected-error@below {{argument #0 of function 'ordered' is tensor<4x8xf32>, which stores no tensor<8x4xf32> in the order [1, 1]}}
// expected-note@below {{remove its kvlift.logical and kvlift.order, or lift again}}
func.func @ordered(%c: tensor<4x8xf32> {kvlift.slot = "c", kvlift.logical = tensor<8x4xf32>, kvlift.order = [1, 1]}) -> (tensor<4x8xf32> {kvlift.slot = "c"}) {
  return %c : tensor<4x8xf32>
}
