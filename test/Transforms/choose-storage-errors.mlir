// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-choose-storage{target=pjrt:cpu})' -o %t
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-choose-storage)' -o %t.same
// RUN: diff %t %t.same
// RUN: not kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-choose-storage{target=tpu})' 2>&1 | filecheck %s

// CHECK: error: target=tpu is not one of any, pjrt:cpu, pjrt:cuda, iree:cpu

// Sums of bits are no sums of floats.

// expected-note@below {{it is tensor<16x8xbf16> here}}
func.func @adds(%c: tensor<16x8xbf16> {kvlift.slot = "c"}, %u: tensor<3x8xbf16>, %p: tensor<3x1xi64>) -> (tensor<16x8xbf16> {kvlift.slot = "c"}) {
  // expected-remark@below {{slot 'c' keeps its element type: a scatter computes with its elements}}
  %n = "stablehlo.scatter"(%c, %p, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<bf16>, %b: tensor<bf16>):
    %sum = stablehlo.add %a, %b : tensor<bf16>
    stablehlo.return %sum : tensor<bf16>
  }) : (tensor<16x8xbf16>, tensor<3x1xi64>, tensor<3x8xbf16>) -> tensor<16x8xbf16>
  return %n : tensor<16x8xbf16>
}

// -----

// A position that is not 0 drops the update, so it has to stay.

// expected-note@below {{it is tensor<1x16x8xf32> here}}
func.func @position(%c: tensor<1x16x8xf32> {kvlift.slot = "c"}, %u: tensor<3x8xf32>, %p: tensor<3x2xi64>) -> (tensor<1x16x8xf32> {kvlift.slot = "c"}) {
  // expected-remark@below {{slot 'c' keeps its dimensions of extent 1: a scatter drops what is not at position 0 of dimension 0}}
  %n = "stablehlo.scatter"(%c, %p, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0, 1], scatter_dims_to_operand_dims = [0, 1], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    stablehlo.return %b : tensor<f32>
  }) : (tensor<1x16x8xf32>, tensor<3x2xi64>, tensor<3x8xf32>) -> tensor<1x16x8xf32>
  return %n : tensor<1x16x8xf32>
}

// -----

// An iota counts from 0, but not only 0.

// expected-note@below {{it is tensor<1x16x8xf32> here}}
func.func @counts(%c: tensor<1x16x8xf32> {kvlift.slot = "c"}, %u: tensor<3x8xf32>, %p: tensor<3x1xi64>) -> (tensor<1x16x8xf32> {kvlift.slot = "c"}) {
  %i = stablehlo.iota dim = 0 : tensor<3x1xi64>
  %at = stablehlo.concatenate %i, %p, dim = 1 : (tensor<3x1xi64>, tensor<3x1xi64>) -> tensor<3x2xi64>
  // expected-remark@below {{slot 'c' keeps its dimensions of extent 1: a scatter drops what is not at position 0 of dimension 0}}
  %n = "stablehlo.scatter"(%c, %at, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0, 1], scatter_dims_to_operand_dims = [0, 1], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    stablehlo.return %b : tensor<f32>
  }) : (tensor<1x16x8xf32>, tensor<3x2xi64>, tensor<3x8xf32>) -> tensor<1x16x8xf32>
  return %n : tensor<1x16x8xf32>
}

// -----

// A scatter needs a position of some dim.

// expected-note@below {{it is tensor<1x64xf32> here}}
func.func @lone(%c: tensor<1x64xf32> {kvlift.slot = "c"}, %u: tensor<64xf32>) -> (tensor<1x64xf32> {kvlift.slot = "c"}) {
  %z = stablehlo.constant dense<0> : tensor<1xi64>
  // expected-remark@below {{slot 'c' keeps its dimensions of extent 1: a scatter indexes no other dimension}}
  %n = "stablehlo.scatter"(%c, %z, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0]>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    stablehlo.return %b : tensor<f32>
  }) : (tensor<1x64xf32>, tensor<1xi64>, tensor<64xf32>) -> tensor<1x64xf32>
  return %n : tensor<1x64xf32>
}

// -----

// expected-note@below {{it is tensor<1x16x8xf32> here}}
func.func @batched(%c: tensor<1x16x8xf32> {kvlift.slot = "c"}, %u: tensor<1x8xf32>, %p: tensor<1x1xi64>) -> (tensor<1x16x8xf32> {kvlift.slot = "c"}) {
  // expected-remark@below {{slot 'c' keeps its dimensions of extent 1: a scatter batches over its dimensions}}
  %n = "stablehlo.scatter"(%c, %p, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [1], input_batching_dims = [0], scatter_indices_batching_dims = [0], scatter_dims_to_operand_dims = [1], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    stablehlo.return %b : tensor<f32>
  }) : (tensor<1x16x8xf32>, tensor<1x1xi64>, tensor<1x8xf32>) -> tensor<1x16x8xf32>
  return %n : tensor<1x16x8xf32>
}

