// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-check-in-place{on-conflict=copy target=pjrt:cpu})' 2>/dev/null | filecheck %s
// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-check-in-place{on-conflict=copy target=pjrt:cpu})' -o /dev/null
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-check-in-place{on-conflict=copy target=iree:cpu})' 2>/dev/null | filecheck %s --check-prefix=IREE
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-check-in-place{on-conflict=copy target=pjrt:cuda})' 2>/dev/null | filecheck %s --check-prefix=CUDA

// A plain update is in place on every target.

// CHECK-LABEL: func.func @plain
// CHECK-SAME: kvlift.slot = "c", kvlift.verdict = "in_place"
// IREE-LABEL: func.func @plain
// IREE-SAME: kvlift.verdict = "in_place"
// CUDA-LABEL: func.func @plain
// CUDA-SAME: kvlift.verdict = "in_place"
func.func @plain(%c: tensor<64xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<64xf32> {kvlift.slot = "c"}) {
  %0 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
  return %0 : tensor<64xf32>
}

// -----

// On the CPU, XLA knows no bf16 updates; on a GPU it does, and IREE too.

// CHECK-LABEL: func.func @narrow
// CHECK-SAME: kvlift.verdict = "copied: {{[0-9]+}} bytes: XLA:CPU rewrites the whole slot to update elements of type 'bf16'"
// IREE-LABEL: func.func @narrow
// IREE-SAME: kvlift.verdict = "in_place"
// CUDA-LABEL: func.func @narrow
// CUDA-SAME: kvlift.verdict = "in_place"
func.func @narrow(%c: tensor<64xbf16> {kvlift.slot = "c"}, %u: tensor<1xbf16>, %i: tensor<i32>)
    -> (tensor<64xbf16> {kvlift.slot = "c"}) {
  // expected-remark@below {{slot 'c' is copied: XLA:CPU rewrites the whole slot to update elements of type 'bf16'}}
  // expected-note@below {{store it as integers, as kvlift-choose-storage does with bf16 and f8, or in a wider type; known of pjrt:cpu by}}
  %0 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<64xbf16>, tensor<1xbf16>, tensor<i32>) -> tensor<64xbf16>
  return %0 : tensor<64xbf16>
}

// -----

// Nor does it know updates of halves of bytes, which it unpacks and packs again.

// CHECK-LABEL: func.func @packed
// CHECK-SAME: kvlift.verdict = "copied: {{[0-9]+}} bytes: XLA:CPU rewrites the whole slot to update elements of type 'i4'"
// IREE-LABEL: func.func @packed
// IREE-SAME: kvlift.verdict = "in_place"
func.func @packed(%c: tensor<256xi4> {kvlift.slot = "c"}, %u: tensor<1xi4>, %i: tensor<i32>)
    -> (tensor<256xi4> {kvlift.slot = "c"}) {
  // expected-remark@below {{slot 'c' is copied: XLA:CPU rewrites the whole slot to update elements of type 'i4'}}
  // expected-note@below {{store it as integers, as kvlift-choose-storage does with bf16 and f8, or in a wider type; known of pjrt:cpu by}}
  %0 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<256xi4>, tensor<1xi4>, tensor<i32>) -> tensor<256xi4>
  return %0 : tensor<256xi4>
}

// -----

// Slots smaller than a cache line are not worth a word.

// CHECK-LABEL: func.func @small
// CHECK-SAME: kvlift.verdict = "in_place"
func.func @small(%c: tensor<8xbf16> {kvlift.slot = "c"}, %u: tensor<1xbf16>, %i: tensor<i32>)
    -> (tensor<8xbf16> {kvlift.slot = "c"}) {
  %0 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<8xbf16>, tensor<1xbf16>, tensor<i32>) -> tensor<8xbf16>
  return %0 : tensor<8xbf16>
}

// -----

// Loops and branches: IREE copies in both, XLA:GPU around branches, XLA:CPU
// where a branch passes the slot on.

