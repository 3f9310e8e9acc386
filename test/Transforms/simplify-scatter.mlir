// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-simplify-updates)' | filecheck %s
//
// Scatters in forms that are no plain run of rows. What they compute is compared
// in test/python/test_scatter_forms.py.

// One scatter for two slots.

// CHECK-LABEL: func.func @several
// CHECK-NOT: stablehlo.scatter
// CHECK: stablehlo.dynamic_update_slice
// CHECK-NOT: stablehlo.scatter
// CHECK: return
func.func @several(%k: tensor<8x4xf32> {kvlift.slot = "k"}, %v: tensor<8x4xf32> {kvlift.slot = "v"}, %i: tensor<1x1xi32>, %new: tensor<1x4xf32>)
    -> (tensor<8x4xf32> {kvlift.slot = "k"}, tensor<8x4xf32> {kvlift.slot = "v"}) {
  %0:2 = "stablehlo.scatter"(%k, %v, %i, %new, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %p: tensor<f32>, %y: tensor<f32>, %q: tensor<f32>):
    stablehlo.return %y, %q : tensor<f32>, tensor<f32>
  }) : (tensor<8x4xf32>, tensor<8x4xf32>, tensor<1x1xi32>, tensor<1x4xf32>, tensor<1x4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>)
  return %0#0, %0#1 : tensor<8x4xf32>, tensor<8x4xf32>
}

// -----

// One position for each of two dims.

// CHECK-LABEL: func.func @two_dims
// CHECK-NOT: stablehlo.scatter
// CHECK: stablehlo.dynamic_update_slice
// CHECK-NOT: stablehlo.scatter
// CHECK: return
func.func @two_dims(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %i: tensor<1x2xi32>, %new: tensor<1xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0, 1], scatter_dims_to_operand_dims = [0, 1], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<1x2xi32>, tensor<1xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// A row for each batch.

// CHECK-LABEL: func.func @batching
// CHECK-NOT: stablehlo.scatter
// CHECK: stablehlo.dynamic_update_slice
// CHECK-NOT: stablehlo.scatter
// CHECK: return
func.func @batching(%slot: tensor<2x8x4xf32> {kvlift.slot = "k"}, %i: tensor<2x1xi32>, %new: tensor<2x4xf32>) -> (tensor<2x8x4xf32> {kvlift.slot = "k"}) {
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [1], input_batching_dims = [0], scatter_indices_batching_dims = [0], scatter_dims_to_operand_dims = [1], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<2x8x4xf32>, tensor<2x1xi32>, tensor<2x4xf32>) -> tensor<2x8x4xf32>
  return %0 : tensor<2x8x4xf32>
}

// -----

// A table of positions.

