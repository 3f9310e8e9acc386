// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-slice-results)' 2> %t | filecheck %s
// RUN: filecheck %s --input-file=%t --check-prefix=SAYS

// The rows take the place of the tied result and the start comes last, in the
// range that the update itself would move it to. Another slot keeps its tie.
// The attention still reads the new version.

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[K:[^ ]+]]: tensor<2x16x8xf32> {kvlift.kind = "buffer", kvlift.sliced = "k"}, %[[X:[^ ]+]]: tensor<2x1x8xf32>, %[[P:[^ ]+]]: tensor<i64>,
// CHECK-SAME: tensor<i64> {kvlift.slot = "n", tf.aliasing_output = 2 : i32})
// CHECK-SAME: -> (tensor<2x1x8xf32> {kvlift.name = "k.rows", kvlift.rows = "k"}, tensor<2x16xf32>, tensor<i64> {kvlift.slot = "n"}, tensor<3xi32> {kvlift.name = "k.start", kvlift.start = "k"})
// CHECK: %[[Z:.*]] = stablehlo.constant dense<0> : tensor<i64>
// CHECK: %[[A:.*]] = stablehlo.reshape %[[Z]]
// CHECK: %[[B:.*]] = stablehlo.reshape %[[P]]
// CHECK: %[[C:.*]] = stablehlo.reshape %[[Z]]
// CHECK: %[[ALL:.*]] = stablehlo.concatenate %[[A]], %[[B]], %[[C]], dim = 0
// CHECK: %[[HIGH:.*]] = stablehlo.constant dense<[0, 15, 0]> : tensor<3xi64>
// CHECK: %[[LOW:.*]] = stablehlo.constant dense<0> : tensor<3xi64>
// CHECK: %[[IN:.*]] = stablehlo.clamp %[[LOW]], %[[ALL]], %[[HIGH]]
// CHECK: %[[START:.*]] = stablehlo.convert %[[IN]] : (tensor<3xi64>) -> tensor<3xi32>
// CHECK: %[[NEW:.*]] = stablehlo.dynamic_update_slice %[[K]], %[[X]], %[[Z]], %[[P]], %[[Z]]
// CHECK: %[[SUM:.*]] = stablehlo.reduce(%[[NEW]]
// CHECK: return %[[X]], %[[SUM]], %{{[^ ]+}}, %[[START]]

