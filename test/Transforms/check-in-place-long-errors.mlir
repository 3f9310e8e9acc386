// RUN: kvlift-opt %s --verify-diagnostics --pass-pipeline='builtin.module(kvlift-check-in-place)'

// Forty ops lie between the update and the reader: the notes tell both ends.

func.func @long(%c: tensor<64xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>) -> (tensor<64xf32> {kvlift.slot = "c"}, tensor<64xf32>) {
  // expected-error@below {{slot 'c' cannot be updated in place}}
  // expected-note@below {{pass on-conflict=copy}}
  %new = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  // expected-note@below {{which needs the updated value here}}
  %a0 = stablehlo.negate %new : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a1 = stablehlo.negate %a0 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a2 = stablehlo.negate %a1 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a3 = stablehlo.negate %a2 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a4 = stablehlo.negate %a3 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a5 = stablehlo.negate %a4 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a6 = stablehlo.negate %a5 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a7 = stablehlo.negate %a6 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a8 = stablehlo.negate %a7 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a9 = stablehlo.negate %a8 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a10 = stablehlo.negate %a9 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a11 = stablehlo.negate %a10 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a12 = stablehlo.negate %a11 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a13 = stablehlo.negate %a12 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a14 = stablehlo.negate %a13 : tensor<64xf32>
  %a15 = stablehlo.negate %a14 : tensor<64xf32>
  %a16 = stablehlo.negate %a15 : tensor<64xf32>
  %a17 = stablehlo.negate %a16 : tensor<64xf32>
  %a18 = stablehlo.negate %a17 : tensor<64xf32>
  %a19 = stablehlo.negate %a18 : tensor<64xf32>
  %a20 = stablehlo.negate %a19 : tensor<64xf32>
  %a21 = stablehlo.negate %a20 : tensor<64xf32>
  %a22 = stablehlo.negate %a21 : tensor<64xf32>
  %a23 = stablehlo.negate %a22 : tensor<64xf32>
  // expected-note@below {{which needs values computed by 10 ops from here on}}
  %a24 = stablehlo.negate %a23 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a25 = stablehlo.negate %a24 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a26 = stablehlo.negate %a25 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a27 = stablehlo.negate %a26 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a28 = stablehlo.negate %a27 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a29 = stablehlo.negate %a28 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a30 = stablehlo.negate %a29 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a31 = stablehlo.negate %a30 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a32 = stablehlo.negate %a31 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a33 = stablehlo.negate %a32 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a34 = stablehlo.negate %a33 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a35 = stablehlo.negate %a34 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a36 = stablehlo.negate %a35 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a37 = stablehlo.negate %a36 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a38 = stablehlo.negate %a37 : tensor<64xf32>
  // expected-note@below {{which needs the value computed here}}
  %a39 = stablehlo.negate %a38 : tensor<64xf32>
  // expected-note@below {{reads the old value here}}
  %r = stablehlo.add %c, %a39 : tensor<64xf32>
  return %new, %r : tensor<64xf32>, tensor<64xf32>
}
