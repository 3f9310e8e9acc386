// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-check-in-place{target=pjrt:cpu})' 2>/dev/null | filecheck %s
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-check-in-place{target=iree:cpu})' 2>/dev/null | filecheck %s --check-prefix=IREE

// What readers of a slot make a runtime build beside it.

// The batched dim of the first product does not lead; in the second one the
// slot is a matrix, but its summed dim is not the last one.

// CHECK-LABEL: func.func @products
// CHECK-SAME: kvlift.slot = "c", kvlift.verdict = "copied: 8192 bytes: XLA builds the transposed slot for 'stablehlo.dot_general'"
// CHECK-SAME: kvlift.slot = "d", kvlift.verdict = "in_place"
// CHECK-SAME: kvlift.slot = "e", kvlift.verdict = "in_place"
// IREE-LABEL: func.func @products
// IREE-SAME: kvlift.slot = "c", kvlift.verdict = "copied: 8192 bytes: IREE builds the transposed slot for 'stablehlo.dot_general'"
// IREE-SAME: kvlift.slot = "d", kvlift.verdict = "copied: 8192 bytes: IREE builds the transposed slot for 'stablehlo.dot_general'"
// IREE-SAME: kvlift.slot = "e", kvlift.verdict = "in_place"
func.func @products(%c: tensor<4x32x2x8xf32> {kvlift.slot = "c"}, %d: tensor<4x2x8x32xf32> {kvlift.slot = "d"}, %e: tensor<4x2x32x8xf32> {kvlift.slot = "e"}, %q: tensor<4x2x3x8xf32>)
    -> (tensor<4x32x2x8xf32> {kvlift.slot = "c"}, tensor<4x2x8x32xf32> {kvlift.slot = "d"}, tensor<4x2x32x8xf32> {kvlift.slot = "e"}, tensor<4x2x32x3xf32>, tensor<4x2x32x3xf32>, tensor<4x2x32x3xf32>) {
  %0 = stablehlo.dot_general %c, %q, batching_dims = [0, 2] x [0, 1], contracting_dims = [3] x [3] : (tensor<4x32x2x8xf32>, tensor<4x2x3x8xf32>) -> tensor<4x2x32x3xf32>
  %1 = stablehlo.dot_general %d, %q, batching_dims = [0, 1] x [0, 1], contracting_dims = [2] x [3] : (tensor<4x2x8x32xf32>, tensor<4x2x3x8xf32>) -> tensor<4x2x32x3xf32>
  %2 = stablehlo.dot_general %e, %q, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (tensor<4x2x32x8xf32>, tensor<4x2x3x8xf32>) -> tensor<4x2x32x3xf32>
  return %c, %d, %e, %0, %1, %2 : tensor<4x32x2x8xf32>, tensor<4x2x8x32xf32>, tensor<4x2x32x8xf32>, tensor<4x2x32x3xf32>, tensor<4x2x32x3xf32>, tensor<4x2x32x3xf32>
}

// -----

// XLA's products of f16 are of f32; a sum over many rows, or of many elements,
// does not take a conversion in; a short one does.

// CHECK-LABEL: func.func @converted
// CHECK-SAME: kvlift.slot = "c", kvlift.verdict = "copied: 512 bytes: XLA:CPU converts the whole slot for 'stablehlo.dot_general'"
// CHECK-SAME: kvlift.slot = "d", kvlift.verdict = "copied: 1024 bytes: XLA:CPU builds the whole slot anew, to sum it, for 'stablehlo.convert'"
// CHECK-SAME: kvlift.slot = "e", kvlift.verdict = "in_place"
// IREE-LABEL: func.func @converted
// IREE-SAME: kvlift.slot = "c", kvlift.verdict = "in_place"
// IREE-SAME: kvlift.slot = "d", kvlift.verdict = "in_place"
// IREE-SAME: kvlift.slot = "e", kvlift.verdict = "in_place"
func.func @converted(%c: tensor<2x16x8xf16> {kvlift.slot = "c"}, %d: tensor<64x8xf16> {kvlift.slot = "d"}, %e: tensor<32x8xf16> {kvlift.slot = "e"}, %q: tensor<2x4x8xf16>)
    -> (tensor<2x16x8xf16> {kvlift.slot = "c"}, tensor<64x8xf16> {kvlift.slot = "d"}, tensor<32x8xf16> {kvlift.slot = "e"}, tensor<2x16x4xf16>, tensor<8xf32>, tensor<8xf32>) {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.dot_general %c, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x16x8xf16>, tensor<2x4x8xf16>) -> tensor<2x16x4xf16>
  %1 = stablehlo.convert %d : (tensor<64x8xf16>) -> tensor<64x8xf32>
  %2 = stablehlo.reduce(%1 init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<64x8xf32>, tensor<f32>) -> tensor<8xf32>
  %3 = stablehlo.convert %e : (tensor<32x8xf16>) -> tensor<32x8xf32>
  %4 = stablehlo.reduce(%3 init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<32x8xf32>, tensor<f32>) -> tensor<8xf32>
  return %c, %d, %e, %0, %2, %4 : tensor<2x16x8xf16>, tensor<64x8xf16>, tensor<32x8xf16>, tensor<2x16x4xf16>, tensor<8xf32>, tensor<8xf32>
}

