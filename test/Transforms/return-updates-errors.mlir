// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-find-state{lost-updates=return},kvlift-return-updates)'

// Two updates start from the same version. Only one of them can be the state.

func.func @fork(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  // expected-error@below {{cannot return the updates of argument 'arg0': it has two last versions; this is the second}}
  %1 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return
}

// -----

// A caller would not know what to do with one more result.

func.func @called(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) {
  // expected-error@below {{cannot return updates of function 'called', which is called}}
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return
}
func.func private @caller(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) {
  // expected-note@below {{called here; run `inline` first}}
  call @called(%a, %u, %i) : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> ()
  return
}
