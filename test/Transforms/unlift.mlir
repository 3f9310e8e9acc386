// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-unlift)' | filecheck %s
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-unlift,kvlift-find-state,kvlift-tie-state)' | filecheck %s --check-prefix=AGAIN

// Every mark goes, on arguments and on results; what somebody else says stays.
// A new lift finds the same ties, by provenance.

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%{{[^ ]+}}: tensor<4xf32>, %{{[^ ]+}}: tensor<4xf32>,
// CHECK-SAME: %{{[^ ]+}}: tensor<1xf32> {jax.buffer_donor = true}, %{{[^ ]+}}: tensor<i32>)
// CHECK-SAME: -> (tensor<4xf32>, tensor<4xf32> {jax.result_info = "k"})
// AGAIN-LABEL: func.func @main
// AGAIN-SAME: tensor<4xf32> {kvlift.kind = "inferred", kvlift.slot = "arg0", tf.aliasing_output = 1 : i32}
// AGAIN-SAME: tensor<4xf32> {kvlift.kind = "inferred", kvlift.slot = "arg1", tf.aliasing_output = 0 : i32}
func.func @main(%a: tensor<4xf32> {kvlift.kind = "buffer", kvlift.name = "k", kvlift.slot = "k", kvlift.verdict = "in_place", tf.aliasing_output = 1 : i32},
                %b: tensor<4xf32> {iree.abi.output = 0 : index, kvlift.initial = dense<0.0> : tensor<4xf32>, kvlift.slot = "v"},
                %u: tensor<1xf32> {jax.buffer_donor = true, kvlift.kind = "user_input"}, %i: tensor<i32> {kvlift.name = "i"})
    -> (tensor<4xf32> {kvlift.name = "v_new", kvlift.slot = "v"}, tensor<4xf32> {jax.result_info = "k", kvlift.slot = "k"}) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %b, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %1, %0 : tensor<4xf32>, tensor<4xf32>
}

// -----

// Private functions and declarations are no exception; a function that has no
// marks is as it was.

// CHECK-LABEL: func.func private @inner(%{{[^ ]+}}: tensor<4xf32>) -> tensor<4xf32> {
func.func private @inner(%a: tensor<4xf32> {kvlift.slot = "a"}) -> (tensor<4xf32> {kvlift.slot = "b"}) {
  return %a : tensor<4xf32>
}

// CHECK: func.func private @outside(tensor<4xf32>) -> tensor<4xf32>
func.func private @outside(tensor<4xf32> {kvlift.slot = "a"}) -> (tensor<4xf32> {kvlift.slot = "a"})

// CHECK: func.func @plain(%{{[^ ]+}}: tensor<i32> {mhlo.layout_mode = "default"}) -> (tensor<i32> {jax.result_info = "x"})
func.func @plain(%a: tensor<i32> {mhlo.layout_mode = "default"}) -> (tensor<i32> {jax.result_info = "x"}) {
  return %a : tensor<i32>
}

// -----

// A sliced slot is a plain argument as well, with results that say nothing.

// CHECK-LABEL: func.func @sliced
// CHECK-SAME: (%{{[^ ]+}}: tensor<4xf32>, %{{[^ ]+}}: tensor<1xf32>, %{{[^ ]+}}: tensor<1xi32>) -> (tensor<1xf32>, tensor<1xi32>) {
func.func @sliced(%a: tensor<4xf32> {kvlift.sliced = "a"}, %u: tensor<1xf32>, %i: tensor<1xi32>)
    -> (tensor<1xf32> {kvlift.rows = "a"}, tensor<1xi32> {kvlift.start = "a"}) {
  return %u, %i : tensor<1xf32>, tensor<1xi32>
}
