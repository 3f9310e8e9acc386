// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-simplify-reads)' | filecheck %s
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-simplify-reads{target=iree:cpu})' | filecheck %s --check-prefix=IREE
//
// That the sums stay what they were is compared bit for bit in
// test/python/test_reads_exact.py; here, what the reads look like.

// torch's scores: 3 heads serve 6, the cache is turned and folded to
// [B * H, D, S]. The slot comes first, the repeated heads go to the query.

// CHECK-LABEL: func.func @torch_keys
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<2x3x8x4xf32> {{{.*}}}, %[[QUERY:[^ ]+]]: tensor<12x1x4xf32>)
// CHECK-NOT: stablehlo.broadcast_in_dim
// CHECK: %[[SPLIT:[^ ]+]] = stablehlo.reshape %[[QUERY]] : (tensor<12x1x4xf32>) -> tensor<2x3x2x1x4xf32>
// CHECK: %[[DOT:[^ ]+]] = stablehlo.dot_general %[[SLOT]], %[[SPLIT]], batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [4] : (tensor<2x3x8x4xf32>, tensor<2x3x2x1x4xf32>) -> tensor<2x3x8x2x1xf32>
// CHECK: %[[TURNED:[^ ]+]] = stablehlo.transpose %[[DOT]], dims = [0, 1, 3, 4, 2] : (tensor<2x3x8x2x1xf32>) -> tensor<2x3x2x1x8xf32>
// CHECK: %[[SCORES:[^ ]+]] = stablehlo.reshape %[[TURNED]] : (tensor<2x3x2x1x8xf32>) -> tensor<12x1x8xf32>
// CHECK-NOT: stablehlo.broadcast_in_dim
// CHECK: return %[[SCORES]]
func.func @torch_keys(%slot: tensor<2x3x8x4xf32> {kvlift.slot = "k"}, %query: tensor<12x1x4xf32>) -> tensor<12x1x8xf32> {
  %0 = stablehlo.reshape %slot : (tensor<2x3x8x4xf32>) -> tensor<2x3x1x8x4xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [0, 1, 2, 3, 4] : (tensor<2x3x1x8x4xf32>) -> tensor<2x3x2x8x4xf32>
  %2 = stablehlo.reshape %1 : (tensor<2x3x2x8x4xf32>) -> tensor<2x6x8x4xf32>
  %3 = stablehlo.transpose %2, dims = [0, 1, 3, 2] : (tensor<2x6x8x4xf32>) -> tensor<2x6x4x8xf32>
  %4 = stablehlo.reshape %3 : (tensor<2x6x4x8xf32>) -> tensor<12x4x8xf32>
  %5 = stablehlo.broadcast_in_dim %4, dims = [0, 1, 2] : (tensor<12x4x8xf32>) -> tensor<12x4x8xf32>
  %6 = stablehlo.dot_general %query, %5, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<12x1x4xf32>, tensor<12x4x8xf32>) -> tensor<12x1x8xf32>
  return %6 : tensor<12x1x8xf32>
}

// -----

// The weighted values, read from the updated slot: it stays second, since its
// last dim is not summed, and the result needs no transpose.

