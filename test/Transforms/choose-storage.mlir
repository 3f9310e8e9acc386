// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-choose-storage{target=pjrt:cpu})' > %t.once
// RUN: filecheck %s --input-file %t.once
// RUN: kvlift-opt %t.once --split-input-file --pass-pipeline='builtin.module(kvlift-choose-storage{target=pjrt:cpu})' > %t.twice
// RUN: diff %t.once %t.twice
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-choose-storage{target=iree:cpu})' | filecheck %s --check-prefix=SAME
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-choose-storage)' | filecheck %s --check-prefix=SAME

// Dims of extent 1 go, also from the rows that the range guard reads. The
// product reads the slot's logical shape, and the tie stays.
// No other target wants any of this file's slots in another type.

// SAME-NOT: kvlift.logical

// CHECK-LABEL: func.func @unit_dims
// CHECK-SAME: (%[[C:.*]]: tensor<2x8x4xf32> {kvlift.logical = tensor<1x2x8x4xf32>, kvlift.slot = "c", tf.aliasing_output = 0 : i32}, %[[U:.*]]: tensor<1x2x1x4xf32>, %[[P:.*]]: tensor<i32>
// CHECK-SAME: -> (tensor<2x8x4xf32> {kvlift.slot = "c"}, tensor<1x2x8x1xf32>)
// CHECK: %[[Z:.*]] = stablehlo.constant dense<0> : tensor<i32>
// CHECK: %[[ROWS:.*]] = stablehlo.dynamic_slice %[[C]], %[[Z]], %[[P]], %[[Z]], sizes = [2, 1, 4]
// CHECK: %[[OLD:.*]] = stablehlo.reshape %[[ROWS]] : (tensor<2x1x4xf32>) -> tensor<1x2x1x4xf32>
// CHECK: %[[GUARDED:.*]] = stablehlo.select %{{.*}}, %[[U]], %[[OLD]]
// CHECK: %[[NEW:.*]] = stablehlo.reshape %[[GUARDED]] : (tensor<1x2x1x4xf32>) -> tensor<2x1x4xf32>
// CHECK: %[[N:.*]] = stablehlo.dynamic_update_slice %[[C]], %[[NEW]], %[[Z]], %[[P]], %[[Z]] : (tensor<2x8x4xf32>, tensor<2x1x4xf32>
// CHECK: %[[READ:.*]] = stablehlo.reshape %[[N]] : (tensor<2x8x4xf32>) -> tensor<1x2x8x4xf32>
// CHECK: %[[S:.*]] = stablehlo.dot_general %[[READ]]
// CHECK: return %[[N]], %[[S]] : tensor<2x8x4xf32>, tensor<1x2x8x1xf32>
func.func @unit_dims(%c: tensor<1x2x8x4xf32> {kvlift.slot = "c", tf.aliasing_output = 0 : i32}, %u: tensor<1x2x1x4xf32>, %p: tensor<i32>, %q: tensor<1x2x1x4xf32>)
    -> (tensor<1x2x8x4xf32> {kvlift.slot = "c"}, tensor<1x2x8x1xf32>) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %ok = stablehlo.compare GE, %p, %z : (tensor<i32>, tensor<i32>) -> tensor<i1>
  %old = stablehlo.dynamic_slice %c, %z, %z, %p, %z, sizes = [1, 2, 1, 4] : (tensor<1x2x8x4xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x2x1x4xf32>
  %new = stablehlo.select %ok, %u, %old : tensor<i1>, tensor<1x2x1x4xf32>
  %n = stablehlo.dynamic_update_slice %c, %new, %z, %z, %p, %z : (tensor<1x2x8x4xf32>, tensor<1x2x1x4xf32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x2x8x4xf32>
  %s = stablehlo.dot_general %n, %q, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (tensor<1x2x8x4xf32>, tensor<1x2x1x4xf32>) -> tensor<1x2x8x1xf32>
  return %n, %s : tensor<1x2x8x4xf32>, tensor<1x2x8x1xf32>
}

// -----

// Narrow floats are stored and updated as bits. The guard selects bits as well:
// what it selects may be a NaN, which a wider type could change.

// CHECK-LABEL: func.func @bits
// CHECK-SAME: (%[[C:.*]]: tensor<8x4xui16> {kvlift.logical = tensor<8x4xbf16>, kvlift.slot = "c"}, %[[U:.*]]: tensor<1x4xbf16>
// CHECK-SAME: -> (tensor<8x4xui16> {kvlift.slot = "c"}, tensor<8x4xbf16>)
// CHECK: %[[OLD:.*]] = stablehlo.dynamic_slice %[[C]]
// CHECK-NOT: tensor<1x4xi1>, tensor<1x4xbf16>
// CHECK: %[[B:.*]] = stablehlo.bitcast_convert %[[U]] : (tensor<1x4xbf16>) -> tensor<1x4xui16>
// CHECK: %[[NEW:.*]] = stablehlo.select %{{.*}}, %[[B]], %[[OLD]] : tensor<i1>, tensor<1x4xui16>
// CHECK: %[[N:.*]] = stablehlo.dynamic_update_slice %[[C]], %[[NEW]]
// CHECK: %[[READ:.*]] = stablehlo.bitcast_convert %[[N]] : (tensor<8x4xui16>) -> tensor<8x4xbf16>
// CHECK: stablehlo.add %[[READ]], %[[READ]]
func.func @bits(%c: tensor<8x4xbf16> {kvlift.slot = "c"}, %u: tensor<1x4xbf16>, %p: tensor<i32>)
    -> (tensor<8x4xbf16> {kvlift.slot = "c"}, tensor<8x4xbf16>) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %ok = stablehlo.compare GE, %p, %z : (tensor<i32>, tensor<i32>) -> tensor<i1>
  %old = stablehlo.dynamic_slice %c, %p, %z, sizes = [1, 4] : (tensor<8x4xbf16>, tensor<i32>, tensor<i32>) -> tensor<1x4xbf16>
  %new = stablehlo.select %ok, %u, %old : tensor<i1>, tensor<1x4xbf16>
  %n = stablehlo.dynamic_update_slice %c, %new, %p, %z : (tensor<8x4xbf16>, tensor<1x4xbf16>, tensor<i32>, tensor<i32>) -> tensor<8x4xbf16>
  %s = stablehlo.add %n, %n : tensor<8x4xbf16>
  return %n, %s : tensor<8x4xbf16>, tensor<8x4xbf16>
}

