// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-order-updates)' | filecheck %s

// The update stands before two readers of the old version. It sinks below
// both; ops that have nothing to do with it stay.

// CHECK-LABEL: func.func @sink
// CHECK-SAME: (%[[C:[^ ]+]]: tensor<8xf32>
// CHECK: stablehlo.abs
// CHECK-NEXT: %[[NEG:[^ ]+]] = stablehlo.negate %[[C]]
// CHECK-NEXT: stablehlo.sign
// CHECK-NEXT: %[[EXP:[^ ]+]] = stablehlo.exponential %[[C]]
// CHECK-NEXT: %[[NEW:[^ ]+]] = stablehlo.dynamic_update_slice %[[C]]
// CHECK-NEXT: stablehlo.floor
// CHECK-NEXT: return %[[NEW]], %[[NEG]], %[[EXP]]
func.func @sink(%c: tensor<8xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<8xf32> {kvlift.slot = "c"}, tensor<8xf32>, tensor<8xf32>) {
  %a = stablehlo.abs %u : tensor<1xf32>
  %new = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  %n = stablehlo.negate %c : tensor<8xf32>
  %s = stablehlo.sign %u : tensor<1xf32>
  %e = stablehlo.exponential %c : tensor<8xf32>
  %f = stablehlo.floor %u : tensor<1xf32>
  return %new, %n, %e : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
}

// -----

// A slice is taken before the update, but IREE takes it where it is used: its
// user comes first as well.

// CHECK-LABEL: func.func @users_of_slices
// CHECK: %[[ROW:[^ ]+]] = stablehlo.slice
// CHECK-NEXT: stablehlo.negate %[[ROW]]
// CHECK-NEXT: stablehlo.dynamic_update_slice
func.func @users_of_slices(%c: tensor<8xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<8xf32> {kvlift.slot = "c"}, tensor<2xf32>) {
  %row = stablehlo.slice %c [2:4] : (tensor<8xf32>) -> tensor<2xf32>
  %new = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  %n = stablehlo.negate %row : tensor<2xf32>
  return %new, %n : tensor<8xf32>, tensor<2xf32>
}

// -----

// The slice is used after the update and cannot be used before: pinned.

// CHECK-LABEL: func.func @pin
// CHECK: %[[ROW:[^ ]+]] = stablehlo.dynamic_slice
// CHECK-NEXT: %[[FIXED:[^ ]+]] = stablehlo.optimization_barrier %[[ROW]]
// CHECK-NEXT: %[[NEW:[^ ]+]] = stablehlo.dynamic_update_slice
// CHECK-NEXT: %[[PART:[^ ]+]] = stablehlo.slice %[[NEW]]
// CHECK-NEXT: stablehlo.multiply %[[FIXED]], %[[PART]]
func.func @pin(%c: tensor<8xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<8xf32> {kvlift.slot = "c"}, tensor<4xf32>) {
  %row = stablehlo.dynamic_slice %c, %i, sizes = [4] : (tensor<8xf32>, tensor<i32>) -> tensor<4xf32>
  %new = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  %part = stablehlo.slice %new [0:4] : (tensor<8xf32>) -> tensor<4xf32>
  %m = stablehlo.multiply %row, %part : tensor<4xf32>
  return %new, %m : tensor<8xf32>, tensor<4xf32>
}

// -----

// Rows move within the slot. IREE would overwrite the slice while it moves it
// in; with the barrier it does not.

// CHECK-LABEL: func.func @shift
// CHECK: %[[ROWS:[^ ]+]] = stablehlo.slice
// CHECK-NEXT: %[[FIXED:[^ ]+]] = stablehlo.optimization_barrier %[[ROWS]]
// CHECK-NEXT: stablehlo.dynamic_update_slice %{{[^ ]+}}, %[[FIXED]]
func.func @shift(%c: tensor<8xf32> {kvlift.slot = "c"}) -> (tensor<8xf32> {kvlift.slot = "c"}) {
  %one = stablehlo.constant dense<1> : tensor<i32>
  %rows = stablehlo.slice %c [0:7] : (tensor<8xf32>) -> tensor<7xf32>
  %new = stablehlo.dynamic_update_slice %c, %rows, %one : (tensor<8xf32>, tensor<7xf32>, tensor<i32>) -> tensor<8xf32>
  return %new : tensor<8xf32>
}

// -----

// Layer 1 of the old version has the rows that layer 1 of the new one has,
// since only layer 0 is written: the late reader takes them there.

