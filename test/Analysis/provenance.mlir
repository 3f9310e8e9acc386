// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-print-provenance)'

// Every op that keeps the storage or updates a part of it is one step, from the
// result back to the argument. Transposes count as views until they cancel.

func.func @straight(%k: tensor<2x3xf32>, %u: tensor<1x1xf32>, %w: tensor<1xi32>, %i: tensor<i32>)
    -> (tensor<2x3xf32>, tensor<3x2xf32>, tensor<6xi32>, tensor<2x3xf32>) {
  %0 = stablehlo.transpose %k, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = stablehlo.dynamic_update_slice %0, %u, %i, %i : (tensor<3x2xf32>, tensor<1x1xf32>, tensor<i32>, tensor<i32>) -> tensor<3x2xf32>
  %2 = stablehlo.transpose %1, dims = [1, 0] : (tensor<3x2xf32>) -> tensor<2x3xf32>
  %3 = stablehlo.optimization_barrier %2 : tensor<2x3xf32>
  %4 = stablehlo.reshape %3 : (tensor<2x3xf32>) -> tensor<6xf32>
  %5 = stablehlo.bitcast_convert %4 : (tensor<6xf32>) -> tensor<6xi32>
  %6 = stablehlo.dynamic_update_slice %5, %w, %i : (tensor<6xi32>, tensor<1xi32>, tensor<i32>) -> tensor<6xi32>
  // expected-remark@below {{result #0 of 'straight': optimization_barrier <- transpose <- dynamic_update_slice <- transpose <- argument 'arg0'}}
  // expected-remark@below {{result #1 of 'straight': dynamic_update_slice <- transpose <- argument 'arg0' with dims [1, 0]}}
  // expected-remark@below {{result #2 of 'straight': dynamic_update_slice <- bitcast_convert <- reshape <- optimization_barrier <- transpose <- dynamic_update_slice <- transpose <- argument 'arg0'}}
  // expected-remark@below {{result #3 of 'straight': argument 'arg0'}}
  return %3, %1, %6, %k : tensor<2x3xf32>, tensor<3x2xf32>, tensor<6xi32>, tensor<2x3xf32>
}

// -----

// A bitcast to another width regroups elements; a reshaped transpose has no
// permutation that could be followed, but it is still that storage.

func.func @layouts(%k: tensor<2x4xf32>) -> (tensor<2x4x2xf16>, tensor<8xf32>) {
  %0 = stablehlo.bitcast_convert %k : (tensor<2x4xf32>) -> tensor<2x4x2xf16>
  %1 = stablehlo.transpose %k, dims = [1, 0] : (tensor<2x4xf32>) -> tensor<4x2xf32>
  %2 = stablehlo.reshape %1 : (tensor<4x2xf32>) -> tensor<8xf32>
  // expected-remark@below {{result #0 of 'layouts': no tie: 'stablehlo.bitcast_convert' computes it}}
  // expected-remark@below {{result #1 of 'layouts': reshape <- transpose <- argument 'arg0' in another layout}}
  return %0, %2 : tensor<2x4x2xf16>, tensor<8xf32>
}

// -----

// A scatter updates whatever its body computes, every input its own result.

func.func @scatter(%k: tensor<4x2xf32>, %v: tensor<4x2xf32>, %i: tensor<1x1xi32>, %u: tensor<1x2xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>) {
  %0:2 = "stablehlo.scatter"(%k, %v, %i, %u, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %p: tensor<f32>, %y: tensor<f32>, %q: tensor<f32>):
    %sum = stablehlo.add %x, %y : tensor<f32>
    %max = stablehlo.maximum %p, %q : tensor<f32>
    stablehlo.return %sum, %max : tensor<f32>, tensor<f32>
  }) : (tensor<4x2xf32>, tensor<4x2xf32>, tensor<1x1xi32>, tensor<1x2xf32>, tensor<1x2xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>)
  // expected-remark@below {{result #0 of 'scatter': scatter <- argument 'arg1'}}
  // expected-remark@below {{result #1 of 'scatter': scatter <- argument 'arg0'}}
  return %0#1, %0#0 : tensor<4x2xf32>, tensor<4x2xf32>
}

// -----

// A select puts what is new into what is old, on either side. Of two versions
// of one argument it makes a third; of two arguments it makes neither, and then
// it matters only when an update is among them.

