// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-inline-calls)' | filecheck %s

// CHECK-LABEL: func.func @main
// CHECK-NOT: call
// CHECK: %[[ROW:[^ ]+]] = stablehlo.negate %arg1
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %arg0, %[[ROW]], %arg2
// CHECK: return %[[DONE]]
// CHECK-NOT: func.func
func.func @main(%slot: tensor<8xf32> {kvlift.slot = "k"}, %x: tensor<1xf32>, %p: tensor<i32>) -> (tensor<8xf32> {kvlift.slot = "k"}) {
  %0 = func.call @outer(%slot, %x, %p) : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
func.func private @outer(%slot: tensor<8xf32>, %x: tensor<1xf32>, %p: tensor<i32>) -> tensor<8xf32> {
  %0 = func.call @inner(%x) : (tensor<1xf32>) -> tensor<1xf32>
  %1 = stablehlo.dynamic_update_slice %slot, %0, %p : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  return %1 : tensor<8xf32>
}
func.func private @inner(%x: tensor<1xf32>) -> tensor<1xf32> {
  %0 = stablehlo.negate %x : tensor<1xf32>
  return %0 : tensor<1xf32>
}

// -----

// Left alone: a public function, one that calls itself, a function without
// slots.

// CHECK-LABEL: func.func @main
// CHECK: call @public
// CHECK: call @itself
// CHECK: func.func @public
// CHECK: call @shared
// CHECK: func.func private @itself
// CHECK: call @itself
// CHECK: func.func private @shared
func.func @main(%slot: tensor<8xf32> {kvlift.slot = "k"}) -> (tensor<8xf32> {kvlift.slot = "k"}) {
  %0 = func.call @public(%slot) : (tensor<8xf32>) -> tensor<8xf32>
  %1 = func.call @itself(%0) : (tensor<8xf32>) -> tensor<8xf32>
  %2 = func.call @shared(%1) : (tensor<8xf32>) -> tensor<8xf32>
  return %2 : tensor<8xf32>
}
func.func @public(%slot: tensor<8xf32>) -> tensor<8xf32> {
  %0 = func.call @shared(%slot) : (tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
func.func private @itself(%slot: tensor<8xf32>) -> tensor<8xf32> {
  %0 = func.call @itself(%slot) : (tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
func.func private @shared(%slot: tensor<8xf32>) -> tensor<8xf32> {
  return %slot : tensor<8xf32>
}
