// name: dus-f32
// ties: 0:0
// inputs: 2=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: dus-f16
// ties: 0:0
// inputs: 2=0..31
!C = tensor<4x32x8xf16>
!N = tensor<4x1x8xf16>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: dus-bf16
// ties: 0:0
// inputs: 2=0..31
!C = tensor<4x32x8xbf16>
!N = tensor<4x1x8xbf16>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: dus-i8
// ties: 0:0
// inputs: 2=0..31
!C = tensor<4x32x8xi8>
!N = tensor<4x1x8xi8>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: dus-i32
// ties: 0:0
// inputs: 2=0..31
!C = tensor<4x32x8xi32>
!N = tensor<4x1x8xi32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: dus-f64
// ties: 0:0
// inputs: 2=0..31
!C = tensor<4x32x8xf64>
!N = tensor<4x1x8xf64>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: dus-clamped
// ties: 0:0
// inputs: 2=-5..40
// The position is out of range: dynamic_update_slice moves the window back into the slot.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: dus-window
// ties: 0:0
// inputs: 2=0..24
!C = tensor<4x32x8xf32>
!N = tensor<4x8x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: dus-window-clamped
// ties: 0:0
// inputs: 2=20..40
!C = tensor<4x32x8xf32>
!N = tensor<4x8x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: dus-leading
// ties: 0:0
// inputs: 2=0..31
!C = tensor<32x4x8xf32>
!N = tensor<1x4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %p, %z, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: dus-trailing
// ties: 0:0
// inputs: 2=0..31
!C = tensor<4x8x32xf32>
!N = tensor<4x8x1xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %z, %p : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: dus-whole
// ties: 0:0
// inputs: 2=0..3
// The update covers the whole slot.
!C = tensor<4x32x8xf32>
!N = tensor<4x32x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: dus-two-in-a-chain
// ties: 0:0
// inputs: 3=0..31, 4=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %y: !N, %p: !I, %q: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %w = stablehlo.dynamic_update_slice %u, %y, %z, %q, %z : (!C, !N, !I, !I, !I) -> !C
  return %w : !C
}
// -----
// name: dus-i64-position
// ties: 0:0
// inputs: 2=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i64>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: dus-position-from-counter
// ties: 0:0, 2:1
// inputs: 2=0..3
// state: pos=2:1
// The position is state itself: the next step writes the next row.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !I) {
  %z = stablehlo.constant dense<0> : !I
  %o = stablehlo.constant dense<1> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %n = stablehlo.add %p, %o : !I
  return %u, %n : !C, !I
}
// -----
// name: dus-rows-by-batch
// ties: 0:0
// inputs: 2=0..31, 3=0..31
// Each sequence of the batch has a position of its own, as vmap makes it.
!C = tensor<2x32x8xf32>
!N = tensor<2x1x8xf32>
!M = tensor<1x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %q: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %o = stablehlo.constant dense<1> : !I
  %xa = stablehlo.slice %x [0:1, 0:1, 0:8] : (!N) -> !M
  %xb = stablehlo.slice %x [1:2, 0:1, 0:8] : (!N) -> !M
  %u = stablehlo.dynamic_update_slice %c, %xa, %z, %p, %z : (!C, !M, !I, !I, !I) -> !C
  %w = stablehlo.dynamic_update_slice %u, %xb, %o, %q, %z : (!C, !M, !I, !I, !I) -> !C
  return %w : !C
}
// -----
// name: masked-select
// ties: 0:0
// inputs: 2=-1..32
// One-hot select: a whole-slot op that writes one row.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!J = tensor<4x32x8xi32>
!B = tensor<4x32x8xi1>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %i = stablehlo.iota dim = 1 : !J
  %b = stablehlo.broadcast_in_dim %p, dims = [] : (!I) -> !J
  %m = stablehlo.compare EQ, %i, %b : (!J, !J) -> !B
  %y = stablehlo.broadcast_in_dim %x, dims = [0, 1, 2] : (!N) -> !C
  %u = stablehlo.select %m, %y, %c : !B, !C
  return %u : !C
}
// -----
// name: masked-select-prefix
// ties: 0:0
// state: c=0:0
// inputs: 2=0..32
// Keeps the rows before p, takes the others from x.
!C = tensor<4x32x8xf32>
!N = tensor<4x32x8xf32>
!J = tensor<4x32x8xi32>
!B = tensor<4x32x8xi1>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %i = stablehlo.iota dim = 1 : !J
  %b = stablehlo.broadcast_in_dim %p, dims = [] : (!I) -> !J
  %m = stablehlo.compare LT, %i, %b : (!J, !J) -> !B
  %u = stablehlo.select %m, %c, %x : !B, !C
  return %u : !C
}
// -----
// name: one-hot-multiply-add
// ties: 0:0
// inputs: 2=0..31
// state: c=0:0
// c * (1 - hot) + x * hot: no op can write one row only.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!J = tensor<4x32x8xi32>
!B = tensor<4x32x8xi1>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %i = stablehlo.iota dim = 1 : !J
  %b = stablehlo.broadcast_in_dim %p, dims = [] : (!I) -> !J
  %m = stablehlo.compare EQ, %i, %b : (!J, !J) -> !B
  %w = stablehlo.convert %m : (!B) -> !C
  %o = stablehlo.constant dense<1.0> : !C
  %k = stablehlo.subtract %o, %w : !C
  %y = stablehlo.broadcast_in_dim %x, dims = [0, 1, 2] : (!N) -> !C
  %a = stablehlo.multiply %c, %k : !C
  %d = stablehlo.multiply %y, %w : !C
  %u = stablehlo.add %a, %d : !C
  return %u : !C
}
// -----
// name: masked-add
// ties: 0:0
// inputs: 2=0..31
// state: c=0:0
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!J = tensor<4x32x8xi32>
!B = tensor<4x32x8xi1>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %i = stablehlo.iota dim = 1 : !J
  %b = stablehlo.broadcast_in_dim %p, dims = [] : (!I) -> !J
  %m = stablehlo.compare EQ, %i, %b : (!J, !J) -> !B
  %f = stablehlo.constant dense<0.0> : !C
  %y = stablehlo.broadcast_in_dim %x, dims = [0, 1, 2] : (!N) -> !C
  %d = stablehlo.select %m, %y, %f : !B, !C
  %u = stablehlo.add %c, %d : !C
  return %u : !C
}
// -----
// name: concat-around-a-row
// ties: 0:0
// state: c=0:0
// The slices tile the dim: this writes row 7.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!A = tensor<4x7x8xf32>
!B = tensor<4x24x8xf32>
func.func @main(%c: !C, %x: !N) -> (!C) {
  %a = stablehlo.slice %c [0:4, 0:7, 0:8] : (!C) -> !A
  %b = stablehlo.slice %c [0:4, 8:32, 0:8] : (!C) -> !B
  %u = stablehlo.concatenate %a, %x, %b, dim = 1 : (!A, !N, !B) -> !C
  return %u : !C
}
// -----
// name: concat-last-row
// ties: 0:0
// state: c=0:0
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!A = tensor<4x31x8xf32>
func.func @main(%c: !C, %x: !N) -> (!C) {
  %a = stablehlo.slice %c [0:4, 0:31, 0:8] : (!C) -> !A
  %u = stablehlo.concatenate %a, %x, dim = 1 : (!A, !N) -> !C
  return %u : !C
}
// -----
// name: pad-and-select
// ties: 0:0
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!B = tensor<4x32x8xi1>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %o = stablehlo.constant dense<true> : tensor<4x1x8xi1>
  %k = stablehlo.constant dense<false> : tensor<i1>
  %y = stablehlo.pad %x, %f, low = [0, 5, 0], high = [0, 26, 0], interior = [0, 0, 0] : (!N, tensor<f32>) -> !C
  %m = stablehlo.pad %o, %k, low = [0, 5, 0], high = [0, 26, 0], interior = [0, 0, 0] : (tensor<4x1x8xi1>, tensor<i1>) -> !B
  %u = stablehlo.select %m, %y, %c : !B, !C
  return %u : !C
}
// -----
// name: dus-read-modify-write
// ties: 0:0
// inputs: 2=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %r = stablehlo.dynamic_slice %c, %z, %p, %z, sizes = [4, 1, 8] : (!C, !I, !I, !I) -> !N
  %s = stablehlo.maximum %r, %x : !N
  %u = stablehlo.dynamic_update_slice %c, %s, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: dus-moved-row