// CHECK-LABEL: func.func @regions
// CHECK-SAME: kvlift.slot = "c", kvlift.verdict = "in_place"
// CHECK-SAME: kvlift.slot = "d", kvlift.verdict = "copied: {{[0-9]+}} bytes: XLA:CPU copies the slot in and out of 'stablehlo.if'"
// CHECK-SAME: kvlift.slot = "e", kvlift.verdict = "copied: {{[0-9]+}} bytes: XLA:CPU, in a program with loops or branches, may overwrite it before 'stablehlo.reduce'"
// IREE-LABEL: func.func @regions
// IREE-SAME: kvlift.verdict = "copied: {{[0-9]+}} bytes: IREE copies the slot in each iteration of 'stablehlo.while'"
// IREE-SAME: kvlift.verdict = "copied: {{[0-9]+}} bytes: IREE copies the slot in and out of 'stablehlo.if'"
// CUDA-LABEL: func.func @regions
// CUDA-SAME: kvlift.verdict = "in_place"
// CUDA-SAME: kvlift.verdict = "copied: {{[0-9]+}} bytes: XLA:GPU copies the slot around 'stablehlo.if'"
func.func @regions(%c: tensor<64xf32> {kvlift.slot = "c"}, %d: tensor<64xf32> {kvlift.slot = "d"}, %e: tensor<64xf32> {kvlift.slot = "e"}, %u: tensor<1xf32>, %i: tensor<i32>, %p: tensor<i1>)
    -> (tensor<64xf32> {kvlift.slot = "c"}, tensor<64xf32> {kvlift.slot = "d"}, tensor<64xf32> {kvlift.slot = "e"}, tensor<f32>) {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  // expected-remark@below {{slot 'e' is copied: XLA:CPU, in a program with loops or branches, may overwrite it before 'stablehlo.reduce'}}
  // expected-note@below {{read the new value, or have no loop or branch in this function; known of pjrt:cpu by}}
  %sum = stablehlo.reduce(%e init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<64xf32>, tensor<f32>) -> tensor<f32>
  %e1 = stablehlo.dynamic_update_slice %e, %u, %i : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
  %n = stablehlo.constant dense<4> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %w:2 = stablehlo.while(%it = %i, %cc = %c) : tensor<i32>, tensor<64xf32>
  cond {
    %l = stablehlo.compare LT, %it, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %l : tensor<i1>
  } do {
    %next = stablehlo.add %it, %one : tensor<i32>
    %1 = stablehlo.dynamic_update_slice %cc, %u, %it : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
    stablehlo.return %next, %1 : tensor<i32>, tensor<64xf32>
  }
  // expected-remark@below {{slot 'd' is copied: XLA:CPU copies the slot in and out of 'stablehlo.if'}}
  // expected-note@below {{let the branch choose the rows, and write them after it; known of pjrt:cpu by}}
  %0 = "stablehlo.if"(%p) ({
    %1 = stablehlo.dynamic_update_slice %d, %u, %i : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
    stablehlo.return %1 : tensor<64xf32>
  }, {
    stablehlo.return %d : tensor<64xf32>
  }) : (tensor<i1>) -> tensor<64xf32>
  return %w#1, %0, %e1, %sum : tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<f32>
}

// -----

// The old value is returned beside the new one: the result is a copy, made
// before the update.

// CHECK-LABEL: func.func @escape
// CHECK-SAME: (%[[C:[^ ]+]]: tensor<64xf32> {kvlift.slot = "c", kvlift.verdict = "copied: {{[0-9]+}} bytes: its old value is needed after the update"}
// CHECK: %[[LOW:[^ ]+]] = stablehlo.slice %[[C]] [0:32]
// CHECK: %[[HIGH:[^ ]+]] = stablehlo.slice %[[C]] [32:64]
// CHECK: %[[OLD:[^ ]+]] = stablehlo.concatenate %[[LOW]], %[[HIGH]]
// CHECK: %[[NEW:[^ ]+]] = stablehlo.dynamic_update_slice %[[C]]
// CHECK: return %[[NEW]], %[[OLD]]
func.func @escape(%c: tensor<64xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<64xf32> {kvlift.slot = "c"}, tensor<64xf32>) {
  // expected-remark@below {{slot 'c': 256 bytes of its old value are copied in each call, since it is needed after this 'stablehlo.dynamic_update_slice'}}
  %0 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
  // expected-note@below {{reads the old value here}}
  return %0, %c : tensor<64xf32>, tensor<64xf32>
}

// -----

// Two slots whose readers wait for each other: one copy is enough, and then
// the other reader finds its place before the update.

