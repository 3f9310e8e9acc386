// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-slice-results)'

// What is no sequence of slices stays a slot: an update that drops rows out of
// range,

func.func @scattered(%k: tensor<16xf32> {kvlift.slot = "k"}, %x: tensor<1xf32>, %p: tensor<1xi32>) -> (tensor<16xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k' stays a slot: 'stablehlo.scatter' is on its chain, and only dynamic_update_slice writes one slice}}
  %1 = "stablehlo.scatter"(%k, %p, %x) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0], scatter_dims_to_operand_dims = [0]>}> ({
  ^bb0(%old: tensor<f32>, %new: tensor<f32>):
    stablehlo.return %new : tensor<f32>
  }) : (tensor<16xf32>, tensor<1xi32>, tensor<1xf32>) -> tensor<16xf32>
  return %1 : tensor<16xf32>
}

// -----

// a loop,

func.func @looped(%k: tensor<16xf32> {kvlift.slot = "k"}, %x: tensor<1xf32>, %p: tensor<i32>, %q: tensor<i1>) -> (tensor<16xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k' stays a slot: 'stablehlo.while' is on its chain}}
  %1 = stablehlo.while(%c = %k) : tensor<16xf32>
    cond {
      stablehlo.return %q : tensor<i1>
    } do {
      %2 = stablehlo.dynamic_update_slice %c, %x, %p : (tensor<16xf32>, tensor<1xf32>, tensor<i32>) -> tensor<16xf32>
      stablehlo.return %2 : tensor<16xf32>
    }
  return %1 : tensor<16xf32>
}

// -----

// a branch, before a slice that is written always,

func.func @branched(%k: tensor<16xf32> {kvlift.slot = "k"}, %x: tensor<1xf32>, %p: tensor<i32>, %q: tensor<i1>) -> (tensor<16xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k' stays a slot: 'stablehlo.if' is on its chain}}
  %1 = "stablehlo.if"(%q) ({
    %2 = stablehlo.dynamic_update_slice %k, %x, %p : (tensor<16xf32>, tensor<1xf32>, tensor<i32>) -> tensor<16xf32>
    stablehlo.return %2 : tensor<16xf32>
  }, {
    stablehlo.return %k : tensor<16xf32>
  }) : (tensor<i1>) -> tensor<16xf32>
  %3 = stablehlo.dynamic_update_slice %1, %x, %p : (tensor<16xf32>, tensor<1xf32>, tensor<i32>) -> tensor<16xf32>
  return %3 : tensor<16xf32>
}

// -----

// an update in another layout than the slot's,

func.func @reshaped(%k: tensor<16xf32> {kvlift.slot = "k"}, %x: tensor<1x1xf32>, %p: tensor<i32>) -> (tensor<16xf32> {kvlift.slot = "k"}) {
  %1 = stablehlo.reshape %k : (tensor<16xf32>) -> tensor<4x4xf32>
  %2 = stablehlo.dynamic_update_slice %1, %x, %p, %p : (tensor<4x4xf32>, tensor<1x1xf32>, tensor<i32>, tensor<i32>) -> tensor<4x4xf32>
  // expected-remark@below {{slot 'k' stays a slot: 'stablehlo.reshape' is on its chain}}
  %3 = stablehlo.reshape %2 : (tensor<4x4xf32>) -> tensor<16xf32>
  return %3 : tensor<16xf32>
}

// -----

// nothing at all, and the update of another slot.

func.func @passed(%k: tensor<16xf32> {kvlift.slot = "k"}, %v: tensor<16xf32> {kvlift.slot = "v"}, %w: tensor<16xf32> {kvlift.slot = "w"}, %x: tensor<1xf32>, %p: tensor<i32>)
    -> (tensor<16xf32> {kvlift.slot = "k"}, tensor<16xf32> {kvlift.slot = "w"}, tensor<16xf32> {kvlift.slot = "v"}) {
  // expected-remark@below {{slot 'v' stays a slot: its result is no version of argument #1}}
  %1 = stablehlo.dynamic_update_slice %w, %x, %p : (tensor<16xf32>, tensor<1xf32>, tensor<i32>) -> tensor<16xf32>
  // expected-remark@below {{slot 'k' stays a slot: nothing updates it}}
  // expected-remark@below {{slot 'w' stays a slot: its result is no version of argument #2}}
  return %k, %v, %1 : tensor<16xf32>, tensor<16xf32>, tensor<16xf32>
}

// -----

// Slices that are no smaller than the slot gain nothing.

func.func @whole(%k: tensor<16xf32> {kvlift.slot = "k"}, %x: tensor<8xf32>, %p: tensor<i32>) -> (tensor<16xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k' stays a slot: its updates write 16 elements, and it has 16}}
  %1 = stablehlo.dynamic_update_slice %k, %x, %p : (tensor<16xf32>, tensor<8xf32>, tensor<i32>) -> tensor<16xf32>
  %2 = stablehlo.dynamic_update_slice %1, %x, %p : (tensor<16xf32>, tensor<8xf32>, tensor<i32>) -> tensor<16xf32>
  return %2 : tensor<16xf32>
}

