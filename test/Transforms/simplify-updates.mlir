// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-simplify-updates)' | filecheck %s
//
// What the rewrites compute is compared bit for bit in
// test/python/test_simplify_exact.py; here, what they look like.

// torch's index_copy_ of one row: both transposes of the slot go, the row gets a
// guard, because scatter drops a row that is out of range and
// dynamic_update_slice moves it into range.

// CHECK-LABEL: func.func @torch_one_row
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<2x3x8x4xf32> {{{.*}}}, %[[POS:[^ ]+]]: tensor<1x1xi64>, %[[NEW:[^ ]+]]: tensor<1x2x3x4xf32>)
// CHECK-NOT: tensor<8x2x3x4xf32>
// CHECK: %[[ROW:[^ ]+]] = stablehlo.reshape %[[NEW]] : (tensor<1x2x3x4xf32>) -> tensor<2x3x1x4xf32>
// CHECK: %[[I:[^ ]+]] = stablehlo.reshape %[[POS]] : (tensor<1x1xi64>) -> tensor<i64>
// CHECK: %[[ZERO:[^ ]+]] = stablehlo.constant dense<0> : tensor<i64>
// CHECK: %[[LOW:[^ ]+]] = stablehlo.compare GE, %[[I]], %[[ZERO]]
// CHECK: %[[EIGHT:[^ ]+]] = stablehlo.constant dense<8> : tensor<i64>
// CHECK: %[[HIGH:[^ ]+]] = stablehlo.compare LT, %[[I]], %[[EIGHT]]
// CHECK: %[[OK:[^ ]+]] = stablehlo.and %[[LOW]], %[[HIGH]]
// CHECK: %[[MASK:[^ ]+]] = stablehlo.broadcast_in_dim %[[OK]], dims = []
// CHECK: %[[OLD:[^ ]+]] = stablehlo.dynamic_slice %[[SLOT]], %{{[^ ]+}}, %{{[^ ]+}}, %[[I]], %{{[^ ]+}}, sizes = [2, 3, 1, 4]
// CHECK: %[[KEPT:[^ ]+]] = stablehlo.select %[[MASK]], %[[ROW]], %[[OLD]]
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]], %[[KEPT]], %{{[^ ]+}}, %{{[^ ]+}}, %[[I]], %{{[^ ]+}} :
// CHECK-NOT: tensor<8x2x3x4xf32>
// CHECK: return %[[DONE]]
func.func @torch_one_row(%slot: tensor<2x3x8x4xf32> {kvlift.slot = "k"}, %pos: tensor<1x1xi64>, %new: tensor<1x2x3x4xf32>)
    -> (tensor<2x3x8x4xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.transpose %slot, dims = [2, 0, 1, 3] : (tensor<2x3x8x4xf32>) -> tensor<8x2x3x4xf32>
  %1 = "stablehlo.scatter"(%0, %pos, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2, 3], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x2x3x4xf32>, tensor<1x1xi64>, tensor<1x2x3x4xf32>) -> tensor<8x2x3x4xf32>
  %2 = stablehlo.transpose %1, dims = [1, 2, 0, 3] : (tensor<8x2x3x4xf32>) -> tensor<2x3x8x4xf32>
  return %2 : tensor<2x3x8x4xf32>
}

// -----

// Several rows from one base on: the window moves into range as a whole, its
// rows are shifted against the update, and rows that would have been dropped
// keep what they were.

