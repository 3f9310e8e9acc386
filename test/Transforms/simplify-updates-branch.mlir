// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-simplify-updates)' | filecheck %s

// What the branch computes stays in it; the slot does not pass through.

// CHECK-LABEL: func.func @lazy
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<8xf32> {{{.*}}}, %[[X:[^ ]+]]: tensor<1xf32>, %[[POS:[^ ]+]]: tensor<i32>, %[[FLAG:[^ ]+]]: tensor<i1>)
// CHECK: %[[ROW:[^ ]+]] = "stablehlo.if"(%[[FLAG]])
// CHECK: %[[EXP:[^ ]+]] = stablehlo.exponential %[[X]]
// CHECK: stablehlo.return %[[EXP]] : tensor<1xf32>
// CHECK: %[[ZERO:[^ ]+]] = stablehlo.constant dense<0.000000e+00> : tensor<1xf32>
// CHECK: stablehlo.return %[[ZERO]] : tensor<1xf32>
// CHECK: %[[OLD:[^ ]+]] = stablehlo.dynamic_slice %[[SLOT]], %[[POS]]
// CHECK: %[[KEPT:[^ ]+]] = stablehlo.select %{{[^ ]+}}, %[[ROW]], %[[OLD]]
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]], %[[KEPT]], %[[POS]]
// CHECK: return %[[DONE]]
func.func @lazy(%slot: tensor<8xf32> {kvlift.slot = "k"}, %x: tensor<1xf32>, %pos: tensor<i32>, %flag: tensor<i1>) -> (tensor<8xf32> {kvlift.slot = "k"}) {
  %0 = "stablehlo.if"(%flag) ({
    %1 = stablehlo.exponential %x : tensor<1xf32>
    %2 = stablehlo.dynamic_update_slice %slot, %1, %pos : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
    stablehlo.return %2 : tensor<8xf32>
  }, {
    stablehlo.return %slot : tensor<8xf32>
  }) : (tensor<i1>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// Cheap branches of several updates are flattened; windows of one type share
// an update, another one gets its own.

// CHECK-LABEL: func.func @three_ways
// CHECK-NOT: stablehlo.case
// CHECK: %[[ONE:[^ ]+]] = stablehlo.dynamic_update_slice %arg0, %{{[^ ]+}}, %{{[^ ]+}} : (tensor<8xf32>, tensor<1xf32>
// CHECK: %[[TWO:[^ ]+]] = stablehlo.dynamic_update_slice %[[ONE]], %{{[^ ]+}}, %{{[^ ]+}} : (tensor<8xf32>, tensor<2xf32>
// CHECK-NOT: stablehlo.dynamic_update_slice
// CHECK: return %[[TWO]]
func.func @three_ways(%slot: tensor<8xf32> {kvlift.slot = "k"}, %x: tensor<1xf32>, %y: tensor<2xf32>, %pos: tensor<i32>, %which: tensor<i32>) -> (tensor<8xf32> {kvlift.slot = "k"}) {
  %z = stablehlo.constant dense<3> : tensor<i32>
  %0 = "stablehlo.case"(%which) ({
    %1 = stablehlo.dynamic_update_slice %slot, %x, %pos : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
    %2 = stablehlo.dynamic_update_slice %1, %y, %pos : (tensor<8xf32>, tensor<2xf32>, tensor<i32>) -> tensor<8xf32>
    stablehlo.return %2 : tensor<8xf32>
  }, {
    stablehlo.return %slot : tensor<8xf32>
  }, {
    %1 = stablehlo.dynamic_update_slice %slot, %x, %z : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
    stablehlo.return %1 : tensor<8xf32>
  }) : (tensor<i32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
