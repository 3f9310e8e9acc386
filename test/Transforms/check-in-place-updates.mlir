// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-check-in-place{target=pjrt:cpu})' 2>/dev/null | filecheck %s
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-check-in-place{target=iree:cpu})' 2>/dev/null | filecheck %s --check-prefix=IREE

// What a target makes of the form of an update.

// Bits, everything at once, and a transpose of dims of one element.

// CHECK-LABEL: func.func @forms
// CHECK-SAME: kvlift.slot = "c", kvlift.verdict = "copied: 1024 bytes: XLA rewrites the whole slot when its bits are updated by 'stablehlo.dynamic_update_slice'"
// CHECK-SAME: kvlift.slot = "d", kvlift.verdict = "copied: 1024 bytes: XLA builds the new value beside the old in 'stablehlo.dynamic_update_slice'"
// CHECK-SAME: kvlift.slot = "e", kvlift.verdict = "in_place"
// IREE-LABEL: func.func @forms
// IREE-SAME: kvlift.slot = "c", kvlift.verdict = "copied: 1024 bytes: IREE builds the new value beside the old when its bits are updated by 'stablehlo.dynamic_update_slice'"
// IREE-SAME: kvlift.slot = "d", kvlift.verdict = "copied: 1024 bytes: IREE builds the new value beside the old in 'stablehlo.dynamic_update_slice'"
// IREE-SAME: kvlift.slot = "e", kvlift.verdict = "in_place"
func.func @forms(%c: tensor<32x8xf32> {kvlift.slot = "c"}, %d: tensor<32x8xf32> {kvlift.slot = "d"}, %e: tensor<1x32x8xf32> {kvlift.slot = "e"}, %b: tensor<1x8xi32>, %x: tensor<32x8xf32>, %u: tensor<1x1x8xf32>, %i: tensor<i32>)
    -> (tensor<32x8xf32> {kvlift.slot = "c"}, tensor<32x8xf32> {kvlift.slot = "d"}, tensor<1x32x8xf32> {kvlift.slot = "e"}) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %0 = stablehlo.bitcast_convert %c : (tensor<32x8xf32>) -> tensor<32x8xi32>
  %1 = stablehlo.dynamic_update_slice %0, %b, %i, %z : (tensor<32x8xi32>, tensor<1x8xi32>, tensor<i32>, tensor<i32>) -> tensor<32x8xi32>
  %2 = stablehlo.bitcast_convert %1 : (tensor<32x8xi32>) -> tensor<32x8xf32>
  %3 = stablehlo.dynamic_update_slice %d, %x, %i, %z : (tensor<32x8xf32>, tensor<32x8xf32>, tensor<i32>, tensor<i32>) -> tensor<32x8xf32>
  %4 = stablehlo.transpose %e, dims = [1, 0, 2] : (tensor<1x32x8xf32>) -> tensor<32x1x8xf32>
  %5 = stablehlo.dynamic_update_slice %4, %u, %i, %z, %z : (tensor<32x1x8xf32>, tensor<1x1x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<32x1x8xf32>
  %6 = stablehlo.transpose %5, dims = [1, 0, 2] : (tensor<32x1x8xf32>) -> tensor<1x32x8xf32>
  return %2, %3, %6 : tensor<32x8xf32>, tensor<32x8xf32>, tensor<1x32x8xf32>
}

// -----

// An update of folded dims: alone, beside a read of a row, and where a dim of
// one element is folded away.

