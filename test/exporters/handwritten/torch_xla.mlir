// name: torch_xla_index_copy
// says: `index_copy_(2, pos, x)`: CreateIndexAlongDim
// ties: 0:0
// inputs: 1=0..7
// The forms of torch_xla (pytorch/xla, torch_xla/csrc/xla_lower_util.cpp): CreateIndexAlongDim for
// index_copy, index_add and index_fill; CreateIndexUpdate for index_put, whose negative indices
// are wrapped by compare and select first; CreateScatter for scatter, one element at a time over
// concatenated iotas; BuildUpdateSlice for select_scatter and slice_scatter, at constant starts.
// Their positions are i64 and none of their scatters says that its indices are sorted or unique.
!C = tensor<2x3x8x4xf32>
!N = tensor<2x3x1x4xf32>
func.func @main(%c: !C, %i: tensor<1xi64>, %x: !N) -> (!C) {
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 1, 3], inserted_window_dims = [2], scatter_dims_to_operand_dims = [2], index_vector_dim = 1>} : (!C, tensor<1xi64>, !N) -> !C
  return %u : !C
}
// -----
// name: torch_xla_index_copy_rows
// says: `index_copy_(2, pos, x)`, three rows
// ties: 0:0
// inputs: 1=0..7
!C = tensor<2x3x8x4xf32>
!N = tensor<2x3x3x4xf32>
func.func @main(%c: !C, %i: tensor<3xi64>, %x: !N) -> (!C) {
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 1, 3], inserted_window_dims = [2], scatter_dims_to_operand_dims = [2], index_vector_dim = 1>} : (!C, tensor<3xi64>, !N) -> !C
  return %u : !C
}
// -----
// name: torch_xla_prefill
// says: `index_copy_(2, arange(T) + pos, x)`
// ties: 0:0
// inputs: 1=0..5
!C = tensor<2x3x8x4xf32>
!N = tensor<2x3x3x4xf32>
func.func @main(%c: !C, %p: tensor<1xi64>, %x: !N) -> (!C) {
  %n = stablehlo.iota dim = 0 : tensor<3xi64>
  %b = stablehlo.reshape %p : (tensor<1xi64>) -> tensor<i64>
  %q = stablehlo.broadcast_in_dim %b, dims = [] : (tensor<i64>) -> tensor<3xi64>
  %i = stablehlo.add %n, %q : tensor<3xi64>
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 1, 3], inserted_window_dims = [2], scatter_dims_to_operand_dims = [2], index_vector_dim = 1>} : (!C, tensor<3xi64>, !N) -> !C
  return %u : !C
}
// -----
// name: torch_xla_index_put
// says: `c[:, :, pos] = x`: CreateIndexUpdate, negative positions
// ties: 0:0
// inputs: 1=-8..7
!C = tensor<2x3x8x4xf32>
!N = tensor<2x3x1x4xf32>
func.func @main(%c: !C, %p: tensor<1xi64>, %x: !N) -> (!C) {
  %zero = stablehlo.constant dense<0> : tensor<1xi64>
  %size = stablehlo.constant dense<8> : tensor<1xi64>
  %is_negative = stablehlo.compare LT, %p, %zero : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi1>
  %wrapped = stablehlo.add %p, %size : tensor<1xi64>
  %q = stablehlo.select %is_negative, %wrapped, %p : tensor<1xi1>, tensor<1xi64>
  %i = stablehlo.reshape %q : (tensor<1xi64>) -> tensor<1x1xi64>
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 1, 3], inserted_window_dims = [2], scatter_dims_to_operand_dims = [2], index_vector_dim = 1>} : (!C, tensor<1x1xi64>, !N) -> !C
  return %u : !C
}
// -----
// name: torch_xla_index_put_leading
// says: `c[block, offset] = x`: CreateIndexUpdate with two indices
// ties: 0:0
// inputs: 1=0..3, 2=0..7
!C = tensor<4x8x3x4xf32>
!N = tensor<2x3x4xf32>
func.func @main(%c: !C, %b: tensor<2xi64>, %o: tensor<2xi64>, %x: !N) -> (!C) {
  %b1 = stablehlo.reshape %b : (tensor<2xi64>) -> tensor<2x1xi64>
  %o1 = stablehlo.reshape %o : (tensor<2xi64>) -> tensor<2x1xi64>
  %i = stablehlo.concatenate %b1, %o1, dim = 1 : (tensor<2x1xi64>, tensor<2x1xi64>) -> tensor<2x2xi64>
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], inserted_window_dims = [0, 1], scatter_dims_to_operand_dims = [0, 1], index_vector_dim = 1>} : (!C, tensor<2x2xi64>, !N) -> !C
  return %u : !C
}
// -----
// name: torch_xla_scatter
// says: `c.scatter_(2, index, x)`: CreateScatter
// ties: 0:0
// inputs: 1=0..7
!C = tensor<2x3x8x4xf32>
!N = tensor<2x3x1x4xf32>
!I = tensor<2x3x1x4x1xi64>
func.func @main(%c: !C, %p: tensor<2x3x1x4xi64>, %x: !N) -> (!C) {
  %i0 = stablehlo.iota dim = 0 : !I
  %i1 = stablehlo.iota dim = 1 : !I
  %i2 = stablehlo.reshape %p : (tensor<2x3x1x4xi64>) -> !I
  %i3 = stablehlo.iota dim = 3 : !I
  %i = stablehlo.concatenate %i0, %i1, %i2, %i3, dim = 4 : (!I, !I, !I, !I) -> tensor<2x3x1x4x4xi64>
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0, 1, 2, 3], scatter_dims_to_operand_dims = [0, 1, 2, 3], index_vector_dim = 4>} : (!C, tensor<2x3x1x4x4xi64>, !N) -> !C
  return %u : !C
}
// -----
// name: torch_xla_scatter_expanded
// says: `c.scatter_(2, pos.expand(...), x)`: one row
// ties: 0:0
// inputs: 1=0..7
!C = tensor<2x3x8x4xf32>
!N = tensor<2x3x1x4xf32>
!I = tensor<2x3x1x4x1xi64>
func.func @main(%c: !C, %p: tensor<1xi64>, %x: !N) -> (!C) {
  %i0 = stablehlo.iota dim = 0 : !I
  %i1 = stablehlo.iota dim = 1 : !I
  %q = stablehlo.reshape %p : (tensor<1xi64>) -> tensor<1x1x1x1xi64>
  %e = stablehlo.broadcast_in_dim %q, dims = [0, 1, 2, 3] : (tensor<1x1x1x1xi64>) -> tensor<2x3x1x4xi64>
  %i2 = stablehlo.reshape %e : (tensor<2x3x1x4xi64>) -> !I
  %i3 = stablehlo.iota dim = 3 : !I
  %i = stablehlo.concatenate %i0, %i1, %i2, %i3, dim = 4 : (!I, !I, !I, !I) -> tensor<2x3x1x4x4xi64>
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    stablehlo.return %r : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0, 1, 2, 3], scatter_dims_to_operand_dims = [0, 1, 2, 3], index_vector_dim = 4>} : (!C, tensor<2x3x1x4x4xi64>, !N) -> !C
  return %u : !C
}
// -----
// name: torch_xla_update_slice
// says: `c[:, :, 3:5] = x`: BuildUpdateSlice
// ties: 0:0
!C = tensor<2x3x8x4xf32>
!N = tensor<2x3x2x4xf32>
func.func @main(%c: !C, %x: !N) -> (!C) {
  %zero = stablehlo.constant dense<0> : tensor<i64>
  %three = stablehlo.constant dense<3> : tensor<i64>
  %u = stablehlo.dynamic_update_slice %c, %x, %zero, %zero, %three, %zero
      : (!C, !N, tensor<i64>, tensor<i64>, tensor<i64>, tensor<i64>) -> !C
  return %u : !C
}
// -----
// name: torch_xla_index_add
// says: `index_add_(2, pos, x)`
// ties: 0:0
// inputs: 1=0..7
!C = tensor<2x3x8x4xf32>
!N = tensor<2x3x1x4xf32>
func.func @main(%c: !C, %i: tensor<1xi64>, %x: !N) -> (!C) {
  %u = "stablehlo.scatter"(%c, %i, %x) ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %s = stablehlo.add %l, %r : tensor<f32>
    stablehlo.return %s : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 1, 3], inserted_window_dims = [2], scatter_dims_to_operand_dims = [2], index_vector_dim = 1>} : (!C, tensor<1xi64>, !N) -> !C
  return %u : !C
}