// CHECK-LABEL: func.func @crossed
// CHECK-SAME: kvlift.verdict = "copied: {{[0-9]+}} bytes: its old value is needed after the update"
// CHECK-SAME: kvlift.verdict = "in_place"
// CHECK: %[[OLD:[^ ]+]] = stablehlo.concatenate
// CHECK: %[[K:[^ ]+]] = stablehlo.dynamic_update_slice
// CHECK-NEXT: stablehlo.add %{{[^ ]+}}, %[[K]]
// CHECK-NEXT: %[[V:[^ ]+]] = stablehlo.dynamic_update_slice
// CHECK-NEXT: stablehlo.add %[[OLD]], %[[V]]
func.func @crossed(%k: tensor<64xf32> {kvlift.slot = "k"}, %v: tensor<64xf32> {kvlift.slot = "v"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<64xf32> {kvlift.slot = "k"}, tensor<64xf32> {kvlift.slot = "v"}, tensor<64xf32>, tensor<64xf32>) {
  // expected-remark@below {{slot 'k': 256 bytes of its old value are copied}}
  %0 = stablehlo.dynamic_update_slice %k, %u, %i : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
  %1 = stablehlo.dynamic_update_slice %v, %u, %i : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
  // expected-note@below {{reads the old value here}}
  %2 = stablehlo.add %k, %1 : tensor<64xf32>
  %3 = stablehlo.add %v, %0 : tensor<64xf32>
  return %0, %1, %2, %3 : tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>
}

// -----

// A scalar is copied as well; a private function is judged by its callers.

// CHECK-LABEL: func.func @scalar
// CHECK-SAME: (%[[C:[^ ]+]]: tensor<f32>
// CHECK: %[[ONE:[^ ]+]] = stablehlo.reshape %[[C]]
// CHECK: stablehlo.concatenate %[[ONE]], %[[ONE]]
// CHECK-LABEL: func.func private @inner
// CHECK-NOT: kvlift.verdict
// CHECK: return
func.func @scalar(%c: tensor<f32> {kvlift.slot = "c"}, %u: tensor<f32>)
    -> (tensor<f32> {kvlift.slot = "c"}, tensor<f32>) {
  // expected-remark@below {{slot 'c': 4 bytes of its old value are copied}}
  %0 = stablehlo.dynamic_update_slice %c, %u : (tensor<f32>, tensor<f32>) -> tensor<f32>
  // expected-note@below {{reads the old value here}}
  return %0, %c : tensor<f32>, tensor<f32>
}
func.func private @inner(%c: tensor<f32> {kvlift.slot = "c"}) -> (tensor<f32> {kvlift.slot = "c"}) {
  return %c : tensor<f32>
}

// -----

// A row of the old version times a sum of the new one: nothing forbids to read
// the row first, but XLA reads it together with the product.

// CHECK-LABEL: func.func @late
// CHECK-SAME: kvlift.verdict = "copied: {{[0-9]+}} bytes: XLA computes it together with, and so after the update, the op 'stablehlo.multiply'"
// IREE-LABEL: func.func @late
// IREE-SAME: kvlift.verdict = "in_place"
func.func @late(%c: tensor<64xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<64xf32> {kvlift.slot = "c"}, tensor<1xf32>) {
  %row = stablehlo.dynamic_slice %c, %i, sizes = [1] : (tensor<64xf32>, tensor<i32>) -> tensor<1xf32>
  %new = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %sum = stablehlo.reduce(%new init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<64xf32>, tensor<f32>) -> tensor<f32>
  %one = stablehlo.reshape %sum : (tensor<f32>) -> tensor<1xf32>
  // expected-remark@below {{slot 'c' is copied: XLA computes it together with, and so after the update, the op 'stablehlo.multiply'}}
  // expected-note@below {{read the new value instead; known of pjrt:cpu by}}
  %m = stablehlo.multiply %row, %one : tensor<1xf32>
  return %new, %m : tensor<64xf32>, tensor<1xf32>
}

// -----

// A product that reads a slot with a dimension of extent 1.

// CHECK-LABEL: func.func @unit
// CHECK-SAME: kvlift.verdict = "copied: {{[0-9]+}} bytes: XLA:CPU copies a slot that has a dimension of extent 1 for 'stablehlo.dot_general'"
// IREE-LABEL: func.func @unit
// IREE-SAME: kvlift.verdict = "copied: 256 bytes: IREE builds the transposed slot for 'stablehlo.dot_general'"
func.func @unit(%c: tensor<1x16x4xf32> {kvlift.slot = "c"}, %u: tensor<1x1x4xf32>, %i: tensor<i32>)
    -> (tensor<1x16x4xf32> {kvlift.slot = "c"}, tensor<1x1x16xf32>) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %new = stablehlo.dynamic_update_slice %c, %u, %z, %i, %z : (tensor<1x16x4xf32>, tensor<1x1x4xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x16x4xf32>
  // expected-remark@below {{slot 'c' is copied: XLA:CPU copies a slot that has a dimension of extent 1 for 'stablehlo.dot_general'}}
  // expected-note@below {{leave the dimension of extent 1 out of the slot; known of pjrt:cpu by}}
  %s = stablehlo.dot_general %u, %new, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<1x1x4xf32>, tensor<1x16x4xf32>) -> tensor<1x1x16xf32>
  return %new, %s : tensor<1x16x4xf32>, tensor<1x1x16xf32>
}

// -----

