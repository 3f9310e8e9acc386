// name: leading-i32
// ties: 0:0
// inputs: 1=0..31
!C = tensor<32x4x8xf32>
!N = tensor<1x4x8xf32>
!X = tensor<1x1xi32>
func.func @main(%c: !C, %i: !X, %x: !N) -> (!C) {
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: leading-i64
// ties: 0:0
// inputs: 1=0..31
!C = tensor<32x4x8xf32>
!N = tensor<1x4x8xf32>
!X = tensor<1x1xi64>
func.func @main(%c: !C, %i: !X, %x: !N) -> (!C) {
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: leading-out-of-range
// ties: 0:0
// inputs: 1=-3..35
// A row out of range is dropped, not moved.
!C = tensor<32x4x8xf32>
!N = tensor<1x4x8xf32>
!X = tensor<1x1xi32>
func.func @main(%c: !C, %i: !X, %x: !N) -> (!C) {
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: middle
// ties: 0:0
// inputs: 1=0..31
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!X = tensor<1x1xi32>
func.func @main(%c: !C, %i: !X, %x: !N) -> (!C) {
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 2], inserted_window_dims = [1], scatter_dims_to_operand_dims = [1], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: middle-out-of-range
// ties: 0:0
// inputs: 1=-3..35
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!X = tensor<1x1xi32>
func.func @main(%c: !C, %i: !X, %x: !N) -> (!C) {
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 2], inserted_window_dims = [1], scatter_dims_to_operand_dims = [1], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: last
// ties: 0:0
// inputs: 1=0..31
!C = tensor<4x8x32xf32>
!N = tensor<4x8x1xf32>
!X = tensor<1x1xi32>
func.func @main(%c: !C, %i: !X, %x: !N) -> (!C) {
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 1], inserted_window_dims = [2], scatter_dims_to_operand_dims = [2], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: middle-f16
// ties: 0:0
// inputs: 1=0..31
!C = tensor<4x32x8xf16>
!N = tensor<4x1x8xf16>
!X = tensor<1x1xi32>
func.func @main(%c: !C, %i: !X, %x: !N) -> (!C) {
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f16>, %r: tensor<f16>):
    stablehlo.return %r : tensor<f16>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 2], inserted_window_dims = [1], scatter_dims_to_operand_dims = [1], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: middle-bf16
// ties: 0:0
// inputs: 1=0..31
!C = tensor<4x32x8xbf16>
!N = tensor<4x1x8xbf16>
!X = tensor<1x1xi32>
func.func @main(%c: !C, %i: !X, %x: !N) -> (!C) {
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<bf16>, %r: tensor<bf16>):
    stablehlo.return %r : tensor<bf16>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 2], inserted_window_dims = [1], scatter_dims_to_operand_dims = [1], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: middle-i8
// ties: 0:0
// inputs: 1=0..31
!C = tensor<4x32x8xi8>
!N = tensor<4x1x8xi8>
!X = tensor<1x1xi32>
func.func @main(%c: !C, %i: !X, %x: !N) -> (!C) {
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<i8>, %r: tensor<i8>):
    stablehlo.return %r : tensor<i8>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 2], inserted_window_dims = [1], scatter_dims_to_operand_dims = [1], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: several-rows-given