// -----

// A scatter that overwrites writes bits, and loses its column of zeros.

// CHECK-LABEL: func.func @scatter
// CHECK-SAME: (%[[C:.*]]: tensor<16x8xui8> {kvlift.logical = tensor<1x16x8xf8E4M3FN>, kvlift.slot = "c"}, %[[U:.*]]: tensor<3x8xf8E4M3FN>, %[[P:.*]]: tensor<3x1xi64>)
// CHECK: %[[AT:.*]] = stablehlo.slice %{{.*}} [0:3, 1:2]
// CHECK: %[[B:.*]] = stablehlo.bitcast_convert %[[U]]
// CHECK: "stablehlo.scatter"(%[[C]], %[[AT]], %[[B]])
// CHECK-SAME: #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>
// CHECK: ^bb0(%{{.*}}: tensor<ui8>, %[[V:.*]]: tensor<ui8>):
// CHECK: stablehlo.return %[[V]]
// CHECK: (tensor<16x8xui8>, tensor<3x1xi64>, tensor<3x8xui8>) -> tensor<16x8xui8>
func.func @scatter(%c: tensor<1x16x8xf8E4M3FN> {kvlift.slot = "c"}, %u: tensor<3x8xf8E4M3FN>, %p: tensor<3x1xi64>)
    -> (tensor<1x16x8xf8E4M3FN> {kvlift.slot = "c"}) {
  %zero = stablehlo.constant dense<0> : tensor<i64>
  %batch = stablehlo.broadcast_in_dim %zero, dims = [] : (tensor<i64>) -> tensor<3x1xi64>
  %at = stablehlo.concatenate %batch, %p, dim = 1 : (tensor<3x1xi64>, tensor<3x1xi64>) -> tensor<3x2xi64>
  %n = "stablehlo.scatter"(%c, %at, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0, 1], scatter_dims_to_operand_dims = [0, 1], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<f8E4M3FN>, %b: tensor<f8E4M3FN>):
    stablehlo.return %b : tensor<f8E4M3FN>
  }) : (tensor<1x16x8xf8E4M3FN>, tensor<3x2xi64>, tensor<3x8xf8E4M3FN>) -> tensor<1x16x8xf8E4M3FN>
  return %n : tensor<1x16x8xf8E4M3FN>
}