// CHECK-LABEL: func.func @torch_values
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<2x3x8x4xf32> {{{.*}}}, %{{[^ ]+}}: tensor<2x3x1x4xf32>, %{{[^ ]+}}: tensor<i64>, %[[WEIGHTS:[^ ]+]]: tensor<12x1x8xf32>)
// CHECK: %[[NEW:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]]
// CHECK-NOT: stablehlo.broadcast_in_dim
// CHECK: %[[SPLIT:[^ ]+]] = stablehlo.reshape %[[WEIGHTS]] : (tensor<12x1x8xf32>) -> tensor<2x3x2x1x8xf32>
// CHECK: %[[DOT:[^ ]+]] = stablehlo.dot_general %[[SPLIT]], %[[NEW]], batching_dims = [0, 1] x [0, 1], contracting_dims = [4] x [2] : (tensor<2x3x2x1x8xf32>, tensor<2x3x8x4xf32>) -> tensor<2x3x2x1x4xf32>
// CHECK-NOT: stablehlo.transpose
// CHECK: %[[SUMS:[^ ]+]] = stablehlo.reshape %[[DOT]] : (tensor<2x3x2x1x4xf32>) -> tensor<12x1x4xf32>
// CHECK: return %[[NEW]], %[[SUMS]]
func.func @torch_values(%slot: tensor<2x3x8x4xf32> {kvlift.slot = "v"}, %row: tensor<2x3x1x4xf32>, %i: tensor<i64>, %weights: tensor<12x1x8xf32>) -> (tensor<2x3x8x4xf32> {kvlift.slot = "v"}, tensor<12x1x4xf32>) {
  %c = stablehlo.constant dense<0> : tensor<i64>
  %new = stablehlo.dynamic_update_slice %slot, %row, %c, %c, %i, %c : (tensor<2x3x8x4xf32>, tensor<2x3x1x4xf32>, tensor<i64>, tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<2x3x8x4xf32>
  %0 = stablehlo.reshape %new : (tensor<2x3x8x4xf32>) -> tensor<2x3x1x8x4xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [0, 1, 2, 3, 4] : (tensor<2x3x1x8x4xf32>) -> tensor<2x3x2x8x4xf32>
  %2 = stablehlo.reshape %1 : (tensor<2x3x2x8x4xf32>) -> tensor<2x6x8x4xf32>
  %3 = stablehlo.reshape %2 : (tensor<2x6x8x4xf32>) -> tensor<12x8x4xf32>
  %4 = stablehlo.broadcast_in_dim %3, dims = [0, 1, 2] : (tensor<12x8x4xf32>) -> tensor<12x8x4xf32>
  %5 = stablehlo.dot_general %weights, %4, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<12x1x8xf32>, tensor<12x8x4xf32>) -> tensor<12x1x4xf32>
  return %new, %5 : tensor<2x3x8x4xf32>, tensor<12x1x4xf32>
}

// -----

// As many heads in the slot as in the query: the batch of the query is split in
// two, and nothing is left for it to be free over.

// CHECK-LABEL: func.func @no_repetition
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<2x3x8x4xf32> {{{.*}}}, %[[QUERY:[^ ]+]]: tensor<6x1x4xf32>)
// CHECK: %[[SPLIT:[^ ]+]] = stablehlo.reshape %[[QUERY]] : (tensor<6x1x4xf32>) -> tensor<2x3x1x4xf32>
// CHECK: %[[DOT:[^ ]+]] = stablehlo.dot_general %[[SLOT]], %[[SPLIT]], batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3]
// CHECK: %[[TURNED:[^ ]+]] = stablehlo.transpose %[[DOT]], dims = [0, 1, 3, 2] : (tensor<2x3x8x1xf32>) -> tensor<2x3x1x8xf32>
// CHECK: %[[SCORES:[^ ]+]] = stablehlo.reshape %[[TURNED]] : (tensor<2x3x1x8xf32>) -> tensor<6x1x8xf32>
// CHECK: return %[[SCORES]]
func.func @no_repetition(%slot: tensor<2x3x8x4xf32> {kvlift.slot = "k"}, %query: tensor<6x1x4xf32>) -> tensor<6x1x8xf32> {
  %0 = stablehlo.transpose %slot, dims = [0, 1, 3, 2] : (tensor<2x3x8x4xf32>) -> tensor<2x3x4x8xf32>
  %1 = stablehlo.reshape %0 : (tensor<2x3x4x8xf32>) -> tensor<6x4x8xf32>
  %2 = stablehlo.dot_general %query, %1, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<6x1x4xf32>, tensor<6x4x8xf32>) -> tensor<6x1x8xf32>
  return %2 : tensor<6x1x8xf32>
}

// -----

// A batch of one, which torch drops on the way: the unit dim has no partner in
// the query, it gets one there.

