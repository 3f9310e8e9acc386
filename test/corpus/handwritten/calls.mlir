// name: call
// ties: 0:0
// inputs: 2=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %u = call @write(%c, %x, %p) : (!C, !N, !I) -> !C
  return %u : !C
}
func.func private @write(%c: !C, %x: !N, %p: !I) -> !C {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: call-twice-one-slot
// ties: 0:0
// inputs: 2=0..31, 3=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %q: !I) -> (!C) {
  %u = call @write(%c, %x, %p) : (!C, !N, !I) -> !C
  %w = call @write(%u, %x, %q) : (!C, !N, !I) -> !C
  return %w : !C
}
func.func private @write(%c: !C, %x: !N, %p: !I) -> !C {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: call-two-slots
// ties: 0:1, 1:0
// inputs: 3=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %d: !C, %x: !N, %p: !I) -> (!C, !C) {
  %u = call @write(%c, %x, %p) : (!C, !N, !I) -> !C
  %w = call @write(%d, %x, %p) : (!C, !N, !I) -> !C
  return %w, %u : !C, !C
}
func.func private @write(%c: !C, %x: !N, %p: !I) -> !C {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: call-and-old-read
// ties: 0:1
// inputs: 2=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!R = tensor<4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R, !C) {
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %s = stablehlo.reduce(%c init: %f) applies stablehlo.add across dimensions = [1] : (!C, tensor<f32>) -> !R
  %u = call @write(%c, %x, %p) : (!C, !N, !I) -> !C
  return %s, %u : !R, !C
}
func.func private @write(%c: !C, %x: !N, %p: !I) -> !C {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: call-and-old-read-after
// ties: 0:1
// inputs: 2=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!R = tensor<4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R, !C) {
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %u = call @write(%c, %x, %p) : (!C, !N, !I) -> !C
  %s = stablehlo.reduce(%c init: %f) applies stablehlo.add across dimensions = [1] : (!C, tensor<f32>) -> !R
  return %s, %u : !R, !C
}
func.func private @write(%c: !C, %x: !N, %p: !I) -> !C {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
// -----
// name: call-swaps
// ties: 0:1, 1:0
// inputs: 3=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %d: !C, %x: !N, %p: !I) -> (!C, !C) {
  %u:2 = call @swap(%c, %d, %x, %p) : (!C, !C, !N, !I) -> (!C, !C)
  return %u#0, %u#1 : !C, !C
}
func.func private @swap(%c: !C, %d: !C, %x: !N, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %w = stablehlo.dynamic_update_slice %d, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %w, %u : !C, !C
}
// -----
// name: call-same-slot-twice
// ties: 0:1
// inputs: 2=0..31
// refused: is passed twice|the old value is still needed
// The function's two arguments are one storage; one is written, then the other read.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!R = tensor<4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R, !C) {
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %u:2 = call @both(%c, %c, %x, %p) : (!C, !C, !N, !I) -> (!R, !C)
  return %u#0, %u#1 : !R, !C
}
func.func private @both(%c: !C, %d: !C, %x: !N, %p: !I) -> (!R, !C) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %s = stablehlo.reduce(%d init: %f) applies stablehlo.add across dimensions = [1] : (!C, tensor<f32>) -> !R
  return %s, %u : !R, !C
}
// -----
// name: composite
// ties: 0:0
// inputs: 2=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %u = stablehlo.composite "kv.write" %c, %x, %p {decomposition = @write} : (!C, !N, !I) -> !C
  return %u : !C
}
func.func private @write(%c: !C, %x: !N, %p: !I) -> !C {
  %z = stablehlo.constant dense<0> : !I
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u : !C
}
