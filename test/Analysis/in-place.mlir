// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-print-in-place)'

// Two updates in a row, with a reader of each version at its place.

func.func @chain(%c: tensor<8xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<8xf32> {kvlift.slot = "c"}, tensor<8xf32>) {
  // expected-remark@below {{reads version 0 of slot 'c'}}
  %0 = stablehlo.negate %c : tensor<8xf32>
  // expected-remark@below {{makes version 1 of slot 'c'}}
  %1 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  // expected-remark@below {{makes version 2 of slot 'c'}}
  %2 = stablehlo.dynamic_update_slice %1, %u, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  // expected-remark@below {{returns version 2 of slot 'c'}}
  // expected-remark@below {{every chain of this block can run in place}}
  return %2, %0 : tensor<8xf32>, tensor<8xf32>
}

// -----

// A reader of the old version needs the new one: no order helps.

func.func @conflict(%c: tensor<8xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<8xf32> {kvlift.slot = "c"}, tensor<8xf32>) {
  // expected-remark@below {{makes version 1 of slot 'c'}}
  %0 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  // expected-remark@below {{reads version 0 of slot 'c'}}
  %1 = stablehlo.add %c, %0 : tensor<8xf32>
  // expected-remark@below {{returns version 1 of slot 'c'}}
  // expected-remark@below {{no order lets every chain of this block run in place}}
  return %0, %1 : tensor<8xf32>, tensor<8xf32>
}

// -----

// What is computed of the old version is needed late: it can be computed
// early, if the runtime does not compute it together with what needs it.

func.func @late(%c: tensor<8xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<8xf32> {kvlift.slot = "c"}, tensor<8xf32>) {
  // expected-remark@below {{reads version 0 of slot 'c'}}
  %0 = stablehlo.negate %c : tensor<8xf32>
  // expected-remark@below {{makes version 1 of slot 'c'}}
  %1 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  // expected-remark@below {{may read version 0 of slot 'c'}}
  %2 = stablehlo.multiply %0, %1 : tensor<8xf32>
  // expected-remark@below {{returns version 1 of slot 'c'}}
  // expected-remark@below {{can run in place if the runtime computes in this order}}
  return %1, %2 : tensor<8xf32>, tensor<8xf32>
}

// -----

// A while updates what its body updates and carries on in the same place; the
// body is a block with a chain of its own. Captured values are read.

func.func @loop(%c: tensor<8xf32> {kvlift.slot = "c"}, %d: tensor<1xf32> {kvlift.slot = "d"}, %i: tensor<i32>)
    -> (tensor<8xf32> {kvlift.slot = "c"}, tensor<1xf32> {kvlift.slot = "d"}) {
  %n = stablehlo.constant dense<4> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  // expected-remark@below {{makes version 1 of slot 'c'}}
  // expected-remark@below {{reads version 0 of slot 'd'}}
  %w:2 = stablehlo.while(%it = %i, %cc = %c) : tensor<i32>, tensor<8xf32>
  cond {
    %p = stablehlo.compare LT, %it, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    // expected-remark@below {{every chain of this block can run in place}}
    stablehlo.return %p : tensor<i1>
  } do {
    %next = stablehlo.add %it, %one : tensor<i32>
    // expected-remark@below {{makes version 1 of slot 'c'}}
    %1 = stablehlo.dynamic_update_slice %cc, %d, %it : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
    // expected-remark@below {{returns version 1 of slot 'c'}}
    // expected-remark@below {{every chain of this block can run in place}}
    stablehlo.return %next, %1 : tensor<i32>, tensor<8xf32>
  }
  %z = stablehlo.constant dense<0> : tensor<i32>
  %u = stablehlo.constant dense<1.0> : tensor<1xf32>
  // expected-remark@below {{makes version 1 of slot 'd'}}
  %2 = stablehlo.dynamic_update_slice %d, %u, %z : (tensor<1xf32>, tensor<1xf32>, tensor<i32>) -> tensor<1xf32>
  // expected-remark@below {{returns version 1 of slot 'c'}}
  // expected-remark@below {{returns version 1 of slot 'd'}}
  // expected-remark@below {{every chain of this block can run in place}}
  return %w#1, %2 : tensor<8xf32>, tensor<1xf32>
}

// -----

