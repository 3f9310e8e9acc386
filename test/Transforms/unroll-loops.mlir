// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-unroll-loops{target=iree:cpu})' | filecheck %s
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-unroll-loops{target=pjrt:cpu})' | filecheck %s --check-prefix=XLA
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-unroll-loops{target=iree:cpu},kvlift-check-in-place{target=iree:cpu require=in_place},kvlift-tie-state)' | filecheck %s --check-prefix=PROOF

// The updates stand in the order of the iterations, each at a constant layer;
// nothing is left of the counter. XLA keeps what loops carry in place, so the
// loop stays for it.

// CHECK-LABEL: func.func @layers
// CHECK-SAME: (%[[C:[^ ]+]]: tensor<3x8x4xf32> {{{.*}}}, %[[X:[^ ]+]]: tensor<1x1x4xf32>, %[[P:[^ ]+]]: tensor<i32>)
// CHECK-NOT: stablehlo.while
// CHECK-DAG: %[[ZERO:[^ ]+]] = stablehlo.constant dense<0> : tensor<i32>
// CHECK: %[[U0:[^ ]+]] = stablehlo.dynamic_update_slice %[[C]], %[[X]], %[[ZERO]], %[[P]], %[[ZERO]]
// CHECK: %[[ONE:[^ ]+]] = stablehlo.constant dense<1> : tensor<i32>
// CHECK: %[[U1:[^ ]+]] = stablehlo.dynamic_update_slice %[[U0]], %[[X]], %[[ONE]], %[[P]], %[[ZERO]]
// CHECK: %[[TWO:[^ ]+]] = stablehlo.constant dense<2> : tensor<i32>
// CHECK: %[[U2:[^ ]+]] = stablehlo.dynamic_update_slice %[[U1]], %[[X]], %[[TWO]], %[[P]], %[[ZERO]]
// CHECK-NOT: stablehlo.add
// CHECK-NOT: dense<3>
// CHECK: return %[[U2]]
// XLA-LABEL: func.func @layers
// XLA: stablehlo.while
// PROOF-LABEL: func.func @layers
// PROOF-SAME: kvlift.verdict = "in_place"
func.func @layers(%c: tensor<3x8x4xf32> {kvlift.slot = "k"}, %x: tensor<1x1x4xf32>, %p: tensor<i32>) -> (tensor<3x8x4xf32> {kvlift.slot = "k"}) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %0:2 = stablehlo.while(%i = %z, %in = %c) : tensor<i32>, tensor<3x8x4xf32>
  cond {
    %n = stablehlo.constant dense<3> : tensor<i32>
    %1 = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  } do {
    %1 = stablehlo.dynamic_update_slice %in, %x, %i, %p, %z : (tensor<3x8x4xf32>, tensor<1x1x4xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<3x8x4xf32>
    %one = stablehlo.constant dense<1> : tensor<i32>
    %2 = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %2, %1 : tensor<i32>, tensor<3x8x4xf32>
  }
  return %0#1 : tensor<3x8x4xf32>
}

// -----

// Loops in loops: six updates, the inner loop first. A counter by two from
// minus one, and the counter is a result too.