// CHECK-LABEL: func.func @unit_batch
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<1x3x8x4xf32> {{{.*}}}, %[[QUERY:[^ ]+]]: tensor<3x1x4xf32>)
// CHECK: %[[SPLIT:[^ ]+]] = stablehlo.reshape %[[QUERY]] : (tensor<3x1x4xf32>) -> tensor<1x3x1x4xf32>
// CHECK: %[[DOT:[^ ]+]] = stablehlo.dot_general %[[SLOT]], %[[SPLIT]], batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (tensor<1x3x8x4xf32>, tensor<1x3x1x4xf32>) -> tensor<1x3x8x1xf32>
// CHECK: return
func.func @unit_batch(%slot: tensor<1x3x8x4xf32> {kvlift.slot = "k"}, %query: tensor<3x1x4xf32>) -> tensor<3x1x8xf32> {
  %0 = stablehlo.reshape %slot : (tensor<1x3x8x4xf32>) -> tensor<3x8x4xf32>
  %1 = stablehlo.transpose %0, dims = [0, 2, 1] : (tensor<3x8x4xf32>) -> tensor<3x4x8xf32>
  %2 = stablehlo.dot_general %query, %1, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<3x1x4xf32>, tensor<3x4x8xf32>) -> tensor<3x1x8xf32>
  return %2 : tensor<3x1x8xf32>
}

// -----

// The slot as the first operand of a product over its middle dim, turned and as
// it is: it becomes the second.

// CHECK-LABEL: func.func @slot_is_lhs
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<2x8x4xf32> {{{.*}}}, %[[OTHER:[^ ]+]]: tensor<2x8x3xf32>)
// CHECK: %[[A:[^ ]+]] = stablehlo.dot_general %[[OTHER]], %[[SLOT]], batching_dims = [0] x [0], contracting_dims = [1] x [1] : (tensor<2x8x3xf32>, tensor<2x8x4xf32>) -> tensor<2x3x4xf32>
// CHECK: %[[TURNED_A:[^ ]+]] = stablehlo.transpose %[[A]], dims = [0, 2, 1] : (tensor<2x3x4xf32>) -> tensor<2x4x3xf32>
// CHECK: %[[B:[^ ]+]] = stablehlo.dot_general %[[OTHER]], %[[SLOT]], batching_dims = [0] x [0], contracting_dims = [1] x [1] : (tensor<2x8x3xf32>, tensor<2x8x4xf32>) -> tensor<2x3x4xf32>
// CHECK: %[[TURNED_B:[^ ]+]] = stablehlo.transpose %[[B]], dims = [0, 2, 1] : (tensor<2x3x4xf32>) -> tensor<2x4x3xf32>
// CHECK: return %[[TURNED_A]], %[[TURNED_B]]
func.func @slot_is_lhs(%slot: tensor<2x8x4xf32> {kvlift.slot = "k"}, %other: tensor<2x8x3xf32>) -> (tensor<2x4x3xf32>, tensor<2x4x3xf32>) {
  %0 = stablehlo.transpose %slot, dims = [0, 2, 1] : (tensor<2x8x4xf32>) -> tensor<2x4x8xf32>
  %1 = stablehlo.dot_general %0, %other, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x4x8xf32>, tensor<2x8x3xf32>) -> tensor<2x4x3xf32>
  %2 = stablehlo.dot_general %slot, %other, batching_dims = [0] x [0], contracting_dims = [1] x [1] : (tensor<2x8x4xf32>, tensor<2x8x3xf32>) -> tensor<2x4x3xf32>
  return %1, %2 : tensor<2x4x3xf32>, tensor<2x4x3xf32>
}

// -----

// Both natural forms stay: what the pass makes of others, and what JAX writes.

// CHECK-LABEL: func.func @natural
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<2x8x4xf32> {{{.*}}}, %[[QUERY:[^ ]+]]: tensor<2x1x4xf32>, %[[WEIGHTS:[^ ]+]]: tensor<2x1x8xf32>)
// CHECK-NOT: stablehlo.transpose
// CHECK-NOT: stablehlo.reshape
// CHECK: %[[A:[^ ]+]] = stablehlo.dot_general %[[SLOT]], %[[QUERY]], batching_dims = [0] x [0], contracting_dims = [2] x [2]
// CHECK-NEXT: %[[B:[^ ]+]] = stablehlo.dot_general %[[WEIGHTS]], %[[SLOT]], batching_dims = [0] x [0], contracting_dims = [2] x [1]
// CHECK-NEXT: return %[[A]], %[[B]]
func.func @natural(%slot: tensor<2x8x4xf32> {kvlift.slot = "k"}, %query: tensor<2x1x4xf32>, %weights: tensor<2x1x8xf32>) -> (tensor<2x8x1xf32>, tensor<2x1x4xf32>) {
  %0 = stablehlo.dot_general %slot, %query, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x8x4xf32>, tensor<2x1x4xf32>) -> tensor<2x8x1xf32>
  %1 = stablehlo.dot_general %weights, %slot, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x1x8xf32>, tensor<2x8x4xf32>) -> tensor<2x1x4xf32>
  return %0, %1 : tensor<2x8x1xf32>, tensor<2x1x4xf32>
}

