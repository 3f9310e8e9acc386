// name: swapped-k-and-v
// ties: 0:1, 1:0
// inputs: 4=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%k: !C, %v: !C, %x: !N, %y: !N, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %a = stablehlo.dynamic_update_slice %k, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %b = stablehlo.dynamic_update_slice %v, %y, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %b, %a : !C, !C
}
// -----
// name: k-row-into-v
// ties: 0:1, 1:0
// inputs: 3=0..31
// v takes the row that k loses.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%k: !C, %v: !C, %x: !N, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %r = stablehlo.dynamic_slice %k, %z, %p, %z, sizes = [4, 1, 8] : (!C, !I, !I, !I) -> !N
  %a = stablehlo.dynamic_update_slice %k, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %b = stablehlo.dynamic_update_slice %v, %r, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %b, %a : !C, !C
}
// -----
// name: exchanged-rows
// ties: 0:0, 1:1
// inputs: 2=0..31
// Two slots exchange a row: both rows are read before either is written.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%k: !C, %v: !C, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %r = stablehlo.dynamic_slice %k, %z, %p, %z, sizes = [4, 1, 8] : (!C, !I, !I, !I) -> !N
  %s = stablehlo.dynamic_slice %v, %z, %p, %z, sizes = [4, 1, 8] : (!C, !I, !I, !I) -> !N
  %a = stablehlo.dynamic_update_slice %k, %s, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %b = stablehlo.dynamic_update_slice %v, %r, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %a, %b : !C, !C
}
// -----
// name: exchanged-rows-crossed
// ties: 0:0, 1:1
// inputs: 2=0..31
// The same, with a read of k after k's update.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%k: !C, %v: !C, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %s = stablehlo.dynamic_slice %v, %z, %p, %z, sizes = [4, 1, 8] : (!C, !I, !I, !I) -> !N
  %a = stablehlo.dynamic_update_slice %k, %s, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %r = stablehlo.dynamic_slice %k, %z, %p, %z, sizes = [4, 1, 8] : (!C, !I, !I, !I) -> !N
  %b = stablehlo.dynamic_update_slice %v, %r, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %a, %b : !C, !C
}
// -----
// name: whole-exchange
// ties: 
// Without updates nothing says that the results are state.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%k: !C, %v: !C) -> (!C, !C) {
  return %v, %k : !C, !C
}
// -----
// name: twelve-shuffled
// ties: 0:9, 1:2, 2:7, 3:0, 4:5, 5:10, 6:3, 7:8, 8:1, 9:6, 10:11, 11:4
// inputs: 13=0..15
!C = tensor<4x16x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c0: !C, %c1: !C, %c2: !C, %c3: !C, %c4: !C, %c5: !C, %c6: !C, %c7: !C, %c8: !C, %c9: !C, %c10: !C, %c11: !C, %x: !N, %p: !I) -> (!C, !C, !C, !C, !C, !C, !C, !C, !C, !C, !C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %u0 = stablehlo.dynamic_update_slice %c0, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %u1 = stablehlo.dynamic_update_slice %c1, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %u2 = stablehlo.dynamic_update_slice %c2, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %u3 = stablehlo.dynamic_update_slice %c3, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %u4 = stablehlo.dynamic_update_slice %c4, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %u5 = stablehlo.dynamic_update_slice %c5, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %u6 = stablehlo.dynamic_update_slice %c6, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %u7 = stablehlo.dynamic_update_slice %c7, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %u8 = stablehlo.dynamic_update_slice %c8, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %u9 = stablehlo.dynamic_update_slice %c9, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %u10 = stablehlo.dynamic_update_slice %c10, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %u11 = stablehlo.dynamic_update_slice %c11, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  return %u3, %u8, %u1, %u6, %u11, %u4, %u9, %u2, %u7, %u0, %u5, %u10 : !C, !C, !C, !C, !C, !C, !C, !C, !C, !C, !C, !C
}
// -----
// name: two-types
// ties: 0:1, 1:0
// inputs: 4=0..31
!C = tensor<4x32x8xf32>
!D = tensor<4x32x8xf16>
!N = tensor<4x1x8xf32>
!M = tensor<4x1x8xf16>
!I = tensor<i32>
func.func @main(%k: !C, %v: !D, %x: !N, %y: !M, %p: !I) -> (!D, !C) {
  %z = stablehlo.constant dense<0> : !I
  %a = stablehlo.dynamic_update_slice %k, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %b = stablehlo.dynamic_update_slice %v, %y, %z, %p, %z : (!D, !M, !I, !I, !I) -> !D
  return %b, %a : !D, !C
}
// -----
// name: marked-slot
// ties: 0:0
// inputs: 1=0..1
!C = tensor<4x32x8xf32>
!N = tensor<4x32x8xf32>
func.func @main(%c : !C {kvlift.slot = "cache"}, %x: !N) -> (!C {kvlift.slot = "cache"}) {
  %u = stablehlo.add %c, %x : !C
  return %u : !C
}
