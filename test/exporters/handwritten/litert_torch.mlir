// name: litert_slice_scatter
// says: `c[:, :, 3:5] = x` in litert-torch: pad and select
// ties: 0:0
// litert-torch (google-ai-edge, the lowering of aten.slice_scatter in litert_torch/odml_torch)
// pads the rows to the cache's shape and selects by a constant mask.
!C = tensor<2x3x8x4xf32>
!N = tensor<2x3x2x4xf32>
func.func @main(%c: !C, %x: !N) -> (!C) {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %padded = stablehlo.pad %x, %zero, low = [0, 0, 3, 0], high = [0, 0, 3, 0], interior = [0, 0, 0, 0] : (!N, tensor<f32>) -> !C
  %mask = stablehlo.constant dense<[[[[true, true, true, true], [true, true, true, true], [true, true, true, true], [false, false, false, false], [false, false, false, false], [true, true, true, true], [true, true, true, true], [true, true, true, true]], [[true, true, true, true], [true, true, true, true], [true, true, true, true], [false, false, false, false], [false, false, false, false], [true, true, true, true], [true, true, true, true], [true, true, true, true]], [[true, true, true, true], [true, true, true, true], [true, true, true, true], [false, false, false, false], [false, false, false, false], [true, true, true, true], [true, true, true, true], [true, true, true, true]]], [[[true, true, true, true], [true, true, true, true], [true, true, true, true], [false, false, false, false], [false, false, false, false], [true, true, true, true], [true, true, true, true], [true, true, true, true]], [[true, true, true, true], [true, true, true, true], [true, true, true, true], [false, false, false, false], [false, false, false, false], [true, true, true, true], [true, true, true, true], [true, true, true, true]], [[true, true, true, true], [true, true, true, true], [true, true, true, true], [false, false, false, false], [false, false, false, false], [true, true, true, true], [true, true, true, true], [true, true, true, true]]]]> : tensor<2x3x8x4xi1>
  %u = stablehlo.select %mask, %c, %padded : tensor<2x3x8x4xi1>, !C
  return %u : !C
}