// -----

// A reshape that splits a dim of the slot, as for heads kept side by side: no
// product on the slot's layout has that dim in two, so it is left alone.

// CHECK-LABEL: func.func @splits_a_dim
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<8x12xf32> {{{.*}}}, %[[QUERY:[^ ]+]]: tensor<3x1x4xf32>)
// CHECK: %[[HEADS:[^ ]+]] = stablehlo.reshape %[[SLOT]] : (tensor<8x12xf32>) -> tensor<8x3x4xf32>
// CHECK-NEXT: %[[DOT:[^ ]+]] = stablehlo.dot_general %[[QUERY]], %[[HEADS]], batching_dims = [0] x [1], contracting_dims = [2] x [2]
// CHECK-NEXT: return %[[DOT]]
func.func @splits_a_dim(%slot: tensor<8x12xf32> {kvlift.slot = "k"}, %query: tensor<3x1x4xf32>) -> tensor<3x1x8xf32> {
  %0 = stablehlo.reshape %slot : (tensor<8x12xf32>) -> tensor<8x3x4xf32>
  %1 = stablehlo.dot_general %query, %0, batching_dims = [0] x [1], contracting_dims = [2] x [2] : (tensor<3x1x4xf32>, tensor<8x3x4xf32>) -> tensor<3x1x8xf32>
  return %1 : tensor<3x1x8xf32>
}

// -----

// Repetition in a summed dim would need a sum over the other operand first, and
// in a free dim it would leave the result to be repeated: both are left alone.

// CHECK-LABEL: func.func @repeats_elsewhere
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<8x4xf32> {{{.*}}}, %[[A:[^ ]+]]: tensor<1x24xf32>, %[[B:[^ ]+]]: tensor<1x4xf32>)
// CHECK: %[[REPEATED:[^ ]+]] = stablehlo.broadcast_in_dim %[[SLOT]], dims = [0, 2]
// CHECK-NEXT: %[[FOLDED:[^ ]+]] = stablehlo.reshape %[[REPEATED]]
// CHECK-NEXT: %[[SUMMED:[^ ]+]] = stablehlo.dot_general %[[A]], %[[FOLDED]], contracting_dims = [1] x [0]
// CHECK-NEXT: %[[FREE:[^ ]+]] = stablehlo.dot_general %[[B]], %[[REPEATED]], contracting_dims = [1] x [2]
// CHECK-NEXT: return %[[SUMMED]], %[[FREE]]
func.func @repeats_elsewhere(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %a: tensor<1x24xf32>, %b: tensor<1x4xf32>) -> (tensor<1x4xf32>, tensor<1x8x3xf32>) {
  %0 = stablehlo.broadcast_in_dim %slot, dims = [0, 2] : (tensor<8x4xf32>) -> tensor<8x3x4xf32>
  %1 = stablehlo.reshape %0 : (tensor<8x3x4xf32>) -> tensor<24x4xf32>
  %summed = stablehlo.dot_general %a, %1, contracting_dims = [1] x [0] : (tensor<1x24xf32>, tensor<24x4xf32>) -> tensor<1x4xf32>
  %free = stablehlo.dot_general %b, %0, contracting_dims = [1] x [2] : (tensor<1x4xf32>, tensor<8x3x4xf32>) -> tensor<1x8x3xf32>
  return %summed, %free : tensor<1x4xf32>, tensor<1x8x3xf32>
}

// -----

// An algorithm names a precision for each side: the author wants this product.

