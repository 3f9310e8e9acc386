// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-unroll-loops{target=iree:cpu limit=40},kvlift-check-in-place{target=iree:cpu})' | filecheck %s
//
// Loops that stay, each with its reason; the proof goes on to announce the
// copies.

// How often it runs is known only when it does.

// CHECK-LABEL: func.func @length
// CHECK-SAME: kvlift.verdict = "copied: 64 bytes: IREE copies the slot in each iteration of 'stablehlo.while'"
func.func @length(%c: tensor<16xf32> {kvlift.slot = "k"}, %x: tensor<1xf32>, %n: tensor<i32>) -> (tensor<16xf32> {kvlift.slot = "k"}) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  // expected-remark@below {{slot 'k': 'stablehlo.while' is not unrolled: it does not run a constant number of times}}
  // expected-remark@below {{slot 'k' is copied: IREE copies the slot in each iteration of 'stablehlo.while'}}
  // expected-note@below {{known of iree:cpu by: while-given-length}}
  %0:2 = stablehlo.while(%i = %z, %in = %c) : tensor<i32>, tensor<16xf32>
  cond {
    %1 = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  } do {
    %1 = stablehlo.dynamic_update_slice %in, %x, %i : (tensor<16xf32>, tensor<1xf32>, tensor<i32>) -> tensor<16xf32>
    %2 = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %2, %1 : tensor<i32>, tensor<16xf32>
  }
  return %0#1 : tensor<16xf32>
}

// -----

// The limit counts all loops of a function: 5 * 3 ops are within it, with
// 10 * 3 more they are not.

// CHECK-LABEL: func.func @limit
// CHECK-COUNT-5: stablehlo.dynamic_update_slice
// CHECK: stablehlo.while
func.func @limit(%c: tensor<16xf32> {kvlift.slot = "k"}, %x: tensor<1xf32>) -> (tensor<16xf32> {kvlift.slot = "k"}) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %five = stablehlo.constant dense<5> : tensor<i32>
  %ten = stablehlo.constant dense<10> : tensor<i32>
  %0:2 = stablehlo.while(%i = %z, %in = %c) : tensor<i32>, tensor<16xf32>
  cond {
    %1 = stablehlo.compare LT, %i, %five : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  } do {
    %1 = stablehlo.dynamic_update_slice %in, %x, %i : (tensor<16xf32>, tensor<1xf32>, tensor<i32>) -> tensor<16xf32>
    %2 = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %2, %1 : tensor<i32>, tensor<16xf32>
  }
  // expected-remark@below {{slot 'k': 'stablehlo.while' is not unrolled: 10 times 3 more ops would take too long to compile (limit=40)}}
  // expected-remark@below {{slot 'k' is copied: IREE copies the slot in each iteration}}
  // expected-note@below {{known of iree:cpu by: while-given-length}}
  %3:2 = stablehlo.while(%i = %z, %in = %0#1) : tensor<i32>, tensor<16xf32>
  cond {
    %1 = stablehlo.compare LT, %i, %ten : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  } do {
    %1 = stablehlo.dynamic_update_slice %in, %x, %i : (tensor<16xf32>, tensor<1xf32>, tensor<i32>) -> tensor<16xf32>
    %2 = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %2, %1 : tensor<i32>, tensor<16xf32>
  }
  return %3#1 : tensor<16xf32>
}

// -----

// The condition is run once more than the body: what it does besides comparing
// cannot be left out. The loop around it would keep a loop inside.

func.func private @log(tensor<i32>)

// CHECK-LABEL: func.func @effect
// CHECK-COUNT-2: stablehlo.while
func.func @effect(%c: tensor<16xf32> {kvlift.slot = "k"}, %x: tensor<1xf32>) -> (tensor<16xf32> {kvlift.slot = "k"}) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %n = stablehlo.constant dense<2> : tensor<i32>
  // expected-remark@below {{slot 'k': 'stablehlo.while' is not unrolled: a loop in it stays}}
  // expected-remark@below {{slot 'k' is copied: IREE copies the slot in each iteration}}
  // expected-note@below {{known of iree:cpu by: while-given-length}}
  %0:2 = stablehlo.while(%j = %z, %out = %c) : tensor<i32>, tensor<16xf32>
  cond {
    %1 = stablehlo.compare LT, %j, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  } do {
    // expected-remark@below {{slot 'k': 'stablehlo.while' is not unrolled: its condition does more than compare}}
    // expected-remark@below {{slot 'k' is copied: IREE copies the slot in each iteration}}
    // expected-note@below {{known of iree:cpu by: while-given-length}}
    %1:2 = stablehlo.while(%i = %z, %in = %out) : tensor<i32>, tensor<16xf32>
    cond {
      func.call @log(%i) : (tensor<i32>) -> ()
      %2 = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %2 : tensor<i1>
    } do {
      %2 = stablehlo.dynamic_update_slice %in, %x, %i : (tensor<16xf32>, tensor<1xf32>, tensor<i32>) -> tensor<16xf32>
      %3 = stablehlo.add %i, %one : tensor<i32>
      stablehlo.return %3, %2 : tensor<i32>, tensor<16xf32>
    }
    %4 = stablehlo.add %j, %one : tensor<i32>
    stablehlo.return %4, %1#1 : tensor<i32>, tensor<16xf32>
  }
  return %0#1 : tensor<16xf32>
}

// -----

// One copy of the body could not take what another one yields.

// CHECK-LABEL: func.func @types
// CHECK: stablehlo.while
func.func @types(%c: tensor<16xf32> {kvlift.slot = "k"}, %x: tensor<1xf32>) -> (tensor<16xf32> {kvlift.slot = "k"}) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %n = stablehlo.constant dense<2> : tensor<i32>
  // expected-remark@below {{slot 'k': 'stablehlo.while' is not unrolled: the types of what it carries change}}
  // expected-remark@below {{slot 'k' is copied: IREE copies the slot in each iteration}}
  // expected-note@below {{known of iree:cpu by: while-given-length}}
  %0:2 = "stablehlo.while"(%z, %c) ({
  ^bb0(%i: tensor<i32>, %in: tensor<?xf32>):
    %1 = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  }, {
  ^bb0(%i: tensor<i32>, %in: tensor<?xf32>):
    %1 = stablehlo.dynamic_update_slice %in, %x, %i : (tensor<?xf32>, tensor<1xf32>, tensor<i32>) -> tensor<?xf32>
    %2 = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %2, %1 : tensor<i32>, tensor<?xf32>
  }) : (tensor<i32>, tensor<16xf32>) -> (tensor<i32>, tensor<16xf32>)
  return %0#1 : tensor<16xf32>
}
