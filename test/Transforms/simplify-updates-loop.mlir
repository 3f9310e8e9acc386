// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-simplify-updates)' | filecheck %s

// A scan: the loop carries the slot, and writes the row only.

// CHECK-LABEL: func.func @scan
// CHECK-SAME: (%[[STACK:[^ ]+]]: tensor<3x8xf32> {{{.*}}}, %[[ROW:[^ ]+]]: tensor<1xf32>, %[[POS:[^ ]+]]: tensor<i32>)
// CHECK-NOT: dense<0.000000e+00>
// CHECK: %[[LOOP:[^ ]+]]:2 = stablehlo.while(%[[I:[^ ]+]] = %{{[^ ]+}}, %[[IN:[^ ]+]] = %[[STACK]]) : tensor<i32>, tensor<3x8xf32>
// CHECK: %[[NEXT:[^ ]+]] = stablehlo.dynamic_update_slice %[[IN]], %{{[^ ]+}}, %[[I]], %[[POS]] : (tensor<3x8xf32>, tensor<1x1xf32>
// CHECK: stablehlo.return %{{[^ ]+}}, %[[NEXT]]
// CHECK: return %[[LOOP]]#1
func.func @scan(%stack: tensor<3x8xf32> {kvlift.slot = "k"}, %row: tensor<1xf32>, %pos: tensor<i32>) -> (tensor<3x8xf32> {kvlift.slot = "k"}) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %n = stablehlo.constant dense<3> : tensor<i32>
  %f = stablehlo.constant dense<0.0> : tensor<3x8xf32>
  %0:3 = stablehlo.while(%out = %f, %i = %z, %in = %stack) : tensor<3x8xf32>, tensor<i32>, tensor<3x8xf32>
  cond {
    %1 = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  } do {
    %1 = stablehlo.dynamic_slice %in, %i, %z, sizes = [1, 8] : (tensor<3x8xf32>, tensor<i32>, tensor<i32>) -> tensor<1x8xf32>
    %2 = stablehlo.reshape %1 : (tensor<1x8xf32>) -> tensor<8xf32>
    %3 = stablehlo.dynamic_update_slice %2, %row, %pos : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
    %4 = stablehlo.reshape %3 : (tensor<8xf32>) -> tensor<1x8xf32>
    %5 = stablehlo.dynamic_update_slice %out, %4, %i, %z : (tensor<3x8xf32>, tensor<1x8xf32>, tensor<i32>, tensor<i32>) -> tensor<3x8xf32>
    %6 = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %5, %6, %in : tensor<3x8xf32>, tensor<i32>, tensor<3x8xf32>
  }
  return %0#0 : tensor<3x8xf32>
}

// -----

// The body reads what it has stacked so far: with the slot's own layers in the
// stack, it would read those that are still to come.

// CHECK-LABEL: func.func @partial_output_is_read
// CHECK: stablehlo.while({{.*}}) : tensor<i32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>
func.func @partial_output_is_read(%slot: tensor<3x4xf32> {kvlift.slot = "k"}, %new: tensor<1x4xf32>) -> (tensor<3x4xf32> {kvlift.slot = "k"}, tensor<3x4xf32>) {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %layers = stablehlo.constant dense<3> : tensor<i32>
  %empty = stablehlo.constant dense<0.0> : tensor<3x4xf32>
  %0:4 = stablehlo.while(%i = %zero, %in = %slot, %out = %empty, %sum = %empty) : tensor<i32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>
  cond {
    %1 = stablehlo.compare LT, %i, %layers : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  } do {
    %1 = stablehlo.dynamic_slice %in, %i, %zero, sizes = [1, 4] : (tensor<3x4xf32>, tensor<i32>, tensor<i32>) -> tensor<1x4xf32>
    %2 = stablehlo.add %1, %new : tensor<1x4xf32>
    %3 = stablehlo.dynamic_update_slice %out, %2, %i, %zero : (tensor<3x4xf32>, tensor<1x4xf32>, tensor<i32>, tensor<i32>) -> tensor<3x4xf32>
    %4 = stablehlo.add %sum, %3 : tensor<3x4xf32>
    %5 = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %5, %in, %3, %4 : tensor<i32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>
  }
  return %0#2, %0#3 : tensor<3x4xf32>, tensor<3x4xf32>
}

// -----

// In i8 the counter comes back to the first layers, and the last ones stay as
// the stack began.

// CHECK-LABEL: func.func @narrow_counter
// CHECK: stablehlo.while({{.*}}) : tensor<i32>, tensor<130x2xf32>, tensor<130x2xf32>
func.func @narrow_counter(%slot: tensor<130x2xf32> {kvlift.slot = "k"}) -> (tensor<130x2xf32> {kvlift.slot = "k"}) {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %zero8 = stablehlo.constant dense<0> : tensor<i8>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %layers = stablehlo.constant dense<130> : tensor<i32>
  %empty = stablehlo.constant dense<0.0> : tensor<130x2xf32>
  %0:3 = stablehlo.while(%i = %zero, %in = %slot, %out = %empty) : tensor<i32>, tensor<130x2xf32>, tensor<130x2xf32>
  cond {
    %1 = stablehlo.compare LT, %i, %layers : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  } do {
    %1 = stablehlo.convert %i : (tensor<i32>) -> tensor<i8>
    %2 = stablehlo.dynamic_slice %in, %1, %zero8, sizes = [1, 2] : (tensor<130x2xf32>, tensor<i8>, tensor<i8>) -> tensor<1x2xf32>
    %3 = stablehlo.negate %2 : tensor<1x2xf32>
    %4 = stablehlo.dynamic_update_slice %out, %3, %1, %zero8 : (tensor<130x2xf32>, tensor<1x2xf32>, tensor<i8>, tensor<i8>) -> tensor<130x2xf32>
    %5 = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %5, %in, %4 : tensor<i32>, tensor<130x2xf32>, tensor<130x2xf32>
  }
  return %0#2 : tensor<130x2xf32>
}
