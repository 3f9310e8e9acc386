// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-check-in-place{target=iree:cpu require=in_place})'
// RUN: not kvlift-opt %s --pass-pipeline='builtin.module(kvlift-check-in-place{target=tpu})' 2>&1 | filecheck %s --check-prefix=TARGET
// RUN: not kvlift-opt %s --pass-pipeline='builtin.module(kvlift-check-in-place{on-conflict=ignore})' 2>&1 | filecheck %s --check-prefix=CONFLICT
// RUN: not kvlift-opt %s --pass-pipeline='builtin.module(kvlift-check-in-place{require=speed})' 2>&1 | filecheck %s --check-prefix=REQUIRE

// TARGET: error: target=tpu is not one of any, pjrt:cpu, pjrt:cuda, iree:cpu
// CONFLICT: error: on-conflict=ignore is not one of error, copy
// REQUIRE: error: require=speed is not one of none, in_place

// The sum needs the old and the new value.

func.func @sum(%c: tensor<64xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<64xf32> {kvlift.slot = "c"}, tensor<64xf32>) {
  // expected-error@below {{slot 'c' cannot be updated in place: the old value is still needed after this 'stablehlo.dynamic_update_slice'}}
  // expected-note@below {{pass on-conflict=copy to copy the old value in each call}}
  %0 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
  // expected-note@below {{reads the old value here}}
  // expected-note@below {{which needs the updated value here}}
  %1 = stablehlo.add %c, %0 : tensor<64xf32>
  return %0, %1 : tensor<64xf32>, tensor<64xf32>
}

// -----

// The way from the update to the reader has ops between: a note for each edge.
// Of two ways the shorter one is told.

func.func @long(%c: tensor<64xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<64xf32> {kvlift.slot = "c"}, tensor<64xf32>) {
  // expected-error@below {{slot 'c' cannot be updated in place}}
  // expected-note@below {{pass on-conflict=copy}}
  %0 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
  %1 = stablehlo.negate %0 : tensor<64xf32>
  %2 = stablehlo.abs %1 : tensor<64xf32>
  // expected-note@below {{which needs the updated value here}}
  // expected-note@below {{which needs the value computed here}}
  %3 = stablehlo.sign %0 : tensor<64xf32>
  %4 = stablehlo.add %2, %3 : tensor<64xf32>
  // expected-note@below {{reads the old value here}}
  %5 = stablehlo.add %c, %3 : tensor<64xf32>
  %6 = stablehlo.add %5, %4 : tensor<64xf32>
  return %0, %6 : tensor<64xf32>, tensor<64xf32>
}

// -----

// K's reader needs the new V and V's reader the new K.

