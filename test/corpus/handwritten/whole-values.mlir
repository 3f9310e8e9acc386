// name: counter
// ties: 0:0
// state: n=0:0
!I = tensor<i64>
func.func @main(%n: !I, %s: !I) -> (!I, !I) {
  %m = stablehlo.add %n, %s : !I
  %o = stablehlo.multiply %n, %s : !I
  return %m, %o : !I, !I
}
// -----
// name: counter-i32-one
// ties: 0:1
// state: n=0:1
!I = tensor<i32>
func.func @main(%n: !I, %s: !I) -> (!I, !I) {
  %k = stablehlo.constant dense<1> : !I
  %m = stablehlo.add %n, %k : !I
  %o = stablehlo.multiply %n, %s : !I
  return %o, %m : !I, !I
}
// -----
// name: counter-and-cache
// ties: 0:1, 2:0
// state: n=2:0
// inputs: 2=0..5
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %n: !I) -> (!I, !C) {
  %z = stablehlo.constant dense<0> : !I
  %k = stablehlo.constant dense<1> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %n, %z : (!C, !N, !I, !I, !I) -> !C
  %m = stablehlo.add %n, %k : !I
  return %m, %u : !I, !C
}
// -----
// name: rolled
// ties: 0:0
// state: c=0:0
// A sliding window.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!A = tensor<4x31x8xf32>
func.func @main(%c: !C, %x: !N) -> (!C) {
  %s = stablehlo.slice %c [0:4, 1:32, 0:8] : (!C) -> !A
  %u = stablehlo.concatenate %s, %x, dim = 1 : (!A, !N) -> !C
  return %u : !C
}
// -----
// name: rolled-and-read
// ties: 0:1
// state: c=0:1
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!A = tensor<4x31x8xf32>
!R = tensor<4x8xf32>
func.func @main(%c: !C, %x: !N) -> (!R, !C) {
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %s = stablehlo.slice %c [0:4, 1:32, 0:8] : (!C) -> !A
  %u = stablehlo.concatenate %s, %x, dim = 1 : (!A, !N) -> !C
  %t = stablehlo.reduce(%c init: %f) applies stablehlo.add across dimensions = [1] : (!C, tensor<f32>) -> !R
  return %t, %u : !R, !C
}
// -----
// name: reversed
// ties: 0:0
// state: c=0:0
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C) -> (!C) {
  %u = stablehlo.reverse %c, dims = [1] : !C
  return %u : !C
}
// -----
// name: transposed
// ties: 0:0
// state: c=0:0
// inputs: 1=0..1
!C = tensor<32x32xf32>
func.func @main(%c: !C, %x: !C) -> (!C) {
  %t = stablehlo.transpose %c, dims = [1, 0] : (!C) -> !C
  %u = stablehlo.add %t, %x : !C
  return %u : !C
}
// -----
// name: added
// ties: 0:0
// state: c=0:0
// inputs: 1=0..1
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !C) -> (!C) {
  %u = stablehlo.add %c, %x : !C
  return %u : !C
}
// -----
// name: added-and-old-read
// ties: 0:0
// state: c=0:0
// inputs: 1=0..1
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !C) -> (!C, !C) {
  %u = stablehlo.add %c, %x : !C
  %o = stablehlo.multiply %c, %x : !C
  return %u, %o : !C, !C
}
// -----
// name: old-read-then-added
// ties: 0:1
// state: c=0:1
// inputs: 1=0..1
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !C) -> (!C, !C) {
  %o = stablehlo.multiply %c, %x : !C
  %u = stablehlo.add %c, %x : !C
  return %o, %u : !C, !C
}
// -----
// name: replaced
// ties: 0:0
// state: c=0:0
// inputs: 1=0..1
// The new value has nothing of the old one.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !C) -> (!C, !C) {
  %u = stablehlo.add %x, %x : !C
  %o = stablehlo.add %c, %x : !C
  return %u, %o : !C, !C
}
// -----
// name: replaced-by-argument
// ties: 0:0
// state: c=0:0
// inputs: 1=0..1
// An argument is the new state as it is.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !C) -> (!C, !C) {
  %o = stablehlo.add %c, %x : !C
  return %x, %o : !C, !C
}
// -----
// name: passed-through
// ties: 0:0
// state: c=0:0
// inputs: 1=0..1
// The state never changes.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !C) -> (!C, !C) {
  %o = stablehlo.add %c, %x : !C
  return %c, %o : !C, !C
}
// -----
// name: exchanged
// ties: 0:0, 1:1
// state: c=0:0, d=1:1
// inputs: 2=0..1
// Two slots exchange their values in each call.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %d: !C, %x: !C) -> (!C, !C, !C) {
  %o = stablehlo.add %c, %x : !C
  return %d, %c, %o : !C, !C, !C
}
// -----
// name: two-added-crosswise
// ties: 0:0, 1:1
// state: c=0:0, d=1:1
// Each new value needs both old ones.
!C = tensor<4x32x8xi32>
func.func @main(%c: !C, %d: !C) -> (!C, !C) {
  %u = stablehlo.add %c, %d : !C
  %w = stablehlo.subtract %d, %c : !C
  return %u, %w : !C, !C
}
// -----
// name: recurrent
// ties: 0:1
// state: c=0:1
// inputs: 1=0..1, 2=0..1
// A recurrent state: h = f(h W, x).
!C = tensor<16x16xf32>
!M = tensor<16x16xf32>
func.func @main(%c: !C, %x: !C, %m: !M) -> (!C, !C) {
  %h = stablehlo.dot_general %c, %m, contracting_dims = [1] x [0] : (!C, !M) -> !C
  %k = stablehlo.constant dense<3.0> : !C
  %b = stablehlo.minimum %h, %k : !C
  %u = stablehlo.maximum %b, %x : !C
  %o = stablehlo.add %u, %c : !C
  return %o, %u : !C, !C
}
// -----
// name: convolution-state
// ties: 0:1
// state: c=0:1
// The state of a causal convolution: the last four inputs.
!C = tensor<4x64x4xf32>
!N = tensor<4x64x1xf32>
!A = tensor<4x64x3xf32>
!M = tensor<64x4xf32>
!O = tensor<4x64xf32>
func.func @main(%c: !C, %x: !N, %m: !M) -> (!O, !C) {
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %s = stablehlo.slice %c [0:4, 0:64, 1:4] : (!C) -> !A
  %u = stablehlo.concatenate %s, %x, dim = 2 : (!A, !N) -> !C
  %w = stablehlo.broadcast_in_dim %m, dims = [1, 2] : (!M) -> !C
  %k = stablehlo.multiply %u, %w : !C
  %o = stablehlo.reduce(%k init: %f) applies stablehlo.add across dimensions = [2] : (!C, tensor<f32>) -> !O
  return %o, %u : !O, !C
}
// -----
// name: sorted
// ties: 0:0
// state: c=0:0
// inputs: 0=0..99, 1=0..99
!C = tensor<8x64xi32>
func.func @main(%c: !C, %x: !C) -> (!C) {
  %m = stablehlo.maximum %c, %x : !C
  %u = "stablehlo.sort"(%m) ({
  ^bb0(%a: tensor<i32>, %b: tensor<i32>):
    %k = stablehlo.compare LT, %a, %b : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %k : tensor<i1>
  }) {dimension = 1 : i64, is_stable = true} : (!C) -> !C
  return %u : !C
}
// -----
// name: cumulative
// ties: 0:0
// state: c=0:0
// Transposed and reshaped: every element has another place.
!C = tensor<4x32x8xf32>
!D = tensor<4x8x32xf32>
func.func @main(%c: !C, %x: !C) -> (!C) {
  %t = stablehlo.transpose %c, dims = [0, 2, 1] : (!C) -> !D
  %r = stablehlo.reshape %t : (!D) -> !C
  %u = stablehlo.maximum %r, %x : !C
  return %u : !C
}
// -----
// name: updated-then-added
// ties: 0:0
// state: c=0:0
// inputs: 2=0..31, 3=0..1
// An update, then a new value of everything.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %d: !C) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %w = stablehlo.add %u, %d : !C
  return %w : !C
}
// -----
// name: added-then-updated
// ties: 0:0
// state: c=0:0
// inputs: 2=0..31, 3=0..1
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %d: !C) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %a = stablehlo.add %c, %d : !C
  %u = stablehlo.dynamic_update_slice %a, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: slid-then-written