// -----

// A reverse that a product reads is built; one that is added to is not.

// CHECK-LABEL: func.func @moved
// CHECK-SAME: kvlift.slot = "c", kvlift.verdict = "copied: 1024 bytes: XLA builds the whole slot anew for 'stablehlo.reverse'"
// CHECK-SAME: kvlift.slot = "d", kvlift.verdict = "in_place"
// IREE-LABEL: func.func @moved
// IREE-SAME: kvlift.slot = "c", kvlift.verdict = "copied: 1024 bytes: IREE builds the whole slot anew for 'stablehlo.reverse'"
// IREE-SAME: kvlift.slot = "d", kvlift.verdict = "in_place"
func.func @moved(%c: tensor<2x16x8xf32> {kvlift.slot = "c"}, %d: tensor<2x16x8xf32> {kvlift.slot = "d"}, %q: tensor<2x4x8xf32>, %x: tensor<2x16x8xf32>)
    -> (tensor<2x16x8xf32> {kvlift.slot = "c"}, tensor<2x16x8xf32> {kvlift.slot = "d"}, tensor<2x16x4xf32>, tensor<2x16x8xf32>) {
  %0 = stablehlo.reverse %c, dims = [1] : tensor<2x16x8xf32>
  %1 = stablehlo.dot_general %0, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x16x8xf32>, tensor<2x4x8xf32>) -> tensor<2x16x4xf32>
  %2 = stablehlo.reverse %d, dims = [1] : tensor<2x16x8xf32>
  %3 = stablehlo.add %2, %x : tensor<2x16x8xf32>
  return %c, %d, %1, %3 : tensor<2x16x8xf32>, tensor<2x16x8xf32>, tensor<2x16x4xf32>, tensor<2x16x8xf32>
}

// -----

// A transposed sum of a new version, with a dim of one element and without.

