// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-lift-globals)'

// A write in a loop happens as often as the loop turns: it would have to be
// carried.

ml_program.global private mutable @k(dense<0.0> : tensor<4xf32>) : tensor<4xf32>
func.func @in_loop(%p: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.while(%a = %x) : tensor<4xf32>
    cond {
      stablehlo.return %p : tensor<i1>
    } do {
      // expected-error@below {{global 'k' cannot be lifted: it is written inside of 'stablehlo.while'}}
      ml_program.global_store @k = %a : tensor<4xf32>
      stablehlo.return %a : tensor<4xf32>
    }
  return %0 : tensor<4xf32>
}

// -----

// The same when it is a callee that writes.

ml_program.global private mutable @k(dense<0.0> : tensor<4xf32>) : tensor<4xf32>
func.func @in_branch(%p: tensor<i1>, %x: tensor<4xf32>) {
  "stablehlo.if"(%p) ({
    // expected-error@below {{global 'k' cannot be lifted: it is written inside of 'stablehlo.if'}}
    func.call @put(%x) : (tensor<4xf32>) -> ()
    stablehlo.return
  }, {
    stablehlo.return
  }) : (tensor<i1>) -> ()
  return
}
func.func private @put(%x: tensor<4xf32>) {
  ml_program.global_store @k = %x : tensor<4xf32>
  return
}

// -----

ml_program.global private mutable @k(dense<0.0> : tensor<4xf32>) : tensor<4xf32>
// expected-error@below {{globals cannot be lifted: function 'recursive' calls itself}}
func.func @recursive(%x: tensor<4xf32>) {
  ml_program.global_store @k = %x : tensor<4xf32>
  call @recursive(%x) : (tensor<4xf32>) -> ()
  return
}

// -----

// Order is not textual between blocks.

ml_program.global private mutable @k(dense<0.0> : tensor<4xf32>) : tensor<4xf32>
// expected-error@below {{globals cannot be lifted: function 'blocks' uses them and has several blocks}}
func.func @blocks(%x: tensor<4xf32>) -> tensor<4xf32> {
  cf.br ^next
^next:
  %0 = ml_program.global_load @k : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// A composite promises a signature.

ml_program.global private mutable @k(dense<0.0> : tensor<4xf32>) : tensor<4xf32>
func.func @composite() -> tensor<4xf32> {
  // expected-error@below {{globals cannot be lifted: function 'inner' uses them, and 'stablehlo.composite' names it}}
  %0 = stablehlo.composite "a.b" {decomposition = @inner} : () -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @inner() -> tensor<4xf32> {
  %0 = ml_program.global_load @k : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// expected-error@below {{global 'k' cannot be lifted: it is no ranked tensor}}
ml_program.global private mutable @k(7 : i32) : i32
func.func @scalar() -> i32 {
  %0 = ml_program.global_load @k : i32
  return %0 : i32
}

// -----

// Somebody else may write what is named elsewhere.

ml_program.global private mutable @k(dense<0.0> : tensor<4xf32>) : tensor<4xf32>
func.func @named() {
  // expected-error@below {{global 'k' cannot be lifted: 'stablehlo.custom_call' names it}}
  stablehlo.custom_call @reset() {has_side_effect = true, called_computations = [@k]} : () -> ()
  return
}
