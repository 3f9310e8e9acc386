// Artifacts have no CHLO: its ops are written as what they stand for. The module that is printed
// keeps them.
// RUN: kvlift-opt %s | filecheck %s --check-prefix=TEXT
// RUN: kvlift-opt %s --emit-artifact -o %t && kvlift-opt %t | filecheck %s --check-prefix=BACK

// TEXT: chlo.sinh
// TEXT: chlo.top_k
// BACK-NOT: chlo.
// BACK: func.func @main
// BACK-NOT: chlo.
// BACK: stablehlo.exponential
// BACK-NOT: chlo.
// BACK: stablehlo.sort
// BACK-NOT: chlo.
func.func @main(%arg0: tensor<4xf32>) -> (tensor<2xf32>, tensor<2xi32>) {
  %0 = chlo.sinh %arg0 : tensor<4xf32> -> tensor<4xf32>
  %values, %indices = chlo.top_k(%0, k = 2) : tensor<4xf32> -> (tensor<2xf32>, tensor<2xi32>)
  return %values, %indices : tensor<2xf32>, tensor<2xi32>
}