// CHECK-LABEL: func.func @algorithm
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<8x4xf32> {{{.*}}}, %[[QUERY:[^ ]+]]: tensor<1x4xf32>)
// CHECK: %[[TURNED:[^ ]+]] = stablehlo.transpose %[[SLOT]], dims = [1, 0]
// CHECK-NEXT: %[[DOT:[^ ]+]] = stablehlo.dot_general %[[QUERY]], %[[TURNED]], contracting_dims = [1] x [0], algorithm = <lhs_precision_type = tf32
// CHECK-NEXT: return %[[DOT]]
func.func @algorithm(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %query: tensor<1x4xf32>) -> tensor<1x8xf32> {
  %0 = stablehlo.transpose %slot, dims = [1, 0] : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %1 = stablehlo.dot_general %query, %0, contracting_dims = [1] x [0], algorithm = <lhs_precision_type = tf32, rhs_precision_type = tf32, accumulation_type = f32, lhs_component_count = 1, rhs_component_count = 1, num_primitive_operations = 1, allow_imprecise_accumulation = false> : (tensor<1x4xf32>, tensor<4x8xf32>) -> tensor<1x8xf32>
  return %1 : tensor<1x8xf32>
}

// -----

// A sharding speaks of the result's dims, a scale can belong to one: other dims
// would make them wrong.

// CHECK-LABEL: func.func @sharding
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<8x4xf32> {{{.*}}}, %[[QUERY:[^ ]+]]: tensor<1x4xf32>)
// CHECK: %[[DOT:[^ ]+]] = stablehlo.dot_general %[[QUERY]], %[[SLOT]], contracting_dims = [1] x [1] {mhlo.sharding = "{replicated}"}
// CHECK-NEXT: return %[[DOT]]
func.func @sharding(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %query: tensor<1x4xf32>) -> tensor<1x8xf32> {
  %0 = stablehlo.dot_general %query, %slot, contracting_dims = [1] x [1] {mhlo.sharding = "{replicated}"} : (tensor<1x4xf32>, tensor<8x4xf32>) -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// CHECK-LABEL: func.func @quantized
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<2x4x!quant.uniform<{{.*}}>> {{{.*}}}, %[[QUERY:[^ ]+]]: tensor<1x4x!quant.uniform<{{.*}}>>)
// CHECK: %[[DOT:[^ ]+]] = stablehlo.dot_general %[[QUERY]], %[[SLOT]], contracting_dims = [1] x [1]
// CHECK-NEXT: return %[[DOT]]
func.func @quantized(%slot: tensor<2x4x!quant.uniform<i8:f32:0, {1.0, 2.0}>> {kvlift.slot = "k"}, %query: tensor<1x4x!quant.uniform<i8:f32, 1.0>>)
    -> tensor<1x2x!quant.uniform<i32:f32:1, {1.0, 2.0}>> {
  %0 = stablehlo.dot_general %query, %slot, contracting_dims = [1] x [1] : (tensor<1x4x!quant.uniform<i8:f32, 1.0>>, tensor<2x4x!quant.uniform<i8:f32:0, {1.0, 2.0}>>) -> tensor<1x2x!quant.uniform<i32:f32:1, {1.0, 2.0}>>
  return %0 : tensor<1x2x!quant.uniform<i32:f32:1, {1.0, 2.0}>>
}

// -----

// A weight is read as the runtimes like best, which they know: not our business.

// CHECK-LABEL: func.func @no_slot
// CHECK-SAME: (%[[WEIGHT:[^ ]+]]: tensor<8x4xf32> {{{.*}}}, %[[QUERY:[^ ]+]]: tensor<1x4xf32>)
// CHECK: %[[TURNED:[^ ]+]] = stablehlo.transpose %[[WEIGHT]], dims = [1, 0]
// CHECK-NEXT: %[[DOT:[^ ]+]] = stablehlo.dot_general %[[QUERY]], %[[TURNED]], contracting_dims = [1] x [0]
// CHECK-NEXT: return %[[DOT]]
func.func @no_slot(%weight: tensor<8x4xf32> {kvlift.kind = "parameter"}, %query: tensor<1x4xf32>) -> tensor<1x8xf32> {
  %0 = stablehlo.transpose %weight, dims = [1, 0] : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %1 = stablehlo.dot_general %query, %0, contracting_dims = [1] x [0] : (tensor<1x4xf32>, tensor<4x8xf32>) -> tensor<1x8xf32>
  return %1 : tensor<1x8xf32>
}

// -----

// Precisions belong to operands: they change sides when the operands do, and
// stay when they do not. Other attributes are kept.

