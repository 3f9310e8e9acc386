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

// -----

// Updates that are returned and cannot be tied say why, where they stand. A
// function that makes its cache itself, as a prefill does, is one of them.

// expected-note@below {{to keep it between calls, make its first value an argument of function 'starts_from_constant'}}
func.func @starts_from_constant(%u: tensor<1xf32>, %i: tensor<i32>) -> tensor<4xf32> {
  %0 = stablehlo.constant dense<0.0> : tensor<4xf32>
  // expected-remark@below {{result #0 is not tied: the update starts from a constant, so nothing feeds back}}
  %1 = stablehlo.dynamic_update_slice %0, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

func.func @computed(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<4xf32> {
  %0 = stablehlo.negate %a : tensor<4xf32>
  // expected-remark@below {{result #0 is not tied: what is updated is computed by 'stablehlo.negate'}}
  %1 = stablehlo.dynamic_update_slice %0, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// Two candidate roots: which cache comes back depends on the predicate. The
// update is not lost, it may be what is returned.

func.func @merged(%a: tensor<4xf32>, %b: tensor<4xf32>, %p: tensor<i1>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<4xf32> {
  %0 = "stablehlo.if"(%p) ({
    // expected-remark@below {{result #0 is not tied: 'stablehlo.if' merges versions of different values}}
    %1 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
    stablehlo.return %1 : tensor<4xf32>
  }, {
    stablehlo.return %b : tensor<4xf32>
  }) : (tensor<i1>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @not_carried(%a: tensor<4xf32>, %b: tensor<4xf32>, %p: tensor<i1>, %u: tensor<1xf32>, %i: tensor<i32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = stablehlo.while(%c = %a, %d = %b) : tensor<4xf32>, tensor<4xf32>
    cond {
      stablehlo.return %p : tensor<i1>
    } do {
      // expected-remark@below {{result #0 is not tied: the loop hands another value to its next iteration}}
      %1 = stablehlo.dynamic_update_slice %d, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
      stablehlo.return %1, %c : tensor<4xf32>, tensor<4xf32>
    }
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}

// -----

func.func @recursive(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<4xf32> {
  // expected-remark@below {{result #0 is not tied: the callee calls itself}}
  %0 = call @recursive(%a, %u, %i) : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// The update comes back in another form than the argument went in.

func.func @other_layout(%a: tensor<3x3xf32>, %u: tensor<1x1xf32>, %i: tensor<i32>) -> tensor<3x3xf32> {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i, %i : (tensor<3x3xf32>, tensor<1x1xf32>, tensor<i32>, tensor<i32>) -> tensor<3x3xf32>
  %1 = stablehlo.transpose %0, dims = [1, 0] : (tensor<3x3xf32>) -> tensor<3x3xf32>
  // expected-remark@below {{argument 'arg0' is not tied: result #0 carries its update with other dims}}
  return %1 : tensor<3x3xf32>
}

// -----

func.func @other_form(%a: tensor<2x2xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<4xf32> {
  %0 = stablehlo.reshape %a : (tensor<2x2xf32>) -> tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %0, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  // expected-remark@below {{argument 'arg0' is not tied: result #0 carries its update as tensor<4xf32>, not as tensor<2x2xf32>}}
  return %1 : tensor<4xf32>
}

// -----

// An update in a loop body that the loop does not carry is gone after each
// iteration, not only after the call.

// expected-note@below {{argument #0 enters here}}
func.func @lost_in_loop(%a: tensor<4xf32>, %p: tensor<i1>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<4xf32> {
  %0 = stablehlo.while(%b = %a) : tensor<4xf32>
    cond {
      stablehlo.return %p : tensor<i1>
    } do {
      // expected-error@below {{lost update of argument 'arg0': no result carries what 'stablehlo.dynamic_update_slice' writes}}
      // expected-note@below {{carry it out of 'stablehlo.while', or lost-updates=ignore to accept the loss}}
      %1 = stablehlo.dynamic_update_slice %b, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
      stablehlo.return %b : tensor<4xf32>
    }
  return %0 : tensor<4xf32>
}

// -----

// In a branch it is gone after the call, and can be returned.

// expected-note@below {{argument #0 enters here}}
func.func @lost_in_branch(%a: tensor<4xf32>, %p: tensor<i1>, %u: tensor<1xf32>, %i: tensor<i32>) {
  "stablehlo.if"(%p) ({
    // expected-error@below {{lost update of argument 'arg0': no result carries what 'stablehlo.dynamic_update_slice' writes}}
    // expected-note@below {{pass lost-updates=return to return it, or lost-updates=ignore to accept the loss}}
    %1 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
    stablehlo.return
  }, {
    stablehlo.return
  }) : (tensor<i1>) -> ()
  return
}

// -----

// What a loop or branch carries out is lost when its result is: the op is the
// last update.

// expected-note@below {{argument #0 enters here}}
func.func @lost_after_branch(%a: tensor<4xf32>, %p: tensor<i1>, %u: tensor<1xf32>, %i: tensor<i32>) {
  // expected-error@below {{lost update of argument 'arg0': no result carries what 'stablehlo.if' writes}}
  // expected-note@below {{pass lost-updates=return to return it}}
  %0 = "stablehlo.if"(%p) ({
    %1 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
    stablehlo.return %1 : tensor<4xf32>
  }, {
    stablehlo.return %a : tensor<4xf32>
  }) : (tensor<i1>) -> tensor<4xf32>
  return
}

// -----

// An update in a function that does not return it, however deep. It is reported
// for the argument that it updates, with the way there.

// expected-note@below {{argument #0 enters here}}
func.func @lost_in_callee(%k: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) {
  // expected-note@below {{and is passed on here}}
  call @outer(%u, %k, %i) : (tensor<1xf32>, tensor<4xf32>, tensor<i32>) -> ()
  return
}
func.func private @outer(%u: tensor<1xf32>, %a: tensor<4xf32>, %i: tensor<i32>) {
  // expected-note@below {{and is passed on here}}
  call @inner(%a, %u, %i) : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> ()
  return
}
func.func private @inner(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) {
  // expected-error@below {{lost update of argument 'arg0': no result carries what 'stablehlo.dynamic_update_slice' writes}}
  // expected-note@below {{pass lost-updates=return to return it}}
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return
}

// -----

// The same in the decomposition of a composite; and a private function that
// nobody calls loses nothing.

// expected-note@below {{argument #0 enters here}}
func.func @lost_in_composite(%k: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<i32> {
  // expected-note@below {{and is passed on here}}
  %0 = stablehlo.composite "my.op" %k, %u, %i {decomposition = @decomposition} : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<i32>
  return %0 : tensor<i32>
}
func.func private @decomposition(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<i32> {
  // expected-error@below {{lost update of argument 'arg0'}}
  // expected-note@below {{pass lost-updates=return}}
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %i : tensor<i32>
}
func.func private @nobody_calls(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return
}

// -----

// First values come from globals; who writes the mark by hand has to mean it.

// expected-error @+1 {{'kvlift.initial' of argument #0 of function 'no_elements' has no dense elements of tensor<4xf32>}}
func.func @no_elements(%c: tensor<4xf32> {kvlift.initial = 3 : i32}) -> tensor<4xf32> {
  return %c : tensor<4xf32>
}

// -----

// expected-error @+1 {{'kvlift.initial' of argument #0 of function 'complex' has elements of complex<f32>, of which no array can be made}}
func.func @complex(%c: tensor<2xcomplex<f32>> {kvlift.initial = dense<(1.0, 2.0)> : tensor<2xcomplex<f32>>}) -> tensor<2xcomplex<f32>> {
  return %c : tensor<2xcomplex<f32>>
}

// -----

// A splat takes no memory in the IR, as an array it would.

// expected-error @+1 {{'kvlift.initial' of argument #0 of function 'huge' has more elements than any memory holds}}
func.func @huge(%c: tensor<1152921504606846976xf32> {kvlift.initial = dense<0.0> : tensor<1152921504606846976xf32>}) -> tensor<1152921504606846976xf32> {
  return %c : tensor<1152921504606846976xf32>
}

// -----

// A sliced slot is none any more; wrong marks of it are found before anything
// is changed, not by the manifest behind the last pass.

// expected-error @+1 {{sliced slot 'a' of function 'sliced' is on argument #0, but argument #1 is tied under that name}}
func.func @sliced(%a: tensor<4xf32> {kvlift.sliced = "a"}, %b: tensor<4xf32> {kvlift.slot = "a"}) -> (tensor<4xf32> {kvlift.slot = "a"}) {
  return %b : tensor<4xf32>
}