func.func @select(%k: tensor<4xf32>, %v: tensor<4xf32>, %m: tensor<4xi1>, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %new = stablehlo.broadcast_in_dim %u, dims = [0] : (tensor<1xf32>) -> tensor<4xf32>
  %0 = stablehlo.select %m, %new, %k : tensor<4xi1>, tensor<4xf32>
  %1 = stablehlo.select %m, %v, %new : tensor<4xi1>, tensor<4xf32>
  %2 = stablehlo.dynamic_update_slice %k, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %3 = stablehlo.select %m, %2, %k : tensor<4xi1>, tensor<4xf32>
  %4 = stablehlo.select %m, %2, %v : tensor<4xi1>, tensor<4xf32>
  %5 = stablehlo.select %m, %k, %v : tensor<4xi1>, tensor<4xf32>
  // expected-remark@below {{result #0 of 'select': select <- argument 'arg0'}}
  // expected-remark@below {{result #1 of 'select': select <- argument 'arg1'}}
  // expected-remark@below {{result #2 of 'select': select <- dynamic_update_slice <- argument 'arg0'}}
  // expected-remark@below {{result #3 of 'select': no tie: 'stablehlo.select' merges versions of different values}}
  // expected-remark@below {{result #4 of 'select': no tie: 'stablehlo.select' computes it}}
  return %0, %1, %3, %4, %5 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// Slices of the old value around new rows update it if each stands where it was
// taken. A roll moves all rows: that is a new value, as is a mix of two old ones.

func.func @concatenate(%k: tensor<4x2xf32>, %v: tensor<4x2xf32>, %u: tensor<1x2xf32>, %c: tensor<f32>)
    -> (tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>) {
  %head = stablehlo.slice %k [0:1, 0:2] : (tensor<4x2xf32>) -> tensor<1x2xf32>
  %tail = stablehlo.slice %k [2:4, 0:2] : (tensor<4x2xf32>) -> tensor<2x2xf32>
  %other = stablehlo.slice %v [2:4, 0:2] : (tensor<4x2xf32>) -> tensor<2x2xf32>
  %rest = stablehlo.slice %k [1:4, 0:2] : (tensor<4x2xf32>) -> tensor<3x2xf32>
  %0 = stablehlo.concatenate %head, %u, %tail, dim = 0 : (tensor<1x2xf32>, tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32>
  %1 = stablehlo.concatenate %rest, %u, dim = 0 : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<4x2xf32>
  %2 = stablehlo.concatenate %head, %u, %other, dim = 0 : (tensor<1x2xf32>, tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32>
  %3 = stablehlo.pad %tail, %c, low = [2, 0], high = [0, 0], interior = [0, 0] : (tensor<2x2xf32>, tensor<f32>) -> tensor<4x2xf32>
  // expected-remark@below {{result #0 of 'concatenate': concatenate <- argument 'arg0'}}
  // expected-remark@below {{result #1 of 'concatenate': no tie: 'stablehlo.concatenate' computes it}}
  // expected-remark@below {{result #2 of 'concatenate': no tie: 'stablehlo.concatenate' computes it}}
  // expected-remark@below {{result #3 of 'concatenate': pad <- argument 'arg0'}}
  return %0, %1, %2, %3 : tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>
}

// -----

// A loop carries K and V, each to itself, and a counter. The inner loop carries
// only V. What the condition reads does not matter.

func.func @loops(%k: tensor<4xf32>, %v: tensor<4xf32>, %n: tensor<i32>, %u: tensor<1xf32>)
    -> (tensor<i32>, tensor<4xf32>, tensor<4xf32>) {
  %0:3 = stablehlo.while(%i = %n, %a = %k, %b = %v) : tensor<i32>, tensor<4xf32>, tensor<4xf32>
    cond {
      %c = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    } do {
      %one = stablehlo.constant dense<1> : tensor<i32>
      %next = stablehlo.add %i, %one : tensor<i32>
      %a1 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
      %inner:2 = stablehlo.while(%j = %i, %d = %b) : tensor<i32>, tensor<4xf32>
        cond {
          %c = stablehlo.compare LT, %j, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
          stablehlo.return %c : tensor<i1>
        } do {
          %d1 = stablehlo.dynamic_update_slice %d, %u, %j : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
          stablehlo.return %j, %d1 : tensor<i32>, tensor<4xf32>
        }
      %b1 = stablehlo.dynamic_update_slice %inner#1, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
      stablehlo.return %next, %a1, %b1 : tensor<i32>, tensor<4xf32>, tensor<4xf32>
    }
  // expected-remark@below {{result #0 of 'loops': while(add) <- argument 'arg2'}}
  // expected-remark@below {{result #1 of 'loops': while(dynamic_update_slice <- while(dynamic_update_slice)) <- argument 'arg1'}}
  // expected-remark@below {{result #2 of 'loops': while(dynamic_update_slice) <- argument 'arg0'}}
  return %0#0, %0#2, %0#1 : tensor<i32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// A loop that swaps what it carries has K's rows in V after an odd number of
// turns: nothing is known. What it hands on unchanged is unchanged.

func.func @loop_swaps(%k: tensor<4xf32>, %v: tensor<4xf32>, %w: tensor<4xf32>, %u: tensor<1xf32>, %n: tensor<i32>)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0:3 = stablehlo.while(%a = %k, %b = %v, %c = %w) : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
    cond {
      %c0 = stablehlo.compare LT, %n, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %c0 : tensor<i1>
    } do {
      %a1 = stablehlo.dynamic_update_slice %a, %u, %n : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
      stablehlo.return %b, %a1, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
    }
  // expected-remark@below {{result #0 of 'loop_swaps': no tie: 'stablehlo.while' computes it}}
  // expected-remark@below {{result #1 of 'loop_swaps': no tie: the loop hands another value to its next iteration}}
  // expected-remark@below {{result #2 of 'loop_swaps': while(unchanged) <- argument 'arg2'}}
  return %0#0, %0#1, %0#2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// Every branch must yield a version of the same argument; the value itself is
// one. Where branches take different arguments, neither is the root.

func.func @branches(%k: tensor<4xf32>, %v: tensor<4xf32>, %p: tensor<i1>, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0:3 = "stablehlo.if"(%p) ({
    %a = stablehlo.dynamic_update_slice %k, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
    stablehlo.return %a, %v, %a : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  }, {
    stablehlo.return %k, %v, %v : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  }) : (tensor<i1>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  %1 = "stablehlo.case"(%i) ({
    %a = stablehlo.dynamic_update_slice %0#0, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
    stablehlo.return %a : tensor<4xf32>
  }, {
    %a = stablehlo.dynamic_update_slice %0#0, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
    %b = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
    stablehlo.return %b : tensor<4xf32>
  }) : (tensor<i32>) -> tensor<4xf32>
  // expected-remark@below {{result #0 of 'branches': if(dynamic_update_slice | unchanged) <- argument 'arg0'}}
  // expected-remark@below {{result #1 of 'branches': if(unchanged | unchanged) <- argument 'arg1'}}
  // expected-remark@below {{result #2 of 'branches': no tie: 'stablehlo.if' merges versions of different values}}
  // expected-remark@below {{result #3 of 'branches': case(dynamic_update_slice | dynamic_update_slice <- dynamic_update_slice) <- if(dynamic_update_slice | unchanged) <- argument 'arg0'}}
  return %0#0, %0#1, %0#2, %1 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// Calls go as the callee's results do, whoever may call it, and composites as
// their decomposition. Each call site has its own operands: @both swaps, so twice
// @both does not.

func.func @calls(%k: tensor<4xf32>, %v: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0:2 = call @both(%k, %v, %u, %i) : (tensor<4xf32>, tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> (tensor<4xf32>, tensor<4xf32>)
  %1:2 = func.call @both(%0#0, %0#1, %u, %i) : (tensor<4xf32>, tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> (tensor<4xf32>, tensor<4xf32>)
  %2 = stablehlo.composite "my.update" %1#0, %u, %i {decomposition = @one} : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %3 = call @external(%k) : (tensor<4xf32>) -> tensor<4xf32>
  // expected-remark@below {{result #0 of 'calls': call @both <- call @both <- argument 'arg1'}}
  // expected-remark@below {{result #1 of 'calls': composite @one <- call @both <- call @both <- argument 'arg0'}}
  // expected-remark@below {{result #2 of 'calls': no tie: the callee has no body of one block}}
  return %1#1, %2, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
func.func @both(%a: tensor<4xf32>, %b: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = call @one(%a, %u, %i) : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = call @one(%b, %u, %i) : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  // expected-remark@below {{result #0 of 'both': call @one <- argument 'arg1'}}
  // expected-remark@below {{result #1 of 'both': call @one <- argument 'arg0'}}
  return %1, %0 : tensor<4xf32>, tensor<4xf32>
}
func.func private @one(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<4xf32> {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  // expected-remark@below {{result #0 of 'one': dynamic_update_slice <- argument 'arg0'}}
  return %0 : tensor<4xf32>
}
func.func private @external(%a: tensor<4xf32>) -> tensor<4xf32>

// -----

// A function that calls itself is not followed.

func.func private @again(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<4xf32> {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = call @again(%0, %u, %i) : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  // expected-remark@below {{result #0 of 'again': no tie: the callee calls itself}}
  return %1 : tensor<4xf32>
}

// -----

// A custom call says which result lives in which operand; one result through a
// tuple does as well.

func.func @custom(%k: tensor<4xf32>, %v: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0:2 = stablehlo.custom_call @write(%k, %v) {output_operand_aliases = [#stablehlo.output_operand_alias<output_tuple_indices = [1], operand_index = 0, operand_tuple_indices = []>]} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %1 = stablehlo.custom_call @write(%v) {output_operand_aliases = [#stablehlo.output_operand_alias<output_tuple_indices = [], operand_index = 0, operand_tuple_indices = []>]} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = stablehlo.tuple %0#0, %1 : tuple<tensor<4xf32>, tensor<4xf32>>
  %3 = stablehlo.get_tuple_element %2[1] : (tuple<tensor<4xf32>, tensor<4xf32>>) -> tensor<4xf32>
  // expected-remark@below {{result #0 of 'custom': no tie: 'stablehlo.custom_call' computes it}}
  // expected-remark@below {{result #1 of 'custom': custom_call <- argument 'arg0'}}
  // expected-remark@below {{result #2 of 'custom': get_tuple_element <- custom_call <- argument 'arg1'}}
  return %0#0, %0#1, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// Extents that are not known change nothing.

func.func @dynamic(%k: tensor<?x4xf32>, %u: tensor<1x4xf32>, %i: tensor<i32>, %shape: tensor<3xi32>, %flat: tensor<2xi32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %0 = stablehlo.dynamic_update_slice %k, %u, %i, %i : (tensor<?x4xf32>, tensor<1x4xf32>, tensor<i32>, tensor<i32>) -> tensor<?x4xf32>
  %1 = stablehlo.dynamic_reshape %0, %shape : (tensor<?x4xf32>, tensor<3xi32>) -> tensor<?x2x2xf32>
  %2 = stablehlo.dynamic_reshape %1, %flat : (tensor<?x2x2xf32>, tensor<2xi32>) -> tensor<?x4xf32>
  %3 = tensor.cast %0 : tensor<?x4xf32> to tensor<8x4xf32>
  %4 = tensor.cast %3 : tensor<8x4xf32> to tensor<?x4xf32>
  // expected-remark@below {{result #0 of 'dynamic': dynamic_reshape <- dynamic_reshape <- dynamic_update_slice <- argument 'arg0'}}
  // expected-remark@below {{result #1 of 'dynamic': cast <- cast <- dynamic_update_slice <- argument 'arg0'}}
  return %2, %4 : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// An update of something that is no argument: a constant, or what is computed.
// The reason is carried through what follows, loops included.

func.func @no_argument(%x: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<i32>) {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %zeros = stablehlo.broadcast_in_dim %zero, dims = [] : (tensor<f32>) -> tensor<4xf32>
  %0 = stablehlo.dynamic_update_slice %zeros, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = stablehlo.optimization_barrier %0 : tensor<4xf32>
  %2 = stablehlo.negate %x : tensor<4xf32>
  %3 = stablehlo.dynamic_update_slice %2, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %4 = stablehlo.while(%a = %zeros) : tensor<4xf32>
    cond {
      %c = stablehlo.compare LT, %i, %i : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    } do {
      %a1 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
      stablehlo.return %a1 : tensor<4xf32>
    }
  %5 = stablehlo.add %i, %i : tensor<i32>
  // expected-remark@below {{result #0 of 'no_argument': no tie: the update starts from a constant, so nothing feeds back}}
  // expected-remark@below {{result #1 of 'no_argument': no tie: what is updated is computed by 'stablehlo.negate'}}
  // expected-remark@below {{result #2 of 'no_argument': no tie: the update starts from a constant, so nothing feeds back}}
  // expected-remark@below {{result #3 of 'no_argument': no tie: 'stablehlo.add' computes it}}
  return %1, %3, %4, %5 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<i32>
}
