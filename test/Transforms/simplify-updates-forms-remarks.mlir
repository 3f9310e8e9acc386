// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-simplify-updates)'
//
// Updates other than scatters that are left alone, one for each reason.

// The mask chooses as many rows as the position says.

func.func @any_number_of_rows(%slot: tensor<8xf32> {kvlift.slot = "k"}, %row: tensor<f32>, %pos: tensor<i32>) -> (tensor<8xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.iota dim = 0 : tensor<8xi32>
  %1 = stablehlo.broadcast_in_dim %pos, dims = [] : (tensor<i32>) -> tensor<8xi32>
  %2 = stablehlo.compare LT, %0, %1 : (tensor<8xi32>, tensor<8xi32>) -> tensor<8xi1>
  %3 = stablehlo.broadcast_in_dim %row, dims = [] : (tensor<f32>) -> tensor<8xf32>
  // expected-remark@below {{slot 'k': the select stays as it is: its mask does not choose a constant number of rows by their position}}
  %4 = stablehlo.select %2, %3, %slot : tensor<8xi1>, tensor<8xf32>
  return %4 : tensor<8xf32>
}

// -----

// A window that rolls: all rows move.

func.func @rolled(%slot: tensor<8xf32> {kvlift.slot = "k"}, %new: tensor<1xf32>) -> (tensor<8xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.slice %slot [1:8] : (tensor<8xf32>) -> tensor<7xf32>
  // expected-remark@below {{slot 'k': the concatenate stays as it is: none of its pieces stands where it was taken from the slot}}
  %1 = stablehlo.concatenate %0, %new, dim = 0 : (tensor<7xf32>, tensor<1xf32>) -> tensor<8xf32>
  return %1 : tensor<8xf32>
}

// -----

// Attention sinks: the first row stays, the others move.

func.func @sink(%slot: tensor<8xf32> {kvlift.slot = "k"}, %new: tensor<1xf32>) -> (tensor<8xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.slice %slot [0:1] : (tensor<8xf32>) -> tensor<1xf32>
  %1 = stablehlo.slice %slot [2:8] : (tensor<8xf32>) -> tensor<6xf32>
  // expected-remark@below {{slot 'k': the concatenate stays as it is: it moves rows of the slot to another place}}
  %2 = stablehlo.concatenate %0, %1, %new, dim = 0 : (tensor<1xf32>, tensor<6xf32>, tensor<1xf32>) -> tensor<8xf32>
  return %2 : tensor<8xf32>
}

// -----

// The branch needs what it has written.

func.func @branch_reads(%slot: tensor<8xf32> {kvlift.slot = "k"}, %new: tensor<1xf32>, %pos: tensor<i32>, %flag: tensor<i1>) -> (tensor<8xf32> {kvlift.slot = "k"}, tensor<8xf32>) {
  // expected-remark@below {{slot 'k': the branch stays as it is: a branch reads the slot after it has updated it}}
  %0:2 = "stablehlo.if"(%flag) ({
    %1 = stablehlo.dynamic_update_slice %slot, %new, %pos : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
    %2 = stablehlo.exponential %1 : tensor<8xf32>
    stablehlo.return %1, %2 : tensor<8xf32>, tensor<8xf32>
  }, {
    %1 = stablehlo.constant dense<0.0> : tensor<8xf32>
    stablehlo.return %slot, %1 : tensor<8xf32>, tensor<8xf32>
  }) : (tensor<i1>) -> (tensor<8xf32>, tensor<8xf32>)
  return %0#0, %0#1 : tensor<8xf32>, tensor<8xf32>
}

// -----

// Zero times NaN is NaN.

func.func @masked_sum(%slot: tensor<8xf32> {kvlift.slot = "k"}, %new: tensor<8xf32>, %mask: tensor<8xf32>, %rest: tensor<8xf32>) -> (tensor<8xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.multiply %slot, %rest : tensor<8xf32>
  %1 = stablehlo.multiply %new, %mask : tensor<8xf32>
  // expected-remark@below {{slot 'k': the sum stays as it is: products with a mask compute every element, and 0 * NaN is not 0; select(mask, new, old) can be updated in place}}
  %2 = stablehlo.add %0, %1 : tensor<8xf32>
  return %2 : tensor<8xf32>
}

// -----

// The old value is needed for what comes of the new one.

func.func @old_and_new(%slot: tensor<8xf32> {kvlift.slot = "k"}, %row: tensor<f32>, %pos: tensor<i32>) -> (tensor<8xf32> {kvlift.slot = "k"}, tensor<8xf32>) {
  %0 = stablehlo.iota dim = 0 : tensor<8xi32>
  %1 = stablehlo.broadcast_in_dim %pos, dims = [] : (tensor<i32>) -> tensor<8xi32>
  %2 = stablehlo.compare EQ, %0, %1 : (tensor<8xi32>, tensor<8xi32>) -> tensor<8xi1>
  %3 = stablehlo.broadcast_in_dim %row, dims = [] : (tensor<f32>) -> tensor<8xf32>
  // expected-remark@below {{slot 'k': the select stays as it is: the old value is still needed after it}}
  %4 = stablehlo.select %2, %3, %slot : tensor<8xi1>, tensor<8xf32>
  %5 = stablehlo.multiply %4, %slot : tensor<8xf32>
  return %4, %5 : tensor<8xf32>, tensor<8xf32>
}

