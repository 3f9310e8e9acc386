func.func @f(%arg0: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.add %arg0, %argx : tensor<4xf32>
  return %0 : tensor<4xf32>
}
