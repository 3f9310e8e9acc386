// name: sum-before
// ties: 0:1
// inputs: 2=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!R = tensor<4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R, !C) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %s = stablehlo.reduce(%c init: %f) applies stablehlo.add across dimensions = [1] : (!C, tensor<f32>) -> !R
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %s, %u : !R, !C
}
// -----
// name: sum-before-and-another-sum
// ties: 0:2
// inputs: 3=0..31
// IREE 3.13 runs the update beside the unrelated sum, and the first sum after both.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!R = tensor<4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %d: !C, %x: !N, %p: !I) -> (!R, !R, !C) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %s = stablehlo.reduce(%c init: %f) applies stablehlo.add across dimensions = [1] : (!C, tensor<f32>) -> !R
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %t = stablehlo.reduce(%d init: %f) applies stablehlo.add across dimensions = [1] : (!C, tensor<f32>) -> !R
  return %t, %s, %u : !R, !R, !C
}
// -----
// name: sum-of-old-after
// ties: 0:1
// inputs: 2=0..31
// The update stands before the read of the old value.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!R = tensor<4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R, !C) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %s = stablehlo.reduce(%c init: %f) applies stablehlo.add across dimensions = [1] : (!C, tensor<f32>) -> !R
  return %s, %u : !R, !C
}
// -----
// name: sum-of-new
// ties: 0:1
// inputs: 2=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!R = tensor<4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R, !C) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %s = stablehlo.reduce(%u init: %f) applies stablehlo.add across dimensions = [1] : (!C, tensor<f32>) -> !R
  return %s, %u : !R, !C
}
// -----
// name: old-and-new
// ties: 0:2
// inputs: 2=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!R = tensor<4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R, !R, !C) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %s = stablehlo.reduce(%c init: %f) applies stablehlo.add across dimensions = [1] : (!C, tensor<f32>) -> !R
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %t = stablehlo.reduce(%u init: %f) applies stablehlo.add across dimensions = [1] : (!C, tensor<f32>) -> !R
  return %s, %t, %u : !R, !R, !C
}
// -----
// name: row-before
// ties: 0:1
// inputs: 2=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!N, !C) {
  %z = stablehlo.constant dense<0> : !I
  %s = stablehlo.dynamic_slice %c, %z, %p, %z, sizes = [4, 1, 8] : (!C, !I, !I, !I) -> !N
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %s, %u : !N, !C
}
// -----
// name: row-of-old-after
// ties: 0:1
// inputs: 2=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!N, !C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %s = stablehlo.dynamic_slice %c, %z, %p, %z, sizes = [4, 1, 8] : (!C, !I, !I, !I) -> !N
  return %s, %u : !N, !C
}
// -----
// name: two-rows-before-three-written
// ties: 0:1, 1:2
// inputs: 4=0..29
!C = tensor<4x32x8xf32>
!N = tensor<4x3x8xf32>
!M = tensor<4x2x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %d: !C, %x: !N, %y: !N, %p: !I) -> (!M, !C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %s = stablehlo.dynamic_slice %c, %z, %p, %z, sizes = [4, 2, 8] : (!C, !I, !I, !I) -> !M
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %w = stablehlo.dynamic_update_slice %d, %y, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %s, %u, %w : !M, !C, !C
}
// -----
// name: disjoint-row
// ties: 0:1
// The row that is read is not the one that is written.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!N, !C) {
  %z = stablehlo.constant dense<0> : !I
  %k = stablehlo.constant dense<3> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %k, %z : (!C, !N, !I, !I, !I) -> !C
  %s = stablehlo.slice %c [0:4, 5:6, 0:8] : (!C) -> !N
  return %s, %u : !N, !C
}
// -----
// name: elementwise-of-old
// ties: 0:1
// inputs: 2=0..31, 3=0..1
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %d: !C) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %s = stablehlo.multiply %c, %d : !C
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %s, %u : !C, !C
}
// -----
// name: elementwise-of-old-after
// ties: 0:1
// inputs: 2=0..31, 3=0..1
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %d: !C) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %s = stablehlo.multiply %c, %d : !C
  return %s, %u : !C, !C
}
// -----
// name: elementwise-of-new
// ties: 0:1
// inputs: 2=0..31, 3=0..1
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %d: !C) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %s = stablehlo.multiply %u, %d : !C
  return %s, %u : !C, !C
}
// -----
// name: attention-write-then-read-f32
// ties: 0:1
// inputs: 2=0..31, 3=0..1, 1=0..1, 0=0..1
!C = tensor<2x4x32x8xf32>
!Q = tensor<2x4x1x8xf32>
!N = tensor<2x4x1x8xf32>
!S = tensor<2x4x1x32xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %q: !Q) -> (!Q, !C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %z, %p, %z : (!C, !N, !I, !I, !I, !I) -> !C
  %s = stablehlo.dot_general %q, %u, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (!Q, !C) -> !S
  %m = stablehlo.constant dense<2.0> : !S
  %b = stablehlo.minimum %s, %m : !S
  %o = stablehlo.dot_general %b, %u, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (!S, !C) -> !Q
  return %o, %u : !Q, !C
}
// -----
// name: attention-read-then-write-f32
// ties: 0:1
// inputs: 2=0..31, 3=0..1, 1=0..1, 0=0..1
!C = tensor<2x4x32x8xf32>
!Q = tensor<2x4x1x8xf32>
!N = tensor<2x4x1x8xf32>
!S = tensor<2x4x1x32xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %q: !Q) -> (!Q, !C) {
  %z = stablehlo.constant dense<0> : !I
  %s = stablehlo.dot_general %q, %c, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (!Q, !C) -> !S
  %m = stablehlo.constant dense<2.0> : !S
  %b = stablehlo.minimum %s, %m : !S
  %o = stablehlo.dot_general %b, %c, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (!S, !C) -> !Q
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %z, %p, %z : (!C, !N, !I, !I, !I, !I) -> !C
  return %o, %u : !Q, !C
}
// -----
// name: attention-write-then-read-f16
// ties: 0:1
// inputs: 2=0..31, 3=0..1, 1=0..1, 0=0..1
!C = tensor<2x4x32x8xf16>
!Q = tensor<2x4x1x8xf16>
!N = tensor<2x4x1x8xf16>
!S = tensor<2x4x1x32xf16>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %q: !Q) -> (!Q, !C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %z, %p, %z : (!C, !N, !I, !I, !I, !I) -> !C
  %s = stablehlo.dot_general %q, %u, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (!Q, !C) -> !S
  %m = stablehlo.constant dense<2.0> : !S
  %b = stablehlo.minimum %s, %m : !S
  %o = stablehlo.dot_general %b, %u, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (!S, !C) -> !Q
  return %o, %u : !Q, !C
}
// -----
// name: attention-read-then-write-f16
// ties: 0:1
// inputs: 2=0..31, 3=0..1, 1=0..1, 0=0..1
!C = tensor<2x4x32x8xf16>
!Q = tensor<2x4x1x8xf16>
!N = tensor<2x4x1x8xf16>
!S = tensor<2x4x1x32xf16>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %q: !Q) -> (!Q, !C) {
  %z = stablehlo.constant dense<0> : !I
  %s = stablehlo.dot_general %q, %c, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (!Q, !C) -> !S
  %m = stablehlo.constant dense<2.0> : !S
  %b = stablehlo.minimum %s, %m : !S
  %o = stablehlo.dot_general %b, %c, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (!S, !C) -> !Q
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %z, %p, %z : (!C, !N, !I, !I, !I, !I) -> !C
  return %o, %u : !Q, !C
}
// -----
// name: attention-k-and-v-batch-1
// ties: 0:2, 1:1
// inputs: 4=0..31, 0=0..1, 2=0..1, 5=0..1
!C = tensor<1x4x32x8xf32>
!Q = tensor<1x4x1x8xf32>
!N = tensor<1x4x1x8xf32>
!S = tensor<1x4x1x32xf32>
!I = tensor<i32>
func.func @main(%k: !C, %v: !C, %x: !N, %y: !N, %p: !I, %q: !Q) -> (!Q, !C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %k, %x, %z, %z, %p, %z : (!C, !N, !I, !I, !I, !I) -> !C
  %w = stablehlo.dynamic_update_slice %v, %y, %z, %z, %p, %z : (!C, !N, !I, !I, !I, !I) -> !C
  %s = stablehlo.dot_general %q, %u, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (!Q, !C) -> !S
  %m = stablehlo.constant dense<2.0> : !S
  %b = stablehlo.minimum %s, %m : !S
  %o = stablehlo.dot_general %b, %w, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (!S, !C) -> !Q
  return %o, %w, %u : !Q, !C, !C
}
// -----
// name: attention-k-and-v-batch-2
// ties: 0:2, 1:1
// inputs: 4=0..31, 0=0..1, 2=0..1, 5=0..1
!C = tensor<2x4x32x8xf32>
!Q = tensor<2x4x1x8xf32>
!N = tensor<2x4x1x8xf32>
!S = tensor<2x4x1x32xf32>
!I = tensor<i32>
func.func @main(%k: !C, %v: !C, %x: !N, %y: !N, %p: !I, %q: !Q) -> (!Q, !C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %k, %x, %z, %z, %p, %z : (!C, !N, !I, !I, !I, !I) -> !C
  %w = stablehlo.dynamic_update_slice %v, %y, %z, %z, %p, %z : (!C, !N, !I, !I, !I, !I) -> !C
  %s = stablehlo.dot_general %q, %u, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (!Q, !C) -> !S
  %m = stablehlo.constant dense<2.0> : !S
  %b = stablehlo.minimum %s, %m : !S
  %o = stablehlo.dot_general %b, %w, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (!S, !C) -> !Q
  return %o, %w, %u : !Q, !C, !C
}
// -----
// name: attention-bshd
// ties: 0:1
// inputs: 2=0..31, 0=0..1, 1=0..1, 3=0..1
!C = tensor<2x32x4x8xf32>
!Q = tensor<2x1x4x8xf32>
!P = tensor<2x4x1x8xf32>
!N = tensor<2x1x4x8xf32>
!S = tensor<2x4x1x32xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %q: !Q) -> (!Q, !C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z, %z : (!C, !N, !I, !I, !I, !I) -> !C
  %s = stablehlo.dot_general %q, %u, batching_dims = [0, 2] x [0, 2], contracting_dims = [3] x [3] : (!Q, !C) -> !S
  %m = stablehlo.constant dense<2.0> : !S
  %b = stablehlo.minimum %s, %m : !S
  %o = stablehlo.dot_general %b, %u, batching_dims = [0, 1] x [0, 2], contracting_dims = [3] x [1] : (!S, !C) -> !P
  %t = stablehlo.transpose %o, dims = [0, 2, 1, 3] : (!P) -> !Q
  return %t, %u : !Q, !C
}
// -----
// name: attention-grouped-heads
// ties: 0:1
// inputs: 2=0..31
// Two query heads share a key head: the slot is repeated for the dot.
!C = tensor<2x2x32x8xf32>
!Q = tensor<2x4x1x8xf32>
!N = tensor<2x2x1x8xf32>
!G = tensor<2x2x2x32x8xf32>
!H = tensor<2x4x32x8xf32>
!S = tensor<2x4x1x32xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %q: !Q) -> (!S, !C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %z, %p, %z : (!C, !N, !I, !I, !I, !I) -> !C
  %r = stablehlo.broadcast_in_dim %u, dims = [0, 1, 3, 4] : (!C) -> !G
  %g = stablehlo.reshape %r : (!G) -> !H
  %s = stablehlo.dot_general %q, %g, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (!Q, !H) -> !S
  return %s, %u : !S, !C
}
// -----
// name: softmax-attention
// ties: 0:1
// inputs: 2=0..31, 3=0..1
// tolerance: 1e-5
// exp is rounded differently by each runtime.
!C = tensor<2x4x32x8xf32>
!Q = tensor<2x4x1x8xf32>
!N = tensor<2x4x1x8xf32>
!S = tensor<2x4x1x32xf32>
!T = tensor<2x4x1xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %q: !Q) -> (!Q, !C) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %z, %p, %z : (!C, !N, !I, !I, !I, !I) -> !C
  %s = stablehlo.dot_general %q, %u, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (!Q, !C) -> !S
  %e = stablehlo.exponential %s : !S
  %d = stablehlo.reduce(%e init: %f) applies stablehlo.add across dimensions = [3] : (!S, tensor<f32>) -> !T
  %g = stablehlo.broadcast_in_dim %d, dims = [0, 1, 2] : (!T) -> !S
  %b = stablehlo.divide %e, %g : !S
  %o = stablehlo.dot_general %b, %u, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (!S, !C) -> !Q
  return %o, %u : !Q, !C
}
// -----
// name: gather-rows
// ties: 0:1
// inputs: 2=0..31, 3=0..31
!C = tensor<32x4x8xf32>
!N = tensor<1x4x8xf32>
!X = tensor<3x1xi32>
!G = tensor<3x4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %i: !X) -> (!G, !C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %p, %z, %z : (!C, !N, !I, !I, !I) -> !C
  %g = "stablehlo.gather"(%u, %i) {dimension_numbers = #stablehlo.gather<offset_dims = [1, 2], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 4, 8>} : (!C, !X) -> !G
  return %g, %u : !G, !C
}
// -----
// name: sum-of-converted
// ties: 0:0
// inputs: 2=0..63
// Elements are widened before they are summed, over many rows.
!C = tensor<4x64x8xf16>
!N = tensor<4x1x8xf16>
!W = tensor<4x64x8xf32>
!S = tensor<4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !S) {
  %z = stablehlo.constant dense<0> : !I
  %o = stablehlo.constant dense<0.0> : tensor<f32>
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %w = stablehlo.convert %u : (!C) -> !W
  %s = stablehlo.reduce(%w init: %o) applies stablehlo.add across dimensions = [1] : (!W, tensor<f32>) -> !S
  return %u, %s : !C, !S
}
// -----
// name: sum-of-transposed-batch-1
// ties: 0:0
// inputs: 2=0..31
// The sum reads the slot in another layout; one dim has one element.
!C = tensor<1x32x2x8xf32>
!N = tensor<1x1x2x8xf32>
!T = tensor<1x2x32x8xf32>
!S = tensor<1x2x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !S) {
  %z = stablehlo.constant dense<0> : !I
  %o = stablehlo.constant dense<0.0> : tensor<f32>
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z, %z : (!C, !N, !I, !I, !I, !I) -> !C
  %t = stablehlo.transpose %u, dims = [0, 2, 1, 3] : (!C) -> !T
  %s = stablehlo.reduce(%t init: %o) applies stablehlo.add across dimensions = [2] : (!T, tensor<f32>) -> !S
  return %u, %s : !C, !S
}
// -----
// name: sum-of-transposed
// ties: 0:0
// inputs: 2=0..31
// The same without such a dim.
!C = tensor<4x32x2x8xf32>
!N = tensor<4x1x2x8xf32>
!T = tensor<4x2x32x8xf32>
!S = tensor<4x2x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !S) {
  %z = stablehlo.constant dense<0> : !I
  %o = stablehlo.constant dense<0.0> : tensor<f32>
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z, %z : (!C, !N, !I, !I, !I, !I) -> !C
  %t = stablehlo.transpose %u, dims = [0, 2, 1, 3] : (!C) -> !T
  %s = stablehlo.reduce(%t init: %o) applies stablehlo.add across dimensions = [2] : (!T, tensor<f32>) -> !S
  return %u, %s : !C, !S
}
// -----
// name: product-of-reversed
// ties: 0:0
// inputs: 3=0..31
// The rows are turned around before a product reads them.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!Q = tensor<4x2x8xf32>
!S = tensor<4x32x2xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %q: !Q, %p: !I) -> (!C, !S) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %r = stablehlo.reverse %u, dims = [1] : !C
  %s = stablehlo.dot_general %r, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (!C, !Q) -> !S
  return %u, %s : !C, !S
}
// -----
// name: product-of-converted
// ties: 0:0
// inputs: 3=0..31
// The slot is widened before a product reads it.
!C = tensor<4x32x8xf16>
!W = tensor<4x32x8xf32>
!N = tensor<4x1x8xf16>
!Q = tensor<4x2x8xf32>
!S = tensor<4x32x2xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %q: !Q, %p: !I) -> (!C, !S) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %r = stablehlo.convert %u : (!C) -> !W
  %s = stablehlo.dot_general %r, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (!W, !Q) -> !S
  return %u, %s : !C, !S
}
// -----
// name: converted-beside-new
// ties: 0:0
// inputs: 2=0..31
// The new value leaves in another element type as well.
!C = tensor<4x32x8xf32>
!W = tensor<4x32x8xf64>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !W) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %r = stablehlo.convert %u : (!C) -> !W
  return %u, %r : !C, !W
}
// -----
// name: row-moved-between-two-updates
// ties: 0:0
// inputs: 2=0..31, 3=0..31
// What the first update makes is read for the second, which moves a row of it.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %q: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %r = stablehlo.dynamic_slice %u, %z, %q, %z, sizes = [4, 1, 8] : (!C, !I, !I, !I) -> !N
  %v = stablehlo.dynamic_update_slice %u, %r, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %v : !C
}
// -----
// name: product-between-two-updates
// ties: 0:1
// inputs: 3=0..31
// What the first update makes is read as a whole before the second.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %d: !C, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %m = stablehlo.multiply %u, %d : !C
  %v = stablehlo.dynamic_update_slice %u, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %m, %v : !C, !C
}
// -----
// name: product-bdsh
// ties: 0:0
// inputs: 3=0..31
// Rows come last, so that the summed dim of the first factor does not.
!C = tensor<4x2x8x32xf32>
!N = tensor<4x2x8x1xf32>
!Q = tensor<4x2x3x8xf32>
!S = tensor<4x2x32x3xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %q: !Q, %p: !I) -> (!C, !S) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %z, %z, %p : (!C, !N, !I, !I, !I, !I) -> !C
  %s = stablehlo.dot_general %u, %q, batching_dims = [0, 1] x [0, 1], contracting_dims = [2] x [3] : (!C, !Q) -> !S
  return %u, %s : !C, !S
}
// -----
// name: sums-of-old-and-new-added
// ties: 0:1
// inputs: 2=0..31
// XLA computes short sums of few elements together with the addition.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!R = tensor<4x32xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R, !C) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %s = stablehlo.reduce(%c init: %f) applies stablehlo.add across dimensions = [2] : (!C, tensor<f32>) -> !R
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %t = stablehlo.reduce(%u init: %f) applies stablehlo.add across dimensions = [2] : (!C, tensor<f32>) -> !R
  %o = stablehlo.add %s, %t : !R
  return %o, %u : !R, !C
}
// -----
// name: large-sums-of-old-and-new-added
// ties: 0:1
// inputs: 2=0..63
// A library sums 4096 elements and more.
!C = tensor<8x64x8xf32>
!N = tensor<8x1x8xf32>
!R = tensor<8x64xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R, !C) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %s = stablehlo.reduce(%c init: %f) applies stablehlo.add across dimensions = [2] : (!C, tensor<f32>) -> !R
  %h = stablehlo.negate %s : !R
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %t = stablehlo.reduce(%u init: %f) applies stablehlo.add across dimensions = [2] : (!C, tensor<f32>) -> !R
  %o = stablehlo.add %h, %t : !R
  return %o, %u : !R, !C
}
// -----
// name: larger-of-sums-of-old-and-new
// ties: 0:1
// inputs: 2=0..31
// Two ops take each sum in, so it is computed once, before.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!R = tensor<4x32xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R, !C) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %s = stablehlo.reduce(%c init: %f) applies stablehlo.add across dimensions = [2] : (!C, tensor<f32>) -> !R
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %t = stablehlo.reduce(%u init: %f) applies stablehlo.add across dimensions = [2] : (!C, tensor<f32>) -> !R
  %m = stablehlo.compare GT, %s, %t : (!R, !R) -> tensor<4x32xi1>
  %o = stablehlo.select %m, %s, %t : tensor<4x32xi1>, !R
  return %o, %u : !R, !C
}
// -----
// name: product-of-two-slots
// ties: 0:0 1:1
// inputs: 3=0..15
!C = tensor<2x3x16x8xf32>
!N = tensor<2x3x1x8xf32>
!S = tensor<2x3x16x16xf32>
!I = tensor<i32>
func.func @main(%c: !C, %d: !C, %x: !N, %p: !I) -> (!C, !C, !S) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %z, %p, %z : (!C, !N, !I, !I, !I, !I) -> !C
  %v = stablehlo.dynamic_update_slice %d, %x, %z, %z, %p, %z : (!C, !N, !I, !I, !I, !I) -> !C
  %s = stablehlo.dot_general %u, %v, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (!C, !C) -> !S
  return %u, %v, %s : !C, !C, !S
}
// -----
// name: sum-of-reversed
// ties: 0:1
// inputs: 2=0..255
// A library sums as many elements, and takes no reversal in.
!C = tensor<4x256x8xf32>
!N = tensor<4x1x8xf32>
!R = tensor<4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R, !C) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %b = stablehlo.reverse %u, dims = [1] : !C
  %s = stablehlo.reduce(%b init: %f) applies stablehlo.add across dimensions = [1] : (!C, tensor<f32>) -> !R
  return %s, %u : !R, !C
}
