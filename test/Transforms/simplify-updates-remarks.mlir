// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-simplify-updates)'
//
// Scatters of slots that are left alone, one for each reason.

// One scatter for two slots.

func.func @several(%k: tensor<8x4xf32> {kvlift.slot = "k"}, %v: tensor<8x4xf32> {kvlift.slot = "v"}, %i: tensor<1x1xi32>, %new: tensor<1x4xf32>)
    -> (tensor<8x4xf32> {kvlift.slot = "k"}, tensor<8x4xf32> {kvlift.slot = "v"}) {
  // expected-remark@below {{slot 'k': the scatter stays as it is: it has several inputs}}
  %0:2 = "stablehlo.scatter"(%k, %v, %i, %new, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %p: tensor<f32>, %y: tensor<f32>, %q: tensor<f32>):
    stablehlo.return %y, %q : tensor<f32>, tensor<f32>
  }) : (tensor<8x4xf32>, tensor<8x4xf32>, tensor<1x1xi32>, tensor<1x4xf32>, tensor<1x4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>)
  return %0#0, %0#1 : tensor<8x4xf32>, tensor<8x4xf32>
}

// -----

// The sum of old and new is no overwriting.

func.func @adds(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %i: tensor<1x1xi32>, %new: tensor<1x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k': the scatter stays as it is: its body combines the update with the old value}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    %s = stablehlo.add %x, %y : tensor<f32>
    stablehlo.return %s : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<1x1xi32>, tensor<1x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// A body that returns the old value writes nothing.

func.func @keeps(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %i: tensor<1x1xi32>, %new: tensor<1x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k': the scatter stays as it is: its body combines the update with the old value}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %x : tensor<f32>
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

// One position for each of two dims.

func.func @two_dims(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %i: tensor<1x2xi32>, %new: tensor<1xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k': the scatter stays as it is: it does not index one dimension}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0, 1], scatter_dims_to_operand_dims = [0, 1], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<1x2xi32>, tensor<1xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// A window of two rows: either both are in range or none is written.

func.func @window(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %i: tensor<1x1xi32>, %new: tensor<1x2x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k': the scatter stays as it is: it does not index one dimension}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<1x1xi32>, tensor<1x2x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// A row for each batch.

func.func @batching(%slot: tensor<2x8x4xf32> {kvlift.slot = "k"}, %i: tensor<2x1xi32>, %new: tensor<2x4xf32>) -> (tensor<2x8x4xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k': the scatter stays as it is: it does not index one dimension}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [1], input_batching_dims = [0], scatter_indices_batching_dims = [0], scatter_dims_to_operand_dims = [1], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<2x8x4xf32>, tensor<2x1xi32>, tensor<2x4xf32>) -> tensor<2x8x4xf32>
  return %0 : tensor<2x8x4xf32>
}

// -----

// A table of positions.

func.func @table(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %i: tensor<2x3x1xi32>, %new: tensor<2x3x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k': the scatter stays as it is: its positions are not a vector}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 2>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<2x3x1xi32>, tensor<2x3x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// Half a row.

func.func @half(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %i: tensor<1x1xi32>, %new: tensor<1x2xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k': the scatter stays as it is: its windows are smaller than a row}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<1x1xi32>, tensor<1x2xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// Two positions from outside may be anywhere, in any order, and the same.

func.func @anywhere(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %i: tensor<2x1xi32>, %new: tensor<2x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k': the scatter stays as it is: its rows are not provably consecutive}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<2x1xi32>, tensor<2x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// Every second row.

func.func @strided(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %new: tensor<3x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %i = stablehlo.constant dense<[[0], [2], [4]]> : tensor<3x1xi32>
  // expected-remark@below {{slot 'k': the scatter stays as it is: its rows are not provably consecutive}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<3x1xi32>, tensor<3x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// Rows in falling order: the update would have to be reversed.

func.func @falling(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %new: tensor<3x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %i = stablehlo.constant dense<[[2], [1], [0]]> : tensor<3x1xi32>
  // expected-remark@below {{slot 'k': the scatter stays as it is: its rows are not provably consecutive}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<3x1xi32>, tensor<3x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// All rows at one position.

func.func @repeated(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %base: tensor<i32>, %new: tensor<3x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %i = stablehlo.broadcast_in_dim %base, dims = [] : (tensor<i32>) -> tensor<3x1xi32>
  // expected-remark@below {{slot 'k': the scatter stays as it is: its rows are not provably consecutive}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<3x1xi32>, tensor<3x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// Two unknown bases, and a factor of two.

func.func @two_bases(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %base: tensor<i32>, %new: tensor<2x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %rising = stablehlo.iota dim = 0 : tensor<2x1xi32>
  %repeated = stablehlo.broadcast_in_dim %base, dims = [] : (tensor<i32>) -> tensor<2x1xi32>
  %once = stablehlo.add %rising, %repeated : tensor<2x1xi32>
  %i = stablehlo.add %once, %repeated : tensor<2x1xi32>
  // expected-remark@below {{slot 'k': the scatter stays as it is: its rows are not provably consecutive}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<2x1xi32>, tensor<2x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// A product of the rows and a factor other than one.

func.func @factor(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %new: tensor<2x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %rising = stablehlo.iota dim = 0 : tensor<2x1xi32>
  %twos = stablehlo.constant dense<2> : tensor<2x1xi32>
  %i = stablehlo.multiply %rising, %twos : tensor<2x1xi32>
  // expected-remark@below {{slot 'k': the scatter stays as it is: its rows are not provably consecutive}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<2x1xi32>, tensor<2x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// A broadcast may transpose: these are rows 0 3 1 4 2 5.

func.func @transposed(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %new: tensor<6x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %rising = stablehlo.iota dim = 0 : tensor<6xi32>
  %square = stablehlo.reshape %rising : (tensor<6xi32>) -> tensor<2x3xi32>
  %turned = stablehlo.broadcast_in_dim %square, dims = [1, 0] : (tensor<2x3xi32>) -> tensor<3x2xi32>
  %i = stablehlo.reshape %turned : (tensor<3x2xi32>) -> tensor<6x1xi32>
  // expected-remark@below {{slot 'k': the scatter stays as it is: its rows are not provably consecutive}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<6x1xi32>, tensor<6x4xf32>) -> tensor<8x4xf32>
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

// The guard compares signed numbers.

func.func @unsigned(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %i: tensor<1x1xui32>, %new: tensor<1x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k': the scatter stays as it is: its index type ui32 cannot count the rows}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<1x1xui32>, tensor<1x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// The guard counts up to twice the number of rows.

func.func @narrow(%slot: tensor<64x4xf32> {kvlift.slot = "k"}, %i: tensor<1x1xi8>, %new: tensor<1x4xf32>) -> (tensor<64x4xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k': the scatter stays as it is: its index type i8 cannot count the rows}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<64x4xf32>, tensor<1x1xi8>, tensor<1x4xf32>) -> tensor<64x4xf32>
  return %0 : tensor<64x4xf32>
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