// -----

// Neither do very many.

func.func @many(%k: tensor<99xf32> {kvlift.slot = "k"}, %x: tensor<1xf32>, %p: tensor<i32>) -> (tensor<99xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k' stays a slot: it has 17 updates; the limit is 16}}
  %1 = stablehlo.dynamic_update_slice %k, %x, %p : (tensor<99xf32>, tensor<1xf32>, tensor<i32>) -> tensor<99xf32>
  %2 = stablehlo.dynamic_update_slice %1, %x, %p : (tensor<99xf32>, tensor<1xf32>, tensor<i32>) -> tensor<99xf32>
  %3 = stablehlo.dynamic_update_slice %2, %x, %p : (tensor<99xf32>, tensor<1xf32>, tensor<i32>) -> tensor<99xf32>
  %4 = stablehlo.dynamic_update_slice %3, %x, %p : (tensor<99xf32>, tensor<1xf32>, tensor<i32>) -> tensor<99xf32>
  %5 = stablehlo.dynamic_update_slice %4, %x, %p : (tensor<99xf32>, tensor<1xf32>, tensor<i32>) -> tensor<99xf32>
  %6 = stablehlo.dynamic_update_slice %5, %x, %p : (tensor<99xf32>, tensor<1xf32>, tensor<i32>) -> tensor<99xf32>
  %7 = stablehlo.dynamic_update_slice %6, %x, %p : (tensor<99xf32>, tensor<1xf32>, tensor<i32>) -> tensor<99xf32>
  %8 = stablehlo.dynamic_update_slice %7, %x, %p : (tensor<99xf32>, tensor<1xf32>, tensor<i32>) -> tensor<99xf32>
  %9 = stablehlo.dynamic_update_slice %8, %x, %p : (tensor<99xf32>, tensor<1xf32>, tensor<i32>) -> tensor<99xf32>
  %10 = stablehlo.dynamic_update_slice %9, %x, %p : (tensor<99xf32>, tensor<1xf32>, tensor<i32>) -> tensor<99xf32>
  %11 = stablehlo.dynamic_update_slice %10, %x, %p : (tensor<99xf32>, tensor<1xf32>, tensor<i32>) -> tensor<99xf32>
  %12 = stablehlo.dynamic_update_slice %11, %x, %p : (tensor<99xf32>, tensor<1xf32>, tensor<i32>) -> tensor<99xf32>
  %13 = stablehlo.dynamic_update_slice %12, %x, %p : (tensor<99xf32>, tensor<1xf32>, tensor<i32>) -> tensor<99xf32>
  %14 = stablehlo.dynamic_update_slice %13, %x, %p : (tensor<99xf32>, tensor<1xf32>, tensor<i32>) -> tensor<99xf32>
  %15 = stablehlo.dynamic_update_slice %14, %x, %p : (tensor<99xf32>, tensor<1xf32>, tensor<i32>) -> tensor<99xf32>
  %16 = stablehlo.dynamic_update_slice %15, %x, %p : (tensor<99xf32>, tensor<1xf32>, tensor<i32>) -> tensor<99xf32>
  %17 = stablehlo.dynamic_update_slice %16, %x, %p : (tensor<99xf32>, tensor<1xf32>, tensor<i32>) -> tensor<99xf32>
  return %17 : tensor<99xf32>
}

// -----

// The range of a start depends on the extents.

func.func @dynamic(%k: tensor<?xf32> {kvlift.slot = "k"}, %x: tensor<1xf32>, %p: tensor<i32>) -> (tensor<?xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k' stays a slot: its shape is dynamic}}
  %1 = stablehlo.dynamic_update_slice %k, %x, %p : (tensor<?xf32>, tensor<1xf32>, tensor<i32>) -> tensor<?xf32>
  return %1 : tensor<?xf32>
}

// -----

// The rows would be the old version of a slot that is updated in place.

func.func @stored(%k: tensor<16xf32> {kvlift.slot = "k"}, %s: tensor<4xf32> {kvlift.slot = "s"}, %x: tensor<4xf32>, %p: tensor<i32>)
    -> (tensor<16xf32> {kvlift.slot = "k"}, tensor<4xf32> {kvlift.slot = "s"}) {
  // expected-remark@below {{slot 'k' stays a slot: what an update writes is another slot's storage, which must not leave the function}}
  %1 = stablehlo.dynamic_update_slice %k, %s, %p : (tensor<16xf32>, tensor<4xf32>, tensor<i32>) -> tensor<16xf32>
  // expected-remark@below {{slot 's' stays a slot: 'stablehlo.add' is on its chain}}
  %2 = stablehlo.add %s, %x : tensor<4xf32>
  return %1, %2 : tensor<16xf32>, tensor<4xf32>
}