// ties: 0:0
// state: c=0:0
// inputs: 2=-4..36
// Hugging Face's sliding cache when it is full, with the read of its keys.
!C = tensor<2x32x8xf32>
!T = tensor<32x2x8xf32>
!N = tensor<1x2x8xf32>
!Q = tensor<2x1x8xf32>
!S = tensor<2x1x32xf32>
func.func @main(%c: !C, %x: !N, %p: tensor<1x1xi64>, %q: !Q) -> (!C, !S) {
  %l = stablehlo.slice %c [0:2, 1:32, 0:8] : (!C) -> tensor<2x31x8xf32>
  %f = stablehlo.slice %c [0:2, 0:1, 0:8] : (!C) -> tensor<2x1x8xf32>
  %r = stablehlo.concatenate %l, %f, dim = 1 : (tensor<2x31x8xf32>, tensor<2x1x8xf32>) -> !C
  %t = stablehlo.transpose %r, dims = [1, 0, 2] : (!C) -> !T
  %u = "stablehlo.scatter"(%t, %p, %x) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    stablehlo.return %b : tensor<f32>
  }) : (!T, tensor<1x1xi64>, !N) -> !T
  %w = stablehlo.transpose %u, dims = [1, 0, 2] : (!T) -> !C
  %k = stablehlo.transpose %w, dims = [0, 2, 1] : (!C) -> tensor<2x8x32xf32>
  %s = stablehlo.dot_general %q, %k, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (!Q, tensor<2x8x32xf32>) -> !S
  return %w, %s : !C, !S
}