// CHECK-LABEL: func.func @precision
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<8x4xf32> {{{.*}}}, %[[QUERY:[^ ]+]]: tensor<1x4xf32>, %[[WEIGHTS:[^ ]+]]: tensor<1x8xf32>)
// CHECK: %{{[^ ]+}} = stablehlo.dot_general %[[SLOT]], %[[QUERY]], contracting_dims = [1] x [1], precision = [HIGHEST, HIGH] : (tensor<8x4xf32>, tensor<1x4xf32>) -> tensor<8x1xf32>
// CHECK: %{{[^ ]+}} = stablehlo.dot_general %[[WEIGHTS]], %[[SLOT]], contracting_dims = [1] x [0], precision = [HIGH, HIGHEST] {note = "kept"} : (tensor<1x8xf32>, tensor<8x4xf32>) -> tensor<1x4xf32>
// CHECK: return
func.func @precision(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %query: tensor<1x4xf32>, %weights: tensor<1x8xf32>) -> (tensor<1x8xf32>, tensor<1x4xf32>) {
  %0 = stablehlo.transpose %slot, dims = [1, 0] : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %1 = stablehlo.dot_general %query, %0, contracting_dims = [1] x [0], precision = [HIGH, HIGHEST] : (tensor<1x4xf32>, tensor<4x8xf32>) -> tensor<1x8xf32>
  %2 = stablehlo.dot_general %weights, %0, contracting_dims = [1] x [1], precision = [HIGH, HIGHEST] {note = "kept"} : (tensor<1x8xf32>, tensor<4x8xf32>) -> tensor<1x4xf32>
  return %1, %2 : tensor<1x8xf32>, tensor<1x4xf32>
}

// -----

// A view that somebody else reads stays; what only the product read goes.

// CHECK-LABEL: func.func @other_users
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<2x8x4xf32> {{{.*}}}, %[[QUERY:[^ ]+]]: tensor<2x1x4xf32>)
// CHECK: %[[SEEN:[^ ]+]] = stablehlo.transpose %[[SLOT]], dims = [0, 2, 1]
// CHECK-NOT: stablehlo.broadcast_in_dim
// CHECK: %[[DOT:[^ ]+]] = stablehlo.dot_general %[[SLOT]], %[[QUERY]]
// CHECK: %[[TURNED:[^ ]+]] = stablehlo.transpose %[[DOT]], dims = [0, 2, 1]
// CHECK: return %[[SEEN]], %[[TURNED]]
func.func @other_users(%slot: tensor<2x8x4xf32> {kvlift.slot = "k"}, %query: tensor<2x1x4xf32>) -> (tensor<2x4x8xf32>, tensor<2x1x8xf32>) {
  %0 = stablehlo.transpose %slot, dims = [0, 2, 1] : (tensor<2x8x4xf32>) -> tensor<2x4x8xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [0, 1, 2] : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %2 = stablehlo.dot_general %query, %1, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x1x4xf32>, tensor<2x4x8xf32>) -> tensor<2x1x8xf32>
  return %0, %2 : tensor<2x4x8xf32>, tensor<2x1x8xf32>
}

// -----

// A product of two slots: the second is read as it lies and the first gives
// way. When both are read as they lie, changing sides would only add a
// transpose.

// CHECK-LABEL: func.func @both_slots
// CHECK-SAME: (%[[A:[^ ]+]]: tensor<8x4xf32> {{{[^}]*}}}, %[[B:[^ ]+]]: tensor<6x4xf32> {{{[^}]*}}})
// CHECK: %[[TURNED_A:[^ ]+]] = stablehlo.transpose %[[A]], dims = [1, 0]
// CHECK-NOT: stablehlo.transpose %[[B]]
// CHECK: %[[DOT:[^ ]+]] = stablehlo.dot_general %[[B]], %[[TURNED_A]], contracting_dims = [1] x [0] : (tensor<6x4xf32>, tensor<4x8xf32>) -> tensor<6x8xf32>
// CHECK-NEXT: %[[TURNED:[^ ]+]] = stablehlo.transpose %[[DOT]], dims = [1, 0]
// CHECK-NEXT: %[[LIE:[^ ]+]] = stablehlo.dot_general %[[A]], %[[B]], contracting_dims = [1] x [1]
// CHECK-NEXT: return %[[TURNED]], %[[LIE]]
func.func @both_slots(%a: tensor<8x4xf32> {kvlift.slot = "a"}, %b: tensor<6x4xf32> {kvlift.slot = "b"}) -> (tensor<8x6xf32>, tensor<8x6xf32>) {
  %0 = stablehlo.transpose %a, dims = [1, 0] : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %1 = stablehlo.transpose %b, dims = [1, 0] : (tensor<6x4xf32>) -> tensor<4x6xf32>
  %2 = stablehlo.dot_general %0, %1, contracting_dims = [0] x [0] : (tensor<4x8xf32>, tensor<4x6xf32>) -> tensor<8x6xf32>
  %3 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [1] : (tensor<8x4xf32>, tensor<6x4xf32>) -> tensor<8x6xf32>
  return %2, %3 : tensor<8x6xf32>, tensor<8x6xf32>
}