// CHECK-LABEL: func.func @disjoint
// CHECK-NOT: stablehlo.slice
// CHECK: %[[NEW:[^ ]+]] = stablehlo.dynamic_update_slice
// CHECK-NEXT: %[[OTHER:[^ ]+]] = stablehlo.slice %[[NEW]] [0:1, 0:4]
// CHECK-NEXT: %[[ROW:[^ ]+]] = stablehlo.slice %[[NEW]] [1:2, 0:4]
// CHECK-NOT: optimization_barrier
// CHECK: stablehlo.add %[[ROW]], %[[OTHER]]
func.func @disjoint(%c: tensor<2x4xf32> {kvlift.slot = "c"}, %u: tensor<1x1xf32>, %i: tensor<i32>)
    -> (tensor<2x4xf32> {kvlift.slot = "c"}, tensor<1x4xf32>) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %row = stablehlo.slice %c [1:2, 0:4] : (tensor<2x4xf32>) -> tensor<1x4xf32>
  %new = stablehlo.dynamic_update_slice %c, %u, %z, %i : (tensor<2x4xf32>, tensor<1x1xf32>, tensor<i32>, tensor<i32>) -> tensor<2x4xf32>
  %other = stablehlo.slice %new [0:1, 0:4] : (tensor<2x4xf32>) -> tensor<1x4xf32>
  %sum = stablehlo.add %row, %other : tensor<1x4xf32>
  return %new, %sum : tensor<2x4xf32>, tensor<1x4xf32>
}

// -----

// The branch needs the new version and a row of the old one. The row is taken
// before the update.

// CHECK-LABEL: func.func @hoist
// CHECK-SAME: (%[[C:[^ ]+]]: tensor<8xf32>
// CHECK: %[[ROW:[^ ]+]] = stablehlo.dynamic_slice %[[C]]
// CHECK: %[[NEW:[^ ]+]] = stablehlo.dynamic_update_slice %[[C]]
// CHECK: "stablehlo.if"
// CHECK-NOT: dynamic_slice
// CHECK: return %[[NEW]]
func.func @hoist(%c: tensor<8xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<8xf32> {kvlift.slot = "c"}, tensor<1xf32>) {
  %new = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  %first = stablehlo.slice %new [0:1] : (tensor<8xf32>) -> tensor<1xf32>
  %scalar = stablehlo.reshape %first : (tensor<1xf32>) -> tensor<f32>
  %p = stablehlo.compare EQ, %scalar, %scalar : (tensor<f32>, tensor<f32>) -> tensor<i1>
  %0 = "stablehlo.if"(%p) ({
    %row = stablehlo.dynamic_slice %c, %i, sizes = [1] : (tensor<8xf32>, tensor<i32>) -> tensor<1xf32>
    stablehlo.return %row : tensor<1xf32>
  }, {
    stablehlo.return %u : tensor<1xf32>
  }) : (tensor<i1>) -> tensor<1xf32>
  return %new, %0 : tensor<8xf32>, tensor<1xf32>
}

// -----

// Bodies of loops are ordered as well, and two slots at once.

// CHECK-LABEL: func.func @loop
// CHECK: } do {
// CHECK: stablehlo.negate
// CHECK-NEXT: stablehlo.dynamic_update_slice
func.func @loop(%c: tensor<1xf32> {kvlift.slot = "c"}, %i: tensor<i32>) -> (tensor<1xf32> {kvlift.slot = "c"}, tensor<1xf32>) {
  %n = stablehlo.constant dense<4> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %u = stablehlo.constant dense<1.0> : tensor<1xf32>
  %w:3 = stablehlo.while(%it = %i, %cc = %c, %o = %u) : tensor<i32>, tensor<1xf32>, tensor<1xf32>
  cond {
    %p = stablehlo.compare LT, %it, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %p : tensor<i1>
  } do {
    %next = stablehlo.add %it, %one : tensor<i32>
    %1 = stablehlo.dynamic_update_slice %cc, %u, %it : (tensor<1xf32>, tensor<1xf32>, tensor<i32>) -> tensor<1xf32>
    %2 = stablehlo.negate %cc : tensor<1xf32>
    stablehlo.return %next, %1, %2 : tensor<i32>, tensor<1xf32>, tensor<1xf32>
  }
  return %w#1, %w#2 : tensor<1xf32>, tensor<1xf32>
}

// -----

// A conflict stays as it is, and so does what is not a slot.