// -----

// Shardings would not fit the rows.

func.func @sharded(%k: tensor<16xf32> {kvlift.slot = "k", mhlo.sharding = "{devices=[2]0,1}"}, %x: tensor<1xf32>, %p: tensor<i32>) -> (tensor<16xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k' stays a slot: 'mhlo.sharding' names its dimensions}}
  %1 = stablehlo.dynamic_update_slice %k, %x, %p : (tensor<16xf32>, tensor<1xf32>, tensor<i32>) -> tensor<16xf32>
  return %1 : tensor<16xf32>
}

// -----

// Callers expect the whole value.

// expected-remark@below {{slot 'k' stays a slot: function 'step' is called, and its callers expect the whole value}}
func.func @step(%k: tensor<16xf32> {kvlift.slot = "k"}, %x: tensor<1xf32>, %p: tensor<i32>) -> (tensor<16xf32> {kvlift.slot = "k"}) {
  %1 = stablehlo.dynamic_update_slice %k, %x, %p : (tensor<16xf32>, tensor<1xf32>, tensor<i32>) -> tensor<16xf32>
  return %1 : tensor<16xf32>
}
func.func @main(%k: tensor<16xf32> {kvlift.slot = "k"}, %x: tensor<1xf32>, %p: tensor<i32>) -> (tensor<16xf32> {kvlift.slot = "k"}) {
  // expected-remark@below {{slot 'k' stays a slot: 'func.call' is on its chain}}
  %1 = call @step(%k, %x, %p) : (tensor<16xf32>, tensor<1xf32>, tensor<i32>) -> tensor<16xf32>
  return %1 : tensor<16xf32>
}

// -----

// expected-remark@below {{slot 'k' stays a slot: function 'blocks' has several blocks}}
func.func @blocks(%k: tensor<16xf32> {kvlift.slot = "k"}) -> (tensor<16xf32> {kvlift.slot = "k"}) {
  cf.br ^end(%k : tensor<16xf32>)
^end(%r: tensor<16xf32>):
  return %r : tensor<16xf32>
}

// -----

// Contradicting marks are errors: of slots,

// expected-error@below {{slot 'a' is on argument #0 but on no result of function 'half'}}
func.func @half(%a: tensor<4xf32> {kvlift.slot = "a"}) -> tensor<4xf32> {
  return %a : tensor<4xf32>
}

// -----

// and of slots that are sliced already.

// expected-error@below {{sliced slot 'a' of function 'twice' is on argument #0 and on argument #1; a slot has one argument}}
func.func @twice(%a: tensor<4xf32> {kvlift.sliced = "a"}, %b: tensor<4xf32> {kvlift.sliced = "a"}) -> tensor<4xf32> {
  return %a : tensor<4xf32>
}

// -----

// expected-error@below {{sliced slot 'a' of function 'both' is on argument #0, but argument #1 is tied under that name}}
func.func @both(%a: tensor<4xf32> {kvlift.sliced = "a"}, %b: tensor<4xf32> {kvlift.slot = "a"}) -> (tensor<4xf32> {kvlift.slot = "a"}) {
  return %b : tensor<4xf32>
}

// -----

// expected-error@below {{sliced slot 'b' of function 'unknown' has kvlift.start on result #0 but no argument}}
func.func @unknown(%a: tensor<4xf32>, %i: tensor<1xi32>) -> (tensor<1xi32> {kvlift.start = "b"}) {
  return %i : tensor<1xi32>
}

// -----

// expected-error@below {{sliced slot 'a' of function 'unpaired' has 1 results with rows and 0 with starts; they come in pairs}}
func.func @unpaired(%a: tensor<4xf32> {kvlift.sliced = "a"}) -> (tensor<4xf32> {kvlift.rows = "a"}) {
  return %a : tensor<4xf32>
}

// -----

// expected-error@below {{sliced slot 'a' of function 'too_long' is tensor<4xf32>, but its rows in result #0 are tensor<5xf32>}}
func.func @too_long(%a: tensor<4xf32> {kvlift.sliced = "a"}, %u: tensor<5xf32>, %i: tensor<1xi32>) -> (tensor<5xf32> {kvlift.rows = "a"}, tensor<1xi32> {kvlift.start = "a"}) {
  return %u, %i : tensor<5xf32>, tensor<1xi32>
}

// -----

// expected-error@below {{sliced slot 'a' of function 'scalar_start' is tensor<4xf32>, but its start in result #1 is tensor<i32>}}
func.func @scalar_start(%a: tensor<4xf32> {kvlift.sliced = "a"}, %u: tensor<1xf32>, %i: tensor<i32>) -> (tensor<1xf32> {kvlift.rows = "a"}, tensor<i32> {kvlift.start = "a"}) {
  return %u, %i : tensor<1xf32>, tensor<i32>
}