func.func @crossed(%k: tensor<64xf32> {kvlift.slot = "k"}, %v: tensor<64xf32> {kvlift.slot = "v"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<64xf32> {kvlift.slot = "k"}, tensor<64xf32> {kvlift.slot = "v"}, tensor<64xf32>, tensor<64xf32>) {
  // expected-note@below {{pass on-conflict=copy}}
  // expected-error@below {{slot 'k' cannot be updated in place}}
  %0 = stablehlo.dynamic_update_slice %k, %u, %i : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
  %1 = stablehlo.dynamic_update_slice %v, %u, %i : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
  // expected-note@below {{reads the old value here}}
  // expected-note@below {{which needs the updated value here}}
  %2 = stablehlo.add %k, %1 : tensor<64xf32>
  // expected-note@below {{which must wait until the old value of slot 'v' is read here}}
  // expected-note@below {{which needs the updated value here}}
  %3 = stablehlo.add %v, %0 : tensor<64xf32>
  return %0, %1, %2, %3 : tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>
}

// -----

// The loop carries the slot on and captures it from outside: from the second
// iteration on, the captured value is gone.

func.func @captured(%c: tensor<64xf32> {kvlift.slot = "c"}, %i: tensor<i32>)
    -> (tensor<64xf32> {kvlift.slot = "c"}) {
  %n = stablehlo.constant dense<4> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  // expected-error@below {{slot 'c' cannot be updated in place: the old value is still needed after this 'stablehlo.while'}}
  // expected-note@below {{reads the old value here as well, beside overwriting it}}
  // expected-note@below {{pass on-conflict=copy}}
  %w:2 = stablehlo.while(%it = %i, %cc = %c) : tensor<i32>, tensor<64xf32>
  cond {
    %l = stablehlo.compare LT, %it, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %l : tensor<i1>
  } do {
    %next = stablehlo.add %it, %one : tensor<i32>
    %row = stablehlo.dynamic_slice %c, %it, sizes = [1] : (tensor<64xf32>, tensor<i32>) -> tensor<1xf32>
    %1 = stablehlo.dynamic_update_slice %cc, %row, %i : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
    stablehlo.return %next, %1 : tensor<i32>, tensor<64xf32>
  }
  return %w#1 : tensor<64xf32>
}

// -----

// What IREE gets wrong is an error whatever is required.

func.func @shift(%c: tensor<64xf32> {kvlift.slot = "c"}) -> (tensor<64xf32> {kvlift.slot = "c"}) {
  %one = stablehlo.constant dense<1> : tensor<i32>
  %rows = stablehlo.slice %c [0:63] : (tensor<64xf32>) -> tensor<63xf32>
  // expected-error@below {{slot 'c' would get wrong contents: IREE overwrites the slice while it moves it in 'stablehlo.dynamic_update_slice'}}
  // expected-note@below {{write one row at a position that wraps around, or compile for pjrt:cpu; known of iree:cpu by: test_target_facts.py::test_iree_reads_its_own_writes}}
  %new = stablehlo.dynamic_update_slice %c, %rows, %one : (tensor<64xf32>, tensor<63xf32>, tensor<i32>) -> tensor<64xf32>
  return %new : tensor<64xf32>
}

// -----

// The other things that IREE copies for, one each.

func.func @habits(%a: tensor<8x8xf32> {kvlift.slot = "a"}, %b: tensor<8x8xf32> {kvlift.slot = "b"}, %c: tensor<8x8xf32> {kvlift.slot = "c"},
                  %d: tensor<8x8xf32> {kvlift.slot = "d"}, %e: tensor<8x8xf32> {kvlift.slot = "e"}, %f: tensor<8x8xf32> {kvlift.slot = "f"},
                  %u: tensor<1x8xf32>, %i: tensor<i32>, %j: tensor<1x1xi32>, %p: tensor<i1>)
    -> (tensor<8x8xf32> {kvlift.slot = "a"}, tensor<8x8xf32> {kvlift.slot = "b"}, tensor<8x8xf32> {kvlift.slot = "c"},
        tensor<8x8xf32> {kvlift.slot = "d"}, tensor<8x8xf32> {kvlift.slot = "e"}, tensor<8x8xf32> {kvlift.slot = "f"}, tensor<8x8xf32>, tensor<1x8xf32>) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  // expected-error@below {{slot 'a' is copied: IREE transposes the whole slot for a scatter that does not index the leading dimensions in order: 'stablehlo.scatter'}}
  // expected-note@below {{index the leading dimensions of the slot, in order; known of iree:cpu by}}
  %a1 = "stablehlo.scatter"(%a, %j, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [1], scatter_dims_to_operand_dims = [1], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x8xf32>, tensor<1x1xi32>, tensor<1x8xf32>) -> tensor<8x8xf32>
  %b0 = stablehlo.transpose %b, dims = [1, 0] : (tensor<8x8xf32>) -> tensor<8x8xf32>
  // expected-error@below {{slot 'b' is copied: IREE builds the transposed slot for 'stablehlo.dynamic_update_slice'}}
  // expected-note@below {{lay the slot out as it is updated; known of iree:cpu by}}
  %b1 = stablehlo.dynamic_update_slice %b0, %u, %i, %z : (tensor<8x8xf32>, tensor<1x8xf32>, tensor<i32>, tensor<i32>) -> tensor<8x8xf32>
  %b2 = stablehlo.transpose %b1, dims = [1, 0] : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %c0 = stablehlo.slice %c [1:8, 0:8] : (tensor<8x8xf32>) -> tensor<7x8xf32>
  // expected-error@below {{slot 'c' is copied: IREE builds the new value beside the old in 'stablehlo.concatenate'}}
  // expected-note@below {{move no rows: write one at a position that wraps around; known of iree:cpu by}}
  %c1 = stablehlo.concatenate %c0, %u, dim = 0 : (tensor<7x8xf32>, tensor<1x8xf32>) -> tensor<8x8xf32>
  // expected-error@below {{slot 'd' is copied: IREE builds the new value beside the old in 'stablehlo.add'}}
  // expected-note@below {{compute and write only the rows that change; known of iree:cpu by}}
  %d1 = stablehlo.add %d, %d : tensor<8x8xf32>
  %e1 = stablehlo.dynamic_update_slice %e, %u, %i, %z : (tensor<8x8xf32>, tensor<1x8xf32>, tensor<i32>, tensor<i32>) -> tensor<8x8xf32>
  // expected-error@below {{slot 'f' is copied: the old value has to survive for 'stablehlo.dynamic_update_slice'}}
  // expected-note@below {{let each update go on from the one before; known of iree:cpu by}}
  %f0 = stablehlo.dynamic_update_slice %f, %u, %i, %z : (tensor<8x8xf32>, tensor<1x8xf32>, tensor<i32>, tensor<i32>) -> tensor<8x8xf32>
  %row = stablehlo.slice %f0 [0:1, 0:8] : (tensor<8x8xf32>) -> tensor<1x8xf32>
  %f1 = stablehlo.dynamic_update_slice %f, %u, %z, %z : (tensor<8x8xf32>, tensor<1x8xf32>, tensor<i32>, tensor<i32>) -> tensor<8x8xf32>
  // expected-error@below {{slot 'e' is copied: IREE copies the slot for the other result of 'func.return'}}
  // expected-note@below {{return it once; a session's `state` has it too; known of iree:cpu by}}
  return %a1, %b2, %c1, %d1, %e1, %f1, %e1, %row : tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<1x8xf32>
}

