// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-simplify-reads)' | filecheck %s
//
// That the sums stay what they were is compared bit for bit in
// test/python/test_reads_exact.py; here, what the reads look like.

// torch's scores: 3 of 6 heads are repeated, the cache is turned and folded to
// [B * H, D, S].

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

func.func @no_repetition(%slot: tensor<2x3x8x4xf32> {kvlift.slot = "k"}, %query: tensor<6x1x4xf32>) -> tensor<6x1x8xf32> {
  %0 = stablehlo.transpose %slot, dims = [0, 1, 3, 2] : (tensor<2x3x8x4xf32>) -> tensor<2x3x4x8xf32>
  %1 = stablehlo.reshape %0 : (tensor<2x3x4x8xf32>) -> tensor<6x4x8xf32>
  %2 = stablehlo.dot_general %query, %1, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<6x1x4xf32>, tensor<6x4x8xf32>) -> tensor<6x1x8xf32>
  return %2 : tensor<6x1x8xf32>
}

// -----

func.func @unit_batch(%slot: tensor<1x3x8x4xf32> {kvlift.slot = "k"}, %query: tensor<3x1x4xf32>) -> tensor<3x1x8xf32> {
  %0 = stablehlo.reshape %slot : (tensor<1x3x8x4xf32>) -> tensor<3x8x4xf32>
  %1 = stablehlo.transpose %0, dims = [0, 2, 1] : (tensor<3x8x4xf32>) -> tensor<3x4x8xf32>
  %2 = stablehlo.dot_general %query, %1, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<3x1x4xf32>, tensor<3x4x8xf32>) -> tensor<3x1x8xf32>
  return %2 : tensor<3x1x8xf32>
}

// -----

func.func @slot_is_lhs(%slot: tensor<2x8x4xf32> {kvlift.slot = "k"}, %other: tensor<2x8x3xf32>) -> (tensor<2x4x3xf32>, tensor<2x4x3xf32>) {
  %0 = stablehlo.transpose %slot, dims = [0, 2, 1] : (tensor<2x8x4xf32>) -> tensor<2x4x8xf32>
  %1 = stablehlo.dot_general %0, %other, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x4x8xf32>, tensor<2x8x3xf32>) -> tensor<2x4x3xf32>
  %2 = stablehlo.dot_general %slot, %other, batching_dims = [0] x [0], contracting_dims = [1] x [1] : (tensor<2x8x4xf32>, tensor<2x8x3xf32>) -> tensor<2x4x3xf32>
  return %1, %2 : tensor<2x4x3xf32>, tensor<2x4x3xf32>
}

// -----

func.func @natural(%slot: tensor<2x8x4xf32> {kvlift.slot = "k"}, %query: tensor<2x1x4xf32>, %weights: tensor<2x1x8xf32>) -> (tensor<2x8x1xf32>, tensor<2x1x4xf32>) {
  %0 = stablehlo.dot_general %slot, %query, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x8x4xf32>, tensor<2x1x4xf32>) -> tensor<2x8x1xf32>
  %1 = stablehlo.dot_general %weights, %slot, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x1x8xf32>, tensor<2x8x4xf32>) -> tensor<2x1x4xf32>
  return %0, %1 : tensor<2x8x1xf32>, tensor<2x1x4xf32>
}

// -----

func.func @splits_a_dim(%slot: tensor<8x12xf32> {kvlift.slot = "k"}, %query: tensor<3x1x4xf32>) -> tensor<3x1x8xf32> {
  %0 = stablehlo.reshape %slot : (tensor<8x12xf32>) -> tensor<8x3x4xf32>
  %1 = stablehlo.dot_general %query, %0, batching_dims = [0] x [1], contracting_dims = [2] x [2] : (tensor<3x1x4xf32>, tensor<8x3x4xf32>) -> tensor<3x1x8xf32>
  return %1 : tensor<3x1x8xf32>
}

// -----

func.func @repeats_elsewhere(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %a: tensor<1x24xf32>, %b: tensor<1x4xf32>) -> (tensor<1x4xf32>, tensor<1x8x3xf32>) {
  %0 = stablehlo.broadcast_in_dim %slot, dims = [0, 2] : (tensor<8x4xf32>) -> tensor<8x3x4xf32>
  %1 = stablehlo.reshape %0 : (tensor<8x3x4xf32>) -> tensor<24x4xf32>
  %summed = stablehlo.dot_general %a, %1, contracting_dims = [1] x [0] : (tensor<1x24xf32>, tensor<24x4xf32>) -> tensor<1x4xf32>
  %free = stablehlo.dot_general %b, %0, contracting_dims = [1] x [2] : (tensor<1x4xf32>, tensor<8x3x4xf32>) -> tensor<1x8x3xf32>
  return %summed, %free : tensor<1x4xf32>, tensor<1x8x3xf32>
}