// CHECK-LABEL: func.func @rows_from_base
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<8x4xf32> {{{.*}}}, %[[BASE:[^ ]+]]: tensor<i32>, %[[NEW:[^ ]+]]: tensor<3x4xf32>)
// CHECK: %[[FIRST:[^ ]+]] = stablehlo.clamp %{{[^ ]+}}, %[[BASE]], %{{[^ ]+}} : tensor<i32>
// CHECK: %[[LAST_START:[^ ]+]] = stablehlo.constant dense<5> : tensor<i32>
// CHECK: %[[START:[^ ]+]] = stablehlo.clamp %{{[^ ]+}}, %[[FIRST]], %[[LAST_START]]
// CHECK: %[[SHIFT:[^ ]+]] = stablehlo.subtract %[[FIRST]], %[[START]]
// CHECK: %[[TRIPLED:[^ ]+]] = stablehlo.concatenate %[[NEW]], %[[NEW]], %[[NEW]], dim = 0
// CHECK: %[[MOVED:[^ ]+]] = stablehlo.dynamic_slice %[[TRIPLED]]
// CHECK: %[[OLD:[^ ]+]] = stablehlo.dynamic_slice %[[SLOT]], %[[START]]
// CHECK: %[[KEPT:[^ ]+]] = stablehlo.select %{{[^ ]+}}, %[[MOVED]], %[[OLD]]
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]], %[[KEPT]], %[[START]]
// CHECK-NOT: stablehlo.scatter
// CHECK: return %[[DONE]]
func.func @rows_from_base(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %base: tensor<i32>, %new: tensor<3x4xf32>)
    -> (tensor<8x4xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.iota dim = 0 : tensor<3xi32>
  %1 = stablehlo.broadcast_in_dim %base, dims = [] : (tensor<i32>) -> tensor<3xi32>
  %2 = stablehlo.add %1, %0 : tensor<3xi32>
  %3 = stablehlo.reshape %2 : (tensor<3xi32>) -> tensor<3x1xi32>
  %4 = "stablehlo.scatter"(%slot, %3, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<3x1xi32>, tensor<3x4xf32>) -> tensor<8x4xf32>
  return %4 : tensor<8x4xf32>
}

// -----

// Constant positions need no guard: what is out of range is cut off.

// CHECK-LABEL: func.func @constants
// CHECK-SAME: (%[[A:[^ ]+]]: tensor<8xf32> {{{[^}]*}}}, %[[B:[^ ]+]]: tensor<8xf32> {{{[^}]*}}}, %[[NEW:[^ ]+]]: tensor<3xf32>)
// CHECK: %[[FIVE:[^ ]+]] = stablehlo.constant dense<5> : tensor<i64>
// CHECK: %[[IN:[^ ]+]] = stablehlo.dynamic_update_slice %[[A]], %[[NEW]], %[[FIVE]]
// CHECK: %[[CUT:[^ ]+]] = stablehlo.slice %[[NEW]] [0:2]
// CHECK: %[[SIX:[^ ]+]] = stablehlo.constant dense<6> : tensor<i64>
// CHECK: %[[ACROSS:[^ ]+]] = stablehlo.dynamic_update_slice %[[B]], %[[CUT]], %[[SIX]]
// CHECK: return %[[IN]], %[[ACROSS]]
func.func @constants(%a: tensor<8xf32> {kvlift.slot = "a"}, %b: tensor<8xf32> {kvlift.slot = "b"}, %new: tensor<3xf32>)
    -> (tensor<8xf32> {kvlift.slot = "a"}, tensor<8xf32> {kvlift.slot = "b"}) {
  %in = stablehlo.constant dense<[5, 6, 7]> : tensor<3xi64>
  %across = stablehlo.constant dense<[6, 7, 8]> : tensor<3xi64>
  %0 = "stablehlo.scatter"(%a, %in, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8xf32>, tensor<3xi64>, tensor<3xf32>) -> tensor<8xf32>
  %1 = "stablehlo.scatter"(%b, %across, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8xf32>, tensor<3xi64>, tensor<3xf32>) -> tensor<8xf32>
  return %0, %1 : tensor<8xf32>, tensor<8xf32>
}

// -----

// No rows at all, or none in range: the slot stays what it is.

// CHECK-LABEL: func.func @nothing
// CHECK-SAME: (%[[A:[^ ]+]]: tensor<8x4xf32> {{{[^}]*}}}, %[[B:[^ ]+]]: tensor<8x4xf32>
// CHECK: return %[[A]], %[[B]]
func.func @nothing(%a: tensor<8x4xf32> {kvlift.slot = "a"}, %b: tensor<8x4xf32> {kvlift.slot = "b"}, %none: tensor<0x4xf32>, %one: tensor<1x4xf32>)
    -> (tensor<8x4xf32> {kvlift.slot = "a"}, tensor<8x4xf32> {kvlift.slot = "b"}) {
  %i = stablehlo.iota dim = 0 : tensor<0x1xi32>
  %0 = "stablehlo.scatter"(%a, %i, %none) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<0x1xi32>, tensor<0x4xf32>) -> tensor<8x4xf32>
  %j = stablehlo.constant dense<-1> : tensor<1x1xi32>
  %1 = "stablehlo.scatter"(%b, %j, %one) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<1x1xi32>, tensor<1x4xf32>) -> tensor<8x4xf32>
  return %0, %1 : tensor<8x4xf32>, tensor<8x4xf32>
}