// -----

// A folded dim in the update's window goes too, and a scatter that adds keeps
// its element type: folding needs none.

// CHECK-LABEL: func.func @scatter_window
// CHECK-SAME: (%[[C:.*]]: tensor<16x8xf32>
// CHECK: %[[W:.*]] = stablehlo.reshape %{{.*}} : (tensor<1x3x8xf32>) -> tensor<3x8xf32>
// CHECK: "stablehlo.scatter"(%[[C]], %{{.*}}, %[[W]])
// CHECK-SAME: #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>
// CHECK: stablehlo.add
func.func @scatter_window(%c: tensor<1x16x8xf32> {kvlift.slot = "c"}, %u: tensor<1x3x8xf32>, %p: tensor<3x1xi64>)
    -> (tensor<1x16x8xf32> {kvlift.slot = "c"}) {
  %n = "stablehlo.scatter"(%c, %p, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 2], inserted_window_dims = [1], scatter_dims_to_operand_dims = [1], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %sum = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %sum : tensor<f32>
  }) : (tensor<1x16x8xf32>, tensor<3x1xi64>, tensor<1x3x8xf32>) -> tensor<1x16x8xf32>
  return %n : tensor<1x16x8xf32>
}

// -----

// Loops carry the store type; a condition that looks at the slot reads its
// logical one.

// CHECK-LABEL: func.func @loop
// CHECK-SAME: (%[[C:.*]]: tensor<8x4xui16>
// CHECK: %[[R:.*]]:2 = stablehlo.while(%[[I:.*]] = %{{.*}}, %[[V:.*]] = %[[C]]) : tensor<i32>, tensor<8x4xui16>
// CHECK: cond
// CHECK: %[[PART:.*]] = stablehlo.slice %[[V]] [0:1, 0:1] : (tensor<8x4xui16>)
// CHECK: stablehlo.bitcast_convert %[[PART]] : (tensor<1x1xui16>) -> tensor<1x1xbf16>
// CHECK: do
// CHECK: %[[N:.*]] = stablehlo.dynamic_update_slice %[[V]]
// CHECK: stablehlo.return %{{.*}}, %[[N]] : tensor<i32>, tensor<8x4xui16>
// CHECK: return %[[R]]#1 : tensor<8x4xui16>
func.func @loop(%c: tensor<8x4xbf16> {kvlift.slot = "c"}, %u: tensor<1x4xbf16>)
    -> (tensor<8x4xbf16> {kvlift.slot = "c"}) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %zero = stablehlo.constant dense<0.0> : tensor<1x1xbf16>
  %0:2 = stablehlo.while(%i = %z, %v = %c) : tensor<i32>, tensor<8x4xbf16>
  cond {
    %part = stablehlo.slice %v [0:1, 0:1] : (tensor<8x4xbf16>) -> tensor<1x1xbf16>
    %is = stablehlo.compare EQ, %part, %zero : (tensor<1x1xbf16>, tensor<1x1xbf16>) -> tensor<1x1xi1>
    %on = stablehlo.reshape %is : (tensor<1x1xi1>) -> tensor<i1>
    stablehlo.return %on : tensor<i1>
  } do {
    %n = stablehlo.dynamic_update_slice %v, %u, %i, %z : (tensor<8x4xbf16>, tensor<1x4xbf16>, tensor<i32>, tensor<i32>) -> tensor<8x4xbf16>
    %next = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %next, %n : tensor<i32>, tensor<8x4xbf16>
  }
  return %0#1 : tensor<8x4xbf16>
}