// -----

func.func @algorithm(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %query: tensor<1x4xf32>) -> tensor<1x8xf32> {
  %0 = stablehlo.transpose %slot, dims = [1, 0] : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %1 = stablehlo.dot_general %query, %0, contracting_dims = [1] x [0], algorithm = <lhs_precision_type = tf32, rhs_precision_type = tf32, accumulation_type = f32, lhs_component_count = 1, rhs_component_count = 1, num_primitive_operations = 1, allow_imprecise_accumulation = false> : (tensor<1x4xf32>, tensor<4x8xf32>) -> tensor<1x8xf32>
  return %1 : tensor<1x8xf32>
}

// -----

func.func @no_slot(%weight: tensor<8x4xf32> {kvlift.kind = "parameter"}, %query: tensor<1x4xf32>) -> tensor<1x8xf32> {
  %0 = stablehlo.transpose %weight, dims = [1, 0] : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %1 = stablehlo.dot_general %query, %0, contracting_dims = [1] x [0] : (tensor<1x4xf32>, tensor<4x8xf32>) -> tensor<1x8xf32>
  return %1 : tensor<1x8xf32>
}

// -----

func.func @precision(%slot: tensor<8x4xf32> {kvlift.slot = "k"}, %query: tensor<4x4xf32>, %weights: tensor<1x32xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = stablehlo.transpose %slot, dims = [1, 0] : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %swapped = stablehlo.dot_general %query, %0, contracting_dims = [1] x [0], precision = [HIGH, HIGHEST] : (tensor<4x4xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = stablehlo.transpose %slot, dims = [0, 1] : (tensor<8x4xf32>) -> tensor<8x4xf32>
  %w = stablehlo.reshape %weights : (tensor<1x32xf32>) -> tensor<8x4xf32>
  %kept = stablehlo.dot_general %1, %query, contracting_dims = [1] x [0], precision = [HIGH, HIGHEST] {note = "kept"} : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
  %2 = stablehlo.transpose %kept, dims = [1, 0] : (tensor<8x4xf32>) -> tensor<4x8xf32>
  return %swapped, %2, %2 : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

func.func @other_users(%slot: tensor<2x8x4xf32> {kvlift.slot = "k"}, %query: tensor<2x1x4xf32>) -> (tensor<2x4x8xf32>, tensor<2x1x8xf32>) {
  %0 = stablehlo.transpose %slot, dims = [0, 2, 1] : (tensor<2x8x4xf32>) -> tensor<2x4x8xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [0, 1, 2] : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %2 = stablehlo.dot_general %query, %1, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x1x4xf32>, tensor<2x4x8xf32>) -> tensor<2x1x8xf32>
  return %0, %2 : tensor<2x4x8xf32>, tensor<2x1x8xf32>
}

// -----

func.func @both_slots(%a: tensor<8x4xf32> {kvlift.slot = "a"}, %b: tensor<6x4xf32> {kvlift.slot = "b"}) -> (tensor<8x6xf32>, tensor<8x8xf32>) {
  %0 = stablehlo.transpose %a, dims = [1, 0] : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %1 = stablehlo.transpose %b, dims = [1, 0] : (tensor<6x4xf32>) -> tensor<4x6xf32>
  %2 = stablehlo.dot_general %0, %1, contracting_dims = [0] x [0] : (tensor<4x8xf32>, tensor<4x6xf32>) -> tensor<8x6xf32>
  %3 = stablehlo.dot_general %0, %0, contracting_dims = [0] x [0] : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<8x8xf32>
  return %2, %3 : tensor<8x6xf32>, tensor<8x8xf32>
}

// -----

func.func @attention(%k: tensor<2x8x4xf32> {kvlift.slot = "k"}, %v: tensor<2x8x4xf32> {kvlift.slot = "v"}, %query: tensor<2x1x4xf32>) -> tensor<2x1x4xf32> {
  %0 = stablehlo.transpose %k, dims = [0, 2, 1] : (tensor<2x8x4xf32>) -> tensor<2x4x8xf32>
  %1 = stablehlo.dot_general %query, %0, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x1x4xf32>, tensor<2x4x8xf32>) -> tensor<2x1x8xf32>
  %2 = stablehlo.broadcast_in_dim %v, dims = [0, 1, 2] : (tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %3 = stablehlo.dot_general %1, %2, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x1x8xf32>, tensor<2x8x4xf32>) -> tensor<2x1x4xf32>
  return %3 : tensor<2x1x4xf32>
}
