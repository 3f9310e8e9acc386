// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-split-products{target=pjrt:cpu bytes=1024})' | filecheck %s
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-split-products{target=pjrt:cpu})' | filecheck %s --check-prefix=WHOLE
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-split-products{target=iree:cpu bytes=1024})' | filecheck %s --check-prefix=WHOLE

// No slot here is large enough to be cut if nobody says so, and IREE converts
// none.

// WHOLE-COUNT-1: stablehlo.dot_general
// WHOLE-NOT: stablehlo.minimum

// Keys, stored as bits: two heads of 512 bytes as f32 make a piece. The second
// piece starts where it did, but only the product of the first one says so. The
// batched dims of the query are in another order.

// CHECK-LABEL: func.func @keys
// CHECK-SAME: %[[Q:[^ ]+]]: tensor<8x9x1xbf16>
// CHECK: %[[K:[^ ]+]] = stablehlo.bitcast_convert
// CHECK: %[[K0:[^ ]+]] = stablehlo.dynamic_slice %[[K]], {{.*}}sizes = [2, 16, 8]
// CHECK: %[[Q0:[^ ]+]] = stablehlo.slice %[[Q]] [0:8, 0:2, 0:1]
// CHECK: %[[S0:[^ ]+]] = stablehlo.dot_general %[[K0]], %[[Q0]], batching_dims = [0] x [1], contracting_dims = [2] x [0]{{.*}} -> tensor<2x16x1xbf16>
// CHECK: %[[TWO:[^ ]+]] = stablehlo.constant dense<2> : tensor<i32>
// CHECK: %[[FIRST:[^ ]+]] = stablehlo.slice %[[S0]] [0:1, 0:1, 0:1]
// CHECK: %[[SCALAR:[^ ]+]] = stablehlo.reshape %[[FIRST]]
// CHECK: %[[BITS:[^ ]+]] = stablehlo.bitcast_convert %[[SCALAR]] : (tensor<bf16>) -> tensor<i16>
// CHECK: %[[WIDE:[^ ]+]] = stablehlo.convert %[[BITS]] : (tensor<i16>) -> tensor<i32>
// CHECK: %[[MAX:[^ ]+]] = stablehlo.maximum %[[TWO]], %[[WIDE]]
// CHECK: %[[START:[^ ]+]] = stablehlo.minimum %[[TWO]], %[[MAX]]
// CHECK: %[[K1:[^ ]+]] = stablehlo.dynamic_slice %[[K]], %[[START]], {{.*}}sizes = [2, 16, 8]
// CHECK: %[[Q1:[^ ]+]] = stablehlo.slice %[[Q]] [0:8, 2:4, 0:1]
// CHECK: %[[S1:[^ ]+]] = stablehlo.dot_general %[[K1]], %[[Q1]]
// CHECK: %[[S4:[^ ]+]] = stablehlo.dot_general {{.*}} -> tensor<1x16x1xbf16>
// CHECK: %[[S:[^ ]+]] = stablehlo.concatenate %[[S0]], %[[S1]], {{.*}}, %[[S4]], dim = 0
// CHECK: return %{{[^ ]+}}, %[[S]]
func.func @keys(%c: tensor<9x16x8xui16> {kvlift.slot = "c", kvlift.logical = tensor<9x16x8xbf16>}, %u: tensor<9x1x8xui16>, %q: tensor<8x9x1xbf16>, %p: tensor<i32>)
    -> (tensor<9x16x8xui16> {kvlift.slot = "c"}, tensor<9x16x1xbf16>) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %n = stablehlo.dynamic_update_slice %c, %u, %z, %p, %z : (tensor<9x16x8xui16>, tensor<9x1x8xui16>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<9x16x8xui16>
  %k = stablehlo.bitcast_convert %n : (tensor<9x16x8xui16>) -> tensor<9x16x8xbf16>
  %s = stablehlo.dot_general %k, %q, batching_dims = [0] x [1], contracting_dims = [2] x [0] : (tensor<9x16x8xbf16>, tensor<8x9x1xbf16>) -> tensor<9x16x1xbf16>
  return %n, %s : tensor<9x16x8xui16>, tensor<9x16x1xbf16>
}

// -----

// Values are the second factor and are converted by the program; each piece is
// converted by itself. They are summed over their second dim: batches are as
// small as pieces get.

