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

// -----

// A composite is a caller as well: its results are its decomposition's.

func.func @decomposition(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<i32> {
  // expected-error@below {{cannot return updates of function 'decomposition', which is called}}
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %i : tensor<i32>
}
func.func private @user(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<i32> {
  // expected-note@below {{called here}}
  %0 = stablehlo.composite "a.b" %a, %u, %i {decomposition = @decomposition} : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<i32>
  return %0 : tensor<i32>
}

// -----

// A version whose elements or extents are not the argument's cannot come back as
// what it is: here, the scatter computes in f32 what the slot holds in bf16.

func.func @promoted(%a: tensor<4x2xbf16>, %i: tensor<1x1xi32>, %u: tensor<1x2xbf16>) {
  // expected-error@below {{cannot return the update of argument 'arg0': its version is tensor<4x2xf32>, the argument is tensor<4x2xbf16>}}
  %0 = "stablehlo.scatter"(%a, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<4x2xbf16>, tensor<1x1xi32>, tensor<1x2xbf16>) -> tensor<4x2xf32>
  return
}