// -----

// Seven iterations write seven of eight layers.

func.func @scan_of_a_part(%slot: tensor<8x2xf32> {kvlift.slot = "k"}) -> (tensor<8x2xf32> {kvlift.slot = "k"}) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %n = stablehlo.constant dense<7> : tensor<i32>
  %f = stablehlo.constant dense<0.0> : tensor<8x2xf32>
  // expected-remark@below {{slot 'k': the loop stays as it is: it does not provably write every layer once}}
  %0:3 = stablehlo.while(%i = %z, %in = %slot, %out = %f) : tensor<i32>, tensor<8x2xf32>, tensor<8x2xf32>
  cond {
    %1 = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  } do {
    %1 = stablehlo.dynamic_slice %in, %i, %z, sizes = [1, 2] : (tensor<8x2xf32>, tensor<i32>, tensor<i32>) -> tensor<1x2xf32>
    %2 = stablehlo.negate %1 : tensor<1x2xf32>
    %3 = stablehlo.dynamic_update_slice %out, %2, %i, %z : (tensor<8x2xf32>, tensor<1x2xf32>, tensor<i32>, tensor<i32>) -> tensor<8x2xf32>
    %4 = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %4, %in, %3 : tensor<i32>, tensor<8x2xf32>, tensor<8x2xf32>
  }
  return %0#2 : tensor<8x2xf32>
}

// -----

// The new rows stand at another position for each batch row.

func.func @rows_that_differ(%slot: tensor<2x8xf32> {kvlift.slot = "k"}, %new: tensor<2x8xf32>, %at: tensor<2xi32>) -> (tensor<2x8xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.iota dim = 1 : tensor<2x8xi32>
  %1 = stablehlo.broadcast_in_dim %at, dims = [0] : (tensor<2xi32>) -> tensor<2x8xi32>
  %2 = stablehlo.compare EQ, %0, %1 : (tensor<2x8xi32>, tensor<2x8xi32>) -> tensor<2x8xi1>
  // expected-remark@below {{slot 'k': the select stays as it is: its new rows differ, and where they are is known only at run time}}
  %3 = stablehlo.select %2, %new, %slot : tensor<2x8xi1>, tensor<2x8xf32>
  return %3 : tensor<2x8xf32>
}

// -----

// A position for each batch row, but for as many batch rows as another one says.

func.func @mixed_dims(%slot: tensor<8x8xf32> {kvlift.slot = "k"}, %new: tensor<f32>, %at: tensor<8xi32>, %b: tensor<i32>) -> (tensor<8x8xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.iota dim = 1 : tensor<8x8xi32>
  %1 = stablehlo.broadcast_in_dim %at, dims = [0] : (tensor<8xi32>) -> tensor<8x8xi32>
  %2 = stablehlo.compare EQ, %0, %1 : (tensor<8x8xi32>, tensor<8x8xi32>) -> tensor<8x8xi1>
  %3 = stablehlo.iota dim = 0 : tensor<8x8xi32>
  %4 = stablehlo.broadcast_in_dim %b, dims = [] : (tensor<i32>) -> tensor<8x8xi32>
  %5 = stablehlo.compare LT, %3, %4 : (tensor<8x8xi32>, tensor<8x8xi32>) -> tensor<8x8xi1>
  %6 = stablehlo.and %2, %5 : tensor<8x8xi1>
  %7 = stablehlo.broadcast_in_dim %new, dims = [] : (tensor<f32>) -> tensor<8x8xf32>
  // expected-remark@below {{slot 'k': the select stays as it is: its mask does not choose a constant number of rows by their position}}
  %8 = stablehlo.select %6, %7, %slot : tensor<8x8xi1>, tensor<8x8xf32>
  return %8 : tensor<8x8xf32>
}

// -----

// 8 bits cannot count the 200 batch rows.

func.func @narrow(%slot: tensor<200x8xf32> {kvlift.slot = "k"}, %new: tensor<200xf32>, %at: tensor<200xi8>) -> (tensor<200x8xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.iota dim = 1 : tensor<200x8xi8>
  %1 = stablehlo.broadcast_in_dim %at, dims = [0] : (tensor<200xi8>) -> tensor<200x8xi8>
  %2 = stablehlo.compare EQ, %0, %1 : (tensor<200x8xi8>, tensor<200x8xi8>) -> tensor<200x8xi1>
  %3 = stablehlo.broadcast_in_dim %new, dims = [0] : (tensor<200xf32>) -> tensor<200x8xf32>
  // expected-remark@below {{slot 'k': the select stays as it is: its index type i8 cannot count the rows}}
  %4 = stablehlo.select %2, %3, %slot : tensor<200x8xi1>, tensor<200x8xf32>
  return %4 : tensor<200x8xf32>
}