// CHECK-LABEL: func.func @values
// CHECK-SAME: %[[C:[^ ]+]]: tensor<4x64x8xf16>
// CHECK-NOT: tensor<4x64x8xf32>
// CHECK: %[[V0:[^ ]+]] = stablehlo.dynamic_slice %[[C]], {{.*}}sizes = [1, 64, 8]
// CHECK: %[[W0:[^ ]+]] = stablehlo.convert %[[V0]]
// CHECK: %[[P0:[^ ]+]] = stablehlo.slice %{{[^ ]+}} [0:1, 0:4, 0:64]
// CHECK: %[[O0:[^ ]+]] = stablehlo.dot_general %[[P0]], %[[W0]]
// CHECK: %[[O1:[^ ]+]] = stablehlo.dot_general
// CHECK-COUNT-2: stablehlo.dot_general
// CHECK: stablehlo.concatenate %[[O0]], %[[O1]], {{.*}}, dim = 0
func.func @values(%c: tensor<4x64x8xf16> {kvlift.slot = "c"}, %p: tensor<4x4x64xf32>)
    -> (tensor<4x64x8xf16> {kvlift.slot = "c"}, tensor<4x4x8xf32>) {
  %w = stablehlo.convert %c : (tensor<4x64x8xf16>) -> tensor<4x64x8xf32>
  %o = stablehlo.dot_general %p, %w, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<4x4x64xf32>, tensor<4x64x8xf32>) -> tensor<4x4x8xf32>
  return %c, %o : tensor<4x64x8xf16>, tensor<4x4x8xf32>
}

// -----

// One batch of keys is too large, so its rows are cut as well. As the second
// factor they are the last dim of the result.

// CHECK-LABEL: func.func @rows
// CHECK-COUNT-4: stablehlo.dot_general {{.*}} -> tensor<1x3x32xf16>
// CHECK: %[[A:[^ ]+]] = stablehlo.concatenate {{.*}}, dim = 2 : {{.*}} -> tensor<1x3x64xf16>
// CHECK: %[[B:[^ ]+]] = stablehlo.concatenate {{.*}}, dim = 2 : {{.*}} -> tensor<1x3x64xf16>
// CHECK: stablehlo.concatenate %[[A]], %[[B]], dim = 0
func.func @rows(%c: tensor<2x64x8xf16> {kvlift.slot = "c"}, %q: tensor<2x3x8xf16>)
    -> (tensor<2x64x8xf16> {kvlift.slot = "c"}, tensor<2x3x64xf16>) {
  %s = stablehlo.dot_general %q, %c, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x3x8xf16>, tensor<2x64x8xf16>) -> tensor<2x3x64xf16>
  return %c, %s : tensor<2x64x8xf16>, tensor<2x3x64xf16>
}

// -----

// What says how devices share it stays whole, like a sum over the slot's first
// dim, what has two batches to cut (one of them is as large as f32 as both as
// f16), what no slot has and what XLA multiplies as it is.

// CHECK-LABEL: func.func @whole
// CHECK-COUNT-5: stablehlo.dot_general
// CHECK-NOT: stablehlo.dot_general
func.func @whole(%c: tensor<2x64x8xf16> {kvlift.slot = "c"}, %d: tensor<2x64x8xf32> {kvlift.slot = "d"}, %w: tensor<2x64x8xf16>, %q: tensor<2x3x8xf16>, %r: tensor<2x3x8xf32>, %p: tensor<2x3x64xf16>)
    -> (tensor<2x64x8xf16> {kvlift.slot = "c"}, tensor<2x64x8xf32> {kvlift.slot = "d"}, tensor<2x3x64xf16>, tensor<3x8x64x8xf16>, tensor<2x3x8xf16>, tensor<2x3x64xf16>, tensor<2x3x64xf32>) {
  %0 = stablehlo.dot_general %q, %c, batching_dims = [0] x [0], contracting_dims = [2] x [2] {mhlo.sharding = "{replicated}"} : (tensor<2x3x8xf16>, tensor<2x64x8xf16>) -> tensor<2x3x64xf16>
  %1 = stablehlo.dot_general %q, %c, contracting_dims = [0] x [0] : (tensor<2x3x8xf16>, tensor<2x64x8xf16>) -> tensor<3x8x64x8xf16>
  %2 = stablehlo.dot_general %p, %c, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x3x64xf16>, tensor<2x64x8xf16>) -> tensor<2x3x8xf16>
  %3 = stablehlo.dot_general %q, %w, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x3x8xf16>, tensor<2x64x8xf16>) -> tensor<2x3x64xf16>
  %4 = stablehlo.dot_general %r, %d, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x3x8xf32>, tensor<2x64x8xf32>) -> tensor<2x3x64xf32>
  return %c, %d, %0, %1, %2, %3, %4 : tensor<2x64x8xf16>, tensor<2x64x8xf32>, tensor<2x3x64xf16>, tensor<3x8x64x8xf16>, tensor<2x3x8xf16>, tensor<2x3x64xf16>, tensor<2x3x64xf32>
}
