// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-choose-storage{target=pjrt:cpu})' > %t.once
// RUN: filecheck %s --input-file %t.once
// RUN: kvlift-opt %t.once --split-input-file --pass-pipeline='builtin.module(kvlift-choose-storage{target=pjrt:cpu})' > %t.twice
// RUN: diff %t.once %t.twice
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-choose-storage{target=iree:cpu})' > %t.iree
// RUN: filecheck %s --input-file %t.iree --check-prefix=IREE
// RUN: kvlift-opt %t.iree --split-input-file --pass-pipeline='builtin.module(kvlift-choose-storage{target=pjrt:cpu})' | filecheck %s --check-prefix=BOTH
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-choose-storage{target=pjrt:cuda})' | filecheck %s --check-prefix=SAME

// No other target asks for it.

// SAME-NOT: kvlift.order
// SAME: func.func @rows_first
// SAME-NOT: kvlift.order

// A product that batches over heads gets a sequence-major slot turned around in
// each call. Stored by heads, the slot is read as it lies (kvlift-simplify-reads
// takes the transpose out again), and the new rows are turned around. The old
// rows that the range guard reads lie in the store's order already.

// CHECK-LABEL: func.func @rows_first
// CHECK-SAME: (%[[C:.*]]: tensor<2x4x16x8xf32> {kvlift.logical = tensor<2x16x4x8xf32>, kvlift.order = [0, 2, 1, 3], kvlift.slot = "c"}, %[[U:.*]]: tensor<2x1x4x8xf32>, %[[P:.*]]: tensor<i32>
// CHECK-SAME: -> (tensor<2x4x16x8xf32> {kvlift.slot = "c"}, tensor<2x4x16x1xf32>)
// CHECK: %[[Z:.*]] = stablehlo.constant dense<0> : tensor<i32>
// CHECK: %[[OLD:.*]] = stablehlo.dynamic_slice %[[C]], %[[Z]], %[[Z]], %[[P]], %[[Z]], sizes = [2, 4, 1, 8]
// CHECK: %[[NEW:.*]] = stablehlo.transpose %[[U]], dims = [0, 2, 1, 3] : (tensor<2x1x4x8xf32>) -> tensor<2x4x1x8xf32>
// CHECK: %[[ROWS:.*]] = stablehlo.select %{{.*}}, %[[NEW]], %[[OLD]]
// CHECK: %[[N:.*]] = stablehlo.dynamic_update_slice %[[C]], %[[ROWS]], %[[Z]], %[[Z]], %[[P]], %[[Z]]
// CHECK: %[[READ:.*]] = stablehlo.transpose %[[N]], dims = [0, 2, 1, 3] : (tensor<2x4x16x8xf32>) -> tensor<2x16x4x8xf32>
// CHECK: %[[S:.*]] = stablehlo.dot_general %[[READ]]
// CHECK: return %[[N]], %[[S]]
// IREE-LABEL: func.func @rows_first
// IREE-SAME: tensor<2x4x16x8xf32> {kvlift.logical = tensor<2x16x4x8xf32>, kvlift.order = [0, 2, 1, 3], kvlift.slot = "c"}
func.func @rows_first(%c: tensor<2x16x4x8xf32> {kvlift.slot = "c"}, %u: tensor<2x1x4x8xf32>, %p: tensor<i32>, %q: tensor<2x1x4x8xf32>)
    -> (tensor<2x16x4x8xf32> {kvlift.slot = "c"}, tensor<2x4x16x1xf32>) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %ok = stablehlo.compare GE, %p, %z : (tensor<i32>, tensor<i32>) -> tensor<i1>
  %old = stablehlo.dynamic_slice %c, %z, %p, %z, %z, sizes = [2, 1, 4, 8] : (tensor<2x16x4x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x1x4x8xf32>
  %new = stablehlo.select %ok, %u, %old : tensor<i1>, tensor<2x1x4x8xf32>
  %n = stablehlo.dynamic_update_slice %c, %new, %z, %p, %z, %z : (tensor<2x16x4x8xf32>, tensor<2x1x4x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x16x4x8xf32>
  %s = stablehlo.dot_general %n, %q, batching_dims = [0, 2] x [0, 2], contracting_dims = [3] x [3] : (tensor<2x16x4x8xf32>, tensor<2x1x4x8xf32>) -> tensor<2x4x16x1xf32>
  return %n, %s : tensor<2x16x4x8xf32>, tensor<2x4x16x1xf32>
}

// -----

// All three changes at once: without the batch of 1, as bits, by heads. The
// product reads the elements converted as they lie. IREE wants only the order;
// what it is given becomes XLA's in a second run, and the order stays one of
// the dims that the model means.

// CHECK-LABEL: func.func @narrow_batch_1
// CHECK-SAME: (%[[C:.*]]: tensor<4x16x8xui16> {kvlift.logical = tensor<1x16x4x8xbf16>, kvlift.order = [0, 2, 1, 3], kvlift.slot = "c"}, %[[U:.*]]: tensor<1x1x4x8xbf16>, %[[P:.*]]: tensor<i32>
// CHECK: %[[T:.*]] = stablehlo.transpose %[[U]], dims = [0, 2, 1, 3] : (tensor<1x1x4x8xbf16>) -> tensor<1x4x1x8xbf16>
// CHECK: %[[R:.*]] = stablehlo.reshape %[[T]] : (tensor<1x4x1x8xbf16>) -> tensor<4x1x8xbf16>
// CHECK: %[[B:.*]] = stablehlo.bitcast_convert %[[R]] : (tensor<4x1x8xbf16>) -> tensor<4x1x8xui16>
// CHECK: %[[N:.*]] = stablehlo.dynamic_update_slice %[[C]], %[[B]], %{{.*}}, %[[P]], %{{.*}} : (tensor<4x16x8xui16>
// CHECK: %[[W:.*]] = stablehlo.bitcast_convert %[[N]]
// CHECK: %[[F:.*]] = stablehlo.convert %[[W]] : (tensor<4x16x8xbf16>) -> tensor<4x16x8xf32>
// CHECK: %[[FOUR:.*]] = stablehlo.reshape %[[F]] : (tensor<4x16x8xf32>) -> tensor<1x4x16x8xf32>
// CHECK: %[[READ:.*]] = stablehlo.transpose %[[FOUR]], dims = [0, 2, 1, 3]
// CHECK: stablehlo.dot_general %[[READ]]
// IREE-LABEL: func.func @narrow_batch_1
// IREE-SAME: tensor<1x4x16x8xbf16> {kvlift.logical = tensor<1x16x4x8xbf16>, kvlift.order = [0, 2, 1, 3], kvlift.slot = "c"}
// BOTH-LABEL: func.func @narrow_batch_1
// BOTH-SAME: tensor<4x16x8xui16> {kvlift.logical = tensor<1x16x4x8xbf16>, kvlift.order = [0, 2, 1, 3], kvlift.slot = "c"}
func.func @narrow_batch_1(%c: tensor<1x16x4x8xbf16> {kvlift.slot = "c"}, %u: tensor<1x1x4x8xbf16>, %p: tensor<i32>, %q: tensor<1x2x4x8xf32>)
    -> (tensor<1x16x4x8xbf16> {kvlift.slot = "c"}, tensor<1x4x16x2xf32>) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %n = stablehlo.dynamic_update_slice %c, %u, %z, %p, %z, %z : (tensor<1x16x4x8xbf16>, tensor<1x1x4x8xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x16x4x8xbf16>
  %f = stablehlo.convert %n : (tensor<1x16x4x8xbf16>) -> tensor<1x16x4x8xf32>
  %s = stablehlo.dot_general %f, %q, batching_dims = [0, 2] x [0, 2], contracting_dims = [3] x [3] : (tensor<1x16x4x8xf32>, tensor<1x2x4x8xf32>) -> tensor<1x4x16x2xf32>
  return %n, %s : tensor<1x16x4x8xbf16>, tensor<1x4x16x2xf32>
}

// -----

// Grouped heads: what the view repeats is no dim of the slot. The loop that
// writes the rows carries the slot by heads as well.

// CHECK-LABEL: func.func @loop_and_repeated_heads
// CHECK-SAME: tensor<2x16x8xf32> {kvlift.logical = tensor<16x2x8xf32>, kvlift.order = [1, 0, 2], kvlift.slot = "c"}
// CHECK: stablehlo.while({{.*}}) : tensor<i32>, tensor<2x16x8xf32>
// CHECK: stablehlo.dynamic_update_slice %{{.*}} : (tensor<2x16x8xf32>, tensor<2x1x8xf32>
// CHECK: stablehlo.return %{{.*}} : tensor<i32>, tensor<2x16x8xf32>
// IREE-LABEL: func.func @loop_and_repeated_heads
// IREE-SAME: kvlift.order = [1, 0, 2]
func.func @loop_and_repeated_heads(%c: tensor<16x2x8xf32> {kvlift.slot = "c"}, %u: tensor<1x2x8xf32>, %q: tensor<4x3x8xf32>)
    -> (tensor<16x2x8xf32> {kvlift.slot = "c"}, tensor<4x16x3xf32>) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %three = stablehlo.constant dense<3> : tensor<i32>
  %done:2 = stablehlo.while(%i = %z, %k = %c) : tensor<i32>, tensor<16x2x8xf32>
  cond {
    %on = stablehlo.compare LT, %i, %three : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %on : tensor<i1>
  } do {
    %n = stablehlo.dynamic_update_slice %k, %u, %i, %z, %z : (tensor<16x2x8xf32>, tensor<1x2x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<16x2x8xf32>
    %next = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %next, %n : tensor<i32>, tensor<16x2x8xf32>
  }
  %r = stablehlo.broadcast_in_dim %done#1, dims = [0, 1, 3] : (tensor<16x2x8xf32>) -> tensor<16x2x2x8xf32>
  %h = stablehlo.reshape %r : (tensor<16x2x2x8xf32>) -> tensor<16x4x8xf32>
  %s = stablehlo.dot_general %h, %q, batching_dims = [1] x [0], contracting_dims = [2] x [2] : (tensor<16x4x8xf32>, tensor<4x3x8xf32>) -> tensor<4x16x3xf32>
  return %done#1, %s : tensor<16x2x8xf32>, tensor<4x16x3xf32>
}

// -----

// Another reader of the whole slot would get it turned around: nothing is won.

// CHECK-LABEL: func.func @read_both_ways
// CHECK-NOT: kvlift.order
// IREE-LABEL: func.func @read_both_ways
// IREE-NOT: kvlift.order
func.func @read_both_ways(%c: tensor<16x2x8xf32> {kvlift.slot = "c"}, %u: tensor<1x2x8xf32>, %p: tensor<i32>, %q: tensor<2x3x8xf32>)
    -> (tensor<16x2x8xf32> {kvlift.slot = "c"}, tensor<2x16x3xf32>, tensor<16x2x8xf32>) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %n = stablehlo.dynamic_update_slice %c, %u, %p, %z, %z : (tensor<16x2x8xf32>, tensor<1x2x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<16x2x8xf32>
  %s = stablehlo.dot_general %n, %q, batching_dims = [1] x [0], contracting_dims = [2] x [2] : (tensor<16x2x8xf32>, tensor<2x3x8xf32>) -> tensor<2x16x3xf32>
  %e = stablehlo.exponential %n : tensor<16x2x8xf32>
  return %n, %s, %e : tensor<16x2x8xf32>, tensor<2x16x3xf32>, tensor<16x2x8xf32>
}

// -----

// The other target sums one batched dim without a matrix, and reads the slot as it lies.

// CHECK-LABEL: func.func @sums_of_vectors
// CHECK-SAME: kvlift.order = [1, 0, 2]
// IREE-LABEL: func.func @sums_of_vectors
// IREE-NOT: kvlift.order
func.func @sums_of_vectors(%c: tensor<16x2x8xf32> {kvlift.slot = "c"}, %u: tensor<1x2x8xf32>, %p: tensor<i32>, %q: tensor<2x8xf32>)
    -> (tensor<16x2x8xf32> {kvlift.slot = "c"}, tensor<2x16xf32>) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %n = stablehlo.dynamic_update_slice %c, %u, %p, %z, %z : (tensor<16x2x8xf32>, tensor<1x2x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<16x2x8xf32>
  %s = stablehlo.dot_general %n, %q, batching_dims = [1] x [0], contracting_dims = [2] x [1] : (tensor<16x2x8xf32>, tensor<2x8xf32>) -> tensor<2x16xf32>
  return %n, %s : tensor<16x2x8xf32>, tensor<2x16xf32>
}

// -----

// Slots of equal dims change their order too, though not their type. Functions
// that share one have it in the same order, also where nothing asks for it.

// CHECK-LABEL: func.func @fill
// IREE-LABEL: func.func @fill
// CHECK-SAME: tensor<8x8x8xf32> {kvlift.logical = tensor<8x8x8xf32>, kvlift.order = [1, 0, 2], kvlift.slot = "c"}
// CHECK: stablehlo.dynamic_update_slice %{{.*}}, %{{.*}}, %[[Z:.*]], %arg2, %[[Z]]
// CHECK-LABEL: func.func @look
// CHECK-SAME: kvlift.order = [1, 0, 2]
func.func @fill(%c: tensor<8x8x8xf32> {kvlift.slot = "c"}, %u: tensor<3x8x8xf32>, %p: tensor<i32>) -> (tensor<8x8x8xf32> {kvlift.slot = "c"}) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %n = stablehlo.dynamic_update_slice %c, %u, %p, %z, %z : (tensor<8x8x8xf32>, tensor<3x8x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x8x8xf32>
  return %n : tensor<8x8x8xf32>
}
func.func @look(%c: tensor<8x8x8xf32> {kvlift.slot = "c"}, %q: tensor<8x3x8xf32>) -> (tensor<8x8x8xf32> {kvlift.slot = "c"}, tensor<8x8x3xf32>) {
  %s = stablehlo.dot_general %c, %q, batching_dims = [1] x [0], contracting_dims = [2] x [2] : (tensor<8x8x8xf32>, tensor<8x3x8xf32>) -> tensor<8x8x3xf32>
  return %c, %s : tensor<8x8x8xf32>, tensor<8x8x3xf32>
}
