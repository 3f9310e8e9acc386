// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-await-sums{target=pjrt:cpu})' | filecheck %s
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-await-sums{target=pjrt:cpu},kvlift-await-sums{target=pjrt:cpu})' | filecheck %s
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-await-sums{target=pjrt:cpu},kvlift-check-in-place{target=pjrt:cpu})' | filecheck %s --check-prefix=VERDICT
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-await-sums{target=iree:cpu})' | filecheck %s --check-prefix=ALONE

// IREE keeps the barriers of kvlift-order-updates, so nothing has to wait there.

// ALONE: func.func @floats
// ALONE-NOT: stablehlo.minimum

// Both sums are computed with the addition, so the old one after the update.
// The update's data keep their bits, but need one of the sum's. The second run
// finds nothing more to do.

// CHECK-LABEL: func.func @floats
// CHECK-SAME: %[[C:[^ ]+]]: tensor<4x8xf32>
// CHECK-SAME: %[[U:[^ ]+]]: tensor<1x8xf32>
// CHECK: %[[OLD:[^ ]+]] = stablehlo.reduce(%[[C]]
// CHECK-NEXT: %[[DATA:[^ ]+]] = stablehlo.bitcast_convert %[[U]] : (tensor<1x8xf32>) -> tensor<1x8xi32>
// CHECK-NEXT: %[[FIRST:[^ ]+]] = stablehlo.slice %[[OLD]] [0:1]
// CHECK-NEXT: %[[SCALAR:[^ ]+]] = stablehlo.reshape %[[FIRST]]
// CHECK-NEXT: %[[BITS:[^ ]+]] = stablehlo.bitcast_convert %[[SCALAR]] : (tensor<f32>) -> tensor<i32>
// CHECK-NEXT: %[[ALL:[^ ]+]] = stablehlo.broadcast_in_dim %[[BITS]], dims = [] : (tensor<i32>) -> tensor<1x8xi32>
// CHECK-NEXT: %[[MAX:[^ ]+]] = stablehlo.maximum %[[DATA]], %[[ALL]]
// CHECK-NEXT: %[[MIN:[^ ]+]] = stablehlo.minimum %[[DATA]], %[[MAX]]
// CHECK-NEXT: %[[SAME:[^ ]+]] = stablehlo.bitcast_convert %[[MIN]] : (tensor<1x8xi32>) -> tensor<1x8xf32>
// CHECK-NEXT: stablehlo.dynamic_update_slice %[[C]], %[[SAME]]
// VERDICT-LABEL: func.func @floats
// VERDICT-SAME: kvlift.verdict = "in_place"
func.func @floats(%c: tensor<4x8xf32> {kvlift.slot = "c"}, %u: tensor<1x8xf32>, %p: tensor<i32>)
    -> (tensor<4x8xf32> {kvlift.slot = "c"}, tensor<4xf32>) {
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %z = stablehlo.constant dense<0> : tensor<i32>
  %s = stablehlo.reduce(%c init: %f) applies stablehlo.add across dimensions = [1] : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
  %n = stablehlo.dynamic_update_slice %c, %u, %p, %z : (tensor<4x8xf32>, tensor<1x8xf32>, tensor<i32>, tensor<i32>) -> tensor<4x8xf32>
  %t = stablehlo.reduce(%n init: %f) applies stablehlo.add across dimensions = [1] : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
  %o = stablehlo.add %s, %t : tensor<4xf32>
  return %n, %o : tensor<4x8xf32>, tensor<4xf32>
}

// -----

// Integers are their own bits. What order-updates has pinned is found behind
// the barrier, which XLA does not keep.

// CHECK-LABEL: func.func @integers
// CHECK-SAME: %[[U:[^ ]+]]: tensor<1x8xi8>
// CHECK: %[[OLD:[^ ]+]] = stablehlo.reduce
// CHECK-NEXT: stablehlo.optimization_barrier %[[OLD]]
// CHECK-NEXT: %[[FIRST:[^ ]+]] = stablehlo.slice %[[OLD]] [0:1]
// CHECK-NOT: bitcast_convert
// CHECK: %[[MAX:[^ ]+]] = stablehlo.maximum %[[U]]
// CHECK-NEXT: %[[MIN:[^ ]+]] = stablehlo.minimum %[[U]], %[[MAX]]
// CHECK-NEXT: stablehlo.dynamic_update_slice %{{[^ ]+}}, %[[MIN]]
// VERDICT-LABEL: func.func @integers
// VERDICT-SAME: kvlift.verdict = "in_place"
func.func @integers(%c: tensor<4x32xi8> {kvlift.slot = "c"}, %u: tensor<1x8xi8>, %p: tensor<i32>)
    -> (tensor<4x32xi8> {kvlift.slot = "c"}, tensor<4xi8>) {
  %f = stablehlo.constant dense<0> : tensor<i8>
  %s = stablehlo.reduce(%c init: %f) applies stablehlo.add across dimensions = [1] : (tensor<4x32xi8>, tensor<i8>) -> tensor<4xi8>
  %b = stablehlo.optimization_barrier %s : tensor<4xi8>
  %n = stablehlo.dynamic_update_slice %c, %u, %p, %p : (tensor<4x32xi8>, tensor<1x8xi8>, tensor<i32>, tensor<i32>) -> tensor<4x32xi8>
  %t = stablehlo.reduce(%n init: %f) applies stablehlo.add across dimensions = [1] : (tensor<4x32xi8>, tensor<i8>) -> tensor<4xi8>
  %o = stablehlo.add %b, %t : tensor<4xi8>
  return %n, %o : tensor<4x32xi8>, tensor<4xi8>
}