// -----

// A whole slot may be rewritten at once: constant rows 0 to the end.

// CHECK-LABEL: func.func @whole_slot
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<2x4xi8> {{{.*}}}, %[[NEW:[^ ]+]]: tensor<4x2xi8>)
// CHECK: %[[TURNED:[^ ]+]] = stablehlo.transpose %[[NEW]], dims = [1, 0]
// CHECK: stablehlo.dynamic_update_slice %[[SLOT]], %[[TURNED]]
// CHECK-NOT: stablehlo.scatter
// CHECK: return
func.func @whole_slot(%slot: tensor<2x4xi8> {kvlift.slot = "k"}, %new: tensor<4x2xi8>) -> (tensor<2x4xi8> {kvlift.slot = "k"}) {
  %0 = stablehlo.iota dim = 0 : tensor<4x1xi32>
  %1 = "stablehlo.scatter"(%slot, %0, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [1], scatter_dims_to_operand_dims = [1], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<i8>, %y: tensor<i8>):
    stablehlo.return %y : tensor<i8>
  }) : (tensor<2x4xi8>, tensor<4x1xi32>, tensor<4x2xi8>) -> tensor<2x4xi8>
  return %1 : tensor<2x4xi8>
}

// -----

// JAX's `cache.at[:, i].set(row)`: the position is no vector but one number, and
// the update has no dim for the rows.

// CHECK-LABEL: func.func @jax_single
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<2x8x4xf32> {{{.*}}}, %[[POS:[^ ]+]]: tensor<1xi32>, %[[NEW:[^ ]+]]: tensor<2x4xf32>)
// CHECK: %[[ROW:[^ ]+]] = stablehlo.select %{{[^ ]+}}, %{{[^ ]+}}, %{{[^ ]+}} : tensor<2x1x4xi1>, tensor<2x1x4xf32>
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]], %[[ROW]]
// CHECK: return %[[DONE]]
func.func @jax_single(%slot: tensor<2x8x4xf32> {kvlift.slot = "k"}, %pos: tensor<1xi32>, %new: tensor<2x4xf32>) -> (tensor<2x8x4xf32> {kvlift.slot = "k"}) {
  %0 = "stablehlo.scatter"(%slot, %pos, %new) <{indices_are_sorted = true, scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 1], inserted_window_dims = [1], scatter_dims_to_operand_dims = [1]>, unique_indices = true}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<2x8x4xf32>, tensor<1xi32>, tensor<2x4xf32>) -> tensor<2x8x4xf32>
  return %0 : tensor<2x8x4xf32>
}

// -----

// A chain of updates becomes a chain of updates, without a transpose between
// them.

// CHECK-LABEL: func.func @chain
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<2x8xf32> {{{.*}}}, %{{[^ ]+}}: tensor<1x1xi32>, %{{[^ ]+}}: tensor<1x2xf32>)
// CHECK-NOT: tensor<8x2xf32>
// CHECK: %[[ONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]]
// CHECK-NOT: tensor<8x2xf32>
// CHECK: %[[TWO:[^ ]+]] = stablehlo.dynamic_update_slice %[[ONE]]
// CHECK-NOT: tensor<8x2xf32>
// CHECK: return %[[TWO]]
func.func @chain(%slot: tensor<2x8xf32> {kvlift.slot = "k"}, %pos: tensor<1x1xi32>, %new: tensor<1x2xf32>) -> (tensor<2x8xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.transpose %slot, dims = [1, 0] : (tensor<2x8xf32>) -> tensor<8x2xf32>
  %1 = "stablehlo.scatter"(%0, %pos, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x2xf32>, tensor<1x1xi32>, tensor<1x2xf32>) -> tensor<8x2xf32>
  %2 = "stablehlo.scatter"(%1, %pos, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x2xf32>, tensor<1x1xi32>, tensor<1x2xf32>) -> tensor<8x2xf32>
  %3 = stablehlo.transpose %2, dims = [1, 0] : (tensor<8x2xf32>) -> tensor<2x8xf32>
  return %3 : tensor<2x8xf32>
}

