// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-lift-overwrites)'

// An argument that is handed on may be written by anybody.

// expected-note@below {{the argument enters here}}
func.func @escapes(%a: !torch.tensor<[2],f32>) -> !torch.tensor<[2],f32> {
  // expected-error@below {{argument 'arg0' is written in place and cannot be lifted: 'func.return' uses it in a way that is not understood}}
  return %a : !torch.tensor<[2],f32>
}

// -----

// A caller would still pass a tensor that is written in place.

// expected-error@below {{function 'called' is called; its in-place arguments cannot be lifted}}
func.func private @called(%a: !torch.tensor<[2],f32>, %new: !torch.vtensor<[2],f32>) {
  torch.overwrite.tensor.contents %new overwrites %a : !torch.vtensor<[2],f32>, !torch.tensor<[2],f32>
  return
}
func.func @caller(%new: !torch.vtensor<[2],f32>) {
  %0 = torch.copy.to_tensor %new : !torch.tensor<[2],f32>
  // expected-note@below {{called here; run `inline` first}}
  call @called(%0, %new) : (!torch.tensor<[2],f32>, !torch.vtensor<[2],f32>) -> ()
  return
}

// -----

// A write that may or may not happen.

// expected-note@below {{the argument enters here}}
func.func @conditional(%a: !torch.tensor<[2],f32>, %new: !torch.vtensor<[2],f32>, %p: !torch.bool) {
  torch.prim.If %p -> () {
    // expected-error@below {{argument 'arg0' is written in place and cannot be lifted: 'torch.overwrite.tensor.contents' uses it in a way that is not understood}}
    torch.overwrite.tensor.contents %new overwrites %a : !torch.vtensor<[2],f32>, !torch.tensor<[2],f32>
    torch.prim.If.yield
  } else {
    torch.prim.If.yield
  }
  return
}

// -----

// Between blocks, textual order is not the order of execution.

// expected-error@below {{function 'blocks' has several blocks; its in-place arguments cannot be lifted}}
func.func @blocks(%a: !torch.tensor<[2],f32>) {
  cf.br ^next
^next:
  return
}
