// name: transpose-pair
// ties: 0:0
// inputs: 2=0..31
!C = tensor<4x32x8xf32>
!D = tensor<32x4x8xf32>
!N = tensor<1x4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %t = stablehlo.transpose %c, dims = [1, 0, 2] : (!C) -> !D
  %u = stablehlo.dynamic_update_slice %t, %x, %p, %z, %z : (!D, !N, !I, !I, !I) -> !D
  %w = stablehlo.transpose %u, dims = [1, 0, 2] : (!D) -> !C
  return %w : !C
}
// -----
// name: transpose-pair-and-read-inside
// ties: 0:1
// inputs: 2=0..31
!C = tensor<4x32x8xf32>
!D = tensor<32x4x8xf32>
!N = tensor<1x4x8xf32>
!R = tensor<4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R, !C) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %t = stablehlo.transpose %c, dims = [1, 0, 2] : (!C) -> !D
  %u = stablehlo.dynamic_update_slice %t, %x, %p, %z, %z : (!D, !N, !I, !I, !I) -> !D
  %s = stablehlo.reduce(%u init: %f) applies stablehlo.add across dimensions = [0] : (!D, tensor<f32>) -> !R
  %w = stablehlo.transpose %u, dims = [1, 0, 2] : (!D) -> !C
  return %s, %w : !R, !C
}
// -----
// name: transposed-result
// ties: 0:1
// inputs: 2=0..31
// The new value is also returned in another layout.
!C = tensor<4x32x8xf32>
!D = tensor<32x4x8xf32>
!N = tensor<1x4x8xf32>
!I = tensor<i32>
func.func @main(%c: !D, %x: !N, %p: !I) -> (!C, !D) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %p, %z, %z : (!D, !N, !I, !I, !I) -> !D
  %w = stablehlo.transpose %u, dims = [1, 0, 2] : (!D) -> !C
  return %w, %u : !C, !D
}
// -----
// name: transposed-and-reshaped-result
// ties: 0:1
// inputs: 2=0..31
!C = tensor<32x32xf32>
!T = tensor<4x32x8xf32>
!D = tensor<32x4x8xf32>
!N = tensor<1x4x8xf32>
!I = tensor<i32>
func.func @main(%c: !D, %x: !N, %p: !I) -> (!C, !D) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %p, %z, %z : (!D, !N, !I, !I, !I) -> !D
  %t = stablehlo.transpose %u, dims = [1, 0, 2] : (!D) -> !T
  %w = stablehlo.reshape %t : (!T) -> !C
  return %w, %u : !C, !D
}
// -----
// name: reshape-around
// ties: 0:0
// inputs: 2=0..31
!C = tensor<2x4x32x8xf32>
!D = tensor<8x32x8xf32>
!N = tensor<8x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %t = stablehlo.reshape %c : (!C) -> !D
  %u = stablehlo.dynamic_update_slice %t, %x, %z, %p, %z : (!D, !N, !I, !I, !I) -> !D
  %w = stablehlo.reshape %u : (!D) -> !C
  return %w : !C
}
// -----
// name: bitcast-around
// ties: 0:0
// inputs: 2=0..31
// The same bits as another type of the same width.
!C = tensor<4x32x8xf32>
!D = tensor<4x32x8xi32>
!N = tensor<4x1x8xi32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %t = stablehlo.bitcast_convert %c : (!C) -> !D
  %u = stablehlo.dynamic_update_slice %t, %x, %z, %p, %z : (!D, !N, !I, !I, !I) -> !D
  %w = stablehlo.bitcast_convert %u : (!D) -> !C
  return %w : !C
}
// -----
// name: bf16-as-bits
// ties: 0:1
// inputs: 2=0..31, 0=16256..16320, 1=16256..16320
// A bf16 slot carried as ui16, the way around XLA:CPU's conversions.
!C = tensor<4x32x8xui16>
!B = tensor<4x32x8xbf16>
!W = tensor<4x32x8xf32>
!N = tensor<4x1x8xui16>
!R = tensor<4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R, !C) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %b = stablehlo.bitcast_convert %u : (!C) -> !B
  %w = stablehlo.convert %b : (!B) -> !W
  %s = stablehlo.reduce(%w init: %f) applies stablehlo.add across dimensions = [1] : (!W, tensor<f32>) -> !R
  return %s, %u : !R, !C
}
// -----
// name: barrier-before
// ties: 0:0
// inputs: 2=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %t = stablehlo.optimization_barrier %c : !C
  %u = stablehlo.dynamic_update_slice %t, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: barrier-then-old-read
