// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-print-index-facts)'
//
// What is known of the positions of updates; `d0` counts along the index tensor.

// A scalar is its own base.

func.func @scalar(%slot: tensor<8xf32>, %p: tensor<i32>, %new: tensor<1xf32>) -> tensor<8xf32> {
  // expected-remark@below {{start in dim 0: arg1[] in [-2147483648, 2147483647]}}
  %0 = stablehlo.dynamic_update_slice %slot, %new, %p : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// A constant, and constants computed with.

func.func @constants(%slot: tensor<8xf32>, %new: tensor<1xf32>) -> tensor<8xf32> {
  %a = stablehlo.constant dense<7> : tensor<i64>
  %b = stablehlo.constant dense<3> : tensor<i64>
  %c = stablehlo.subtract %a, %b : tensor<i64>
  %d = stablehlo.multiply %c, %b : tensor<i64>
  %i = stablehlo.remainder %d, %a : tensor<i64>
  // expected-remark@below {{start in dim 0: 5 in [5, 5]}}
  %0 = stablehlo.dynamic_update_slice %slot, %new, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i64>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// Clamping bounds the range; the element is a base of its own then.

func.func @clamped(%slot: tensor<8xf32>, %p: tensor<i64>, %new: tensor<1xf32>) -> tensor<8xf32> {
  %a = stablehlo.constant dense<0> : tensor<i64>
  %b = stablehlo.constant dense<7> : tensor<i64>
  %c = stablehlo.clamp %a, %p, %b : tensor<i64>
  %d = stablehlo.convert %c : (tensor<i64>) -> tensor<i32>
  %e = stablehlo.constant dense<2> : tensor<i32>
  %i = stablehlo.add %d, %e : tensor<i32>
  // expected-remark@below {{start in dim 0: stablehlo.clamp[] + 2 in [2, 9]}}
  %0 = stablehlo.dynamic_update_slice %slot, %new, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// A remainder by what the number may be is not the number: 8 becomes 0.

func.func @remainder_of_the_divisor(%slot: tensor<8xf32>, %p: tensor<i32>, %new: tensor<1xf32>) -> tensor<8xf32> {
  %a = stablehlo.constant dense<0> : tensor<i32>
  %b = stablehlo.constant dense<8> : tensor<i32>
  %c = stablehlo.clamp %a, %p, %b : tensor<i32>
  %i = stablehlo.remainder %c, %b : tensor<i32>
  // expected-remark@below {{start in dim 0: stablehlo.remainder[] in [0, 7]}}
  %0 = stablehlo.dynamic_update_slice %slot, %new, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// min and max do the same; a bound that is never met changes nothing.

func.func @bounded(%slot: tensor<8xf32>, %p: tensor<i32>, %new: tensor<1xf32>) -> tensor<8xf32> {
  %a = stablehlo.constant dense<0> : tensor<i32>
  %b = stablehlo.constant dense<7> : tensor<i32>
  %c = stablehlo.constant dense<9> : tensor<i32>
  %d = stablehlo.maximum %p, %a : tensor<i32>
  %e = stablehlo.minimum %b, %d : tensor<i32>
  %i = stablehlo.minimum %e, %c : tensor<i32>
  // expected-remark@below {{start in dim 0: stablehlo.minimum[] in [0, 7]}}
  %0 = stablehlo.dynamic_update_slice %slot, %new, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// Adding to an unknown number may wrap around: the sum holds modulo 2^32, and its range is that of the type.

func.func @wraps(%slot: tensor<8xf32>, %p: tensor<i32>, %new: tensor<1xf32>) -> tensor<8xf32> {
  %a = stablehlo.constant dense<1> : tensor<i32>
  %i = stablehlo.add %p, %a : tensor<i32>
  // expected-remark@below {{start in dim 0: arg1[] + 1 in [-2147483648, 2147483647]}}
  %0 = stablehlo.dynamic_update_slice %slot, %new, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// So in a wider type it is not a sum any more.

func.func @widened(%slot: tensor<8xf32>, %p: tensor<i32>, %new: tensor<1xf32>) -> tensor<8xf32> {
  %a = stablehlo.constant dense<1> : tensor<i32>
  %b = stablehlo.add %p, %a : tensor<i32>
  %i = stablehlo.convert %b : (tensor<i32>) -> tensor<i64>
  // expected-remark@below {{start in dim 0: stablehlo.convert[] in [-2147483648, 2147483647]}}
  %0 = stablehlo.dynamic_update_slice %slot, %new, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i64>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// Without the sum it is.

func.func @widened_base(%slot: tensor<8xf32>, %p: tensor<i32>, %new: tensor<1xf32>) -> tensor<8xf32> {
  %a = stablehlo.constant dense<1> : tensor<i64>
  %b = stablehlo.convert %p : (tensor<i32>) -> tensor<i64>
  %i = stablehlo.add %b, %a : tensor<i64>
  // expected-remark@below {{start in dim 0: arg1[] + 1 in [-2147483647, 2147483648]}}
  %0 = stablehlo.dynamic_update_slice %slot, %new, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i64>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// A narrower type drops high bits from both sides of the sum.

func.func @narrowed(%slot: tensor<8xf32>, %p: tensor<i64>, %new: tensor<1xf32>) -> tensor<8xf32> {
  %a = stablehlo.constant dense<4294967297> : tensor<i64>
  %b = stablehlo.add %p, %a : tensor<i64>
  %i = stablehlo.convert %b : (tensor<i64>) -> tensor<i32>
  // expected-remark@below {{start in dim 0: arg1[] + 1 in [-2147483648, 2147483647]}}
  %0 = stablehlo.dynamic_update_slice %slot, %new, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// A base that is subtracted again is gone.

func.func @cancelled(%slot: tensor<8xf32>, %p: tensor<i64>, %new: tensor<1xf32>) -> tensor<8xf32> {
  %a = stablehlo.constant dense<4> : tensor<i64>
  %b = stablehlo.add %p, %a : tensor<i64>
  %i = stablehlo.subtract %b, %p : tensor<i64>
  // expected-remark@below {{start in dim 0: 4}}
  %0 = stablehlo.dynamic_update_slice %slot, %new, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i64>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// A negative index counts from the end: one element is a base again.

func.func @negative(%slot: tensor<8xf32>, %p: tensor<i32>, %new: tensor<1xf32>) -> tensor<8xf32> {
  %a = stablehlo.constant dense<0> : tensor<i32>
  %b = stablehlo.constant dense<8> : tensor<i32>
  %c = stablehlo.compare LT, %p, %a : (tensor<i32>, tensor<i32>) -> tensor<i1>
  %d = stablehlo.add %p, %b : tensor<i32>
  %i = stablehlo.select %c, %d, %p : tensor<i1>, tensor<i32>
  // expected-remark@below {{start in dim 0: stablehlo.select[] in [-2147483640, 2147483647]}}
  %0 = stablehlo.dynamic_update_slice %slot, %new, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// A number that is never negative is not changed.

func.func @not_negative(%slot: tensor<8xf32>, %p: tensor<i32>, %new: tensor<1xf32>) -> tensor<8xf32> {
  %a = stablehlo.constant dense<0> : tensor<i32>
  %b = stablehlo.constant dense<8> : tensor<i32>
  %q = stablehlo.maximum %p, %a : tensor<i32>
  %c = stablehlo.compare LT, %q, %a : (tensor<i32>, tensor<i32>) -> tensor<i1>
  %d = stablehlo.add %q, %b : tensor<i32>
  %i = stablehlo.select %c, %d, %q : tensor<i1>, tensor<i32>
  // expected-remark@below {{start in dim 0: stablehlo.maximum[] in [0, 2147483647]}}
  %0 = stablehlo.dynamic_update_slice %slot, %new, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// A row of a table that a clamped start picks: the range is the table's.

func.func @picked(%slot: tensor<8xf32>, %p: tensor<i64>, %new: tensor<1xf32>) -> tensor<8xf32> {
  %a = stablehlo.constant dense<[5, 3, 9]> : tensor<3xi64>
  // expected-remark@below {{start in dim 0: arg1[]}}
  %b = stablehlo.dynamic_slice %a, %p, sizes = [1] : (tensor<3xi64>, tensor<i64>) -> tensor<1xi64>
  %i = stablehlo.reshape %b : (tensor<1xi64>) -> tensor<i64>
  // expected-remark@below {{start in dim 0: stablehlo.dynamic_slice[0] in [3, 9]}}
  %0 = stablehlo.dynamic_update_slice %slot, %new, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i64>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// The same by gather.

func.func @gathered(%slot: tensor<8xf32>, %p: tensor<1xi64>, %new: tensor<1xf32>) -> tensor<8xf32> {
  %a = stablehlo.constant dense<[5, 3, 9]> : tensor<3xi64>
  %i = "stablehlo.gather"(%a, %p) <{dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [0], start_index_map = [0]>, slice_sizes = array<i64: 1>}> : (tensor<3xi64>, tensor<1xi64>) -> tensor<i64>
  // expected-remark@below {{start in dim 0: stablehlo.gather[] in [3, 9]}}
  %0 = stablehlo.dynamic_update_slice %slot, %new, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i64>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// Rows from a base on.

func.func @rows(%slot: tensor<8xf32>, %p: tensor<1xi64>, %new: tensor<3xf32>) -> tensor<8xf32> {
  %a = stablehlo.iota dim = 0 : tensor<3xi64>
  %b = stablehlo.broadcast_in_dim %p, dims = [0] : (tensor<1xi64>) -> tensor<3xi64>
  %i = stablehlo.add %a, %b : tensor<3xi64>
  // expected-remark@below {{position in dim 0: arg1[0] + d0}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<f32>, %fresh: tensor<f32>):
    stablehlo.return %fresh : tensor<f32>
  }) : (tensor<8xf32>, tensor<3xi64>, tensor<3xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// A step, backwards, and an offset.

func.func @falling(%slot: tensor<8xf32>, %new: tensor<3xf32>) -> tensor<8xf32> {
  %a = stablehlo.iota dim = 0 : tensor<3xi64>
  %b = stablehlo.constant dense<-2> : tensor<3xi64>
  %c = stablehlo.multiply %b, %a : tensor<3xi64>
  %d = stablehlo.constant dense<6> : tensor<3xi64>
  %i = stablehlo.add %c, %d : tensor<3xi64>
  // expected-remark@below {{position in dim 0: 6 + -2*d0 in [2, 6]}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<f32>, %fresh: tensor<f32>):
    stablehlo.return %fresh : tensor<f32>
  }) : (tensor<8xf32>, tensor<3xi64>, tensor<3xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// A table that is affine, and one that is not.

func.func @table(%slot: tensor<8xf32>, %new: tensor<3xf32>) -> tensor<8xf32> {
  %i = stablehlo.constant dense<[1, 3, 5]> : tensor<3xi32>
  // expected-remark@below {{position in dim 0: 1 + 2*d0 in [1, 5]}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<f32>, %fresh: tensor<f32>):
    stablehlo.return %fresh : tensor<f32>
  }) : (tensor<8xf32>, tensor<3xi32>, tensor<3xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

func.func @no_table(%slot: tensor<8xf32>, %new: tensor<3xf32>) -> tensor<8xf32> {
  %i = stablehlo.constant dense<[1, 3, 4]> : tensor<3xi32>
  // expected-remark@below {{position in dim 0: unknown along d0 in [1, 4]}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<f32>, %fresh: tensor<f32>):
    stablehlo.return %fresh : tensor<f32>
  }) : (tensor<8xf32>, tensor<3xi32>, tensor<3xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// A table that only looks affine modulo 2^32 is so, but has no small range; wider, it is just a table.

func.func @table_wraps(%slot: tensor<8xf32>, %new: tensor<3xf32>) -> tensor<8xf32> {
  %a = stablehlo.constant dense<[2147483646, 2147483647, -2147483648]> : tensor<3xi32>
  %i = stablehlo.convert %a : (tensor<3xi32>) -> tensor<3xi64>
  // expected-remark@below {{position in dim 0: unknown along d0 in [-2147483648, 2147483647]}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<f32>, %fresh: tensor<f32>):
    stablehlo.return %fresh : tensor<f32>
  }) : (tensor<8xf32>, tensor<3xi64>, tensor<3xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// An iota in two dims, read in row-major order.

func.func @grid(%slot: tensor<8xf32>, %new: tensor<6xf32>) -> tensor<8xf32> {
  %a = stablehlo.iota dim = 0 : tensor<2x3xi32>
  %b = stablehlo.constant dense<3> : tensor<2x3xi32>
  %c = stablehlo.multiply %a, %b : tensor<2x3xi32>
  %d = stablehlo.iota dim = 1 : tensor<2x3xi32>
  %e = stablehlo.add %c, %d : tensor<2x3xi32>
  %i = stablehlo.reshape %e : (tensor<2x3xi32>) -> tensor<6xi32>
  // expected-remark@below {{position in dim 0: d0 in [0, 5]}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<f32>, %fresh: tensor<f32>):
    stablehlo.return %fresh : tensor<f32>
  }) : (tensor<8xf32>, tensor<6xi32>, tensor<6xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// Transposed it is not one run.

func.func @turned(%slot: tensor<8xf32>, %new: tensor<6xf32>) -> tensor<8xf32> {
  %a = stablehlo.iota dim = 0 : tensor<6xi32>
  %b = stablehlo.reshape %a : (tensor<6xi32>) -> tensor<2x3xi32>
  %c = stablehlo.transpose %b, dims = [1, 0] : (tensor<2x3xi32>) -> tensor<3x2xi32>
  %i = stablehlo.reshape %c : (tensor<3x2xi32>) -> tensor<6xi32>
  // expected-remark@below {{position in dim 0: unknown along d0 in [0, 5]}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<f32>, %fresh: tensor<f32>):
    stablehlo.return %fresh : tensor<f32>
  }) : (tensor<8xf32>, tensor<6xi32>, tensor<6xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// A part of a reshaped iota.

func.func @part(%slot: tensor<8xf32>, %new: tensor<4xf32>) -> tensor<8xf32> {
  %a = stablehlo.iota dim = 0 : tensor<12xi32>
  %b = stablehlo.reshape %a : (tensor<12xi32>) -> tensor<3x4xi32>
  %c = stablehlo.slice %b [1:2, 0:4] : (tensor<3x4xi32>) -> tensor<1x4xi32>
  %i = stablehlo.reshape %c : (tensor<1x4xi32>) -> tensor<4xi32>
  // expected-remark@below {{position in dim 0: 4 + d0 in [4, 7]}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<f32>, %fresh: tensor<f32>):
    stablehlo.return %fresh : tensor<f32>
  }) : (tensor<8xf32>, tensor<4xi32>, tensor<4xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// Pieces that go on from one another are one run.

func.func @pieces(%slot: tensor<8xf32>, %new: tensor<3xf32>) -> tensor<8xf32> {
  %a = stablehlo.constant dense<2> : tensor<1xi32>
  %b = stablehlo.constant dense<[3, 4]> : tensor<2xi32>
  %i = stablehlo.concatenate %a, %b, dim = 0 : (tensor<1xi32>, tensor<2xi32>) -> tensor<3xi32>
  // expected-remark@below {{position in dim 0: 2 + d0 in [2, 4]}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<f32>, %fresh: tensor<f32>):
    stablehlo.return %fresh : tensor<f32>
  }) : (tensor<8xf32>, tensor<3xi32>, tensor<3xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// A slice of an iota from a start that is not known goes on by ones.

func.func @moved(%slot: tensor<8xf32>, %p: tensor<i64>, %new: tensor<3xf32>) -> tensor<8xf32> {
  %a = stablehlo.iota dim = 0 : tensor<8xi64>
  // expected-remark@below {{start in dim 0: arg1[]}}
  %i = stablehlo.dynamic_slice %a, %p, sizes = [3] : (tensor<8xi64>, tensor<i64>) -> tensor<3xi64>
  // expected-remark@below {{position in dim 0: stablehlo.dynamic_slice[0] + d0 in [0, 7]}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<f32>, %fresh: tensor<f32>):
    stablehlo.return %fresh : tensor<f32>
  }) : (tensor<8xf32>, tensor<3xi64>, tensor<3xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// Several negative indices: the rows are two runs.

func.func @negatives(%slot: tensor<8xf32>, %p: tensor<i32>, %new: tensor<3xf32>) -> tensor<8xf32> {
  %r = stablehlo.iota dim = 0 : tensor<3xi32>
  %q = stablehlo.broadcast_in_dim %p, dims = [] : (tensor<i32>) -> tensor<3xi32>
  %x = stablehlo.add %r, %q : tensor<3xi32>
  %a = stablehlo.constant dense<0> : tensor<3xi32>
  %b = stablehlo.constant dense<8> : tensor<3xi32>
  %c = stablehlo.compare LT, %x, %a : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
  %d = stablehlo.add %x, %b : tensor<3xi32>
  %i = stablehlo.select %c, %d, %x : tensor<3xi1>, tensor<3xi32>
  // expected-remark@below {{position in dim 0: arg1[] + d0, negative ones + 8 in [-2147483640, 2147483647]}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<f32>, %fresh: tensor<f32>):
    stablehlo.return %fresh : tensor<f32>
  }) : (tensor<8xf32>, tensor<3xi32>, tensor<3xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// Adding eight only where another number is negative is no such wrap.

func.func @other_negatives(%slot: tensor<8xf32>, %p: tensor<i32>, %o: tensor<3xi32>, %new: tensor<3xf32>) -> tensor<8xf32> {
  %r = stablehlo.iota dim = 0 : tensor<3xi32>
  %q = stablehlo.broadcast_in_dim %p, dims = [] : (tensor<i32>) -> tensor<3xi32>
  %x = stablehlo.add %r, %q : tensor<3xi32>
  %a = stablehlo.constant dense<0> : tensor<3xi32>
  %b = stablehlo.constant dense<8> : tensor<3xi32>
  %c = stablehlo.compare LT, %o, %a : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
  %d = stablehlo.add %x, %b : tensor<3xi32>
  %i = stablehlo.select %c, %d, %x : tensor<3xi1>, tensor<3xi32>
  // expected-remark@below {{position in dim 0: unknown along d0 in [-2147483648, 2147483647]}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<f32>, %fresh: tensor<f32>):
    stablehlo.return %fresh : tensor<f32>
  }) : (tensor<8xf32>, tensor<3xi32>, tensor<3xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// A comparison that the ranges decide.

func.func @decided(%slot: tensor<8xf32>, %o: tensor<3xi32>, %new: tensor<3xf32>) -> tensor<8xf32> {
  %x = stablehlo.iota dim = 0 : tensor<3xi32>
  %a = stablehlo.constant dense<5> : tensor<3xi32>
  %c = stablehlo.compare GE, %x, %a : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
  %i = stablehlo.select %c, %o, %x : tensor<3xi1>, tensor<3xi32>
  // expected-remark@below {{position in dim 0: d0 in [0, 2]}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<f32>, %fresh: tensor<f32>):
    stablehlo.return %fresh : tensor<f32>
  }) : (tensor<8xf32>, tensor<3xi32>, tensor<3xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// Once its shape is known, dynamic_iota is iota.

func.func @dynamic(%slot: tensor<8xf32>, %new: tensor<3xf32>) -> tensor<8xf32> {
  %s = stablehlo.constant dense<3> : tensor<1xi64>
  %i = stablehlo.dynamic_iota %s, dim = 0 : (tensor<1xi64>) -> tensor<3xi32>
  // expected-remark@below {{position in dim 0: d0 in [0, 2]}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<f32>, %fresh: tensor<f32>):
    stablehlo.return %fresh : tensor<f32>
  }) : (tensor<8xf32>, tensor<3xi32>, tensor<3xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// torch's index_put: three components are iotas, one is a position per batch
// row. Each component has its own fact.

func.func @elementwise(%slot: tensor<2x8x4xf32>, %p: tensor<2xi64>, %new: tensor<2x1x4xf32>) -> tensor<2x8x4xf32> {
  %a = stablehlo.iota dim = 0 : tensor<2xi64>
  %b = stablehlo.broadcast_in_dim %a, dims = [0] : (tensor<2xi64>) -> tensor<2x1x4x1xi64>
  %c = stablehlo.broadcast_in_dim %p, dims = [0] : (tensor<2xi64>) -> tensor<2x1x4x1xi64>
  %d = stablehlo.iota dim = 2 : tensor<2x1x4x1xi64>
  %i = stablehlo.concatenate %b, %c, %d, dim = 3 : (tensor<2x1x4x1xi64>, tensor<2x1x4x1xi64>, tensor<2x1x4x1xi64>) -> tensor<2x1x4x3xi64>
  // expected-remark@below {{position in dim 0: d0 in [0, 1]}}
  // expected-remark@below {{position in dim 1: unknown along d0}}
  // expected-remark@below {{position in dim 2: d2 in [0, 3]}}
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0, 1, 2], scatter_dims_to_operand_dims = [0, 1, 2], index_vector_dim = 3>}> ({
  ^bb0(%old: tensor<f32>, %fresh: tensor<f32>):
    stablehlo.return %fresh : tensor<f32>
  }) : (tensor<2x8x4xf32>, tensor<2x1x4x3xi64>, tensor<2x1x4xf32>) -> tensor<2x8x4xf32>
  return %0 : tensor<2x8x4xf32>
}
