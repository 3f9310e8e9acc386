// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-tie-state)' | filecheck %s

// Each slot's argument names its result. What said it before, in other words or
// with another number, goes: XLA refuses a donor that is aliased as well. Other
// arguments keep what they have.

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[A:[^ ]+]]: tensor<4xf32> {kvlift.slot = "a", tf.aliasing_output = 1 : i32},
// CHECK-SAME: tensor<4xf32> {kvlift.slot = "b", tf.aliasing_output = 0 : i32},
// CHECK-SAME: tensor<1xf32> {jax.buffer_donor = true}
// CHECK-SAME: -> (tensor<4xf32> {kvlift.slot = "b"}, tensor<4xf32> {kvlift.slot = "a"})
func.func @main(%a: tensor<4xf32> {jax.buffer_donor = true, kvlift.slot = "a"},
                %b: tensor<4xf32> {iree.abi.output = 0 : index, kvlift.slot = "b", tf.aliasing_output = 7 : i32},
                %u: tensor<1xf32> {jax.buffer_donor = true}, %i: tensor<i32>)
    -> (tensor<4xf32> {kvlift.slot = "b"}, tensor<4xf32> {kvlift.slot = "a"}) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %b, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %1, %0 : tensor<4xf32>, tensor<4xf32>
}

// -----

// The updated version may come back twice, and in other layouts: all of them
// are read after the update. So may what is computed from the old one.

// CHECK-LABEL: func.func @same_version
// CHECK-SAME: tensor<2x3xf32> {kvlift.slot = "a", tf.aliasing_output = 0 : i32}
func.func @same_version(%a: tensor<2x3xf32> {kvlift.slot = "a"}, %u: tensor<1x1xf32>, %i: tensor<i32>)
    -> (tensor<2x3xf32> {kvlift.slot = "a"}, tensor<2x3xf32>, tensor<3x2xf32>, tensor<2x3xf32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i, %i : (tensor<2x3xf32>, tensor<1x1xf32>, tensor<i32>, tensor<i32>) -> tensor<2x3xf32>
  %1 = stablehlo.transpose %0, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %2 = stablehlo.negate %a : tensor<2x3xf32>
  return %0, %0, %1, %2 : tensor<2x3xf32>, tensor<2x3xf32>, tensor<3x2xf32>, tensor<2x3xf32>
}

// -----

// Marks on private functions say nothing to a runtime.

// CHECK-LABEL: func.func private @inner
// CHECK-SAME: (%{{[^ ]+}}: tensor<4xf32> {jax.buffer_donor = true, kvlift.slot = "a"})
func.func private @inner(%a: tensor<4xf32> {jax.buffer_donor = true, kvlift.slot = "a"}) -> (tensor<4xf32> {kvlift.slot = "a"}) {
  return %a : tensor<4xf32>
}

// -----

// Slots that swap their contents have each other's storage; a mask of the old
// value is a value of its own; one whole value may serve two slots.

// CHECK-LABEL: func.func @no_escape
// CHECK-SAME: tensor<4xf32> {kvlift.slot = "a", tf.aliasing_output = 1 : i32}
// CHECK-SAME: tensor<4xf32> {kvlift.slot = "b", tf.aliasing_output = 0 : i32}
// CHECK-SAME: tensor<4xf32> {kvlift.slot = "k", tf.aliasing_output = 2 : i32}
// CHECK-SAME: tensor<i64> {kvlift.slot = "m", tf.aliasing_output = 4 : i32}
// CHECK-SAME: tensor<i64> {kvlift.slot = "n", tf.aliasing_output = 5 : i32}
func.func @no_escape(%a: tensor<4xf32> {kvlift.slot = "a"}, %b: tensor<4xf32> {kvlift.slot = "b"},
                     %k: tensor<4xf32> {kvlift.slot = "k"},
                     %m: tensor<i64> {kvlift.slot = "m"}, %n: tensor<i64> {kvlift.slot = "n"},
                     %mask: tensor<4xi1>, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<4xf32> {kvlift.slot = "b"}, tensor<4xf32> {kvlift.slot = "a"}, tensor<4xf32> {kvlift.slot = "k"},
        tensor<4xf32>, tensor<i64> {kvlift.slot = "m"}, tensor<i64> {kvlift.slot = "n"}) {
  %zero = stablehlo.constant dense<0.0> : tensor<4xf32>
  %one = stablehlo.constant dense<1> : tensor<i64>
  %0 = stablehlo.select %mask, %k, %zero : tensor<4xi1>, tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %k, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %2 = stablehlo.add %m, %one : tensor<i64>
  return %a, %b, %1, %0, %2, %2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<i64>, tensor<i64>
}