// CHECK-LABEL: func.func @table
// CHECK-NOT: stablehlo.scatter
// CHECK: stablehlo.dynamic_update_slice
// CHECK-NOT: stablehlo.scatter
// CHECK: return
func.func @table(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %i: tensor<2x3x1xi32>, %new: tensor<2x3x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 2>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<2x3x1xi32>, tensor<2x3x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// Half a row.

// CHECK-LABEL: func.func @half
// CHECK-NOT: stablehlo.scatter
// CHECK: stablehlo.dynamic_update_slice
// CHECK-NOT: stablehlo.scatter
// CHECK: return
func.func @half(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %i: tensor<1x1xi32>, %new: tensor<1x2xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<1x1xi32>, tensor<1x2xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// Two positions from outside may be anywhere, in any order, and the same.

// CHECK-LABEL: func.func @anywhere
// CHECK-NOT: stablehlo.scatter
// CHECK: stablehlo.dynamic_update_slice
// CHECK-NOT: stablehlo.scatter
// CHECK: return
func.func @anywhere(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %i: tensor<2x1xi32>, %new: tensor<2x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<2x1xi32>, tensor<2x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// Every second row.

// CHECK-LABEL: func.func @strided
// CHECK-NOT: stablehlo.scatter
// CHECK: stablehlo.dynamic_update_slice
// CHECK-NOT: stablehlo.scatter
// CHECK: return
func.func @strided(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %new: tensor<3x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %i = stablehlo.constant dense<[[0], [2], [4]]> : tensor<3x1xi32>
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<3x1xi32>, tensor<3x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// Rows in falling order: the update would have to be reversed.

// CHECK-LABEL: func.func @falling
// CHECK-NOT: stablehlo.scatter
// CHECK: stablehlo.dynamic_update_slice
// CHECK-NOT: stablehlo.scatter
// CHECK: return
func.func @falling(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %new: tensor<3x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %i = stablehlo.constant dense<[[2], [1], [0]]> : tensor<3x1xi32>
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<3x1xi32>, tensor<3x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// All rows at one position.

// CHECK-LABEL: func.func @repeated
// CHECK-NOT: stablehlo.scatter
// CHECK: stablehlo.dynamic_update_slice
// CHECK-NOT: stablehlo.scatter
// CHECK: return
func.func @repeated(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %base: tensor<i32>, %new: tensor<3x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %i = stablehlo.broadcast_in_dim %base, dims = [] : (tensor<i32>) -> tensor<3x1xi32>
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<3x1xi32>, tensor<3x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// Two unknown bases, and a factor of two.

// CHECK-LABEL: func.func @two_bases
// CHECK-NOT: stablehlo.scatter
// CHECK: stablehlo.dynamic_update_slice
// CHECK-NOT: stablehlo.scatter
// CHECK: return
func.func @two_bases(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %base: tensor<i32>, %new: tensor<2x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %rising = stablehlo.iota dim = 0 : tensor<2x1xi32>
  %repeated = stablehlo.broadcast_in_dim %base, dims = [] : (tensor<i32>) -> tensor<2x1xi32>
  %once = stablehlo.add %rising, %repeated : tensor<2x1xi32>
  %i = stablehlo.add %once, %repeated : tensor<2x1xi32>
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<2x1xi32>, tensor<2x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// A product of the rows and a factor other than one.

// CHECK-LABEL: func.func @factor
// CHECK-NOT: stablehlo.scatter
// CHECK: stablehlo.dynamic_update_slice
// CHECK-NOT: stablehlo.scatter
// CHECK: return
func.func @factor(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %new: tensor<2x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %rising = stablehlo.iota dim = 0 : tensor<2x1xi32>
  %twos = stablehlo.constant dense<2> : tensor<2x1xi32>
  %i = stablehlo.multiply %rising, %twos : tensor<2x1xi32>
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<2x1xi32>, tensor<2x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// A broadcast may transpose: these are rows 0 3 1 4 2 5.

// CHECK-LABEL: func.func @transposed
// CHECK-NOT: stablehlo.scatter
// CHECK: stablehlo.dynamic_update_slice
// CHECK-NOT: stablehlo.scatter
// CHECK: return
func.func @transposed(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %new: tensor<6x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %rising = stablehlo.iota dim = 0 : tensor<6xi32>
  %square = stablehlo.reshape %rising : (tensor<6xi32>) -> tensor<2x3xi32>
  %turned = stablehlo.broadcast_in_dim %square, dims = [1, 0] : (tensor<2x3xi32>) -> tensor<3x2xi32>
  %i = stablehlo.reshape %turned : (tensor<3x2xi32>) -> tensor<6x1xi32>
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<6x1xi32>, tensor<6x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// The guard compares signed numbers.

// CHECK-LABEL: func.func @unsigned
// CHECK-NOT: stablehlo.scatter
// CHECK: stablehlo.dynamic_update_slice
// CHECK-NOT: stablehlo.scatter
// CHECK: return
func.func @unsigned(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %i: tensor<1x1xui32>, %new: tensor<1x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<1x1xui32>, tensor<1x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// The guard counts up to twice the number of rows.

// CHECK-LABEL: func.func @narrow
// CHECK-NOT: stablehlo.scatter
// CHECK: stablehlo.dynamic_update_slice
// CHECK-NOT: stablehlo.scatter
// CHECK: return
func.func @narrow(%slot: tensor<64x4xf32> {kvlift.slot = "k"}, %i: tensor<1x1xi8>, %new: tensor<1x4xf32>) -> (tensor<64x4xf32> {kvlift.slot = "k"}) {
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<64x4xf32>, tensor<1x1xi8>, tensor<1x4xf32>) -> tensor<64x4xf32>
  return %0 : tensor<64x4xf32>
}

// -----

// torch's index_put on a middle dim: three components count, one is the
// position. The update is a window.

// CHECK-LABEL: func.func @elementwise
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<2x8x4xf32> {{{.*}}}, %[[P:[^ ]+]]: tensor<i64>, %[[NEW:[^ ]+]]: tensor<2x1x4xf32>)
// CHECK: %[[KEPT:[^ ]+]] = stablehlo.select %{{[^ ]+}}, %[[NEW]], %{{[^ ]+}}
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]], %[[KEPT]], %{{[^ ]+}}, %[[P]], %{{[^ ]+}} :
// CHECK: return %[[DONE]]
func.func @elementwise(%slot: tensor<2x8x4xf32> {kvlift.slot = "k"}, %p: tensor<i64>, %new: tensor<2x1x4xf32>) -> (tensor<2x8x4xf32> {kvlift.slot = "k"}) {
  %a = stablehlo.iota dim = 0 : tensor<2x1x4x1xi64>
  %b = stablehlo.broadcast_in_dim %p, dims = [] : (tensor<i64>) -> tensor<2x1x4x1xi64>
  %c = stablehlo.iota dim = 2 : tensor<2x1x4x1xi64>
  %i = stablehlo.concatenate %a, %b, %c, dim = 3 : (tensor<2x1x4x1xi64>, tensor<2x1x4x1xi64>, tensor<2x1x4x1xi64>) -> tensor<2x1x4x3xi64>
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0, 1, 2], scatter_dims_to_operand_dims = [0, 1, 2], index_vector_dim = 3>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<2x8x4xf32>, tensor<2x1x4x3xi64>, tensor<2x1x4xf32>) -> tensor<2x8x4xf32>
  return %0 : tensor<2x8x4xf32>
}

// -----

// Positions that are clamped need no guard.

// CHECK-LABEL: func.func @clamped
// CHECK-NOT: stablehlo.select
// CHECK: stablehlo.dynamic_update_slice
// CHECK-NOT: stablehlo.select
// CHECK: return
func.func @clamped(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %p: tensor<1xi32>, %new: tensor<4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %low = stablehlo.constant dense<0> : tensor<i32>
  %high = stablehlo.constant dense<7> : tensor<i32>
  %i = stablehlo.clamp %low, %p, %high : (tensor<i32>, tensor<1xi32>, tensor<i32>) -> tensor<1xi32>
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0]>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<1xi32>, tensor<4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// Rows of which some may be counted from the end are two windows.

// CHECK-LABEL: func.func @negatives
// CHECK-NOT: stablehlo.scatter
// CHECK-COUNT-2: stablehlo.dynamic_update_slice
// CHECK-NOT: stablehlo.dynamic_update_slice
// CHECK: return
func.func @negatives(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %p: tensor<i32>, %new: tensor<3x4xf32>) -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %r = stablehlo.iota dim = 0 : tensor<3x1xi32>
  %q = stablehlo.broadcast_in_dim %p, dims = [] : (tensor<i32>) -> tensor<3x1xi32>
  %x = stablehlo.add %r, %q : tensor<3x1xi32>
  %a = stablehlo.constant dense<0> : tensor<3x1xi32>
  %b = stablehlo.constant dense<8> : tensor<3x1xi32>
  %c = stablehlo.compare LT, %x, %a : (tensor<3x1xi32>, tensor<3x1xi32>) -> tensor<3x1xi1>
  %d = stablehlo.add %x, %b : tensor<3x1xi32>
  %i = stablehlo.select %c, %d, %x : tensor<3x1xi1>, tensor<3x1xi32>
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<f32>, %fresh: tensor<f32>):
    stablehlo.return %fresh : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<3x1xi32>, tensor<3x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// One position for each of nine batch rows, element by element: a scatter of
// nine windows on the leading dims. The slot is not transposed, the update is.

// CHECK-LABEL: func.func @per_batch
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<9x16x4xf32> {{{.*}}}, %[[P:[^ ]+]]: tensor<9xi64>, %[[NEW:[^ ]+]]: tensor<4x9xf32>)
// CHECK: %[[TURNED:[^ ]+]] = stablehlo.transpose %[[NEW]], dims = [1, 0]
// CHECK: "stablehlo.scatter"(%[[SLOT]], %{{[^ ]+}}, %[[TURNED]])
// CHECK-SAME: update_window_dims = [1], inserted_window_dims = [0, 1], scatter_dims_to_operand_dims = [0, 1], index_vector_dim = 1
// CHECK: (tensor<9x16x4xf32>, tensor<9x2xi64>, tensor<9x4xf32>)
func.func @per_batch(%slot: tensor<9x16x4xf32> {kvlift.slot = "k"}, %p: tensor<9xi64>, %new: tensor<4x9xf32>) -> (tensor<9x16x4xf32> {kvlift.slot = "k"}) {
  %a = stablehlo.iota dim = 1 : tensor<4x9x1xi64>
  %b = stablehlo.broadcast_in_dim %p, dims = [1] : (tensor<9xi64>) -> tensor<4x9x1xi64>
  %c = stablehlo.iota dim = 0 : tensor<4x9x1xi64>
  %i = stablehlo.concatenate %a, %b, %c, dim = 2 : (tensor<4x9x1xi64>, tensor<4x9x1xi64>, tensor<4x9x1xi64>) -> tensor<4x9x3xi64>
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0, 1, 2], scatter_dims_to_operand_dims = [0, 1, 2], index_vector_dim = 2>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<9x16x4xf32>, tensor<4x9x3xi64>, tensor<4x9xf32>) -> tensor<9x16x4xf32>
  return %0 : tensor<9x16x4xf32>
}

