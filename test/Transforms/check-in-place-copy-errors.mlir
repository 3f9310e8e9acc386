// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-check-in-place{on-conflict=copy require=in_place})'

// A value whose size is not known cannot be copied explicitly.

func.func @dynamic(%c: tensor<?xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<?xf32> {kvlift.slot = "c"}, tensor<?xf32>) {
  // expected-error@below {{slot 'c' cannot be updated in place}}
  // expected-note@below {{it cannot be copied: its shape is dynamic}}
  %0 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<?xf32>, tensor<1xf32>, tensor<i32>) -> tensor<?xf32>
  // expected-note@below {{reads the old value here}}
  // expected-note@below {{which needs the updated value here}}
  return %0, %c : tensor<?xf32>, tensor<?xf32>
}

// -----

// The copy was allowed, but no slot may be copied.

// expected-error@below {{slot 'c' is copied: its old value is needed after the update}}
func.func @escape(%c: tensor<64xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<64xf32> {kvlift.slot = "c"}, tensor<64xf32>) {
  // expected-remark@below {{slot 'c': 256 bytes of its old value are copied in each call}}
  %0 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
  // expected-note@below {{reads the old value here}}
  return %0, %c : tensor<64xf32>, tensor<64xf32>
}
