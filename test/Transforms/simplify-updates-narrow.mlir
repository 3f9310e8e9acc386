// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-simplify-updates)' | filecheck %s
//
// Positions that wrap around where they are computed: the number that a rewrite
// would compute with is not the one that the program has.

// A run in i8 comes to the end of its type inside of the slot: the rows behind
// 127 are at -128, and so nowhere.

// CHECK-LABEL: func.func @run_to_the_end
// CHECK: stablehlo.scatter
func.func @run_to_the_end(%slot: tensor<130xf32> {kvlift.slot = "k"}, %new: tensor<20xf32>) -> (tensor<130xf32> {kvlift.slot = "k"}) {
  %i = stablehlo.iota dim = 0 : tensor<20xi8>
  %c = stablehlo.constant dense<120> : tensor<20xi8>
  %p = stablehlo.add %i, %c : tensor<20xi8>
  %rows = stablehlo.reshape %p : (tensor<20xi8>) -> tensor<20x1xi8>
  // expected-remark@below {{slot 'k': the scatter stays as it is: its positions wrap around in i8}}
  %0 = "stablehlo.scatter"(%slot, %rows, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<130xf32>, tensor<20x1xi8>, tensor<20xf32>) -> tensor<130xf32>
  return %0 : tensor<130xf32>
}

// -----

// The sum does not wrap around, but the offset alone, 200, does: what is
// converted is the sum.

// CHECK-LABEL: func.func @wide_offset
// CHECK: %[[ONE:[^ ]+]] = stablehlo.add %{{[^ ]+}}, %{{[^ ]+}} : tensor<i8>
// CHECK: %[[SUM:[^ ]+]] = stablehlo.add %[[ONE]], %{{[^ ]+}} : tensor<i8>
// CHECK: %[[ROW:[^ ]+]] = stablehlo.convert %[[SUM]] : (tensor<i8>) -> tensor<i32>
// CHECK-NOT: -56
// CHECK: stablehlo.dynamic_update_slice
func.func @wide_offset(%slot: tensor<130xf32> {kvlift.slot = "k"}, %new: tensor<1xf32>, %p: tensor<i8>) -> (tensor<130xf32> {kvlift.slot = "k"}) {
  %low = stablehlo.constant dense<-100> : tensor<i8>
  %high = stablehlo.constant dense<-90> : tensor<i8>
  %c = stablehlo.constant dense<100> : tensor<i8>
  %q = stablehlo.clamp %low, %p, %high : tensor<i8>
  %a = stablehlo.add %q, %c : tensor<i8>
  %b = stablehlo.add %a, %c : tensor<i8>
  %w = stablehlo.convert %b : (tensor<i8>) -> tensor<i32>
  %row = stablehlo.reshape %w : (tensor<i32>) -> tensor<1x1xi32>
  %0 = "stablehlo.scatter"(%slot, %row, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<130xf32>, tensor<1x1xi32>, tensor<1xf32>) -> tensor<130xf32>
  return %0 : tensor<130xf32>
}

// -----

// [127, -128] is no run of two rows, though -128 is 128 in i8.

// CHECK-LABEL: func.func @wide_step
// CHECK: %[[NONE:[^ ]+]] = stablehlo.constant dense<127>
// CHECK: stablehlo.dynamic_update_slice %{{[^ ]+}}, %{{[^ ]+}}, %[[NONE]] : (tensor<130xf32>, tensor<1xf32>
func.func @wide_step(%slot: tensor<130xf32> {kvlift.slot = "k"}, %new: tensor<2xf32>) -> (tensor<130xf32> {kvlift.slot = "k"}) {
  %a = stablehlo.constant dense<[64, -64]> : tensor<2xi32>
  %b = stablehlo.constant dense<[63, -64]> : tensor<2xi32>
  %a8 = stablehlo.convert %a : (tensor<2xi32>) -> tensor<2xi8>
  %b8 = stablehlo.convert %b : (tensor<2xi32>) -> tensor<2xi8>
  %p = stablehlo.add %a8, %b8 : tensor<2xi8>
  %w = stablehlo.convert %p : (tensor<2xi8>) -> tensor<2xi32>
  %rows = stablehlo.reshape %w : (tensor<2xi32>) -> tensor<2x1xi32>
  %0 = "stablehlo.scatter"(%slot, %rows, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<130xf32>, tensor<2x1xi32>, tensor<2xf32>) -> tensor<130xf32>
  return %0 : tensor<130xf32>
}

// -----

// Whether the low byte is negative does not say that the number is: row 130
// would be taken for one that is counted from the end.