// CHECK-LABEL: func.func @sums
// CHECK-SAME: kvlift.slot = "c", kvlift.verdict = "in_place"
// CHECK-SAME: kvlift.slot = "d", kvlift.verdict = "in_place"
// IREE-LABEL: func.func @sums
// IREE-SAME: kvlift.slot = "c", kvlift.verdict = "copied: 512 bytes: IREE builds the transposed slot for 'stablehlo.reduce'"
// IREE-SAME: kvlift.slot = "d", kvlift.verdict = "in_place"
func.func @sums(%c: tensor<1x16x8xf32> {kvlift.slot = "c"}, %d: tensor<2x16x8xf32> {kvlift.slot = "d"}, %u: tensor<1x1x8xf32>, %i: tensor<i32>)
    -> (tensor<1x16x8xf32> {kvlift.slot = "c"}, tensor<2x16x8xf32> {kvlift.slot = "d"}, tensor<1x8xf32>, tensor<2x8xf32>) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.dynamic_update_slice %c, %u, %z, %i, %z : (tensor<1x16x8xf32>, tensor<1x1x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x16x8xf32>
  %1 = stablehlo.dynamic_update_slice %d, %u, %z, %i, %z : (tensor<2x16x8xf32>, tensor<1x1x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x16x8xf32>
  %2 = stablehlo.transpose %0, dims = [0, 2, 1] : (tensor<1x16x8xf32>) -> tensor<1x8x16xf32>
  %3 = stablehlo.transpose %1, dims = [0, 2, 1] : (tensor<2x16x8xf32>) -> tensor<2x8x16xf32>
  %4 = stablehlo.reduce(%2 init: %zero) applies stablehlo.add across dimensions = [2] : (tensor<1x8x16xf32>, tensor<f32>) -> tensor<1x8xf32>
  %5 = stablehlo.reduce(%3 init: %zero) applies stablehlo.add across dimensions = [2] : (tensor<2x8x16xf32>, tensor<f32>) -> tensor<2x8xf32>
  return %0, %1, %4, %5 : tensor<1x16x8xf32>, tensor<2x16x8xf32>, tensor<1x8xf32>, tensor<2x8xf32>
}

// -----

// Rows that are exchanged between slots: XLA takes both when it writes them.
// What one update has made and something reads, IREE keeps for the next.

// CHECK-LABEL: func.func @exchanged
// CHECK-SAME: kvlift.slot = "k", kvlift.verdict = "copied: 1024 bytes: XLA computes it together with, and so after the update, the op 'stablehlo.dynamic_update_slice'"
// CHECK-SAME: kvlift.slot = "v", kvlift.verdict = "copied: 1024 bytes: XLA computes it together with
// CHECK-SAME: kvlift.slot = "c", kvlift.verdict = "in_place"
// IREE-LABEL: func.func @exchanged
// IREE-SAME: kvlift.slot = "k", kvlift.verdict = "in_place"
// IREE-SAME: kvlift.slot = "v", kvlift.verdict = "in_place"
// IREE-SAME: kvlift.slot = "c", kvlift.verdict = "copied: 1024 bytes: IREE may copy what one update has made before the next, for 'stablehlo.multiply'"
func.func @exchanged(%k: tensor<32x8xf32> {kvlift.slot = "k"}, %v: tensor<32x8xf32> {kvlift.slot = "v"}, %c: tensor<32x8xf32> {kvlift.slot = "c"}, %u: tensor<1x8xf32>, %x: tensor<32x8xf32>, %i: tensor<i32>)
    -> (tensor<32x8xf32> {kvlift.slot = "k"}, tensor<32x8xf32> {kvlift.slot = "v"}, tensor<32x8xf32> {kvlift.slot = "c"}, tensor<32x8xf32>) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %0 = stablehlo.dynamic_slice %k, %i, %z, sizes = [1, 8] : (tensor<32x8xf32>, tensor<i32>, tensor<i32>) -> tensor<1x8xf32>
  %1 = stablehlo.dynamic_slice %v, %i, %z, sizes = [1, 8] : (tensor<32x8xf32>, tensor<i32>, tensor<i32>) -> tensor<1x8xf32>
  %2 = stablehlo.optimization_barrier %0 : tensor<1x8xf32>
  %3 = stablehlo.optimization_barrier %1 : tensor<1x8xf32>
  %4 = stablehlo.dynamic_update_slice %k, %3, %i, %z : (tensor<32x8xf32>, tensor<1x8xf32>, tensor<i32>, tensor<i32>) -> tensor<32x8xf32>
  %5 = stablehlo.dynamic_update_slice %v, %2, %i, %z : (tensor<32x8xf32>, tensor<1x8xf32>, tensor<i32>, tensor<i32>) -> tensor<32x8xf32>
  %6 = stablehlo.dynamic_update_slice %c, %u, %i, %z : (tensor<32x8xf32>, tensor<1x8xf32>, tensor<i32>, tensor<i32>) -> tensor<32x8xf32>
  %7 = stablehlo.multiply %6, %x : tensor<32x8xf32>
  %8 = stablehlo.dynamic_update_slice %6, %u, %z, %z : (tensor<32x8xf32>, tensor<1x8xf32>, tensor<i32>, tensor<i32>) -> tensor<32x8xf32>
  return %4, %5, %8, %7 : tensor<32x8xf32>, tensor<32x8xf32>, tensor<32x8xf32>, tensor<32x8xf32>
}

// -----

// XLA computes a short sum of few elements with the op that takes it in, here
// after the update. One of 4096 elements is computed by itself, and so is one
// that two ops take in. IREE is told to by a barrier (kvlift-order-updates).