// -----

// A sum that two ops take in is there before the update without that. Where a
// scatter updates, or the sum is of truth values, nothing can wait: the copy is
// announced.

// CHECK-LABEL: func.func @left_alone
// CHECK-NOT: stablehlo.minimum
// VERDICT-LABEL: func.func @left_alone
// VERDICT-SAME: kvlift.slot = "c", kvlift.verdict = "in_place"
// VERDICT-SAME: kvlift.slot = "d", kvlift.verdict = "copied: 128 bytes: XLA computes it together with
// VERDICT-SAME: kvlift.slot = "e", kvlift.verdict = "copied: 128 bytes: XLA computes it together with
func.func @left_alone(%c: tensor<4x32xf32> {kvlift.slot = "c"}, %d: tensor<4x32xi8> {kvlift.slot = "d"}, %e: tensor<4x32xi1> {kvlift.slot = "e"}, %u: tensor<1x32xf32>, %v: tensor<1x1x32xi8>, %w: tensor<1x32xi1>, %p: tensor<i32>, %q: tensor<1x1xi32>)
    -> (tensor<4x32xf32> {kvlift.slot = "c"}, tensor<4x32xi8> {kvlift.slot = "d"}, tensor<4x32xi1> {kvlift.slot = "e"}, tensor<4xf32>, tensor<4xi8>, tensor<4xi1>) {
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %i = stablehlo.constant dense<0> : tensor<i8>
  %b = stablehlo.constant dense<false> : tensor<i1>
  %z = stablehlo.constant dense<0> : tensor<i32>
  %s0 = stablehlo.reduce(%c init: %f) applies stablehlo.add across dimensions = [1] : (tensor<4x32xf32>, tensor<f32>) -> tensor<4xf32>
  %n0 = stablehlo.dynamic_update_slice %c, %u, %p, %z : (tensor<4x32xf32>, tensor<1x32xf32>, tensor<i32>, tensor<i32>) -> tensor<4x32xf32>
  %t0 = stablehlo.reduce(%n0 init: %f) applies stablehlo.add across dimensions = [1] : (tensor<4x32xf32>, tensor<f32>) -> tensor<4xf32>
  %g0 = stablehlo.compare GT, %s0, %t0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  %o0 = stablehlo.select %g0, %s0, %t0 : tensor<4xi1>, tensor<4xf32>
  %s1 = stablehlo.reduce(%d init: %i) applies stablehlo.add across dimensions = [1] : (tensor<4x32xi8>, tensor<i8>) -> tensor<4xi8>
  %n1 = "stablehlo.scatter"(%d, %q, %v) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<i8>, %new: tensor<i8>):
    stablehlo.return %new : tensor<i8>
  }) : (tensor<4x32xi8>, tensor<1x1xi32>, tensor<1x1x32xi8>) -> tensor<4x32xi8>
  %t1 = stablehlo.reduce(%n1 init: %i) applies stablehlo.add across dimensions = [1] : (tensor<4x32xi8>, tensor<i8>) -> tensor<4xi8>
  %o1 = stablehlo.add %s1, %t1 : tensor<4xi8>
  %s2 = stablehlo.reduce(%e init: %b) applies stablehlo.or across dimensions = [1] : (tensor<4x32xi1>, tensor<i1>) -> tensor<4xi1>
  %n2 = stablehlo.dynamic_update_slice %e, %w, %p, %z : (tensor<4x32xi1>, tensor<1x32xi1>, tensor<i32>, tensor<i32>) -> tensor<4x32xi1>
  %t2 = stablehlo.reduce(%n2 init: %b) applies stablehlo.or across dimensions = [1] : (tensor<4x32xi1>, tensor<i1>) -> tensor<4xi1>
  %o2 = stablehlo.and %s2, %t2 : tensor<4xi1>
  return %n0, %n1, %n2, %o0, %o1, %o2 : tensor<4x32xf32>, tensor<4x32xi8>, tensor<4x32xi1>, tensor<4xf32>, tensor<4xi8>, tensor<4xi1>
}