// CHECK-LABEL: func.func @nested
// CHECK-NOT: stablehlo.while
// CHECK-COUNT-6: stablehlo.dynamic_update_slice
// CHECK-NOT: stablehlo.dynamic_update_slice
// CHECK: %[[END:[^ ]+]] = stablehlo.constant dense<5> : tensor<i64>
// CHECK: return %{{[^ ]+}}, %[[END]]
// PROOF-LABEL: func.func @nested
// PROOF-SAME: kvlift.verdict = "in_place"
func.func @nested(%c: tensor<3x16xf32> {kvlift.slot = "k"}, %x: tensor<1x1xf32>) -> (tensor<3x16xf32> {kvlift.slot = "k"}, tensor<i64>) {
  %z = stablehlo.constant dense<-1> : tensor<i64>
  %zero = stablehlo.constant dense<0> : tensor<i64>
  %one = stablehlo.constant dense<1> : tensor<i64>
  %two = stablehlo.constant dense<2> : tensor<i64>
  %n = stablehlo.constant dense<4> : tensor<i64>
  %0:2 = stablehlo.while(%i = %z, %out = %c) : tensor<i64>, tensor<3x16xf32>
  cond {
    %1 = stablehlo.compare LT, %i, %n : (tensor<i64>, tensor<i64>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  } do {
    %1:2 = stablehlo.while(%j = %zero, %in = %out) : tensor<i64>, tensor<3x16xf32>
    cond {
      %2 = stablehlo.compare GT, %two, %j : (tensor<i64>, tensor<i64>) -> tensor<i1>
      stablehlo.return %2 : tensor<i1>
    } do {
      %2 = stablehlo.dynamic_update_slice %in, %x, %j, %i : (tensor<3x16xf32>, tensor<1x1xf32>, tensor<i64>, tensor<i64>) -> tensor<3x16xf32>
      %3 = stablehlo.add %one, %j : tensor<i64>
      stablehlo.return %3, %2 : tensor<i64>, tensor<3x16xf32>
    }
    %2 = stablehlo.add %i, %two : tensor<i64>
    stablehlo.return %2, %1#1 : tensor<i64>, tensor<3x16xf32>
  }
  return %0#1, %0#0 : tensor<3x16xf32>, tensor<i64>
}

// -----

// A loop that never runs gives what it was given.

// CHECK-LABEL: func.func @never
// CHECK-SAME: (%[[C:[^ ]+]]: tensor<16xf32>
// CHECK-NOT: stablehlo.while
// CHECK: return %[[C]]
func.func @never(%c: tensor<16xf32> {kvlift.slot = "k"}, %x: tensor<1xf32>) -> (tensor<16xf32> {kvlift.slot = "k"}) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %0:2 = stablehlo.while(%i = %z, %in = %c) : tensor<i32>, tensor<16xf32>
  cond {
    %1 = stablehlo.compare LT, %i, %z : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  } do {
    %1 = stablehlo.dynamic_update_slice %in, %x, %i : (tensor<16xf32>, tensor<1xf32>, tensor<i32>) -> tensor<16xf32>
    %2 = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %2, %1 : tensor<i32>, tensor<16xf32>
  }
  return %0#1 : tensor<16xf32>
}

// -----

// What each iteration computes goes into the next one, and two carried values
// may yield the same sum: both of its readers keep it.

// CHECK-LABEL: func.func @carries
// CHECK-SAME: %[[H:[^ ]+]]: tensor<1xf32>)
// CHECK: %[[H1:[^ ]+]] = stablehlo.add %[[H]], %[[H]]
// CHECK: %[[I1:[^ ]+]] = stablehlo.add %{{[^ ]+}}, %{{[^ ]+}} : tensor<i32>
// CHECK: stablehlo.dynamic_update_slice %{{[^ ]+}}, %[[H1]], %[[I1]]
// CHECK: stablehlo.dynamic_update_slice
// CHECK-NOT: stablehlo.while
func.func @carries(%c: tensor<16xf32> {kvlift.slot = "k"}, %h: tensor<1xf32>) -> (tensor<16xf32> {kvlift.slot = "k"}, tensor<i32>) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %n = stablehlo.constant dense<2> : tensor<i32>
  %0:4 = stablehlo.while(%i = %z, %last = %z, %in = %c, %g = %h) : tensor<i32>, tensor<i32>, tensor<16xf32>, tensor<1xf32>
  cond {
    %1 = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  } do {
    %1 = stablehlo.add %g, %g : tensor<1xf32>
    %2 = stablehlo.add %i, %one : tensor<i32>
    %3 = stablehlo.dynamic_update_slice %in, %1, %2 : (tensor<16xf32>, tensor<1xf32>, tensor<i32>) -> tensor<16xf32>
    stablehlo.return %2, %2, %3, %1 : tensor<i32>, tensor<i32>, tensor<16xf32>, tensor<1xf32>
  }
  return %0#2, %0#1 : tensor<16xf32>, tensor<i32>
}

// -----

// A loop that only reads the slot is no copy, so it stays; a loop whose slot is
// smaller than a cache line costs less than what would stand there.

// CHECK-LABEL: func.func @reads
// CHECK: stablehlo.while
func.func @reads(%c: tensor<16xf32> {kvlift.slot = "k"}, %x: tensor<1xf32>) -> (tensor<16xf32> {kvlift.slot = "k"}, tensor<1xf32>) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %n = stablehlo.constant dense<4> : tensor<i32>
  %0:2 = stablehlo.while(%i = %z, %s = %x) : tensor<i32>, tensor<1xf32>
  cond {
    %1 = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  } do {
    %1 = stablehlo.dynamic_slice %c, %i, sizes = [1] : (tensor<16xf32>, tensor<i32>) -> tensor<1xf32>
    %2 = stablehlo.add %s, %1 : tensor<1xf32>
    %3 = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %3, %2 : tensor<i32>, tensor<1xf32>
  }
  %4 = stablehlo.dynamic_update_slice %c, %x, %z : (tensor<16xf32>, tensor<1xf32>, tensor<i32>) -> tensor<16xf32>
  return %4, %0#1 : tensor<16xf32>, tensor<1xf32>
}
