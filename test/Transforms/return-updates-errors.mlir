// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-find-state{lost-updates=return},kvlift-return-updates)'

// Two updates start from the same version. Only one of them can be the state.

func.func @fork(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  // expected-error@below {{cannot return the updates of argument 'arg0': it has two last versions; this is the second}}
  %1 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return
}

// -----

// A composite has the results that its name promises, so it cannot get more.

func.func @decomposition(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<i32> {
  // expected-error@below {{cannot return updates of function 'decomposition', which 'stablehlo.composite' names}}
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %i : tensor<i32>
}
func.func private @user(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<i32> {
  // expected-note@below {{named here; run `stablehlo-legalize-composite-to-call` first}}
  %0 = stablehlo.composite "a.b" %a, %u, %i {decomposition = @decomposition} : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<i32>
  return %0 : tensor<i32>
}

// -----

// Nor can a custom call that names a function.

func.func @named(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) {
  // expected-error@below {{cannot return updates of function 'named', which 'stablehlo.custom_call' names}}
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return
}
func.func private @host(%a: tensor<4xf32>) -> tensor<4xf32> {
  // expected-note@below {{named here; only calls can take more results}}
  %0 = stablehlo.custom_call @run(%a) {called_computations = [@named]} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// In a loop, the update that is lost starts from the old value in every
// iteration; nobody can say which one the program means.

func.func @in_loop(%a: tensor<4xf32>, %p: tensor<i1>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<4xf32> {
  %0 = stablehlo.while(%b = %a) : tensor<4xf32>
    cond {
      stablehlo.return %p : tensor<i1>
    } do {
      // expected-error@below {{cannot return the update of argument 'arg0': it is made inside of 'stablehlo.while', where each iteration starts from the old value again; let the loop carry it}}
      %1 = stablehlo.dynamic_update_slice %b, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
      stablehlo.return %b : tensor<4xf32>
    }
  return %0 : tensor<4xf32>
}

// -----

// One version is tied, another one is lost: they cannot both be the state.

func.func @tied_already(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<4xf32> {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  // expected-error@below {{cannot return the update of argument 'arg0': another version of it is tied to a result already}}
  %1 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Two calls lose an update of the same argument each.

func.func @two_calls(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) {
  call @put(%a, %u, %i) : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> ()
  call @put(%a, %u, %i) : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> ()
  return
}
func.func private @put(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) {
  // expected-error@below {{cannot return the updates of argument 'arg0': it has two last versions; this is the second}}
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return
}

// -----

// A caller passes the argument twice: the callee would write to what it reads.

func.func @twice(%a: tensor<4xf32>, %i: tensor<i32>) {
  // expected-error@below {{cannot return the update of argument 'arg0': it is passed twice, as operands #0 and #1}}
  call @copy(%a, %a, %i) : (tensor<4xf32>, tensor<4xf32>, tensor<i32>) -> ()
  return
}
func.func private @copy(%a: tensor<4xf32>, %b: tensor<4xf32>, %i: tensor<i32>) {
  %0 = stablehlo.slice %b [0:1] : (tensor<4xf32>) -> tensor<1xf32>
  // expected-note@below {{the update is here}}
  %1 = stablehlo.dynamic_update_slice %a, %0, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return
}

// -----

// A function that calls itself would have to return what it is still computing.

func.func @recursive(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) {
  // expected-error@below {{cannot return the update of argument 'arg0': function 'recursive' calls itself}}
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  call @recursive(%a, %u, %i) : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> ()
  return
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

// -----

// A branch in a loop is in the loop.

func.func @branch_in_loop(%a: tensor<4xf32>, %p: tensor<i1>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<4xf32> {
  %0 = stablehlo.while(%b = %a) : tensor<4xf32>
    cond {
      stablehlo.return %p : tensor<i1>
    } do {
      "stablehlo.if"(%p) ({
        // expected-error@below {{cannot return the update of argument 'arg0': it is made inside of 'stablehlo.while', where each iteration}}
        %1 = stablehlo.dynamic_update_slice %b, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
        stablehlo.return
      }, {
        stablehlo.return
      }) : (tensor<i1>) -> ()
      stablehlo.return %b : tensor<4xf32>
    }
  return %0 : tensor<4xf32>
}

// -----

// One branch loses two updates of the same old value.

func.func @two_in_branch(%a: tensor<4xf32>, %p: tensor<i1>, %u: tensor<1xf32>, %i: tensor<i32>) {
  "stablehlo.if"(%p) ({
    %1 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
    // expected-error@below {{cannot return the updates of argument 'arg0': it has two last versions; this is the second}}
    %2 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
    stablehlo.return
  }, {
    stablehlo.return
  }) : (tensor<i1>) -> ()
  return
}

// -----

// Another branch updates another version: what has come in is not one value.

func.func @two_incoming(%a: tensor<4xf32>, %p: tensor<i1>, %u: tensor<1xf32>, %i: tensor<i32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  "stablehlo.if"(%p) ({
    %1 = stablehlo.dynamic_update_slice %0, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
    stablehlo.return
  }, {
    // expected-error@below {{cannot return the updates of argument 'arg0': it has two last versions; this is the second}}
    %1 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
    stablehlo.return
  }) : (tensor<i1>) -> ()
  return
}