// CHECK-LABEL: func.func @conflict
// CHECK: %[[NEW:[^ ]+]] = stablehlo.dynamic_update_slice
// CHECK-NEXT: stablehlo.add %{{[^ ]+}}, %[[NEW]]
// CHECK-LABEL: func.func @no_slot
// CHECK: stablehlo.dynamic_update_slice
// CHECK-NEXT: stablehlo.negate
func.func @conflict(%c: tensor<8xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<8xf32> {kvlift.slot = "c"}, tensor<8xf32>) {
  %0 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  %1 = stablehlo.add %c, %0 : tensor<8xf32>
  return %0, %1 : tensor<8xf32>, tensor<8xf32>
}
func.func @no_slot(%c: tensor<8xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %0 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  %1 = stablehlo.negate %c : tensor<8xf32>
  return %0, %1 : tensor<8xf32>, tensor<8xf32>
}

// -----

// Slices of two slots leave a branch in a branch, one of them both; a position
// that both use moves as far as the outer one needs it.

// CHECK-LABEL: func.func @nested
// CHECK: %[[K:[^ ]+]] = stablehlo.constant dense<3>
// CHECK-NEXT: stablehlo.dynamic_slice %[[C:[^,]+]], %[[K]]
// CHECK: stablehlo.dynamic_update_slice %[[C]]
// CHECK: "stablehlo.if"
// CHECK-NEXT: stablehlo.dynamic_slice %[[D:[^,]+]], %[[K]]
// CHECK: stablehlo.dynamic_update_slice %[[D]]
// CHECK: "stablehlo.if"
// CHECK-NEXT: stablehlo.add
func.func @nested(%c: tensor<8xf32> {kvlift.slot = "c"}, %d: tensor<8xf32> {kvlift.slot = "d"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<8xf32> {kvlift.slot = "c"}, tensor<8xf32> {kvlift.slot = "d"}, tensor<1xf32>) {
  %new = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  %first = stablehlo.slice %new [0:1] : (tensor<8xf32>) -> tensor<1xf32>
  %scalar = stablehlo.reshape %first : (tensor<1xf32>) -> tensor<f32>
  %p = stablehlo.compare EQ, %scalar, %scalar : (tensor<f32>, tensor<f32>) -> tensor<i1>
  %0:2 = "stablehlo.if"(%p) ({
    %dnew = stablehlo.dynamic_update_slice %d, %u, %i : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
    %dfirst = stablehlo.slice %dnew [0:1] : (tensor<8xf32>) -> tensor<1xf32>
    %dscalar = stablehlo.reshape %dfirst : (tensor<1xf32>) -> tensor<f32>
    %q = stablehlo.compare EQ, %dscalar, %dscalar : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %1 = "stablehlo.if"(%q) ({
      %k = stablehlo.constant dense<3> : tensor<i32>
      %crow = stablehlo.dynamic_slice %c, %k, sizes = [1] : (tensor<8xf32>, tensor<i32>) -> tensor<1xf32>
      %drow = stablehlo.dynamic_slice %d, %k, sizes = [1] : (tensor<8xf32>, tensor<i32>) -> tensor<1xf32>
      %sum = stablehlo.add %crow, %drow : tensor<1xf32>
      stablehlo.return %sum : tensor<1xf32>
    }, {
      stablehlo.return %u : tensor<1xf32>
    }) : (tensor<i1>) -> tensor<1xf32>
    stablehlo.return %dnew, %1 : tensor<8xf32>, tensor<1xf32>
  }, {
    stablehlo.return %d, %u : tensor<8xf32>, tensor<1xf32>
  }) : (tensor<i1>) -> (tensor<8xf32>, tensor<1xf32>)
  return %new, %0#0, %0#1 : tensor<8xf32>, tensor<8xf32>, tensor<1xf32>
}

// -----

// A sum of the old version that is used beside the new one is pinned, or IREE
// computes it late; one that is used alone, or only before, is not.

// CHECK-LABEL: func.func @sums
// CHECK: %[[OLD:[^ ]+]] = stablehlo.reduce(%[[C:[^ ]+]] init
// CHECK-NEXT: %[[PINNED:[^ ]+]] = stablehlo.optimization_barrier %[[OLD]]
// CHECK: %[[ALONE:[^ ]+]] = stablehlo.reduce(%[[D:[^ ]+]] init
// CHECK-NOT: stablehlo.optimization_barrier
// CHECK: stablehlo.dynamic_update_slice %[[C]]
// CHECK: stablehlo.add %[[PINNED]]
// CHECK: return {{.*}}%[[ALONE]]
func.func @sums(%c: tensor<8x4xf32> {kvlift.slot = "c"}, %d: tensor<8x4xf32> {kvlift.slot = "d"}, %u: tensor<1x4xf32>, %i: tensor<i32>)
    -> (tensor<8x4xf32> {kvlift.slot = "c"}, tensor<8x4xf32> {kvlift.slot = "d"}, tensor<8xf32>, tensor<8xf32>) {
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %z = stablehlo.constant dense<0> : tensor<i32>
  %old = stablehlo.reduce(%c init: %f) applies stablehlo.add across dimensions = [1] : (tensor<8x4xf32>, tensor<f32>) -> tensor<8xf32>
  %alone = stablehlo.reduce(%d init: %f) applies stablehlo.add across dimensions = [1] : (tensor<8x4xf32>, tensor<f32>) -> tensor<8xf32>
  %0 = stablehlo.dynamic_update_slice %c, %u, %i, %z : (tensor<8x4xf32>, tensor<1x4xf32>, tensor<i32>, tensor<i32>) -> tensor<8x4xf32>
  %1 = stablehlo.dynamic_update_slice %d, %u, %i, %z : (tensor<8x4xf32>, tensor<1x4xf32>, tensor<i32>, tensor<i32>) -> tensor<8x4xf32>
  %new = stablehlo.reduce(%0 init: %f) applies stablehlo.add across dimensions = [1] : (tensor<8x4xf32>, tensor<f32>) -> tensor<8xf32>
  %2 = stablehlo.add %old, %new : tensor<8xf32>
  return %0, %1, %2, %alone : tensor<8x4xf32>, tensor<8x4xf32>, tensor<8xf32>, tensor<8xf32>
}

// -----

// Both results of a reduction are pinned together, and arithmetic on the way
// does not hide it.

// CHECK-LABEL: func.func @two_results
// CHECK: %[[OLD:[^ :]+]]:2 = stablehlo.reduce
// CHECK: stablehlo.optimization_barrier %[[OLD]]#0, %[[OLD]]#1
// CHECK: stablehlo.dynamic_update_slice
func.func @two_results(%c: tensor<8x4xf32> {kvlift.slot = "c"}, %u: tensor<1x4xf32>, %i: tensor<i32>, %w: tensor<8x4xi32>)
    -> (tensor<8x4xf32> {kvlift.slot = "c"}, tensor<8xf32>, tensor<8xi32>) {
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %z = stablehlo.constant dense<0> : tensor<i32>
  %old:2 = stablehlo.reduce(%c init: %f), (%w init: %z) across dimensions = [1] : (tensor<8x4xf32>, tensor<8x4xi32>, tensor<f32>, tensor<i32>) -> (tensor<8xf32>, tensor<8xi32>)
   reducer(%a: tensor<f32>, %b: tensor<f32>) (%x: tensor<i32>, %y: tensor<i32>) {
    %s = stablehlo.add %a, %b : tensor<f32>
    %t = stablehlo.add %x, %y : tensor<i32>
    stablehlo.return %s, %t : tensor<f32>, tensor<i32>
  }
  %0 = stablehlo.dynamic_update_slice %c, %u, %i, %z : (tensor<8x4xf32>, tensor<1x4xf32>, tensor<i32>, tensor<i32>) -> tensor<8x4xf32>
  %new = stablehlo.reduce(%0 init: %f) applies stablehlo.add across dimensions = [1] : (tensor<8x4xf32>, tensor<f32>) -> tensor<8xf32>
  %1 = stablehlo.negate %old#0 : tensor<8xf32>
  %2 = stablehlo.add %1, %new : tensor<8xf32>
  return %0, %2, %old#1 : tensor<8x4xf32>, tensor<8xf32>, tensor<8xi32>
}

// -----

// An unsigned position is not negative: row 200 is the one that is overwritten,
// so the old one is read before.

// CHECK-LABEL: func.func @unsigned_position
// CHECK: %[[OLD:[^ ]+]] = stablehlo.slice %arg0 [200:201]
// CHECK: stablehlo.dynamic_update_slice %arg0
func.func @unsigned_position(%slot: tensor<256xf32> {kvlift.slot = "k"}, %new: tensor<1xf32>) -> (tensor<256xf32> {kvlift.slot = "k"}, tensor<1xf32>) {
  %p = stablehlo.constant dense<100> : tensor<ui8>
  %q = stablehlo.constant dense<200> : tensor<ui8>
  %0 = stablehlo.dynamic_update_slice %slot, %new, %q : (tensor<256xf32>, tensor<1xf32>, tensor<ui8>) -> tensor<256xf32>
  %1 = stablehlo.slice %0 [5:6] : (tensor<256xf32>) -> tensor<1xf32>
  %2 = stablehlo.slice %slot [200:201] : (tensor<256xf32>) -> tensor<1xf32>
  %3 = stablehlo.add %1, %2 : tensor<1xf32>
  %4 = stablehlo.dynamic_update_slice %0, %3, %p : (tensor<256xf32>, tensor<1xf32>, tensor<ui8>) -> tensor<256xf32>
  return %4, %3 : tensor<256xf32>, tensor<1xf32>
}