// ties: 0:1
// inputs: 2=0..31
// Behind the barrier IREE does not know the two values as one storage.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!R = tensor<4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R, !C) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %t = stablehlo.optimization_barrier %c : !C
  %u = stablehlo.dynamic_update_slice %t, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %s = stablehlo.reduce(%c init: %f) applies stablehlo.add across dimensions = [1] : (!C, tensor<f32>) -> !R
  return %s, %u : !R, !C
}
// -----
// name: barrier-then-old-elementwise
// ties: 0:1
// inputs: 2=0..31, 3=0..1
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %d: !C) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %t = stablehlo.optimization_barrier %c : !C
  %u = stablehlo.dynamic_update_slice %t, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %s = stablehlo.multiply %c, %d : !C
  return %s, %u : !C, !C
}
// -----
// name: barrier-of-two
// ties: 0:1, 1:0
// inputs: 3=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %d: !C, %x: !N, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %t:2 = stablehlo.optimization_barrier %c, %d : !C, !C
  %u = stablehlo.dynamic_update_slice %t#1, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %w = stablehlo.dynamic_update_slice %t#0, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u, %w : !C, !C
}
// -----
// name: stacked-layers
// ties: 0:0
// inputs: 3=0..31
// All layers in one slot [L, H, S, D].
!C = tensor<2x4x32x8xf32>
!N = tensor<1x4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %y: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %o = stablehlo.constant dense<1> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %z, %p, %z : (!C, !N, !I, !I, !I, !I) -> !C
  %w = stablehlo.dynamic_update_slice %u, %y, %o, %z, %p, %z : (!C, !N, !I, !I, !I, !I) -> !C
  return %w : !C
}
// -----
// name: stacked-slice-update-restack
// ties: 0:0
// inputs: 2=0..31
// state: c=0:0
!C = tensor<2x4x32x8xf32>
!A = tensor<1x4x32x8xf32>
!N = tensor<1x4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %a = stablehlo.slice %c [0:1, 0:4, 0:32, 0:8] : (!C) -> !A
  %b = stablehlo.slice %c [1:2, 0:4, 0:32, 0:8] : (!C) -> !A
  %u = stablehlo.dynamic_update_slice %a, %x, %z, %z, %p, %z : (!A, !N, !I, !I, !I, !I) -> !A
  %w = stablehlo.concatenate %u, %b, dim = 0 : (!A, !A) -> !C
  return %w : !C
}
// -----
// name: stacked-slice-written-back
// ties: 0:0
// inputs: 2=0..31
// A layer is taken out, updated and put back.
!C = tensor<2x4x32x8xf32>
!A = tensor<1x4x32x8xf32>
!N = tensor<1x4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %a = stablehlo.slice %c [1:2, 0:4, 0:32, 0:8] : (!C) -> !A
  %u = stablehlo.dynamic_update_slice %a, %x, %z, %z, %p, %z : (!A, !N, !I, !I, !I, !I) -> !A
  %o = stablehlo.constant dense<1> : !I
  %w = stablehlo.dynamic_update_slice %c, %u, %o, %z, %z, %z : (!C, !A, !I, !I, !I, !I) -> !C
  return %w : !C
}
// -----
// name: batch-1
// ties: 0:0
// inputs: 2=0..31
// Unit dims defeat donation on XLA:CPU.
!C = tensor<1x4x32x8xf32>
!N = tensor<1x4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %z, %p, %z : (!C, !N, !I, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: batch-1-and-read
// ties: 0:1
// inputs: 2=0..31
!C = tensor<1x4x32x8xf32>
!N = tensor<1x4x1x8xf32>
!R = tensor<1x4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R, !C) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %z, %p, %z : (!C, !N, !I, !I, !I, !I) -> !C
  %s = stablehlo.reduce(%u init: %f) applies stablehlo.add across dimensions = [2] : (!C, tensor<f32>) -> !R
  return %s, %u : !R, !C
}
// -----
// name: unit-middle
// ties: 0:1
// inputs: 2=0..31
// Multi-query: one key head.
!C = tensor<4x1x32x8xf32>
!N = tensor<4x1x1x8xf32>
!R = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R, !C) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %z, %p, %z : (!C, !N, !I, !I, !I, !I) -> !C
  %s = stablehlo.reduce(%u init: %f) applies stablehlo.add across dimensions = [2] : (!C, tensor<f32>) -> !R
  return %s, %u : !R, !C
}
// -----
// name: folded-update-and-row-read
// ties: 0:0
// inputs: 2=0..31
// The update works on fewer dims than the slot has, and a row is read after it.
!C = tensor<4x2x32x8xf32>
!F = tensor<8x32x8xf32>
!N = tensor<8x1x8xf32>
!R = tensor<4x2x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !R) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.reshape %c : (!C) -> !F
  %u = stablehlo.dynamic_update_slice %f, %x, %z, %p, %z : (!F, !N, !I, !I, !I) -> !F
  %n = stablehlo.reshape %u : (!F) -> !C
  %r = stablehlo.dynamic_slice %n, %z, %z, %p, %z, sizes = [4, 2, 1, 8] : (!C, !I, !I, !I, !I) -> !R
  return %n, %r : !C, !R
}
// -----
// name: transposed-unit-dims
// ties: 0:0
// inputs: 2=0..31
// Transposes that move no elements stand around the update.
!C = tensor<1x4x32x8xf32>
!T = tensor<4x32x1x8xf32>
!N = tensor<4x1x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %t = stablehlo.transpose %c, dims = [1, 2, 0, 3] : (!C) -> !T
  %u = stablehlo.dynamic_update_slice %t, %x, %z, %p, %z, %z : (!T, !N, !I, !I, !I, !I) -> !T
  %n = stablehlo.transpose %u, dims = [2, 0, 1, 3] : (!T) -> !C
  return %n : !C
}
// -----
// name: guarded-update-of-merged-dims
// ties: 0:0
// inputs: 2=-4..20
!C = tensor<2x3x16x8xf32>
!V = tensor<6x16x8xf32>
!N = tensor<1x6x8xf32>
!T = tensor<16x6x8xf32>
func.func @main(%c: !C, %x: !N, %p: tensor<1x1xi64>) -> !C {
  %v = stablehlo.reshape %c : (!C) -> !V
  %t = stablehlo.transpose %v, dims = [1, 0, 2] : (!V) -> !T
  %u = "stablehlo.scatter"(%t, %p, %x) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    stablehlo.return %b : tensor<f32>
  }) : (!T, tensor<1x1xi64>, !N) -> !T
  %w = stablehlo.transpose %u, dims = [1, 0, 2] : (!T) -> !V
  %r = stablehlo.reshape %w : (!V) -> !C
  return %r : !C
}