// CHECK-LABEL: func.func @folded
// CHECK-SAME: kvlift.slot = "c", kvlift.verdict = "in_place"
// CHECK-SAME: kvlift.slot = "d", kvlift.verdict = "copied: 2048 bytes: XLA copies a slot whose updates work on other shapes of it, as 'stablehlo.dynamic_update_slice'"
// CHECK-SAME: kvlift.slot = "e", kvlift.verdict = "copied: 2048 bytes: XLA:CPU copies a slot that has a dimension of extent 1 for 'stablehlo.dynamic_update_slice'"
// IREE-LABEL: func.func @folded
// IREE-SAME: kvlift.slot = "c", kvlift.verdict = "in_place"
// IREE-SAME: kvlift.slot = "d", kvlift.verdict = "in_place"
// IREE-SAME: kvlift.slot = "e", kvlift.verdict = "in_place"
func.func @folded(%c: tensor<2x4x8x8xf32> {kvlift.slot = "c"}, %d: tensor<2x4x8x8xf32> {kvlift.slot = "d"}, %e: tensor<2x1x4x8x8xf32> {kvlift.slot = "e"}, %u: tensor<8x1x8xf32>, %i: tensor<i32>)
    -> (tensor<2x4x8x8xf32> {kvlift.slot = "c"}, tensor<2x4x8x8xf32> {kvlift.slot = "d"}, tensor<2x1x4x8x8xf32> {kvlift.slot = "e"}, tensor<2x4x1x8xf32>) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %0 = stablehlo.reshape %c : (tensor<2x4x8x8xf32>) -> tensor<8x8x8xf32>
  %1 = stablehlo.dynamic_update_slice %0, %u, %z, %i, %z : (tensor<8x8x8xf32>, tensor<8x1x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x8x8xf32>
  %2 = stablehlo.reshape %1 : (tensor<8x8x8xf32>) -> tensor<2x4x8x8xf32>
  %3 = stablehlo.reshape %d : (tensor<2x4x8x8xf32>) -> tensor<8x8x8xf32>
  %4 = stablehlo.dynamic_update_slice %3, %u, %z, %i, %z : (tensor<8x8x8xf32>, tensor<8x1x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x8x8xf32>
  %5 = stablehlo.reshape %4 : (tensor<8x8x8xf32>) -> tensor<2x4x8x8xf32>
  %6 = stablehlo.dynamic_slice %5, %z, %z, %i, %z, sizes = [2, 4, 1, 8] : (tensor<2x4x8x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x4x1x8xf32>
  %7 = stablehlo.reshape %e : (tensor<2x1x4x8x8xf32>) -> tensor<8x8x8xf32>
  %8 = stablehlo.dynamic_update_slice %7, %u, %z, %i, %z : (tensor<8x8x8xf32>, tensor<8x1x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x8x8xf32>
  %9 = stablehlo.reshape %8 : (tensor<8x8x8xf32>) -> tensor<2x1x4x8x8xf32>
  return %2, %5, %9, %6 : tensor<2x4x8x8xf32>, tensor<2x4x8x8xf32>, tensor<2x1x4x8x8xf32>, tensor<2x4x1x8xf32>
}

// -----

// New values of everything: XLA computes them in place where every element
// comes of the same one. A composite is what its decomposition is.

// CHECK-LABEL: func.func @values
// CHECK-SAME: kvlift.slot = "c", kvlift.verdict = "in_place"
// CHECK-SAME: kvlift.slot = "d", kvlift.verdict = "copied: 4096 bytes: XLA builds the new value beside the old in 'stablehlo.transpose'"
// CHECK-SAME: kvlift.slot = "e", kvlift.verdict = "in_place"
// IREE-LABEL: func.func @values
// IREE-SAME: kvlift.slot = "c", kvlift.verdict = "copied: 4096 bytes: IREE builds the new value beside the old in 'stablehlo.add'"
// IREE-SAME: kvlift.slot = "d", kvlift.verdict = "copied: 4096 bytes: IREE builds the new value beside the old in 'stablehlo.add'"
// IREE-SAME: kvlift.slot = "e", kvlift.verdict = "in_place"
func.func @values(%c: tensor<32x32xf32> {kvlift.slot = "c"}, %d: tensor<32x32xf32> {kvlift.slot = "d"}, %e: tensor<32x32xf32> {kvlift.slot = "e"}, %x: tensor<32x32xf32>, %u: tensor<1x32xf32>, %i: tensor<i32>)
    -> (tensor<32x32xf32> {kvlift.slot = "c"}, tensor<32x32xf32> {kvlift.slot = "d"}, tensor<32x32xf32> {kvlift.slot = "e"}) {
  %0 = stablehlo.add %c, %x : tensor<32x32xf32>
  %1 = stablehlo.transpose %d, dims = [1, 0] : (tensor<32x32xf32>) -> tensor<32x32xf32>
  %2 = stablehlo.add %1, %x : tensor<32x32xf32>
  %3 = stablehlo.composite "kv.write" %e, %u, %i {decomposition = @write} : (tensor<32x32xf32>, tensor<1x32xf32>, tensor<i32>) -> tensor<32x32xf32>
  return %0, %2, %3 : tensor<32x32xf32>, tensor<32x32xf32>, tensor<32x32xf32>
}
func.func private @write(%c: tensor<32x32xf32>, %u: tensor<1x32xf32>, %i: tensor<i32>) -> tensor<32x32xf32> {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %0 = stablehlo.dynamic_update_slice %c, %u, %i, %z : (tensor<32x32xf32>, tensor<1x32xf32>, tensor<i32>, tensor<i32>) -> tensor<32x32xf32>
  return %0 : tensor<32x32xf32>
}
