// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-check-in-place{on-conflict=copy})' 2>/dev/null | filecheck %s

// Compilers fold these ops to the old value, which so is returned.

// CHECK-LABEL: func.func @times_one
// CHECK-SAME: kvlift.verdict = "copied: 256 bytes: its old value is needed after the update"
func.func @times_one(%c: tensor<64xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<64xf32> {kvlift.slot = "c"}, tensor<64xf32>) {
  %one = stablehlo.constant dense<1.0> : tensor<f32>
  %ones = stablehlo.broadcast_in_dim %one, dims = [] : (tensor<f32>) -> tensor<64xf32>
  %old = stablehlo.multiply %ones, %c : tensor<64xf32>
  %0 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
  return %0, %old : tensor<64xf32>, tensor<64xf32>
}

// -----

// CHECK-LABEL: func.func @whole_slice
// CHECK-SAME: kvlift.verdict = "copied: 256 bytes: its old value is needed after the update"
func.func @whole_slice(%c: tensor<64xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<64xf32> {kvlift.slot = "c"}, tensor<64xf32>) {
  %old = stablehlo.slice %c [0:64] : (tensor<64xf32>) -> tensor<64xf32>
  %0 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
  return %0, %old : tensor<64xf32>, tensor<64xf32>
}

// -----

// CHECK-LABEL: func.func @reversed_twice
// CHECK-SAME: kvlift.verdict = "copied: 256 bytes: its old value is needed after the update"
func.func @reversed_twice(%c: tensor<64xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<64xf32> {kvlift.slot = "c"}, tensor<64xf32>) {
  %turned = stablehlo.reverse %c, dims = [0] : tensor<64xf32>
  %old = stablehlo.reverse %turned, dims = [0] : tensor<64xf32>
  %0 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
  return %0, %old : tensor<64xf32>, tensor<64xf32>
}

// -----

// Two is no neutral number, and a value minus itself is none of it.

// CHECK-LABEL: func.func @own_values
// CHECK-SAME: kvlift.verdict = "in_place"
func.func @own_values(%c: tensor<64xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<64xf32> {kvlift.slot = "c"}, tensor<64xf32>, tensor<64xf32>) {
  %two = stablehlo.constant dense<2.0> : tensor<64xf32>
  %double = stablehlo.multiply %c, %two : tensor<64xf32>
  %none = stablehlo.subtract %c, %c : tensor<64xf32>
  %0 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
  return %0, %double, %none : tensor<64xf32>, tensor<64xf32>, tensor<64xf32>
}
