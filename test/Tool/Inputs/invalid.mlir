func.func @f(%arg0: tensor<4xf32>) -> tensor<8xf32> {
  return %arg0 : tensor<4xf32>
}