// -----

// The old slot's transpose and the updated one have readers of their own: each
// reader keeps the version that it read.

// CHECK-LABEL: func.func @readers
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<2x8xf32>
// CHECK: %[[OLD:[^ ]+]] = stablehlo.transpose %[[SLOT]], dims = [1, 0]
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]]
// CHECK: %[[SEEN:[^ ]+]] = stablehlo.transpose %[[DONE]], dims = [1, 0]
// CHECK: %[[SUM:[^ ]+]] = stablehlo.add %[[OLD]], %[[SEEN]]
// CHECK: return %[[DONE]], %[[SUM]]
func.func @readers(%slot: tensor<2x8xf32> {kvlift.slot = "k"}, %pos: tensor<1x1xi32>, %new: tensor<1x2xf32>) -> (tensor<2x8xf32> {kvlift.slot = "k"}, tensor<8x2xf32>) {
  %0 = stablehlo.transpose %slot, dims = [1, 0] : (tensor<2x8xf32>) -> tensor<8x2xf32>
  %1 = "stablehlo.scatter"(%0, %pos, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x2xf32>, tensor<1x1xi32>, tensor<1x2xf32>) -> tensor<8x2xf32>
  %2 = stablehlo.transpose %1, dims = [1, 0] : (tensor<8x2xf32>) -> tensor<2x8xf32>
  %3 = stablehlo.add %0, %1 : tensor<8x2xf32>
  return %2, %3 : tensor<2x8xf32>, tensor<8x2xf32>
}

// -----

// A transpose back that forgets an extent keeps its type: who reads it wants it.

// CHECK-LABEL: func.func @dynamic_reader
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<2x8xf32>
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]]
// CHECK: %[[SEEN:[^ ]+]] = stablehlo.transpose %{{[^ ]+}}, dims = [1, 0] : (tensor<8x2xf32>) -> tensor<?x8xf32>
// CHECK: return %[[DONE]], %[[SEEN]]
func.func @dynamic_reader(%slot: tensor<2x8xf32> {kvlift.slot = "k"}, %pos: tensor<1x1xi32>, %new: tensor<1x2xf32>) -> (tensor<2x8xf32> {kvlift.slot = "k"}, tensor<?x8xf32>) {
  %0 = stablehlo.transpose %slot, dims = [1, 0] : (tensor<2x8xf32>) -> tensor<8x2xf32>
  %1 = "stablehlo.scatter"(%0, %pos, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x2xf32>, tensor<1x1xi32>, tensor<1x2xf32>) -> tensor<8x2xf32>
  %2 = stablehlo.transpose %1, dims = [1, 0] : (tensor<8x2xf32>) -> tensor<2x8xf32>
  %3 = stablehlo.transpose %1, dims = [1, 0] : (tensor<8x2xf32>) -> tensor<?x8xf32>
  return %2, %3 : tensor<2x8xf32>, tensor<?x8xf32>
}

// -----

// Rows are consecutive in many spellings: an offset before or after the
// broadcast, a factor of one, a column iota.