// -----

// A slot keeps its name in a loop in a loop.

func.func @nested(%c: tensor<64xf32> {kvlift.slot = "c"}, %z: tensor<64xf32>, %u: tensor<1xf32>, %i: tensor<i32>, %p: tensor<i1>)
    -> (tensor<64xf32> {kvlift.slot = "c"}, tensor<64xf32>) {
  %w:2 = stablehlo.while(%a = %c, %x = %z) : tensor<64xf32>, tensor<64xf32>
  cond {
    stablehlo.return %p : tensor<i1>
  } do {
    %v:2 = stablehlo.while(%b = %a, %y = %x) : tensor<64xf32>, tensor<64xf32>
    cond {
      stablehlo.return %p : tensor<i1>
    } do {
      // expected-error@below {{slot 'c' cannot be updated in place}}
      // expected-note@below {{pass on-conflict=copy}}
      %0 = stablehlo.dynamic_update_slice %b, %u, %i : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
      // expected-note@below {{reads the old value here}}
      // expected-note@below {{which needs the updated value here}}
      %1 = stablehlo.add %b, %0 : tensor<64xf32>
      stablehlo.return %0, %1 : tensor<64xf32>, tensor<64xf32>
    }
    stablehlo.return %v#0, %v#1 : tensor<64xf32>, tensor<64xf32>
  }
  return %w#0, %w#1 : tensor<64xf32>, tensor<64xf32>
}
