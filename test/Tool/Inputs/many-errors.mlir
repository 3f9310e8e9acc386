func.func @f1(%arg0: tensor<4xf32>) -> tensor<8xf32> {
  return %arg0 : tensor<4xf32>
}
func.func @f2(%arg0: tensor<4xf32>) -> tensor<8xf32> {
  return %arg0 : tensor<4xf32>
}
func.func @f3(%arg0: tensor<4xf32>) -> tensor<8xf32> {
  return %arg0 : tensor<4xf32>
}
func.func @f4(%arg0: tensor<4xf32>) -> tensor<8xf32> {
  return %arg0 : tensor<4xf32>
}