// -----

// A view that is read twice by one product is still there for the other side.

// CHECK-LABEL: func.func @with_itself
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<8x4xf32>
// CHECK: %[[VIEW:[^ ]+]] = stablehlo.transpose %[[SLOT]], dims = [1, 0]
// CHECK: %[[DOT:[^ ]+]] = stablehlo.dot_general %[[SLOT]], %[[VIEW]], contracting_dims = [1] x [0]
// CHECK: return
func.func @with_itself(%slot: tensor<8x4xf32> {kvlift.slot = "a"}) -> tensor<8x8xf32> {
  %0 = stablehlo.transpose %slot, dims = [1, 0] : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %1 = stablehlo.dot_general %0, %0, contracting_dims = [0] x [0] : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<8x8xf32>
  return %1 : tensor<8x8xf32>
}

// -----

// A product whose other operand is a rewritten product: both slots are read as
// they lie, and the second product takes the first's new result.

// CHECK-LABEL: func.func @attention
// CHECK-SAME: (%[[K:[^ ]+]]: tensor<2x8x4xf32> {{{[^}]*}}}, %[[V:[^ ]+]]: tensor<2x8x4xf32> {{{[^}]*}}}, %[[QUERY:[^ ]+]]: tensor<2x1x4xf32>)
// CHECK: %[[DOT:[^ ]+]] = stablehlo.dot_general %[[K]], %[[QUERY]], batching_dims = [0] x [0], contracting_dims = [2] x [2]
// CHECK-NEXT: %[[SCORES:[^ ]+]] = stablehlo.transpose %[[DOT]], dims = [0, 2, 1] : (tensor<2x8x1xf32>) -> tensor<2x1x8xf32>
// CHECK-NEXT: %[[SUMS:[^ ]+]] = stablehlo.dot_general %[[SCORES]], %[[V]], batching_dims = [0] x [0], contracting_dims = [2] x [1]
// CHECK-NEXT: return %[[SUMS]]
func.func @attention(%k: tensor<2x8x4xf32> {kvlift.slot = "k"}, %v: tensor<2x8x4xf32> {kvlift.slot = "v"}, %query: tensor<2x1x4xf32>) -> tensor<2x1x4xf32> {
  %0 = stablehlo.transpose %k, dims = [0, 2, 1] : (tensor<2x8x4xf32>) -> tensor<2x4x8xf32>
  %1 = stablehlo.dot_general %query, %0, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x1x4xf32>, tensor<2x4x8xf32>) -> tensor<2x1x8xf32>
  %2 = stablehlo.broadcast_in_dim %v, dims = [0, 1, 2] : (tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %3 = stablehlo.dot_general %1, %2, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x1x8xf32>, tensor<2x8x4xf32>) -> tensor<2x1x4xf32>
  return %3 : tensor<2x1x4xf32>
}

// -----

// Of two slots whose last dims are summed, IREE would transpose the second,
// unless one dim is batched.

