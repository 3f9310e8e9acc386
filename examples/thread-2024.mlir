// Single-head attention over a torchtune KVCache (batch 5, 1 head, 10 rows of 8),
// as torch_xla exported it in the OpenXLA thread of September 2024: the caches
// come in as arguments, are updated, and only the attention's output goes out.
func.func @main(%k_cache: tensor<5x1x10x8xf32>, %v_cache: tensor<5x1x10x8xf32>, %position: tensor<1x1xi64>,
                %q: tensor<5x1x1x8xf32>, %k: tensor<5x1x1x8xf32>, %v: tensor<5x1x1x8xf32>) -> tensor<5x1x1x8xf32> {
  %keys = "stablehlo.scatter"(%k_cache, %position, %k) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 1, 3], inserted_window_dims = [2], scatter_dims_to_operand_dims = [2], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<f32>, %new: tensor<f32>):
    stablehlo.return %new : tensor<f32>
  }) : (tensor<5x1x10x8xf32>, tensor<1x1xi64>, tensor<5x1x1x8xf32>) -> tensor<5x1x10x8xf32>
  %values = "stablehlo.scatter"(%v_cache, %position, %v) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 1, 3], inserted_window_dims = [2], scatter_dims_to_operand_dims = [2], index_vector_dim = 1>}> ({
  ^bb0(%old: tensor<f32>, %new: tensor<f32>):
    stablehlo.return %new : tensor<f32>
  }) : (tensor<5x1x10x8xf32>, tensor<1x1xi64>, tensor<5x1x1x8xf32>) -> tensor<5x1x10x8xf32>
  %scores = stablehlo.dot_general %q, %keys, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (tensor<5x1x1x8xf32>, tensor<5x1x10x8xf32>) -> tensor<5x1x1x10xf32>
  %weights = stablehlo.exponential %scores : tensor<5x1x1x10xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %sums = stablehlo.reduce(%weights init: %zero) applies stablehlo.add across dimensions = [3] : (tensor<5x1x1x10xf32>, tensor<f32>) -> tensor<5x1x1xf32>
  %total = stablehlo.broadcast_in_dim %sums, dims = [0, 1, 2] : (tensor<5x1x1xf32>) -> tensor<5x1x1x10xf32>
  %softmax = stablehlo.divide %weights, %total : tensor<5x1x1x10xf32>
  %output = stablehlo.dot_general %softmax, %values, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (tensor<5x1x1x10xf32>, tensor<5x1x10x8xf32>) -> tensor<5x1x1x8xf32>
  return %output : tensor<5x1x1x8xf32>
}