// -----

// The columns count from 1: as a window they would be written from 0. An index
// for each element says where, so the scatter stays.

// CHECK-LABEL: func.func @later_columns
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<16x4xf32> {{{.*}}}, %{{[^ ]+}}: tensor<9xi32>, %[[NEW:[^ ]+]]: tensor<9x3xf32>)
// CHECK: "stablehlo.scatter"(%[[SLOT]], %{{[^ ]+}}, %[[NEW]])
// CHECK-SAME: inserted_window_dims = [0, 1], scatter_dims_to_operand_dims = [0, 1], index_vector_dim = 2
func.func @later_columns(%slot: tensor<16x4xf32> {kvlift.slot = "k"}, %p: tensor<9xi32>, %new: tensor<9x3xf32>) -> (tensor<16x4xf32> {kvlift.slot = "k"}) {
  %a = stablehlo.broadcast_in_dim %p, dims = [0] : (tensor<9xi32>) -> tensor<9x3x1xi32>
  %count = stablehlo.iota dim = 1 : tensor<9x3x1xi32>
  %one = stablehlo.constant dense<1> : tensor<9x3x1xi32>
  %b = stablehlo.add %count, %one : tensor<9x3x1xi32>
  %i = stablehlo.concatenate %a, %b, dim = 2 : (tensor<9x3x1xi32>, tensor<9x3x1xi32>) -> tensor<9x3x2xi32>
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0, 1], scatter_dims_to_operand_dims = [0, 1], index_vector_dim = 2>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<16x4xf32>, tensor<9x3x2xi32>, tensor<9x3xf32>) -> tensor<16x4xf32>
  return %0 : tensor<16x4xf32>
}