// -----

// expected-note@below {{it is tensor<16x8xbf16> here}}
// expected-note@below {{it is tensor<16x8xbf16> here}}
func.func @several(%c: tensor<16x8xbf16> {kvlift.slot = "c"}, %d: tensor<16x8xbf16> {kvlift.slot = "d"}, %u: tensor<3x8xbf16>, %p: tensor<3x1xi64>) -> (tensor<16x8xbf16> {kvlift.slot = "c"}, tensor<16x8xbf16> {kvlift.slot = "d"}) {
  // expected-remark@below {{slot 'c' keeps its type: a scatter updates it with other values}}
  // expected-remark@below {{slot 'd' keeps its type: a scatter updates it with other values}}
  %n:2 = "stablehlo.scatter"(%c, %d, %p, %u, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<bf16>, %b: tensor<bf16>, %x: tensor<bf16>, %y: tensor<bf16>):
    stablehlo.return %x, %y : tensor<bf16>, tensor<bf16>
  }) : (tensor<16x8xbf16>, tensor<16x8xbf16>, tensor<3x1xi64>, tensor<3x8xbf16>, tensor<3x8xbf16>) -> (tensor<16x8xbf16>, tensor<16x8xbf16>)
  return %n#0, %n#1 : tensor<16x8xbf16>, tensor<16x8xbf16>
}

// -----

// Ops that the pass does not know make their value in the type that they do.

// expected-note@below {{it is tensor<64x4xbf16> here}}
func.func @masked(%c: tensor<64x4xbf16> {kvlift.slot = "c"}, %u: tensor<64x4xbf16>, %m: tensor<64x4xi1>) -> (tensor<64x4xbf16> {kvlift.slot = "c"}) {
  %w = stablehlo.add %u, %u : tensor<64x4xbf16>
  // expected-remark@below {{slot 'c' keeps its type: 'stablehlo.select' makes it in this type}}
  %n = stablehlo.select %m, %w, %c : tensor<64x4xi1>, tensor<64x4xbf16>
  return %n : tensor<64x4xbf16>
}

// -----

// Dims that something outside of the module names cannot go.