// -----

// Branches yield the store type; the slot that they capture is the outer one.

// CHECK-LABEL: func.func @branch
// CHECK-SAME: (%[[C:.*]]: tensor<8x4xf32> {kvlift.logical = tensor<8x1x4xf32>
// CHECK: %[[R:.*]] = "stablehlo.if"
// CHECK: %[[N:.*]] = stablehlo.dynamic_update_slice %[[C]]
// CHECK: stablehlo.return %[[N]] : tensor<8x4xf32>
// CHECK: stablehlo.return %[[C]] : tensor<8x4xf32>
// CHECK: (tensor<i1>) -> tensor<8x4xf32>
// CHECK: return %[[R]]
func.func @branch(%c: tensor<8x1x4xf32> {kvlift.slot = "c"}, %u: tensor<1x1x4xf32>, %on: tensor<i1>, %p: tensor<i32>)
    -> (tensor<8x1x4xf32> {kvlift.slot = "c"}) {
  %0 = "stablehlo.if"(%on) ({
    %n = stablehlo.dynamic_update_slice %c, %u, %p, %p, %p : (tensor<8x1x4xf32>, tensor<1x1x4xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x1x4xf32>
    stablehlo.return %n : tensor<8x1x4xf32>
  }, {
    stablehlo.return %c : tensor<8x1x4xf32>
  }) : (tensor<i1>) -> tensor<8x1x4xf32>
  return %0 : tensor<8x1x4xf32>
}

// -----

// Two slots share a private function: it and both calls change together.

// CHECK-LABEL: func.func @callers
// CHECK-SAME: (%[[K:.*]]: tensor<8x4xui16> {kvlift.logical = tensor<1x8x4xbf16>, kvlift.slot = "k"}, %[[V:.*]]: tensor<8x4xui16> {kvlift.logical = tensor<1x8x4xbf16>, kvlift.slot = "v"}
// CHECK: call @write(%[[K]], %{{.*}}) : (tensor<8x4xui16>, tensor<1x1x4xbf16>, tensor<i32>) -> tensor<8x4xui16>
// CHECK: call @write(%[[V]], %{{.*}}) : (tensor<8x4xui16>, tensor<1x1x4xbf16>, tensor<i32>) -> tensor<8x4xui16>
// CHECK: func.func private @write(%{{.*}}: tensor<8x4xui16>, %{{.*}}: tensor<1x1x4xbf16>, %{{.*}}: tensor<i32>) -> tensor<8x4xui16>
func.func @callers(%k: tensor<1x8x4xbf16> {kvlift.slot = "k"}, %v: tensor<1x8x4xbf16> {kvlift.slot = "v"}, %u: tensor<1x1x4xbf16>, %p: tensor<i32>)
    -> (tensor<1x8x4xbf16> {kvlift.slot = "k"}, tensor<1x8x4xbf16> {kvlift.slot = "v"}) {
  %0 = func.call @write(%k, %u, %p) : (tensor<1x8x4xbf16>, tensor<1x1x4xbf16>, tensor<i32>) -> tensor<1x8x4xbf16>
  %1 = func.call @write(%v, %u, %p) : (tensor<1x8x4xbf16>, tensor<1x1x4xbf16>, tensor<i32>) -> tensor<1x8x4xbf16>
  return %0, %1 : tensor<1x8x4xbf16>, tensor<1x8x4xbf16>
}
func.func private @write(%c: tensor<1x8x4xbf16>, %u: tensor<1x1x4xbf16>, %p: tensor<i32>) -> tensor<1x8x4xbf16> {
  %n = stablehlo.dynamic_update_slice %c, %u, %p, %p, %p : (tensor<1x8x4xbf16>, tensor<1x1x4xbf16>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x8x4xbf16>
  return %n : tensor<1x8x4xbf16>
}

// -----

// Views on the chain work on the store type, or go when nothing is left of
// them: a reshape of a unit dim, a transpose that only moves one, a bitcast.

// CHECK-LABEL: func.func @views
// CHECK-SAME: (%[[C:.*]]: tensor<4x8x4xui16>
// CHECK: %[[B:.*]] = stablehlo.optimization_barrier %[[C]] : tensor<4x8x4xui16>
// CHECK: %[[T:.*]] = stablehlo.transpose %[[B]], dims = [1, 0, 2] : (tensor<4x8x4xui16>) -> tensor<8x4x4xui16>
// CHECK: %[[U:.*]] = stablehlo.dynamic_update_slice %[[T]]
// CHECK: %[[BACK:.*]] = stablehlo.transpose %[[U]], dims = [1, 0, 2]
// CHECK: %[[FLAT:.*]] = stablehlo.reshape %[[BACK]] : (tensor<4x8x4xui16>) -> tensor<32x4xui16>
// CHECK: %[[N:.*]] = stablehlo.dynamic_update_slice %[[FLAT]]
// CHECK: %[[LAST:.*]] = stablehlo.reshape %[[N]] : (tensor<32x4xui16>) -> tensor<4x8x4xui16>
// CHECK: return %[[LAST]]
func.func @views(%c: tensor<1x4x8x4xbf16> {kvlift.slot = "c"}, %u: tensor<1x1x1x4xbf16>, %w: tensor<1x4xui16>, %p: tensor<i32>)
    -> (tensor<1x4x8x4xbf16> {kvlift.slot = "c"}) {
  %0 = stablehlo.optimization_barrier %c : tensor<1x4x8x4xbf16>
  %1 = stablehlo.transpose %0, dims = [2, 0, 1, 3] : (tensor<1x4x8x4xbf16>) -> tensor<8x1x4x4xbf16>
  %2 = stablehlo.dynamic_update_slice %1, %u, %p, %p, %p, %p : (tensor<8x1x4x4xbf16>, tensor<1x1x1x4xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x1x4x4xbf16>
  %3 = stablehlo.transpose %2, dims = [2, 0, 1, 3] : (tensor<8x1x4x4xbf16>) -> tensor<4x8x1x4xbf16>
  %4 = stablehlo.transpose %3, dims = [2, 0, 1, 3] : (tensor<4x8x1x4xbf16>) -> tensor<1x4x8x4xbf16>
  %5 = stablehlo.bitcast_convert %4 : (tensor<1x4x8x4xbf16>) -> tensor<1x4x8x4xui16>
  %6 = stablehlo.reshape %5 : (tensor<1x4x8x4xui16>) -> tensor<32x4xui16>
  %7 = stablehlo.dynamic_update_slice %6, %w, %p, %p : (tensor<32x4xui16>, tensor<1x4xui16>, tensor<i32>, tensor<i32>) -> tensor<32x4xui16>
  %8 = stablehlo.reshape %7 : (tensor<32x4xui16>) -> tensor<1x4x8x4xui16>
  %9 = stablehlo.bitcast_convert %8 : (tensor<1x4x8x4xui16>) -> tensor<1x4x8x4xbf16>
  return %9 : tensor<1x4x8x4xbf16>
}

// -----

// Functions that share a slot by name store it alike, also the one that only
// reads it. A second result that shows the slot keeps its type.

// CHECK-LABEL: func.func @fill
// CHECK-SAME: tensor<16x4xf32> {kvlift.logical = tensor<1x16x4xf32>, kvlift.slot = "c"}
// CHECK-LABEL: func.func @look
// CHECK-SAME: (%[[C:.*]]: tensor<16x4xf32> {kvlift.logical = tensor<1x16x4xf32>, kvlift.slot = "c"}) -> (tensor<16x4xf32> {kvlift.slot = "c"}, tensor<1x16x4xf32>)
// CHECK: %[[SHOWN:.*]] = stablehlo.reshape %[[C]]
// CHECK: return %[[C]], %[[SHOWN]]
func.func @fill(%c: tensor<1x16x4xf32> {kvlift.slot = "c"}, %u: tensor<1x1x4xf32>, %p: tensor<i32>) -> (tensor<1x16x4xf32> {kvlift.slot = "c"}) {
  %n = stablehlo.dynamic_update_slice %c, %u, %p, %p, %p : (tensor<1x16x4xf32>, tensor<1x1x4xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x16x4xf32>
  return %n : tensor<1x16x4xf32>
}
func.func @look(%c: tensor<1x16x4xf32> {kvlift.slot = "c"}) -> (tensor<1x16x4xf32> {kvlift.slot = "c"}, tensor<1x16x4xf32>) {
  return %c, %c : tensor<1x16x4xf32>, tensor<1x16x4xf32>
}

// -----

// One loop carries two slots, and a branch may swap them: they are one group.

// CHECK-LABEL: func.func @swapped
// CHECK-SAME: (%[[A:.*]]: tensor<16x4xf32> {kvlift.logical = tensor<1x16x4xf32>, kvlift.slot = "a"}, %[[B:.*]]: tensor<16x4xf32> {kvlift.logical = tensor<1x16x4xf32>, kvlift.slot = "b"}
// CHECK: "stablehlo.if"
// CHECK: stablehlo.return %[[B]] : tensor<16x4xf32>
func.func @swapped(%a: tensor<1x16x4xf32> {kvlift.slot = "a"}, %b: tensor<1x16x4xf32> {kvlift.slot = "b"}, %u: tensor<1x1x4xf32>, %p: tensor<i32>, %on: tensor<i1>)
    -> (tensor<1x16x4xf32> {kvlift.slot = "a"}, tensor<1x16x4xf32> {kvlift.slot = "b"}) {
  %0 = "stablehlo.if"(%on) ({
    stablehlo.return %b : tensor<1x16x4xf32>
  }, {
    stablehlo.return %a : tensor<1x16x4xf32>
  }) : (tensor<i1>) -> tensor<1x16x4xf32>
  %n = stablehlo.dynamic_update_slice %0, %u, %p, %p, %p : (tensor<1x16x4xf32>, tensor<1x1x4xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x16x4xf32>
  %m = stablehlo.dynamic_update_slice %b, %u, %p, %p, %p : (tensor<1x16x4xf32>, tensor<1x1x4xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x16x4xf32>
  return %n, %m : tensor<1x16x4xf32>, tensor<1x16x4xf32>
}

// -----

// Nothing to gain: a slot smaller than a cache line, and one that is computed
// anew as a whole.

// CHECK-LABEL: func.func @left
// CHECK-SAME: (%{{.*}}: tensor<1x4xbf16> {kvlift.slot = "small"}, %{{.*}}: tensor<1x64xbf16> {kvlift.slot = "whole"}
// SAME-LABEL: func.func @left
func.func @left(%s: tensor<1x4xbf16> {kvlift.slot = "small"}, %w: tensor<1x64xbf16> {kvlift.slot = "whole"}, %u: tensor<1x1xbf16>, %p: tensor<i32>)
    -> (tensor<1x4xbf16> {kvlift.slot = "small"}, tensor<1x64xbf16> {kvlift.slot = "whole"}) {
  %n = stablehlo.dynamic_update_slice %s, %u, %p, %p : (tensor<1x4xbf16>, tensor<1x1xbf16>, tensor<i32>, tensor<i32>) -> tensor<1x4xbf16>
  %m = stablehlo.add %w, %w : tensor<1x64xbf16>
  return %n, %m : tensor<1x4xbf16>, tensor<1x64xbf16>
}
