func.func @main(%cache: tensor<8x128x64xf32>, %row: tensor<8x1x64xf32>, %at: tensor<1xi32>) -> tensor<8x64xf32> {
  %0 = stablehlo.transpose %cache, dims = [1, 0, 2] : (tensor<8x128x64xf32>) -> tensor<128x8x64xf32>
  %1 = stablehlo.transpose %row, dims = [1, 0, 2] : (tensor<8x1x64xf32>) -> tensor<1x8x64xf32>
  %2 = "stablehlo.scatter"(%0, %at, %1) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<f32>, %new: tensor<f32>):
    stablehlo.return %new : tensor<f32>
  }) : (tensor<128x8x64xf32>, tensor<1xi32>, tensor<1x8x64xf32>) -> tensor<128x8x64xf32>
  %3 = stablehlo.transpose %2, dims = [1, 0, 2] : (tensor<128x8x64xf32>) -> tensor<8x128x64xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %4 = stablehlo.reduce(%3 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<8x128x64xf32>, tensor<f32>) -> tensor<8x64xf32>
  return %4 : tensor<8x64xf32>
}