// expected-remark@below {{slot 'c' keeps its dimensions of extent 1: its sharding or layout names its dimensions}}
// expected-note@below {{it is tensor<1x16x8xf32> here}}
func.func @sharded(%c: tensor<1x16x8xf32> {kvlift.slot = "c", mhlo.sharding = "{replicated}"}, %u: tensor<1x1x8xf32>, %p: tensor<i32>) -> (tensor<1x16x8xf32> {kvlift.slot = "c"}) {
  %n = stablehlo.dynamic_update_slice %c, %u, %p, %p, %p : (tensor<1x16x8xf32>, tensor<1x1x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x16x8xf32>
  return %n : tensor<1x16x8xf32>
}

// -----

// expected-note@below {{it is tensor<1x16x8xf32> here}}
func.func @sharded_update(%c: tensor<1x16x8xf32> {kvlift.slot = "c"}, %u: tensor<1x1x8xf32>, %p: tensor<i32>) -> (tensor<1x16x8xf32> {kvlift.slot = "c"}) {
  // expected-remark@below {{slot 'c' keeps its dimensions of extent 1: the sharding of an op names its dimensions}}
  %n = stablehlo.dynamic_update_slice %c, %u, %p, %p, %p {mhlo.sharding = "{replicated}"} : (tensor<1x16x8xf32>, tensor<1x1x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x16x8xf32>
  return %n : tensor<1x16x8xf32>
}

// -----

// expected-note@below {{it is tensor<1x16x8xf32> here}}
func.func @empty_update(%c: tensor<1x16x8xf32> {kvlift.slot = "c"}, %u: tensor<0x1x8xf32>, %p: tensor<i32>) -> (tensor<1x16x8xf32> {kvlift.slot = "c"}) {
  // expected-remark@below {{slot 'c' keeps its dimensions of extent 1: an update of no elements names its dimensions}}
  %n = stablehlo.dynamic_update_slice %c, %u, %p, %p, %p : (tensor<1x16x8xf32>, tensor<0x1x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x16x8xf32>
  return %n : tensor<1x16x8xf32>
}

// -----

// A caller would have to change as well, and whoever calls it from outside.

// expected-remark@below {{slot 'c' keeps its type: public function 'inner' is called}}
// expected-note@below {{it is tensor<16x8xbf16> here}}
func.func @inner(%c: tensor<16x8xbf16> {kvlift.slot = "c"}, %u: tensor<1x8xbf16>, %p: tensor<i32>) -> (tensor<16x8xbf16> {kvlift.slot = "c"}) {
  %n = stablehlo.dynamic_update_slice %c, %u, %p, %p : (tensor<16x8xbf16>, tensor<1x8xbf16>, tensor<i32>, tensor<i32>) -> tensor<16x8xbf16>
  return %n : tensor<16x8xbf16>
}
// expected-note@below {{it is tensor<16x8xbf16> here}}
func.func @outer(%c: tensor<16x8xbf16> {kvlift.slot = "d"}, %u: tensor<1x8xbf16>, %p: tensor<i32>) -> (tensor<16x8xbf16> {kvlift.slot = "d"}) {
  // expected-remark@below {{slot 'd' keeps its type: the function that is called cannot be rewritten}}
  %n = func.call @inner(%c, %u, %p) : (tensor<16x8xbf16>, tensor<1x8xbf16>, tensor<i32>) -> tensor<16x8xbf16>
  return %n : tensor<16x8xbf16>
}

// -----

// A private function that a composite names as well is not only called.

// expected-note@below {{it is tensor<16x8xbf16> here}}
func.func @composed(%c: tensor<16x8xbf16> {kvlift.slot = "c"}, %u: tensor<1x8xbf16>, %p: tensor<i32>, %d: tensor<16x8xbf16>) -> (tensor<16x8xbf16> {kvlift.slot = "c"}, tensor<16x8xbf16>) {
  %n = func.call @body(%c, %u, %p) : (tensor<16x8xbf16>, tensor<1x8xbf16>, tensor<i32>) -> tensor<16x8xbf16>
  %m = stablehlo.composite "my.update" %d, %u, %p {decomposition = @body} : (tensor<16x8xbf16>, tensor<1x8xbf16>, tensor<i32>) -> tensor<16x8xbf16>
  return %n, %m : tensor<16x8xbf16>, tensor<16x8xbf16>
}
// expected-remark@below {{slot 'c' keeps its type: function 'body' is not only called}}
func.func private @body(%c: tensor<16x8xbf16>, %u: tensor<1x8xbf16>, %p: tensor<i32>) -> tensor<16x8xbf16> {
  %n = stablehlo.dynamic_update_slice %c, %u, %p, %p : (tensor<16x8xbf16>, tensor<1x8xbf16>, tensor<i32>, tensor<i32>) -> tensor<16x8xbf16>
  return %n : tensor<16x8xbf16>
}

// -----

// Another call of the callee passes what is no slot.

// expected-remark@below {{slot 'c' keeps its type: argument #3, which is no slot, can take its place}}
// expected-note@below {{it is tensor<16x8xbf16> here}}
func.func @other_caller(%c: tensor<16x8xbf16> {kvlift.slot = "c"}, %u: tensor<1x8xbf16>, %p: tensor<i32>, %d: tensor<16x8xbf16>) -> (tensor<16x8xbf16> {kvlift.slot = "c"}, tensor<16x8xbf16>) {
  %n = func.call @write(%c, %u, %p) : (tensor<16x8xbf16>, tensor<1x8xbf16>, tensor<i32>) -> tensor<16x8xbf16>
  %m = func.call @write(%d, %u, %p) : (tensor<16x8xbf16>, tensor<1x8xbf16>, tensor<i32>) -> tensor<16x8xbf16>
  return %n, %m : tensor<16x8xbf16>, tensor<16x8xbf16>
}
func.func private @write(%c: tensor<16x8xbf16>, %u: tensor<1x8xbf16>, %p: tensor<i32>) -> tensor<16x8xbf16> {
  %n = stablehlo.dynamic_update_slice %c, %u, %p, %p : (tensor<16x8xbf16>, tensor<1x8xbf16>, tensor<i32>, tensor<i32>) -> tensor<16x8xbf16>
  return %n : tensor<16x8xbf16>
}

// -----

// Functions that share a slot by name store it alike: what keeps one of them
// from another type keeps all.

// expected-note@below {{it is tensor<1x16x8xbf16> here}}
// expected-note@below {{it is tensor<1x16x8xbf16> here}}
func.func @prefill(%c: tensor<1x16x8xbf16> {kvlift.slot = "c"}, %u: tensor<1x3x8xbf16>, %p: tensor<1x2xi64>) -> (tensor<1x16x8xbf16> {kvlift.slot = "c"}) {
  // expected-remark@below {{slot 'c' keeps its dimensions of extent 1: in function 'prefill', a scatter drops what is not at position 0 of dimension 0}}
  // expected-remark@below {{slot 'c' keeps its element type: in function 'prefill', a scatter computes with its elements}}
  %n = "stablehlo.scatter"(%c, %p, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0, 1], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<bf16>, %b: tensor<bf16>):
    %sum = stablehlo.add %a, %b : tensor<bf16>
    stablehlo.return %sum : tensor<bf16>
  }) : (tensor<1x16x8xbf16>, tensor<1x2xi64>, tensor<1x3x8xbf16>) -> tensor<1x16x8xbf16>
  return %n : tensor<1x16x8xbf16>
}
// expected-note@below {{it is tensor<1x16x8xbf16> here}}
// expected-note@below {{it is tensor<1x16x8xbf16> here}}
func.func @decode(%c: tensor<1x16x8xbf16> {kvlift.slot = "c"}, %u: tensor<1x1x8xbf16>, %p: tensor<i32>) -> (tensor<1x16x8xbf16> {kvlift.slot = "c"}) {
  %n = stablehlo.dynamic_update_slice %c, %u, %p, %p, %p : (tensor<1x16x8xbf16>, tensor<1x1x8xbf16>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x16x8xbf16>
  return %n : tensor<1x16x8xbf16>
}

// -----

// A scatter's update has its rows in an order of its own.

// expected-note@below {{it is tensor<16x4x8xf32> here}}
func.func @scatter_order(%c: tensor<16x4x8xf32> {kvlift.slot = "c"}, %u: tensor<3x4x8xf32>, %p: tensor<3x1xi64>, %q: tensor<4x2x8xf32>) -> (tensor<16x4x8xf32> {kvlift.slot = "c"}, tensor<4x16x2xf32>) {
  // expected-remark@below {{slot 'c' keeps its order of dimensions: a scatter names its dimensions}}
  %n = "stablehlo.scatter"(%c, %p, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1, 2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    stablehlo.return %b : tensor<f32>
  }) : (tensor<16x4x8xf32>, tensor<3x1xi64>, tensor<3x4x8xf32>) -> tensor<16x4x8xf32>
  %s = stablehlo.dot_general %n, %q, batching_dims = [1] x [0], contracting_dims = [2] x [2] : (tensor<16x4x8xf32>, tensor<4x2x8xf32>) -> tensor<4x16x2xf32>
  return %n, %s : tensor<16x4x8xf32>, tensor<4x16x2xf32>
}