// CHECK-LABEL: func.func @two_slots
// CHECK: stablehlo.dot_general %arg0, %arg1, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3], precision = [HIGH, DEFAULT]
// IREE-LABEL: func.func @two_slots
// IREE-DAG: %[[A:[^ ]+]] = stablehlo.reshape %arg0 : (tensor<2x3x8x4xf32>) -> tensor<6x8x4xf32>
// IREE-DAG: %[[B:[^ ]+]] = stablehlo.reshape %arg1 : (tensor<2x3x8x4xf32>) -> tensor<6x8x4xf32>
// IREE: %[[DOT:[^ ]+]] = stablehlo.dot_general %[[A]], %[[B]], batching_dims = [0] x [0], contracting_dims = [2] x [2], precision = [HIGH, DEFAULT]
// IREE: %[[SHOWN:[^ ]+]] = stablehlo.reshape %[[DOT]] : (tensor<6x8x8xf32>) -> tensor<2x3x8x8xf32>
// IREE: return %arg0, %arg1, %[[SHOWN]]
func.func @two_slots(%a: tensor<2x3x8x4xf32> {kvlift.slot = "a"}, %b: tensor<2x3x8x4xf32> {kvlift.slot = "b"})
    -> (tensor<2x3x8x4xf32> {kvlift.slot = "a"}, tensor<2x3x8x4xf32> {kvlift.slot = "b"}, tensor<2x3x8x8xf32>) {
  %0 = stablehlo.dot_general %a, %b, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3], precision = [HIGH, DEFAULT] : (tensor<2x3x8x4xf32>, tensor<2x3x8x4xf32>) -> tensor<2x3x8x8xf32>
  return %a, %b, %0 : tensor<2x3x8x4xf32>, tensor<2x3x8x4xf32>, tensor<2x3x8x8xf32>
}

// -----

// A second slot that is summed over its rows is read as it lies.

// IREE-LABEL: func.func @two_slots_in_order
// IREE-NOT: stablehlo.reshape
// IREE: stablehlo.dot_general %arg0, %arg1, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2]
func.func @two_slots_in_order(%a: tensor<2x3x8x4xf32> {kvlift.slot = "a"}, %b: tensor<2x3x4x8xf32> {kvlift.slot = "b"})
    -> (tensor<2x3x8x4xf32> {kvlift.slot = "a"}, tensor<2x3x4x8xf32> {kvlift.slot = "b"}, tensor<2x3x8x8xf32>) {
  %0 = stablehlo.dot_general %a, %b, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (tensor<2x3x8x4xf32>, tensor<2x3x4x8xf32>) -> tensor<2x3x8x8xf32>
  return %a, %b, %0 : tensor<2x3x8x4xf32>, tensor<2x3x4x8xf32>, tensor<2x3x8x8xf32>
}

// -----

// What becomes the slot's new value is read as it lies too, though no update
// made it of the old one: a window that has slid.

// CHECK-LABEL: func.func @slid
// CHECK: %[[SLID:[^ ]+]] = stablehlo.concatenate
// CHECK: stablehlo.dot_general %[[SLID]], %{{[^ ]+}}, batching_dims = [0] x [0], contracting_dims = [2] x [2]
func.func @slid(%c: tensor<2x8x4xf32> {kvlift.slot = "c"}, %row: tensor<2x1x4xf32>, %q: tensor<2x1x4xf32>) -> (tensor<2x8x4xf32> {kvlift.slot = "c"}, tensor<2x1x8xf32>) {
  %0 = stablehlo.slice %c [0:2, 1:8, 0:4] : (tensor<2x8x4xf32>) -> tensor<2x7x4xf32>
  %1 = stablehlo.concatenate %0, %row, dim = 1 : (tensor<2x7x4xf32>, tensor<2x1x4xf32>) -> tensor<2x8x4xf32>
  %2 = stablehlo.transpose %1, dims = [0, 2, 1] : (tensor<2x8x4xf32>) -> tensor<2x4x8xf32>
  %3 = stablehlo.dot_general %q, %2, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x1x4xf32>, tensor<2x4x8xf32>) -> tensor<2x1x8xf32>
  return %1, %3 : tensor<2x8x4xf32>, tensor<2x1x8xf32>
}

// -----

// A weight of torch's Linear meets one row. Without a target it stays as it is
// written; IREE would transpose it in each call, see simplify-reads-rows.mlir.

// CHECK-LABEL: func.func @weight
// CHECK: %[[TURNED:[^ ]+]] = stablehlo.transpose %arg1
// CHECK: stablehlo.dot_general %arg0, %[[TURNED]]
func.func @weight(%row: tensor<1x4xf32>, %weight: tensor<6x4xf32>) -> tensor<1x6xf32> {
  %0 = stablehlo.transpose %weight, dims = [1, 0] : (tensor<6x4xf32>) -> tensor<4x6xf32>
  %1 = stablehlo.dot_general %row, %0, contracting_dims = [1] x [0] : (tensor<1x4xf32>, tensor<4x6xf32>) -> tensor<1x6xf32>
  return %1 : tensor<1x6xf32>
}