// ties: 0:0
// inputs: 1=0..31, 2=0..31
// A row of the slot moves to another place of it.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %p: !I, %q: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %r = stablehlo.dynamic_slice %c, %z, %q, %z, sizes = [4, 1, 8] : (!C, !I, !I, !I) -> !N
  %u = stablehlo.dynamic_update_slice %c, %r, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: dus-swapped-rows
// ties: 0:0
// inputs: 1=0..31, 2=0..31
// Two rows change places: both are read before either is written.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %p: !I, %q: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %r = stablehlo.dynamic_slice %c, %z, %q, %z, sizes = [4, 1, 8] : (!C, !I, !I, !I) -> !N
  %s = stablehlo.dynamic_slice %c, %z, %p, %z, sizes = [4, 1, 8] : (!C, !I, !I, !I) -> !N
  %u = stablehlo.dynamic_update_slice %c, %r, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %w = stablehlo.dynamic_update_slice %u, %s, %z, %q, %z : (!C, !N, !I, !I, !I) -> !C
  return %w : !C
}
// -----
// name: shifted-self-slice
// ties: 0:0
// openxla/xla#49176: all rows move by one, read from the slot that is written.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!A = tensor<4x31x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %o = stablehlo.constant dense<1> : !I
  %a = stablehlo.slice %c [0:4, 0:31, 0:8] : (!C) -> !A
  %u = stablehlo.dynamic_update_slice %c, %a, %z, %o, %z : (!C, !A, !I, !I, !I) -> !C
  %w = stablehlo.dynamic_update_slice %u, %x, %z, %z, %z : (!C, !N, !I, !I, !I) -> !C
  return %w : !C
}
// -----
// name: shifted-self-slice-only
// ties: 0:0
!C = tensor<4x32x8xf32>
!A = tensor<4x31x8xf32>
!I = tensor<i32>
func.func @main(%c: !C) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %o = stablehlo.constant dense<1> : !I
  %a = stablehlo.slice %c [0:4, 0:31, 0:8] : (!C) -> !A
  %u = stablehlo.dynamic_update_slice %c, %a, %z, %o, %z : (!C, !A, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: shifted-self-slice-reshaped
// ties: 0:0
// The form of openxla/xla#49176: reshape(update(c, slice(c) shifted right)).
!C = tensor<16x32xf32>
!D = tensor<512xf32>
!A = tensor<511xf32>
!I = tensor<i32>
func.func @main(%c: !C) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %o = stablehlo.constant dense<1> : !I
  %d = stablehlo.reshape %c : (!C) -> !D
  %a = stablehlo.slice %d [0:511] : (!D) -> !A
  %u = stablehlo.dynamic_update_slice %d, %a, %o : (!D, !A, !I) -> !D
  %w = stablehlo.reshape %u : (!D) -> !C
  return %w : !C
}
// -----
// name: shifted-self-slice-left
// ties: 0:0
!C = tensor<4x32x8xf32>
!A = tensor<4x31x8xf32>
!I = tensor<i32>
func.func @main(%c: !C) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %a = stablehlo.slice %c [0:4, 1:32, 0:8] : (!C) -> !A
  %u = stablehlo.dynamic_update_slice %c, %a, %z, %z, %z : (!C, !A, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: shifted-self-slice-dynamic
// ties: 0:0
// inputs: 1=0..16, 2=0..16
!C = tensor<4x32x8xf32>
!A = tensor<4x16x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %p: !I, %q: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %a = stablehlo.dynamic_slice %c, %z, %p, %z, sizes = [4, 16, 8] : (!C, !I, !I, !I) -> !A
  %u = stablehlo.dynamic_update_slice %c, %a, %z, %q, %z : (!C, !A, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: updated-then-masked
// ties: 0:0
// inputs: 3=0..31
// A row is written, then another by a mask: the first version is not the slot.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!J = tensor<4x32x8xi32>
!B = tensor<4x32x8xi1>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %y: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %i = stablehlo.iota dim = 1 : !J
  %b = stablehlo.broadcast_in_dim %p, dims = [] : (!I) -> !J
  %g = stablehlo.broadcast_in_dim %y, dims = [0, 1, 2] : (!N) -> !C
  %m = stablehlo.compare EQ, %i, %b : (!J, !J) -> !B
  %w = stablehlo.select %m, %g, %u : !B, !C
  return %w : !C
}