// A body that carries two slots on crosswise keeps neither in its storage: the
// while reads both, and what it returns are no versions.

func.func @crosswise(%k: tensor<8xf32> {kvlift.slot = "k"}, %v: tensor<8xf32> {kvlift.slot = "v"}, %i: tensor<i32>)
    -> (tensor<8xf32> {kvlift.slot = "k"}, tensor<8xf32> {kvlift.slot = "v"}) {
  %n = stablehlo.constant dense<4> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %w:3 = stablehlo.while(%it = %i, %kk = %k, %vv = %v) : tensor<i32>, tensor<8xf32>, tensor<8xf32>
  cond {
    %p = stablehlo.compare LT, %it, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    // expected-remark@below {{every chain of this block can run in place}}
    stablehlo.return %p : tensor<i1>
  } do {
    %next = stablehlo.add %it, %one : tensor<i32>
    // expected-remark@below {{returns version 0 of slot 'v'}}
    // expected-remark@below {{returns version 0 of slot 'k'}}
    // expected-remark@below {{every chain of this block can run in place}}
    stablehlo.return %next, %vv, %kk : tensor<i32>, tensor<8xf32>, tensor<8xf32>
  }
  // expected-remark@below {{every chain of this block can run in place}}
  return %w#1, %w#2 : tensor<8xf32>, tensor<8xf32>
}

// -----

// A branch updates what every path carries on, though one passes it through.

func.func @branches(%c: tensor<8xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>, %p: tensor<i1>)
    -> (tensor<8xf32> {kvlift.slot = "c"}) {
  // expected-remark@below {{makes version 1 of slot 'c'}}
  %0 = "stablehlo.if"(%p) ({
    // expected-remark@below {{makes version 1 of slot 'c'}}
    %1 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
    // expected-remark@below {{returns version 1 of slot 'c'}}
    // expected-remark@below {{every chain of this block can run in place}}
    stablehlo.return %1 : tensor<8xf32>
  }, {
    // expected-remark@below {{returns version 0 of slot 'c'}}
    // expected-remark@below {{every chain of this block can run in place}}
    stablehlo.return %c : tensor<8xf32>
  }) : (tensor<i1>) -> tensor<8xf32>
  // expected-remark@below {{returns version 1 of slot 'c'}}
  // expected-remark@below {{every chain of this block can run in place}}
  return %0 : tensor<8xf32>
}

// -----

// A call updates what the private callee does.

func.func @caller(%c: tensor<8xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<8xf32> {kvlift.slot = "c"}) {
  // expected-remark@below {{makes version 1 of slot 'c'}}
  %0 = call @callee(%u, %c, %i) : (tensor<1xf32>, tensor<8xf32>, tensor<i32>) -> tensor<8xf32>
  // expected-remark@below {{returns version 1 of slot 'c'}}
  // expected-remark@below {{every chain of this block can run in place}}
  return %0 : tensor<8xf32>
}
func.func private @callee(%u: tensor<1xf32>, %c: tensor<8xf32>, %i: tensor<i32>) -> tensor<8xf32> {
  // expected-remark@below {{makes version 1 of slot 'c'}}
  %0 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  // expected-remark@below {{returns version 1 of slot 'c'}}
  // expected-remark@below {{every chain of this block can run in place}}
  return %0 : tensor<8xf32>
}

// -----

// An update between two transposes keeps the chain, but says so.

func.func @transposed(%c: tensor<2x4xf32> {kvlift.slot = "c"}, %u: tensor<1x2xf32>, %i: tensor<i32>)
    -> (tensor<2x4xf32> {kvlift.slot = "c"}) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %0 = stablehlo.transpose %c, dims = [1, 0] : (tensor<2x4xf32>) -> tensor<4x2xf32>
  // expected-remark@below {{makes version 1 of slot 'c', transposed}}
  %1 = stablehlo.dynamic_update_slice %0, %u, %i, %z : (tensor<4x2xf32>, tensor<1x2xf32>, tensor<i32>, tensor<i32>) -> tensor<4x2xf32>
  %2 = stablehlo.transpose %1, dims = [1, 0] : (tensor<4x2xf32>) -> tensor<2x4xf32>
  // expected-remark@below {{returns version 1 of slot 'c'}}
  // expected-remark@below {{every chain of this block can run in place}}
  return %2 : tensor<2x4xf32>
}