// -----

// An update of other dims of the slot would have to be turned around as a whole.

// expected-note@below {{it is tensor<16x4x8xf32> here}}
func.func @other_dims(%c: tensor<16x4x8xf32> {kvlift.slot = "c"}, %u: tensor<1x32xf32>, %x: tensor<1x4x8xf32>, %p: tensor<i32>, %q: tensor<4x2x8xf32>) -> (tensor<16x4x8xf32> {kvlift.slot = "c"}, tensor<4x16x2xf32>) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %r = stablehlo.reshape %c : (tensor<16x4x8xf32>) -> tensor<16x32xf32>
  %w = stablehlo.dynamic_update_slice %r, %u, %p, %z : (tensor<16x32xf32>, tensor<1x32xf32>, tensor<i32>, tensor<i32>) -> tensor<16x32xf32>
  // expected-remark@below {{slot 'c' keeps its order of dimensions: 'stablehlo.reshape' hands it on in other dimensions}}
  %v = stablehlo.reshape %w : (tensor<16x32xf32>) -> tensor<16x4x8xf32>
  %n = stablehlo.dynamic_update_slice %v, %x, %z, %z, %z : (tensor<16x4x8xf32>, tensor<1x4x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<16x4x8xf32>
  %s = stablehlo.dot_general %n, %q, batching_dims = [1] x [0], contracting_dims = [2] x [2] : (tensor<16x4x8xf32>, tensor<4x2x8xf32>) -> tensor<4x16x2xf32>
  return %n, %s : tensor<16x4x8xf32>, tensor<4x16x2xf32>
}

// -----

// On the CPU, XLA reads rows that it has written when a view of such an update is
// returned, so no view is put there.

// expected-note@below {{it is tensor<1x16x8xf32> here}}
func.func @moves(%c: tensor<1x16x8xf32> {kvlift.slot = "c"}, %p: tensor<i32>) -> (tensor<1x16x8xf32> {kvlift.slot = "c"}) {
  %rows = stablehlo.slice %c [0:1, 0:15, 0:8] : (tensor<1x16x8xf32>) -> tensor<1x15x8xf32>
  %more = stablehlo.add %rows, %rows : tensor<1x15x8xf32>
  // expected-remark@below {{slot 'c' keeps its type: an update moves rows of it}}
  %n = stablehlo.dynamic_update_slice %c, %more, %p, %p, %p : (tensor<1x16x8xf32>, tensor<1x15x8xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x16x8xf32>
  return %n : tensor<1x16x8xf32>
}