// CHECK-LABEL: func.func @sums_of_old_beside_new
// CHECK-SAME: kvlift.slot = "c", kvlift.verdict = "copied: 512 bytes: XLA computes it together with, and so after the update, the op 'stablehlo.add'"
// CHECK-SAME: kvlift.slot = "d", kvlift.verdict = "in_place"
// CHECK-SAME: kvlift.slot = "e", kvlift.verdict = "in_place"
// IREE-LABEL: func.func @sums_of_old_beside_new
// IREE-SAME: kvlift.slot = "c", kvlift.verdict = "in_place"
func.func @sums_of_old_beside_new(%c: tensor<32x4xf32> {kvlift.slot = "c"}, %d: tensor<1024x4xf32> {kvlift.slot = "d"}, %e: tensor<32x4xf32> {kvlift.slot = "e"}, %u: tensor<1x4xf32>, %i: tensor<i32>)
    -> (tensor<32x4xf32> {kvlift.slot = "c"}, tensor<1024x4xf32> {kvlift.slot = "d"}, tensor<32x4xf32> {kvlift.slot = "e"}, tensor<32xf32>, tensor<1024xf32>, tensor<32xf32>) {
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %z = stablehlo.constant dense<0> : tensor<i32>
  %0 = stablehlo.reduce(%c init: %f) applies stablehlo.add across dimensions = [1] : (tensor<32x4xf32>, tensor<f32>) -> tensor<32xf32>
  %1 = stablehlo.reduce(%d init: %f) applies stablehlo.add across dimensions = [1] : (tensor<1024x4xf32>, tensor<f32>) -> tensor<1024xf32>
  %2 = stablehlo.reduce(%e init: %f) applies stablehlo.add across dimensions = [1] : (tensor<32x4xf32>, tensor<f32>) -> tensor<32xf32>
  %3 = stablehlo.optimization_barrier %2 : tensor<32xf32>
  %4 = stablehlo.dynamic_update_slice %c, %u, %i, %z : (tensor<32x4xf32>, tensor<1x4xf32>, tensor<i32>, tensor<i32>) -> tensor<32x4xf32>
  %5 = stablehlo.dynamic_update_slice %d, %u, %i, %z : (tensor<1024x4xf32>, tensor<1x4xf32>, tensor<i32>, tensor<i32>) -> tensor<1024x4xf32>
  %6 = stablehlo.dynamic_update_slice %e, %u, %i, %z : (tensor<32x4xf32>, tensor<1x4xf32>, tensor<i32>, tensor<i32>) -> tensor<32x4xf32>
  %7 = stablehlo.reduce(%4 init: %f) applies stablehlo.add across dimensions = [1] : (tensor<32x4xf32>, tensor<f32>) -> tensor<32xf32>
  %8 = stablehlo.reduce(%5 init: %f) applies stablehlo.add across dimensions = [1] : (tensor<1024x4xf32>, tensor<f32>) -> tensor<1024xf32>
  %9 = stablehlo.reduce(%6 init: %f) applies stablehlo.add across dimensions = [1] : (tensor<32x4xf32>, tensor<f32>) -> tensor<32xf32>
  %10 = stablehlo.add %0, %7 : tensor<32xf32>
  %11 = stablehlo.add %1, %8 : tensor<1024xf32>
  %12 = stablehlo.compare GT, %3, %9 : (tensor<32xf32>, tensor<32xf32>) -> tensor<32xi1>
  %13 = stablehlo.select %12, %3, %9 : tensor<32xi1>, tensor<32xf32>
  return %4, %5, %6, %10, %11, %13 : tensor<32x4xf32>, tensor<1024x4xf32>, tensor<32x4xf32>, tensor<32xf32>, tensor<1024xf32>, tensor<32xf32>
}

// -----

// Another result shows the new value turned around and then reshaped, so that no
// order of its dims tells how it lies.

// CHECK-LABEL: func.func @returned_turned_around
// CHECK-SAME: kvlift.slot = "c", kvlift.verdict = "copied: 4096 bytes: XLA copies the slot for the other result of 'func.return'"
// IREE-LABEL: func.func @returned_turned_around
// IREE-SAME: kvlift.slot = "c", kvlift.verdict = "copied: 4096 bytes: IREE copies the slot for the other result of 'func.return'"
func.func @returned_turned_around(%c: tensor<2x64x8xf32> {kvlift.slot = "c"}, %u: tensor<2x1x8xf32>, %i: tensor<i32>)
    -> (tensor<2x64x8xf32> {kvlift.slot = "c"}, tensor<64x16xf32>) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %0 = stablehlo.dynamic_update_slice %c, %u, %z, %i, %z : (tensor<2x64x8xf32>, tensor<2x1x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x64x8xf32>
  %1 = stablehlo.transpose %0, dims = [1, 0, 2] : (tensor<2x64x8xf32>) -> tensor<64x2x8xf32>
  %2 = stablehlo.reshape %1 : (tensor<64x2x8xf32>) -> tensor<64x16xf32>
  return %0, %2 : tensor<2x64x8xf32>, tensor<64x16xf32>
}
