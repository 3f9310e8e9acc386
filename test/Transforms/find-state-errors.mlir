// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-find-state)'

// A read is no reason to keep an update: what it writes is still gone after the
// call.

// expected-note@below {{argument #0 enters here}}
func.func @read_but_lost(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<4xf32> {
  // expected-error@below {{lost update of argument 'arg0': no result carries what 'stablehlo.dynamic_update_slice' writes, so it vanishes after the call}}
  // expected-note@below {{pass lost-updates=return to return it, or lost-updates=ignore to accept the loss}}
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = stablehlo.negate %0 : tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// Of a chain, the last update is the one to report; the others are its past.

// expected-note@below {{argument #0 enters here}}
func.func @last_of_chain(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = stablehlo.optimization_barrier %0 : tensor<4xf32>
  // expected-error@below {{lost update of argument 'arg0'}}
  // expected-note@below {{pass lost-updates=return}}
  %2 = stablehlo.dynamic_update_slice %1, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return
}

// -----

// One scatter writes K and V and only K comes back: V is lost.

// expected-note@below {{argument #1 enters here}}
func.func @half_lost(%k: tensor<4x2xf32>, %v: tensor<4x2xf32>, %i: tensor<1x1xi32>, %u: tensor<1x2xf32>) -> tensor<4x2xf32> {
  // expected-error@below {{lost update of argument 'arg1': no result carries what 'stablehlo.scatter' writes}}
  // expected-note@below {{pass lost-updates=return}}
  %0:2 = "stablehlo.scatter"(%k, %v, %i, %u, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %p: tensor<f32>, %y: tensor<f32>, %q: tensor<f32>):
    stablehlo.return %y, %q : tensor<f32>, tensor<f32>
  }) : (tensor<4x2xf32>, tensor<4x2xf32>, tensor<1x1xi32>, tensor<1x2xf32>, tensor<1x2xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>)
  return %0#0 : tensor<4x2xf32>
}

// -----

// Two results carry versions of one argument. Which one is the state? Nobody
// says, so nothing is tied.

func.func @two_candidates(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> (tensor<i32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %0, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  // expected-remark@below {{argument 'arg0' is not tied: 2 results carry versions of it}}
  // expected-note@below {{name one with state=arg0:result1}}
  return %i, %0, %1 : tensor<i32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// If an attribute says which one, nothing is left to remark.

func.func @attribute_settles(%a: tensor<4xf32> {tf.aliasing_output = 1 : i32}, %u: tensor<1xf32>, %i: tensor<i32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %0, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// JAX pairs donated buffers by shape: here it crosses K and V. What the updates
// say holds.

// expected-remark@below {{tf.aliasing_output pairs argument #0 with result #0, but the updates lead elsewhere; it is dropped}}
func.func @aliasing_by_shape(%k: tensor<4xf32> {tf.aliasing_output = 0 : i32}, %v: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = stablehlo.dynamic_update_slice %k, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %v, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %1, %0 : tensor<4xf32>, tensor<4xf32>
}

// -----

// Attributes that no program can have kept.

// expected-error@below {{tf.aliasing_output cannot tie argument #0 to result #1 of function 'no_such_result': the function has 1 arguments and 1 results}}
func.func @no_such_result(%a: tensor<4xf32> {tf.aliasing_output = 1 : i32}) -> tensor<4xf32> {
  return %a : tensor<4xf32>
}

// -----

// expected-error@below {{tf.aliasing_output cannot tie argument #0 to result #-1 of function 'negative'}}
func.func @negative(%a: tensor<4xf32> {tf.aliasing_output = -1 : i32}) -> tensor<4xf32> {
  return %a : tensor<4xf32>
}

// -----

// expected-error@below {{iree.abi.output cannot tie argument #0 to result #0 of function 'other_type': the argument is tensor<4xf32>, the result is tensor<1x4xf32>}}
func.func @other_type(%a: tensor<4xf32> {iree.abi.output = 0 : index}) -> tensor<1x4xf32> {
  %0 = stablehlo.reshape %a : (tensor<4xf32>) -> tensor<1x4xf32>
  return %0 : tensor<1x4xf32>
}

// -----

// Marks that contradict each other.

// expected-error@below {{slot 'k' is on argument #0 and on argument #1 of function 'twice_in'; a slot has one of each}}
func.func @twice_in(%a: tensor<4xf32> {kvlift.slot = "k"}, %b: tensor<4xf32> {kvlift.slot = "k"}) -> (tensor<4xf32> {kvlift.slot = "k"}) {
  return %a : tensor<4xf32>
}

// -----

// expected-error@below {{slot 'k' is on result #0 and on result #1 of function 'twice_out'; a slot has one of each}}
func.func @twice_out(%a: tensor<4xf32> {kvlift.slot = "k"}) -> (tensor<4xf32> {kvlift.slot = "k"}, tensor<4xf32> {kvlift.slot = "k"}) {
  return %a, %a : tensor<4xf32>, tensor<4xf32>
}

// -----

// expected-error@below {{slot 'k' is on result #0 but on no argument of function 'never_in'}}
func.func @never_in(%a: tensor<4xf32>) -> (tensor<4xf32> {kvlift.slot = "k"}) {
  return %a : tensor<4xf32>
}

// -----

// expected-error@below {{slot 'k' is on argument #0 but on no result of function 'never_out'}}
func.func @never_out(%a: tensor<4xf32> {kvlift.slot = "k"}) -> tensor<4xf32> {
  return %a : tensor<4xf32>
}

// -----

// expected-error@below {{slot 'k' cannot be tied: argument #1 is tensor<4xf32>, result #0 is tensor<4xf16>}}
func.func @marked_other_type(%x: tensor<4xf16>, %a: tensor<4xf32> {kvlift.slot = "k"}) -> (tensor<4xf16> {kvlift.slot = "k"}) {
  return %x : tensor<4xf16>
}