// CHECK-LABEL: func.func @spellings
// CHECK-NOT: stablehlo.scatter
// CHECK-COUNT-3: stablehlo.dynamic_update_slice
// CHECK-NOT: stablehlo.scatter
// CHECK: return
func.func @spellings(%slot: tensor<8xf32> {kvlift.slot = "k"}, %base: tensor<1xi64>, %new: tensor<2xf32>) -> (tensor<8xf32> {kvlift.slot = "k"}) {
  %two = stablehlo.constant dense<2> : tensor<1xi64>
  %moved = stablehlo.add %base, %two : tensor<1xi64>
  %0 = stablehlo.iota dim = 0 : tensor<2x1xi64>
  %1 = stablehlo.broadcast_in_dim %moved, dims = [1] : (tensor<1xi64>) -> tensor<2x1xi64>
  %before = stablehlo.add %0, %1 : tensor<2x1xi64>
  %2 = "stablehlo.scatter"(%slot, %before, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8xf32>, tensor<2x1xi64>, tensor<2xf32>) -> tensor<8xf32>

  %minus = stablehlo.constant dense<-1> : tensor<2xi64>
  %3 = stablehlo.iota dim = 1 : tensor<1x2xi64>
  %4 = stablehlo.reshape %3 : (tensor<1x2xi64>) -> tensor<2xi64>
  %5 = stablehlo.broadcast_in_dim %base, dims = [0] : (tensor<1xi64>) -> tensor<2xi64>
  %6 = stablehlo.add %5, %4 : tensor<2xi64>
  %after = stablehlo.add %6, %minus : tensor<2xi64>
  %7 = "stablehlo.scatter"(%2, %after, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8xf32>, tensor<2xi64>, tensor<2xf32>) -> tensor<8xf32>

  %ones = stablehlo.constant dense<1> : tensor<2xi64>
  %8 = stablehlo.multiply %4, %ones : tensor<2xi64>
  %9 = stablehlo.broadcast_in_dim %8, dims = [1] : (tensor<2xi64>) -> tensor<1x2xi64>
  %10 = stablehlo.reshape %9 : (tensor<1x2xi64>) -> tensor<2x1xi64>
  %11 = "stablehlo.scatter"(%7, %10, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8xf32>, tensor<2x1xi64>, tensor<2xf32>) -> tensor<8xf32>
  return %11 : tensor<8xf32>
}

// -----

// i8 and i16 can count the rows of small slots.

// CHECK-LABEL: func.func @narrow
// CHECK-NOT: stablehlo.scatter
// CHECK: stablehlo.dynamic_update_slice %{{[^ ]+}}, %{{[^ ]+}}, %{{[^ ]+}} : (tensor<63xf32>, tensor<1xf32>, tensor<i8>) -> tensor<63xf32>
// CHECK: stablehlo.dynamic_update_slice %{{[^ ]+}}, %{{[^ ]+}}, %{{[^ ]+}} : (tensor<63xf32>, tensor<1xf32>, tensor<i16>) -> tensor<63xf32>
// CHECK: return
func.func @narrow(%slot: tensor<63xf32> {kvlift.slot = "k"}, %i: tensor<1xi8>, %j: tensor<1xi16>, %new: tensor<1xf32>) -> (tensor<63xf32> {kvlift.slot = "k"}) {
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<63xf32>, tensor<1xi8>, tensor<1xf32>) -> tensor<63xf32>
  %1 = "stablehlo.scatter"(%0, %j, %new) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<63xf32>, tensor<1xi16>, tensor<1xf32>) -> tensor<63xf32>
  return %1 : tensor<63xf32>
}

// -----

// An update of what is no slot is none of our business, nor is one that a slot
// only feeds.

// CHECK-LABEL: func.func @no_slots
// CHECK: "stablehlo.scatter"(%{{[^ ]+}}, %{{[^ ]+}}, %{{[^ ]+}})
// CHECK: "stablehlo.scatter"(%{{[^ ]+}}, %{{[^ ]+}}, %{{[^ ]+}})
// CHECK-NOT: dynamic_update_slice
// CHECK: return
func.func @no_slots(%slot: tensor<1xf32> {kvlift.slot = "k"}, %a: tensor<8xf32>, %i: tensor<1xi32>) -> (tensor<1xf32> {kvlift.slot = "k"}, tensor<8xf32>, tensor<8xf32>) {
  %0 = "stablehlo.scatter"(%a, %i, %slot) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8xf32>, tensor<1xi32>, tensor<1xf32>) -> tensor<8xf32>
  %1 = stablehlo.broadcast_in_dim %slot, dims = [0] : (tensor<1xf32>) -> tensor<8xf32>
  %2 = "stablehlo.scatter"(%1, %i, %slot) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8xf32>, tensor<1xi32>, tensor<1xf32>) -> tensor<8xf32>
  return %slot, %0, %2 : tensor<1xf32>, tensor<8xf32>, tensor<8xf32>
}

