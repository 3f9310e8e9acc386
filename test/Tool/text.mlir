// A module goes through as it is: from a file, from standard input, to a file.
// RUN: kvlift-opt %s | filecheck %s
// RUN: kvlift-opt < %s | filecheck %s
// RUN: kvlift-opt - -o - < %s | filecheck %s
// RUN: kvlift-opt %s -o %t.mlir && filecheck %s < %t.mlir
// What was printed prints the same again.
// RUN: kvlift-opt %t.mlir -o %t.again.mlir && cmp %t.mlir %t.again.mlir

// RUN: kvlift-opt %s --mlir-print-op-generic | filecheck %s --check-prefix=GENERIC
// RUN: kvlift-opt %s -mlir-print-debuginfo | filecheck %s --check-prefix=PLACES

// CHECK:      module {
// CHECK-NEXT:   func.func @f(%[[A:.*]]: tensor<4xf32>) -> tensor<4xf32> {
// CHECK-NEXT:     %[[SUM:.*]] = stablehlo.add %[[A]], %[[A]] : tensor<4xf32>
// CHECK-NEXT:     return %[[SUM]] : tensor<4xf32>

// GENERIC: "stablehlo.add"(%{{.*}}, %{{.*}}) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>

// PLACES: stablehlo.add {{.*}} loc(#[[LOC:loc.*]])
// PLACES: #[[LOC]] = loc("{{.*}}text.mlir":[[# @LINE + 2]]:8)
func.func @f(%arg0: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.add %arg0, %arg0 : tensor<4xf32>
  return %0 : tensor<4xf32>
}
