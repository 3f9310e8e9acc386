// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-carry{function=decode tokens=arg0 positions=arg1 logits=result0 sampler=choose history=16})'
// RUN: not kvlift-opt %S/carry.mlir --split-input-file --pass-pipeline='builtin.module(kvlift-carry{function=decode tokens=1 logits=result1 sampler=choose history=4})' 2>&1 | filecheck %s --check-prefix=FORM
// RUN: not kvlift-opt %S/carry.mlir --split-input-file --pass-pipeline='builtin.module(kvlift-carry{function=decode tokens=arg1 logits=result1 sampler=choose history=0})' 2>&1 | filecheck %s --check-prefix=EMPTY
// RUN: not kvlift-opt %S/carry.mlir --split-input-file --pass-pipeline='builtin.module(kvlift-carry{function=decode tokens=arg1 positions=arg2,arg2 logits=result1 sampler=choose history=4})' 2>&1 | filecheck %s --check-prefix=TWICE
// RUN: not kvlift-opt %S/carry.mlir --split-input-file --pass-pipeline='builtin.module(kvlift-carry{function=decode tokens=arg9 logits=result1 sampler=choose history=4})' 2>&1 | filecheck %s --check-prefix=NOARG
// RUN: not kvlift-opt %S/carry.mlir --split-input-file --pass-pipeline='builtin.module(kvlift-carry{function=decode tokens=arg1 logits=result7 sampler=choose history=4})' 2>&1 | filecheck %s --check-prefix=NORESULT
// FORM: error: kvlift-carry takes tokens=argN, logits=resultN, positions=argN,argN and history=N
// EMPTY: error: history=0 must be at least 1 and a 32-bit number
// TWICE: error: argument 'pos' is to be carried twice
// NOARG: error: function 'decode' has no argument #9
// NORESULT: error: function 'decode' has no result #7

// A name that no function has.

// expected-error@below {{no function 'decode' in the module}}
module {
func.func @step(%ids: tensor<1xi32>, %pos: tensor<1xi32>) -> tensor<1x8xf32> {
  %logits = stablehlo.constant dense<0.0> : tensor<1x8xf32>
  return %logits : tensor<1x8xf32>
}
}

// -----

// What is called has callers that pass the token, and what is private has no
// sessions.

// expected-error@below {{function 'decode' must be public and of one block to carry arguments}}
func.func private @decode(%ids: tensor<1xi32>, %pos: tensor<1xi32>) -> tensor<1x8xf32> {
  %logits = stablehlo.constant dense<0.0> : tensor<1x8xf32>
  return %logits : tensor<1x8xf32>
}

// -----

func.func @decode(%ids: tensor<1xi32>, %pos: tensor<1xi32>) -> tensor<1x8xf32> {
  %logits = stablehlo.constant dense<0.0> : tensor<1x8xf32>
  return %logits : tensor<1x8xf32>
}
func.func @main(%ids: tensor<1xi32>) -> tensor<1x8xf32> {
  // expected-error@below {{function 'decode' is called here, so its arguments cannot be carried}}
  %0 = func.call @decode(%ids, %ids) : (tensor<1xi32>, tensor<1xi32>) -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

// What is a slot feeds itself already.

// expected-error@below {{argument 'ids' is a slot already}}
func.func @decode(%ids: tensor<1xi32> {kvlift.slot = "ids", kvlift.name = "ids"}, %pos: tensor<1xi32>) -> (tensor<1x8xf32>, tensor<1xi32> {kvlift.slot = "ids"}) {
  %logits = stablehlo.constant dense<0.0> : tensor<1x8xf32>
  return %logits, %ids : tensor<1x8xf32>, tensor<1xi32>
}

// -----

// One token for each sequence goes in: a prefill takes more.

// expected-error@below {{argument 'arg0' is tensor<1x4xi32>; a step that feeds itself takes one token for each sequence: [batch] or [batch, 1]}}
func.func @decode(%ids: tensor<1x4xi32>, %pos: tensor<1xi32>) -> tensor<1x8xf32> {
  %logits = stablehlo.constant dense<0.0> : tensor<1x8xf32>
  return %logits : tensor<1x8xf32>
}

// -----

// expected-error@below {{argument 'arg0' is tensor<1xf32>; tokens are 32- or 64-bit integers of static shape}}
func.func @decode(%ids: tensor<1xf32>, %pos: tensor<1xi32>) -> tensor<1x8xf32> {
  %logits = stablehlo.constant dense<0.0> : tensor<1x8xf32>
  return %logits : tensor<1x8xf32>
}

// -----

// expected-error@below {{argument 'arg1' is tensor<?xi32>; positions are 32- or 64-bit integers of static shape}}
func.func @decode(%ids: tensor<1xi32>, %pos: tensor<?xi32>) -> tensor<1x8xf32> {
  %logits = stablehlo.constant dense<0.0> : tensor<1x8xf32>
  return %logits : tensor<1x8xf32>
}

// -----

// Other types than those that are exact in f32, and other shapes.

// expected-error@below {{result #0 is tensor<1x8xf64>; logits are f32, f16 or bf16, [1, vocabulary] or [1, rows, vocabulary]}}
func.func @decode(%ids: tensor<1xi32>, %pos: tensor<1xi32>) -> tensor<1x8xf64> {
  %logits = stablehlo.constant dense<0.0> : tensor<1x8xf64>
  return %logits : tensor<1x8xf64>
}

// -----

// expected-error@below {{result #0 is tensor<2x8xf32>; logits are f32, f16 or bf16, [1, vocabulary] or [1, rows, vocabulary]}}
func.func @decode(%ids: tensor<1xi32>, %pos: tensor<1xi32>) -> tensor<2x8xf32> {
  %logits = stablehlo.constant dense<0.0> : tensor<2x8xf32>
  return %logits : tensor<2x8xf32>
}

// -----

// expected-error@below {{result #0 is a part of a slot, not logits}}
func.func @decode(%ids: tensor<1xi32>, %pos: tensor<1xi32>, %k: tensor<1x8xf32> {kvlift.slot = "k"}) -> (tensor<1x8xf32> {kvlift.slot = "k"}) {
  return %k : tensor<1x8xf32>
}

// -----

// A sampler for another vocabulary.

func.func @decode(%ids: tensor<1xi32>, %pos: tensor<1xi32>) -> tensor<1x8xf32> {
  %logits = stablehlo.constant dense<0.0> : tensor<1x8xf32>
  return %logits : tensor<1x8xf32>
}
// expected-error@below {{sampler 'choose' must be a private function (tensor<1x8xf32>, state...) -> (tensor<1xi32>, state...)}}
func.func private @choose(%logits: tensor<1x9xf32>) -> tensor<1xi32> {
  %first = stablehlo.constant dense<0> : tensor<1xi32>
  return %first : tensor<1xi32>
}