// -----

// A constant may have more elements than fit into memory; it is not read. The
// last of its rows is the one that stays.
// CHECK-LABEL: func.func @huge_constant
// CHECK: stablehlo.dynamic_update_slice
func.func @huge_constant(%c: tensor<9223372036854775807xf32> {kvlift.slot = "c"}, %u: tensor<9223372036854775807xf32>) -> (tensor<9223372036854775807xf32> {kvlift.slot = "c"}) {
  %i = stablehlo.constant dense<1> : tensor<9223372036854775807x1xi32>
  %n = "stablehlo.scatter"(%c, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<9223372036854775807xf32>, tensor<9223372036854775807x1xi32>, tensor<9223372036854775807xf32>) -> tensor<9223372036854775807xf32>
  return %n : tensor<9223372036854775807xf32>
}

// -----

// The update that is left dead by the first view goes with it, and is not
// looked at again.
// CHECK-LABEL: func.func @dead_together
// CHECK: %[[FIRST:.+]] = stablehlo.dynamic_update_slice %arg0
// CHECK: %[[SECOND:.+]] = stablehlo.dynamic_update_slice %[[FIRST]]
// CHECK: return %[[SECOND]]
func.func @dead_together(%c: tensor<4x4x4xi1> {kvlift.slot = "c"}, %u: tensor<3x16xi1>, %v: tensor<4x4x4xi1>, %i: tensor<i32>) -> (tensor<4x4x4xi1> {kvlift.slot = "c"}) {
  %r = stablehlo.reshape %c : (tensor<4x4x4xi1>) -> tensor<4x16xi1>
  %s = stablehlo.slice %r [0:1, 0:16] : (tensor<4x16xi1>) -> tensor<1x16xi1>
  %j = stablehlo.concatenate %s, %u, dim = 0 : (tensor<1x16xi1>, tensor<3x16xi1>) -> tensor<4x16xi1>
  %b = stablehlo.reshape %j : (tensor<4x16xi1>) -> tensor<4x4x4xi1>
  %n = stablehlo.dynamic_update_slice %b, %v, %i, %i, %i : (tensor<4x4x4xi1>, tensor<4x4x4xi1>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<4x4x4xi1>
  return %n : tensor<4x4x4xi1>
}

// -----

// Rows -2, -1, 0 of two, counted from the end: 0, 1, 0. The last one counts, so
// the negative ones are written first.
// CHECK-LABEL: func.func @longer_than_the_slot
// CHECK: %[[FIRST:.+]] = stablehlo.slice %arg1 [0:2]
// CHECK: %[[ONE:.+]] = stablehlo.dynamic_update_slice %arg0, %[[FIRST]]
// CHECK: %[[LAST:.+]] = stablehlo.slice %arg1 [2:3]
// CHECK: %[[TWO:.+]] = stablehlo.dynamic_update_slice %[[ONE]], %[[LAST]]
// CHECK: return %[[TWO]]
func.func @longer_than_the_slot(%c: tensor<2xi32> {kvlift.slot = "c"}, %u: tensor<3xi32>) -> (tensor<2xi32> {kvlift.slot = "c"}) {
  %steps = stablehlo.iota dim = 0 : tensor<3xi32>
  %start = stablehlo.constant dense<-2> : tensor<3xi32>
  %rows = stablehlo.add %start, %steps : tensor<3xi32>
  %zero = stablehlo.constant dense<0> : tensor<3xi32>
  %low = stablehlo.compare LT, %rows, %zero : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
  %extent = stablehlo.constant dense<2> : tensor<3xi32>
  %moved = stablehlo.add %rows, %extent : tensor<3xi32>
  %wrapped = stablehlo.select %low, %moved, %rows : tensor<3xi1>, tensor<3xi32>
  %n = "stablehlo.scatter"(%c, %wrapped, %u) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<i32>, %y: tensor<i32>):
    stablehlo.return %y : tensor<i32>
  }) : (tensor<2xi32>, tensor<3xi32>, tensor<3xi32>) -> tensor<2xi32>
  return %n : tensor<2xi32>
}
