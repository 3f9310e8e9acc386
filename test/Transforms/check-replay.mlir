// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-check-replay)'

// All it takes are slots and weights, all it leaves are slots: loops that run a
// constant number of times are fine, and so are calls that only say where
// things are.

// expected-remark@below {{function 'step' can be replayed}}
func.func @step(%t: tensor<4xi32> {kvlift.slot = "t"}, %w: tensor<4xi32> {kvlift.kind = "parameter"}) -> (tensor<4xi32> {kvlift.slot = "t"}) {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %three = stablehlo.constant dense<3> : tensor<i32>
  %0 = stablehlo.custom_call @Sharding(%w) : (tensor<4xi32>) -> tensor<4xi32>
  %1:2 = stablehlo.while(%i = %zero, %x = %t) : tensor<i32>, tensor<4xi32>
    cond {
      %c = stablehlo.compare LT, %i, %three : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    } do {
      %j = stablehlo.add %i, %one : tensor<i32>
      %y = stablehlo.add %x, %0 : tensor<4xi32>
      stablehlo.return %j, %y : tensor<i32>, tensor<4xi32>
    }
  return %1#1 : tensor<4xi32>
}

// -----

// What callers pass and what comes in a new buffer. Of sliced slots the host
// writes the parts.

// expected-remark@below {{function 'step' cannot be replayed: argument 'x' comes from the caller}}
func.func @step(%x: tensor<1xf32> {kvlift.name = "x", kvlift.kind = "user_input"},
                // expected-remark@below {{function 'step' cannot be replayed: argument 'k' is updated by the host}}
                %k: tensor<4xf32> {kvlift.kind = "buffer", kvlift.name = "k", kvlift.sliced = "k"})
    -> (tensor<1xf32> {kvlift.rows = "k"}, tensor<1xi32> {kvlift.name = "k.start", kvlift.start = "k"}) {
  %at = stablehlo.constant dense<0> : tensor<1xi32>
  // expected-remark@below {{function 'step' cannot be replayed: result 'result0' comes in a buffer of its own}}
  // expected-remark@below {{function 'step' cannot be replayed: result 'k.start' comes in a buffer of its own}}
  return %x, %at : tensor<1xf32>, tensor<1xi32>
}

// -----

// Loops and branches that depend on data, here and in what is called; a call of
// unknown code, a call back to Python, and the host's own queue.

// expected-remark@+5 {{function 'step' cannot be replayed: 'stablehlo.while' runs as often as its data say, which the host has to read}}
// expected-remark@+12 {{function 'step' cannot be replayed: 'stablehlo.custom_call' runs 'lapack_spotrf', which may read on the host}}
// expected-remark@+12 {{function 'step' cannot be replayed: 'stablehlo.custom_call' calls back to the host: 'xla_ffi_python_cpu_callback'}}
// expected-remark@+14 {{function 'step' cannot be replayed: 'stablehlo.outfeed' moves data between host and device}}
func.func @step(%t: tensor<4xi32> {kvlift.slot = "t"}, %n: tensor<i32> {kvlift.kind = "buffer"}) -> (tensor<4xi32> {kvlift.slot = "t"}) {
  %1:2 = stablehlo.while(%i = %n, %x = %t) : tensor<i32>, tensor<4xi32>
    cond {
      %c = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    } do {
      %y = stablehlo.add %x, %x : tensor<4xi32>
      stablehlo.return %i, %y : tensor<i32>, tensor<4xi32>
    }
  %2 = stablehlo.custom_call @lapack_spotrf(%1#1) : (tensor<4xi32>) -> tensor<4xi32>
  %3 = stablehlo.custom_call @xla_ffi_python_cpu_callback(%2) : (tensor<4xi32>) -> tensor<4xi32>
  %4 = func.call @pick(%3, %n) : (tensor<4xi32>, tensor<i32>) -> tensor<4xi32>
  %token = stablehlo.create_token : !stablehlo.token
  %5 = "stablehlo.outfeed"(%4, %token) {outfeed_config = ""} : (tensor<4xi32>, !stablehlo.token) -> !stablehlo.token
  return %4 : tensor<4xi32>
}
func.func private @pick(%x: tensor<4xi32>, %n: tensor<i32>) -> tensor<4xi32> {
  // expected-remark@below {{function 'step' cannot be replayed: 'stablehlo.case' runs the branch that its data say, which the host has to read}}
  %0 = "stablehlo.case"(%n) ({
    stablehlo.return %x : tensor<4xi32>
  }, {
    %1 = stablehlo.add %x, %x : tensor<4xi32>
    stablehlo.return %1 : tensor<4xi32>
  }) : (tensor<i32>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}

// -----

// The shapes of arguments and the ops that make unknown shapes are named; ops
// that only pass them on are not.

// expected-remark@below {{function 'step' cannot be replayed: argument 'arg0' has a shape that only calls know}}
func.func @step(%t: tensor<?xi32> {kvlift.slot = "t"}, %n: tensor<1xi32> {kvlift.kind = "buffer"}) -> (tensor<?xi32> {kvlift.slot = "t"}) {
  // expected-remark@below {{function 'step' cannot be replayed: 'stablehlo.dynamic_iota' makes a shape that the host has to compute}}
  %0 = "stablehlo.dynamic_iota"(%n) {iota_dimension = 0 : i64} : (tensor<1xi32>) -> tensor<?xi32>
  %1 = stablehlo.add %0, %t : tensor<?xi32>
  return %1 : tensor<?xi32>
}

// -----

// What runs on several blocks is not looked into.

// expected-remark@below {{function 'step' cannot be replayed: function 'step' has not one block}}
func.func @step(%t: tensor<4xi32> {kvlift.slot = "t"}) -> (tensor<4xi32> {kvlift.slot = "t"}) {
  cf.br ^next
^next:
  return %t : tensor<4xi32>
}