// SAYS: remark: slot 'n' stays a slot: 'stablehlo.add' is on its chain, and only dynamic_update_slice writes one slice
func.func @main(%k: tensor<2x16x8xf32> {kvlift.kind = "buffer", kvlift.slot = "k", kvlift.verdict = "in_place", tf.aliasing_output = 0 : i32},
                %x: tensor<2x1x8xf32>, %p: tensor<i64>, %n: tensor<i64> {kvlift.slot = "n", tf.aliasing_output = 2 : i32})
    -> (tensor<2x16x8xf32> {kvlift.slot = "k"}, tensor<2x16xf32>, tensor<i64> {kvlift.slot = "n"}) {
  %z = stablehlo.constant dense<0> : tensor<i64>
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %1 = stablehlo.dynamic_update_slice %k, %x, %z, %p, %z : (tensor<2x16x8xf32>, tensor<2x1x8xf32>, tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<2x16x8xf32>
  %2 = stablehlo.reduce(%1 init: %f) applies stablehlo.add across dimensions = [2] : (tensor<2x16x8xf32>, tensor<f32>) -> tensor<2x16xf32>
  %3 = stablehlo.add %n, %p : tensor<i64>
  return %1, %2, %3 : tensor<2x16x8xf32>, tensor<2x16xf32>, tensor<i64>
}

// -----

// Several updates are several pairs, in their order. Nothing reads the last
// version any more, so that update goes; the one before it is read.

// CHECK-LABEL: func.func @two
// CHECK-SAME: (%[[K:[^ ]+]]: tensor<16xf32> {kvlift.kind = "inferred", kvlift.sliced = "k"}, %[[X:[^ ]+]]: tensor<2xf32>, %[[Y:[^ ]+]]: tensor<3xf32>,
// CHECK-SAME: -> (tensor<2xf32> {kvlift.name = "k.rows.0", kvlift.rows = "k"}, tensor<16xf32>, tensor<1xi32> {kvlift.name = "k.start.0", kvlift.start = "k"},
// CHECK-SAME: tensor<3xf32> {kvlift.name = "k.rows.1", kvlift.rows = "k"}, tensor<1xi32> {kvlift.name = "k.start.1", kvlift.start = "k"})
// CHECK: %[[FIRST:.*]] = stablehlo.clamp
// CHECK: %[[NEW:.*]] = stablehlo.dynamic_update_slice %[[K]], %[[X]]
// CHECK: stablehlo.constant dense<13> : tensor<1xi32>
// CHECK: %[[SECOND:.*]] = stablehlo.clamp
// CHECK-NOT: dynamic_update_slice
// CHECK: %[[READ:.*]] = stablehlo.negate %[[NEW]]
// CHECK: return %[[X]], %[[READ]], %[[FIRST]], %[[Y]], %[[SECOND]]
func.func @two(%k: tensor<16xf32> {kvlift.slot = "k"}, %x: tensor<2xf32>, %y: tensor<3xf32>, %p: tensor<i32>, %q: tensor<i32>)
    -> (tensor<16xf32> {kvlift.slot = "k"}, tensor<16xf32>) {
  %1 = stablehlo.dynamic_update_slice %k, %x, %p : (tensor<16xf32>, tensor<2xf32>, tensor<i32>) -> tensor<16xf32>
  %2 = stablehlo.dynamic_update_slice %1, %y, %q : (tensor<16xf32>, tensor<3xf32>, tensor<i32>) -> tensor<16xf32>
  %3 = stablehlo.negate %1 : tensor<16xf32>
  return %2, %3 : tensor<16xf32>, tensor<16xf32>
}

// -----

// A bound that the index type cannot hold bounds nothing.

// CHECK-LABEL: func.func @narrow
// CHECK: stablehlo.constant dense<127> : tensor<1xi8>
// CHECK: stablehlo.convert %{{[^ ]+}} : (tensor<1xi8>) -> tensor<1xi32>
func.func @narrow(%k: tensor<1000xf32> {kvlift.slot = "k"}, %x: tensor<2xf32>, %p: tensor<i8>) -> (tensor<1000xf32> {kvlift.slot = "k"}) {
  %1 = stablehlo.dynamic_update_slice %k, %x, %p : (tensor<1000xf32>, tensor<2xf32>, tensor<i8>) -> tensor<1000xf32>
  return %1 : tensor<1000xf32>
}

// -----

// Unsigned starts are never too small.

// CHECK-LABEL: func.func @unsigned
// CHECK: stablehlo.constant dense<[255, 8]> : tensor<2xui8>
// CHECK: stablehlo.convert %{{[^ ]+}} : (tensor<2xui8>) -> tensor<2xi32>
func.func @unsigned(%k: tensor<1000x10xf32> {kvlift.slot = "k"}, %x: tensor<2x2xf32>, %p: tensor<ui8>) -> (tensor<1000x10xf32> {kvlift.slot = "k"}) {
  %1 = stablehlo.dynamic_update_slice %k, %x, %p, %p : (tensor<1000x10xf32>, tensor<2x2xf32>, tensor<ui8>, tensor<ui8>) -> tensor<1000x10xf32>
  return %1 : tensor<1000x10xf32>
}

// -----

// Positions of a slot with more than 2^31 - 1 of them are of 64 bits.

// CHECK-LABEL: func.func @large
// CHECK-SAME: tensor<1xi64> {kvlift.name = "k.start", kvlift.start = "k"}
// CHECK: stablehlo.constant dense<4294967294> : tensor<1xi64>
// CHECK-NOT: stablehlo.convert
// CHECK: return
func.func @large(%k: tensor<4294967296xi8> {kvlift.slot = "k"}, %x: tensor<2xi8>, %p: tensor<i64>) -> (tensor<4294967296xi8> {kvlift.slot = "k"}) {
  %1 = stablehlo.dynamic_update_slice %k, %x, %p : (tensor<4294967296xi8>, tensor<2xi8>, tensor<i64>) -> tensor<4294967296xi8>
  return %1 : tensor<4294967296xi8>
}

// -----

// What is sliced already is no slot any more, and private functions have none.

// CHECK-LABEL: func.func @sliced
// CHECK-SAME: -> (tensor<1xf32> {kvlift.rows = "a"}, tensor<1xi32> {kvlift.start = "a"})
func.func @sliced(%a: tensor<4xf32> {kvlift.sliced = "a"}, %u: tensor<1xf32>, %i: tensor<1xi32>)
    -> (tensor<1xf32> {kvlift.rows = "a"}, tensor<1xi32> {kvlift.start = "a"}) {
  return %u, %i : tensor<1xf32>, tensor<1xi32>
}

// CHECK-LABEL: func.func private @inner
// CHECK-SAME: tensor<16xf32> {kvlift.slot = "k"}
func.func private @inner(%k: tensor<16xf32> {kvlift.slot = "k"}, %x: tensor<2xf32>, %p: tensor<i32>) -> (tensor<16xf32> {kvlift.slot = "k"}) {
  %1 = stablehlo.dynamic_update_slice %k, %x, %p : (tensor<16xf32>, tensor<2xf32>, tensor<i32>) -> tensor<16xf32>
  return %1 : tensor<16xf32>
}