// ties: 0:0
// inputs: 1=5..5
// Distinct rows, but nothing in the program says so.
!C = tensor<32x4x8xf32>
!N = tensor<4x4x8xf32>
!V = tensor<4xi32>
!X = tensor<4x1xi32>
func.func @main(%c: !C, %p: !V, %x: !N) -> (!C) {
  %s = stablehlo.iota dim = 0 : !V
  %q = stablehlo.add %s, %p : !V
  %i = stablehlo.reshape %q : (!V) -> !X
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: several-rows-base-plus-iota
// ties: 0:0
// inputs: 1=-5..34
!C = tensor<32x4x8xf32>
!N = tensor<4x4x8xf32>
!V = tensor<4xi32>
!X = tensor<4x1xi32>
!I = tensor<i32>
func.func @main(%c: !C, %p: !I, %x: !N) -> (!C) {
  %s = stablehlo.iota dim = 0 : !V
  %b = stablehlo.broadcast_in_dim %p, dims = [] : (!I) -> !V
  %q = stablehlo.add %b, %s : !V
  %i = stablehlo.reshape %q : (!V) -> !X
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: middle-base-plus-iota
// ties: 0:0
// inputs: 1=-5..34
!C = tensor<4x32x8xf32>
!N = tensor<4x4x8xf32>
!V = tensor<4xi32>
!X = tensor<4x1xi32>
!I = tensor<i32>
func.func @main(%c: !C, %p: !I, %x: !N) -> (!C) {
  %s = stablehlo.iota dim = 0 : !V
  %b = stablehlo.broadcast_in_dim %p, dims = [] : (!I) -> !V
  %q = stablehlo.add %b, %s : !V
  %i = stablehlo.reshape %q : (!V) -> !X
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 2], inserted_window_dims = [1], scatter_dims_to_operand_dims = [1], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: negative-index-wraps
// ties: 0:0
// inputs: 1=-32..31
// c[:, p] = x with numpy's meaning of negative positions.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!X = tensor<1x1xi32>
!I = tensor<i32>
func.func @main(%c: !C, %p: !I, %x: !N) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %e = stablehlo.constant dense<32> : !I
  %m = stablehlo.compare LT, %p, %z : (!I, !I) -> tensor<i1>
  %w = stablehlo.add %p, %e : !I
  %q = stablehlo.select %m, %w, %p : tensor<i1>, !I
  %i = stablehlo.reshape %q : (!I) -> !X
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 2], inserted_window_dims = [1], scatter_dims_to_operand_dims = [1], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: add-leading
// ties: 0:0
// inputs: 1=0..31, 2=0..1
!C = tensor<32x4x8xf32>
!N = tensor<1x4x8xf32>
!X = tensor<1x1xi32>
func.func @main(%c: !C, %i: !X, %x: !N) -> (!C) {
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %m = stablehlo.add %l, %r : tensor<f32>
    stablehlo.return %m : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: maximum-leading
// ties: 0:0
// inputs: 1=0..31, 2=0..1
!C = tensor<32x4x8xf32>
!N = tensor<1x4x8xf32>
!X = tensor<1x1xi32>
func.func @main(%c: !C, %i: !X, %x: !N) -> (!C) {
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %m = stablehlo.maximum %l, %r : tensor<f32>
    stablehlo.return %m : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: minimum-leading
// ties: 0:0
// inputs: 1=0..31, 2=0..1
!C = tensor<32x4x8xf32>
!N = tensor<1x4x8xf32>
!X = tensor<1x1xi32>
func.func @main(%c: !C, %i: !X, %x: !N) -> (!C) {
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %m = stablehlo.minimum %l, %r : tensor<f32>
    stablehlo.return %m : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: multiply-leading
// ties: 0:0
// inputs: 1=0..31, 2=0..1
!C = tensor<32x4x8xf32>
!N = tensor<1x4x8xf32>
!X = tensor<1x1xi32>
func.func @main(%c: !C, %i: !X, %x: !N) -> (!C) {
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %m = stablehlo.multiply %l, %r : tensor<f32>
    stablehlo.return %m : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: add-out-of-range
// ties: 0:0
// inputs: 1=-3..35
// IREE 3.13 writes such a row outside of the slot.
!C = tensor<32x4x8xf32>
!N = tensor<1x4x8xf32>
!X = tensor<1x1xi32>
func.func @main(%c: !C, %i: !X, %x: !N) -> (!C) {
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %m = stablehlo.add %l, %r : tensor<f32>
    stablehlo.return %m : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: several-rows-out-of-range
// ties: 0:0
// inputs: 1=29..29
// Rows 29, 31, 33 and 35 of 32.
!C = tensor<32x4x8xf32>
!N = tensor<4x4x8xf32>
!V = tensor<4xi32>
!X = tensor<4x1xi32>
func.func @main(%c: !C, %p: !V, %x: !N) -> (!C) {
  %s = stablehlo.iota dim = 0 : !V
  %t = stablehlo.add %s, %s : !V
  %q = stablehlo.add %t, %p : !V
  %i = stablehlo.reshape %q : (!V) -> !X
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: two-index-dims
// ties: 0:0
// inputs: 1=0..3
// c[b, p] = x.
!C = tensor<4x32x8xf32>
!N = tensor<1x8xf32>
!X = tensor<1x2xi32>
func.func @main(%c: !C, %i: !X, %x: !N) -> (!C) {
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0, 1], scatter_dims_to_operand_dims = [0, 1], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: two-index-dims-reversed
// ties: 0:0
// inputs: 1=0..3
!C = tensor<4x32x8xf32>
!N = tensor<1x8xf32>
!X = tensor<1x2xi32>
func.func @main(%c: !C, %i: !X, %x: !N) -> (!C) {
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0, 1], scatter_dims_to_operand_dims = [1, 0], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: element-wise
// ties: 0:0
// inputs: 1=0..31
// torch-mlir's index_copy: every element has an index of its own.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!E = tensor<4x1x8xi64>
!G = tensor<4x1x8x1xi64>
!X = tensor<4x1x8x3xi64>
!I = tensor<i64>
func.func @main(%c: !C, %p: !I, %x: !N) -> (!C) {
  %a = stablehlo.iota dim = 0 : !E
  %d = stablehlo.iota dim = 2 : !E
  %b = stablehlo.broadcast_in_dim %p, dims = [] : (!I) -> !E
  %a1 = stablehlo.reshape %a : (!E) -> !G
  %b1 = stablehlo.reshape %b : (!E) -> !G
  %d1 = stablehlo.reshape %d : (!E) -> !G
  %i = stablehlo.concatenate %a1, %b1, %d1, dim = 3 : (!G, !G, !G) -> !X
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0, 1, 2], scatter_dims_to_operand_dims = [0, 1, 2], index_vector_dim = 3>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: batched
// ties: 0:0
// inputs: 1=0..31
// A position for each sequence of the batch.
!C = tensor<4x32x8xf32>
!N = tensor<4x8xf32>
!X = tensor<4x1xi32>
func.func @main(%c: !C, %i: !X, %x: !N) -> (!C) {
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [1], input_batching_dims = [0], scatter_indices_batching_dims = [0], scatter_dims_to_operand_dims = [1], index_vector_dim = 1>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: window-of-rows
// ties: 0:0
// inputs: 1=0..28
// One index, a window of four rows, as JAX writes c.at[:, p:p+4].
!C = tensor<4x32x8xf32>
!N = tensor<4x4x8xf32>
!X = tensor<1xi32>
func.func @main(%c: !C, %i: !X, %x: !N) -> (!C) {
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 1, 2], scatter_dims_to_operand_dims = [1], index_vector_dim = 0>} : (!C, !X, !N) -> !C
  return %u : !C
}
// -----
// name: several-inputs
// ties: 0:1, 1:0
// inputs: 2=0..31
// unsupported: iree:cpu
// One scatter writes two slots; they are returned in the other order.
!C = tensor<32x4x8xf32>
!N = tensor<1x4x8xf32>
!X = tensor<1x1xi32>
func.func @main(%c: !C, %d: !C, %i: !X, %x: !N, %y: !N) -> (!C, !C) {
  %u:2 = "stablehlo.scatter"(%c, %d, %i, %x, %y) ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>, %e: tensor<f32>, %g: tensor<f32>):
    stablehlo.return %e, %g : tensor<f32>, tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>} : (!C, !C, !X, !N, !N) -> (!C, !C)
  return %u#1, %u#0 : !C, !C
}
