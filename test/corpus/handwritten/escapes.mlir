// name: old-beside-new
// ties: 0:0
// inputs: 2=0..31
// refused: returns an old version|the old value is still needed
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u, %c : !C, !C
}
// -----
// name: old-reshaped-beside-new
// ties: 0:0
// inputs: 2=0..31
// refused: returns an old version|the old value is still needed
!C = tensor<4x32x8xf32>
!D = tensor<128x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !D) {
  %z = stablehlo.constant dense<0> : !I
  %d = stablehlo.reshape %c : (!C) -> !D
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u, %d : !C, !D
}
// -----
// name: old-behind-barrier-beside-new
// ties: 0:0
// inputs: 2=0..31
// refused: returns an old version|the old value is still needed
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %d = stablehlo.optimization_barrier %c : !C
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u, %d : !C, !C
}
// -----
// name: old-transposed-beside-new
// ties: 0:0
// inputs: 2=0..31
// refused: returns an old version|the old value is still needed
// A transpose is a value of its own, unless a runtime makes a view of it.
!C = tensor<4x32x8xf32>
!D = tensor<32x4x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !D) {
  %z = stablehlo.constant dense<0> : !I
  %d = stablehlo.transpose %c, dims = [1, 0, 2] : (!C) -> !D
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u, %d : !C, !D
}
// -----
// name: old-unit-transposed-beside-new
// ties: 0:0
// inputs: 2=0..31
// refused: returns an old version|the old value is still needed
// This transpose moves no element, so it is a view.
!C = tensor<1x32x8xf32>
!D = tensor<32x1x8xf32>
!N = tensor<1x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !D) {
  %z = stablehlo.constant dense<0> : !I
  %d = stablehlo.transpose %c, dims = [1, 0, 2] : (!C) -> !D
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u, %d : !C, !D
}
// -----
// name: old-slice-beside-new
// ties: 0:0
// inputs: 2=0..31
!C = tensor<4x32x8xf32>
!D = tensor<4x16x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !D) {
  %z = stablehlo.constant dense<0> : !I
  %d = stablehlo.slice %c [0:4, 0:16, 0:8] : (!C) -> !D
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u, %d : !C, !D
}
// -----
// name: old-contiguous-slice-beside-new
// ties: 0:0
// inputs: 2=0..31
// A slice of leading rows is one range of the storage: a runtime may return a view of it.
!C = tensor<32x4x8xf32>
!D = tensor<16x4x8xf32>
!N = tensor<1x4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !D) {
  %z = stablehlo.constant dense<0> : !I
  %d = stablehlo.slice %c [0:16, 0:4, 0:8] : (!C) -> !D
  %u = stablehlo.dynamic_update_slice %c, %x, %p, %z, %z : (!C, !N, !I, !I, !I) -> !C
  return %u, %d : !C, !D
}
// -----
// name: old-contiguous-slice-after
// ties: 0:0
// inputs: 2=0..31
!C = tensor<32x4x8xf32>
!D = tensor<16x4x8xf32>
!N = tensor<1x4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !D) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %p, %z, %z : (!C, !N, !I, !I, !I) -> !C
  %d = stablehlo.slice %c [0:16, 0:4, 0:8] : (!C) -> !D
  return %u, %d : !C, !D
}
// -----
// name: old-converted-beside-new
// ties: 0:0
// inputs: 2=0..31
// refused: returns an old version|the old value is still needed
!C = tensor<4x32x8xf32>
!D = tensor<4x32x8xi32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !D) {
  %z = stablehlo.constant dense<0> : !I
  %d = stablehlo.bitcast_convert %c : (!C) -> !D
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u, %d : !C, !D
}
// -----
// name: old-times-one-beside-new
// ties: 0:0
// refused: the old value is still needed
// inputs: 2=0..31
// A simplifier may fold this to the old version itself.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %o = stablehlo.constant dense<1.0> : !C
  %d = stablehlo.multiply %c, %o : !C
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u, %d : !C, !C
}
// -----
// name: old-plus-zero-beside-new
// ties: 0:0
// refused: the old value is still needed
// inputs: 2=0..31
!C = tensor<4x32x8xi32>
!N = tensor<4x1x8xi32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %o = stablehlo.constant dense<0> : !C
  %d = stablehlo.add %c, %o : !C
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u, %d : !C, !C
}
// -----
// name: old-converted-to-itself
// ties: 0:0
// refused: the old value is still needed
// inputs: 2=0..31
// A conversion to the same type is folded away by every runtime.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %d = stablehlo.convert %c : (!C) -> !C
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u, %d : !C, !C
}
// -----
// name: old-whole-slice-beside-new
// ties: 0:0
// refused: the old value is still needed
// inputs: 2=0..31
// A slice of everything is the old version itself.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %d = stablehlo.slice %c [0:4, 0:32, 0:8] : (!C) -> !C
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u, %d : !C, !C
}
// -----
// name: old-broadcast-to-itself
// ties: 0:0
// refused: the old value is still needed
// inputs: 2=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %d = stablehlo.broadcast_in_dim %c, dims = [0, 1, 2] : (!C) -> !C
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u, %d : !C, !C
}
// -----
// name: old-selected-beside-new
// ties: 0:0
// refused: returns an old version|the old value is still needed
// inputs: 2=0..31, 3=0..1
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %f: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %k = stablehlo.constant dense<0> : !I
  %g = stablehlo.compare GT, %f, %k : (!I, !I) -> tensor<i1>
  %d = stablehlo.select %g, %c, %c : tensor<i1>, !C
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u, %d : !C, !C
}
// -----
// name: old-reversed-twice
// ties: 0:0
// refused: the old value is still needed
// inputs: 2=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %e = stablehlo.reverse %c, dims = [1] : !C
  %d = stablehlo.reverse %e, dims = [1] : !C
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u, %d : !C, !C
}
// -----
// name: old-transposed-twice
// ties: 0:0
// inputs: 2=0..31
// refused: returns an old version|the old value is still needed
!C = tensor<4x32x8xf32>
!D = tensor<32x4x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %e = stablehlo.transpose %c, dims = [1, 0, 2] : (!C) -> !D
  %d = stablehlo.transpose %e, dims = [1, 0, 2] : (!D) -> !C
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u, %d : !C, !C
}
// -----
// name: old-from-if
// ties: 0:0
// inputs: 2=0..31, 3=0..1
// refused: returns an old version|the old value is still needed
// One branch returns the old version itself.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %f: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %k = stablehlo.constant dense<0> : !I
  %g = stablehlo.compare GT, %f, %k : (!I, !I) -> tensor<i1>
  %d = "stablehlo.if"(%g) ({
    stablehlo.return %c : !C
  }, {
    %t = stablehlo.constant dense<7.0> : !C
    stablehlo.return %t : !C
  }) : (tensor<i1>) -> !C
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u, %d : !C, !C
}
// -----
// name: old-from-while
// ties: 0:0
// inputs: 2=0..31
// refused: returns an old version|the old value is still needed
// A loop that only carries the old version through.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %o = stablehlo.constant dense<1> : !I
  %n = stablehlo.constant dense<4> : !I
  %w:2 = stablehlo.while(%i = %z, %v = %c) : !I, !C
  cond {
    %q = stablehlo.compare LT, %i, %n : (!I, !I) -> tensor<i1>
    stablehlo.return %q : tensor<i1>
  } do {
    %j = stablehlo.add %i, %o : !I
    stablehlo.return %j, %v : !I, !C
  }
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u, %w#1 : !C, !C
}
// -----
// name: old-from-call
// ties: 0:0
// inputs: 2=0..31
// refused: returns an old version|the old value is still needed
// A function that returns its argument.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %d = call @same(%c) : (!C) -> !C
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u, %d : !C, !C
}
func.func private @same(%c: !C) -> !C {
  return %c : !C
}
// -----
// name: new-twice
// ties: 0:0
// inputs: 2=0..31
// state: c=0:0
// The new value is also an output; it must not change with later calls.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u, %u : !C, !C
}
// -----
// name: new-and-its-reshape
// ties: 0:0
// inputs: 2=0..31
// IREE returns a view of the slot here, which later calls change.
!C = tensor<4x32x8xf32>
!D = tensor<128x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !D) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %d = stablehlo.reshape %u : (!C) -> !D
  return %u, %d : !C, !D
}
// -----
// name: new-and-its-slice
// ties: 0:0
// inputs: 2=0..31
!C = tensor<32x4x8xf32>
!D = tensor<16x4x8xf32>
!N = tensor<1x4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C, !D) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %p, %z, %z : (!C, !N, !I, !I, !I) -> !C
  %d = stablehlo.slice %u [0:16, 0:4, 0:8] : (!C) -> !D
  return %u, %d : !C, !D
}
// -----
// name: middle-version-beside-new
// ties: 0:0
// inputs: 3=0..31
// state: c=0:0
// refused: returns an old version|the old value is still needed
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %y: !N, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %w = stablehlo.dynamic_update_slice %u, %y, %z, %z, %z : (!C, !N, !I, !I, !I) -> !C
  return %w, %u : !C, !C
}
// -----
// name: untied-update
// ties: 
// inputs: 2=0..31
// lost-updates: ignore
// No slot: the caller's buffer must not change.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!R = tensor<4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %s = stablehlo.reduce(%u init: %f) applies stablehlo.add across dimensions = [1] : (!C, tensor<f32>) -> !R
  return %s : !R
}
// -----
// name: untied-update-and-old
// ties: 
// inputs: 2=0..31
// lost-updates: ignore
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!R = tensor<4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R, !R) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %s = stablehlo.reduce(%u init: %f) applies stablehlo.add across dimensions = [1] : (!C, tensor<f32>) -> !R
  %t = stablehlo.reduce(%c init: %f) applies stablehlo.add across dimensions = [1] : (!C, tensor<f32>) -> !R
  return %s, %t : !R, !R
}
// -----
// name: lost-update-refused
// ties: 
// inputs: 2=0..31
// refused: lost update
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!R = tensor<4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %s = stablehlo.reduce(%u init: %f) applies stablehlo.add across dimensions = [1] : (!C, tensor<f32>) -> !R
  return %s : !R
}