// A masked select is no update of some rows: all are written.

// CHECK-LABEL: func.func @masked
// CHECK-SAME: kvlift.verdict = "copied: {{[0-9]+}} bytes: XLA:CPU rewrites the whole slot for 'stablehlo.select'"
// IREE-LABEL: func.func @masked
// IREE-SAME: kvlift.verdict = "copied: {{[0-9]+}} bytes: IREE builds the new value beside the old in 'stablehlo.select'"
func.func @masked(%c: tensor<64xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %p: tensor<i32>)
    -> (tensor<64xf32> {kvlift.slot = "c"}) {
  %row = stablehlo.broadcast_in_dim %u, dims = [0] : (tensor<1xf32>) -> tensor<64xf32>
  %iota = stablehlo.iota dim = 0 : tensor<64xi32>
  %at = stablehlo.broadcast_in_dim %p, dims = [] : (tensor<i32>) -> tensor<64xi32>
  %m = stablehlo.compare EQ, %iota, %at : (tensor<64xi32>, tensor<64xi32>) -> tensor<64xi1>
  // expected-remark@below {{slot 'c' is copied: XLA:CPU rewrites the whole slot for 'stablehlo.select'}}
  // expected-note@below {{write rows at positions instead of selecting by a mask; known of pjrt:cpu by}}
  %0 = stablehlo.select %m, %row, %c : tensor<64xi1>, tensor<64xf32>
  return %0 : tensor<64xf32>
}

// -----

// Two readers of the old value come too late: one copy serves both.

// CHECK-LABEL: func.func @readers
// CHECK: %[[OLD:[^ ]+]] = stablehlo.concatenate
// CHECK-NOT: stablehlo.concatenate
// CHECK: stablehlo.add %[[OLD]]
// CHECK: stablehlo.multiply %[[OLD]]
func.func @readers(%c: tensor<64xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<64xf32> {kvlift.slot = "c"}, tensor<64xf32>, tensor<64xf32>) {
  // expected-remark@below {{slot 'c': 256 bytes of its old value are copied in each call}}
  %0 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
  // expected-note@below {{reads the old value here}}
  %1 = stablehlo.add %c, %0 : tensor<64xf32>
  // expected-note@below {{reads the old value here}}
  %2 = stablehlo.multiply %c, %0 : tensor<64xf32>
  return %0, %1, %2 : tensor<64xf32>, tensor<64xf32>, tensor<64xf32>
}

// -----

// What two public functions call is copied once, and counts for both.

// CHECK-LABEL: func.func @first
// CHECK-SAME: kvlift.verdict = "copied: {{[0-9]+}} bytes: its old value is needed after the update"
// CHECK-LABEL: func.func @second
// CHECK-SAME: kvlift.verdict = "copied: {{[0-9]+}} bytes: its old value is needed after the update"
// CHECK-LABEL: func.func private @shared
// CHECK: stablehlo.concatenate
// CHECK-NOT: stablehlo.concatenate
// CHECK: return
func.func @first(%c: tensor<64xf32> {kvlift.slot = "c"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<64xf32> {kvlift.slot = "c"}, tensor<64xf32>) {
  %0:2 = func.call @shared(%c, %u, %i) : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> (tensor<64xf32>, tensor<64xf32>)
  return %0#0, %0#1 : tensor<64xf32>, tensor<64xf32>
}
func.func @second(%d: tensor<64xf32> {kvlift.slot = "d"}, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<64xf32> {kvlift.slot = "d"}, tensor<64xf32>) {
  %0:2 = func.call @shared(%d, %u, %i) : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> (tensor<64xf32>, tensor<64xf32>)
  return %0#0, %0#1 : tensor<64xf32>, tensor<64xf32>
}
func.func private @shared(%c: tensor<64xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> (tensor<64xf32>, tensor<64xf32>) {
  // expected-remark@below {{slot 'c': 256 bytes of its old value are copied in each call}}
  %0 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<64xf32>, tensor<1xf32>, tensor<i32>) -> tensor<64xf32>
  // expected-note@below {{reads the old value here}}
  %1 = stablehlo.add %c, %0 : tensor<64xf32>
  return %0, %1 : tensor<64xf32>, tensor<64xf32>
}

// -----

// Before its ops are lowered a slot is no ranked tensor: nothing is known of its
// extents, and nothing is asked of them.
// CHECK-LABEL: func.func @not_lowered
// CHECK-SAME: kvlift.verdict = "
func.func @not_lowered(%a: !torch.vtensor<[2],f32> {kvlift.slot = "a"}) -> (!torch.vtensor<[2],f32> {kvlift.slot = "a"}) {
  return %a : !torch.vtensor<[2],f32>
}