// CHECK-LABEL: func.func @sign_of_another_width
// CHECK: %[[ROWS:[^ ]+]] = stablehlo.select
// CHECK: stablehlo.slice %[[ROWS]] [0:1]
// CHECK: stablehlo.dynamic_update_slice
func.func @sign_of_another_width(%slot: tensor<200xf32> {kvlift.slot = "k"}, %new: tensor<2xf32>, %p: tensor<i32>) -> (tensor<200xf32> {kvlift.slot = "k"}) {
  %i = stablehlo.iota dim = 0 : tensor<2xi32>
  %all = stablehlo.broadcast_in_dim %p, dims = [] : (tensor<i32>) -> tensor<2xi32>
  %at = stablehlo.add %i, %all : tensor<2xi32>
  %low = stablehlo.convert %at : (tensor<2xi32>) -> tensor<2xi8>
  %zero = stablehlo.constant dense<0> : tensor<2xi8>
  %isNegative = stablehlo.compare LT, %low, %zero : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi1>
  %extent = stablehlo.constant dense<200> : tensor<2xi32>
  %moved = stablehlo.add %at, %extent : tensor<2xi32>
  %w = stablehlo.select %isNegative, %moved, %at : tensor<2xi1>, tensor<2xi32>
  %rows = stablehlo.reshape %w : (tensor<2xi32>) -> tensor<2x1xi32>
  %0 = "stablehlo.scatter"(%slot, %rows, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<200xf32>, tensor<2x1xi32>, tensor<2xf32>) -> tensor<200xf32>
  return %0 : tensor<200xf32>
}

// -----

// The rows that the mask chooses begin at 228, which i8 has no number for.

// CHECK-LABEL: func.func @rows_beyond_the_type
// CHECK: stablehlo.select
func.func @rows_beyond_the_type(%slot: tensor<256xf32> {kvlift.slot = "k"}, %new: tensor<256xf32>) -> (tensor<256xf32> {kvlift.slot = "k"}) {
  %i = stablehlo.iota dim = 0 : tensor<256xi32>
  %half = stablehlo.constant dense<128> : tensor<256xi32>
  %j = stablehlo.subtract %i, %half : tensor<256xi32>
  %at = stablehlo.convert %j : (tensor<256xi32>) -> tensor<256xi8>
  %c = stablehlo.constant dense<100> : tensor<256xi8>
  %mask = stablehlo.compare GE, %at, %c : (tensor<256xi8>, tensor<256xi8>) -> tensor<256xi1>
  // expected-remark@below {{slot 'k': the select stays as it is: its index type i8 cannot count the rows}}
  %0 = stablehlo.select %mask, %new, %slot : tensor<256xi1>, tensor<256xf32>
  return %0 : tensor<256xf32>
}

// -----

// In the total order, -0.0 is not 0.0: this mask is true everywhere.

// CHECK-LABEL: func.func @total_order
// CHECK: stablehlo.select
func.func @total_order(%slot: tensor<4xf32> {kvlift.slot = "k"}, %new: tensor<4xf32>, %p: tensor<i32>) -> (tensor<4xf32> {kvlift.slot = "k"}) {
  %i = stablehlo.iota dim = 0 : tensor<4xi32>
  %all = stablehlo.broadcast_in_dim %p, dims = [] : (tensor<i32>) -> tensor<4xi32>
  %e = stablehlo.compare EQ, %i, %all : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi1>
  %f = stablehlo.convert %e : (tensor<4xi1>) -> tensor<4xf32>
  %zero = stablehlo.constant dense<-0.0> : tensor<4xf32>
  %mask = stablehlo.compare NE, %f, %zero, TOTALORDER : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  // expected-remark@below {{its mask does not choose a constant number of rows by their position}}
  %0 = stablehlo.select %mask, %new, %slot : tensor<4xi1>, tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Windows of two rows, looked at row by row because their rows come first:
// across the edge, runtimes drop them whole.

// CHECK-LABEL: func.func @windows_across_the_edge
// CHECK: stablehlo.scatter
func.func @windows_across_the_edge(%slot: tensor<5x2xf32> {kvlift.slot = "k"}, %new: tensor<2x2x2xf32>, %rows: tensor<2x1xi32>) -> (tensor<5x2xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{its windows may lie across the edge of the slot, where runtimes differ}}
  %0 = "stablehlo.scatter"(%slot, %rows, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 2], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<5x2xf32>, tensor<2x1xi32>, tensor<2x2x2xf32>) -> tensor<5x2xf32>
  return %0 : tensor<5x2xf32>
}
