// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-simplify-updates)'
//
// Scatters of slots that are left alone, one for each reason.

// What is dropped for being out of range is never divided by.

func.func @divides(%slot: tensor<8x4xi32> {kvlift.slot = "k"}, %i: tensor<1x1xi32>, %new: tensor<1x4xi32>) -> (tensor<8x4xi32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k': the scatter stays as it is: its body cannot be computed on whole rows}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<i32>, %y: tensor<i32>):
    %s = stablehlo.divide %x, %y : tensor<i32>
    stablehlo.return %s : tensor<i32>
  }) : (tensor<8x4xi32>, tensor<1x1xi32>, tensor<1x4xi32>) -> tensor<8x4xi32>
  return %0 : tensor<8x4xi32>
}

// -----

// The body adds what is no argument of it.

func.func @captures(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %i: tensor<1x1xi32>, %new: tensor<1x4xf32>, %more: tensor<f32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k': the scatter stays as it is: its body cannot be computed on whole rows}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    %s = stablehlo.add %x, %more : tensor<f32>
    stablehlo.return %s : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<1x1xi32>, tensor<1x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// How many rows there are is known at run time only.

func.func @dynamic(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %i: tensor<?x1xi32>, %new: tensor<?x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k': the scatter stays as it is: its shapes are dynamic}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<?x1xi32>, tensor<?x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// The result forgets an extent of the slot, and its users want that type.

func.func @other_type(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %i: tensor<1x1xi32>, %new: tensor<1x4xf32>) -> (tensor<?x4xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k': the scatter stays as it is: its result is tensor<?x4xf32>}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<1x1xi32>, tensor<1x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// A window of two rows: either both are in range or none is written.

func.func @window(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %i: tensor<1x1xi32>, %new: tensor<1x2x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k': the scatter stays as it is: its windows may lie across the edge of the slot, where runtimes differ}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<1x1xi32>, tensor<1x2x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// More rows than the slot has: some of them are dropped in any case.

func.func @too_many(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %base: tensor<9x1xi32>, %new: tensor<9x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %first = stablehlo.slice %base [0:1, 0:1] : (tensor<9x1xi32>) -> tensor<1x1xi32>
  %rising = stablehlo.iota dim = 0 : tensor<9x1xi32>
  %from = stablehlo.broadcast_in_dim %first, dims = [0, 1] : (tensor<1x1xi32>) -> tensor<9x1xi32>
  %i = stablehlo.add %from, %rising : tensor<9x1xi32>
  // expected-remark@below {{slot 'k': the scatter stays as it is: it writes 9 rows of 8}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<9x1xi32>, tensor<9x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// StableHLO computes nothing with the index type.

func.func @index_type(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %i: tensor<1x1xindex>, %new: tensor<1x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k': the scatter stays as it is: its index type index cannot count the rows}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<1x1xindex>, tensor<1x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// The scatter is static, the slot that it transposes is not.

func.func @dynamic_slot(%slot: tensor<?x8xf32> {kvlift.slot = "k"}, %i: tensor<1x1xi32>, %new: tensor<1x4xf32>) -> (tensor<?x8xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.transpose %slot, dims = [1, 0] : (tensor<?x8xf32>) -> tensor<8x4xf32>
  // expected-remark@below {{slot 'k': the scatter stays as it is: its shapes are dynamic}}
  %1 = "stablehlo.scatter"(%0, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<1x1xi32>, tensor<1x4xf32>) -> tensor<8x4xf32>
  %2 = stablehlo.transpose %1, dims = [1, 0] : (tensor<8x4xf32>) -> tensor<?x8xf32>
  return %2 : tensor<?x8xf32>
}

// -----

// More rows than are written one by one, on the leading dim already.

func.func @nine_rows(%slot: tensor<32x4xf32> {kvlift.slot = "k"}, %i: tensor<9x1xi32>, %new: tensor<9x4xf32>) -> (tensor<32x4xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k': the scatter stays as it is: its rows are not provably consecutive, and more than 8}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<32x4xf32>, tensor<9x1xi32>, tensor<9x4xf32>) -> tensor<32x4xf32>
  return %0 : tensor<32x4xf32>
}

// -----

// Positions that may wrap around in a type that cannot count twice the rows: the
// guard could not tell where they are.

func.func @narrow_run(%slot: tensor<70x4xf32> {kvlift.slot = "k"}, %p: tensor<i8>, %new: tensor<3x4xf32>) -> (tensor<70x4xf32> {kvlift.slot = "k"}) {
  %one = stablehlo.constant dense<1> : tensor<3xi8>
  %0 = stablehlo.iota dim = 0 : tensor<3xi8>
  %1 = stablehlo.broadcast_in_dim %p, dims = [] : (tensor<i8>) -> tensor<3xi8>
  %2 = stablehlo.add %1, %0 : tensor<3xi8>
  %i = stablehlo.reshape %2 : (tensor<3xi8>) -> tensor<3x1xi8>
  // expected-remark@below {{slot 'k': the scatter stays as it is: its index type i8 cannot count the rows}}
  %3 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<70x4xf32>, tensor<3x1xi8>, tensor<3x4xf32>) -> tensor<70x4xf32>
  return %3 : tensor<70x4xf32>
}

// -----

// Negative positions have 7 added, in a slot of 8 rows: what is written under the
// guess that all of them are negative could be in range for row 0, too.

func.func @short_wrap(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %p: tensor<i32>, %new: tensor<3x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %seven = stablehlo.constant dense<7> : tensor<3xi32>
  %zero = stablehlo.constant dense<0> : tensor<3xi32>
  %0 = stablehlo.iota dim = 0 : tensor<3xi32>
  %1 = stablehlo.broadcast_in_dim %p, dims = [] : (tensor<i32>) -> tensor<3xi32>
  %2 = stablehlo.add %1, %0 : tensor<3xi32>
  %3 = stablehlo.compare LT, %2, %zero : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
  %4 = stablehlo.add %2, %seven : tensor<3xi32>
  %5 = stablehlo.select %3, %4, %2 : tensor<3xi1>, tensor<3xi32>
  %i = stablehlo.reshape %5 : (tensor<3xi32>) -> tensor<3x1xi32>
  // expected-remark@below {{slot 'k': the scatter stays as it is: its negative positions are not counted from the end}}
  %6 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<3x1xi32>, tensor<3x4xf32>) -> tensor<8x4xf32>
  return %6 : tensor<8x4xf32>
}

// -----

// Two runs of columns that may cross: a dynamic_update_slice for each would let
// the second run win, where the scatter goes from column to column of both.

func.func @crossed(%slot: tensor<4x8xf32> {kvlift.slot = "k"}, %rows: tensor<2xi32>, %columns: tensor<2xi32>, %new: tensor<3x2xf32>) -> (tensor<4x8xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.broadcast_in_dim %rows, dims = [1] : (tensor<2xi32>) -> tensor<3x2x1xi32>
  %1 = stablehlo.broadcast_in_dim %columns, dims = [1] : (tensor<2xi32>) -> tensor<3x2x1xi32>
  %2 = stablehlo.iota dim = 0 : tensor<3x2x1xi32>
  %3 = stablehlo.add %1, %2 : tensor<3x2x1xi32>
  %i = stablehlo.concatenate %0, %3, dim = 2 : (tensor<3x2x1xi32>, tensor<3x2x1xi32>) -> tensor<3x2x2xi32>
  // expected-remark@below {{slot 'k': the scatter stays as it is: its rows may overlap out of order}}
  %4 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [], inserted_window_dims = [0, 1], scatter_dims_to_operand_dims = [0, 1], index_vector_dim = 2>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<4x8xf32>, tensor<3x2x2xi32>, tensor<3x2xf32>) -> tensor<4x8xf32>
  return %4 : tensor<4x8xf32>
}
