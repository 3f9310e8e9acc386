// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-simplify-updates)' | filecheck %s

// CHECK-LABEL: func.func @adjoining
// CHECK: %[[BOTH:[^ ]+]] = stablehlo.concatenate %arg2, %arg1, dim = 0
// CHECK: %[[THREE:[^ ]+]] = stablehlo.constant dense<3> : tensor<i32>
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %arg0, %[[BOTH]], %[[THREE]]
// CHECK-NEXT: return %[[DONE]]
func.func @adjoining(%slot: tensor<8xf32> {kvlift.slot = "k"}, %x: tensor<1xf32>, %y: tensor<2xf32>) -> (tensor<8xf32> {kvlift.slot = "k"}) {
  %p = stablehlo.constant dense<5> : tensor<i32>
  %q = stablehlo.constant dense<3> : tensor<i32>
  %0 = stablehlo.dynamic_update_slice %slot, %x, %p : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  %1 = stablehlo.dynamic_update_slice %0, %y, %q : (tensor<8xf32>, tensor<2xf32>, tensor<i32>) -> tensor<8xf32>
  return %1 : tensor<8xf32>
}

// -----

// CHECK-LABEL: func.func @covered
// CHECK-NEXT: stablehlo.dynamic_update_slice %arg0, %arg2, %arg3
// CHECK-NEXT: return
func.func @covered(%slot: tensor<8xf32> {kvlift.slot = "k"}, %x: tensor<2xf32>, %y: tensor<2xf32>, %p: tensor<i32>) -> (tensor<8xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.dynamic_update_slice %slot, %x, %p : (tensor<8xf32>, tensor<2xf32>, tensor<i32>) -> tensor<8xf32>
  %1 = stablehlo.dynamic_update_slice %0, %y, %p : (tensor<8xf32>, tensor<2xf32>, tensor<i32>) -> tensor<8xf32>
  return %1 : tensor<8xf32>
}

// -----

// At the end of the slot both would be moved to the last row: they stay.

// CHECK-LABEL: func.func @neighbours_at_run_time
// CHECK-COUNT-2: stablehlo.dynamic_update_slice
func.func @neighbours_at_run_time(%slot: tensor<8xf32> {kvlift.slot = "k"}, %x: tensor<1xf32>, %y: tensor<1xf32>, %p: tensor<i32>) -> (tensor<8xf32> {kvlift.slot = "k"}) {
  %one = stablehlo.constant dense<1> : tensor<i32>
  %q = stablehlo.add %p, %one : tensor<i32>
  %0 = stablehlo.dynamic_update_slice %slot, %x, %p : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  %1 = stablehlo.dynamic_update_slice %0, %y, %q : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  return %1 : tensor<8xf32>
}
