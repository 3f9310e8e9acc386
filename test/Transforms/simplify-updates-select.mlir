// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-simplify-updates)' | filecheck %s

// A one-hot mask: one row, guarded, because a position outside of the slot
// chooses none.

// CHECK-LABEL: func.func @one_hot
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<4x8xf32> {{{.*}}}, %[[ROW:[^ ]+]]: tensor<4xf32>, %[[POS:[^ ]+]]: tensor<i32>)
// CHECK: %[[NEW:[^ ]+]] = stablehlo.reshape %[[ROW]] : (tensor<4xf32>) -> tensor<4x1xf32>
// CHECK: %[[LOW:[^ ]+]] = stablehlo.compare GE, %[[POS]]
// CHECK: %[[HIGH:[^ ]+]] = stablehlo.compare LT, %[[POS]]
// CHECK: %[[OLD:[^ ]+]] = stablehlo.dynamic_slice %[[SLOT]], %{{[^ ]+}}, %[[POS]], sizes = [4, 1]
// CHECK: %[[KEPT:[^ ]+]] = stablehlo.select %{{[^ ]+}}, %[[NEW]], %[[OLD]]
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]], %[[KEPT]], %{{[^ ]+}}, %[[POS]]
// CHECK-NEXT: return %[[DONE]]
func.func @one_hot(%slot: tensor<4x8xf32> {kvlift.slot = "k"}, %row: tensor<4xf32>, %pos: tensor<i32>) -> (tensor<4x8xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.iota dim = 0 : tensor<8xi32>
  %1 = stablehlo.broadcast_in_dim %pos, dims = [] : (tensor<i32>) -> tensor<8xi32>
  %2 = stablehlo.compare NE, %1, %0 : (tensor<8xi32>, tensor<8xi32>) -> tensor<8xi1>
  %3 = stablehlo.broadcast_in_dim %2, dims = [1] : (tensor<8xi1>) -> tensor<4x8xi1>
  %4 = stablehlo.broadcast_in_dim %row, dims = [0] : (tensor<4xf32>) -> tensor<4x8xf32>
  %5 = stablehlo.select %3, %slot, %4 : tensor<4x8xi1>, tensor<4x8xf32>
  return %5 : tensor<4x8xf32>
}

// -----

// Constant rows need no guard, and come from where the new value has them.

// CHECK-LABEL: func.func @constant_rows
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<8xf32> {{{.*}}}, %[[NEW:[^ ]+]]: tensor<8xf32>)
// CHECK: %[[ROWS:[^ ]+]] = stablehlo.slice %[[NEW]] [3:8]
// CHECK: %[[THREE:[^ ]+]] = stablehlo.constant dense<3> : tensor<i32>
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]], %[[ROWS]], %[[THREE]]
// CHECK-NEXT: return %[[DONE]]
func.func @constant_rows(%slot: tensor<8xf32> {kvlift.slot = "k"}, %new: tensor<8xf32>) -> (tensor<8xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.iota dim = 0 : tensor<8xi32>
  %1 = stablehlo.constant dense<2> : tensor<8xi32>
  %2 = stablehlo.compare GT, %0, %1 : (tensor<8xi32>, tensor<8xi32>) -> tensor<8xi1>
  %3 = stablehlo.select %2, %new, %slot : tensor<8xi1>, tensor<8xf32>
  return %3 : tensor<8xf32>
}

// -----

// The same rows, with the number first: what is less than a row's number has that
// row above it.

// CHECK-LABEL: func.func @number_first
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<8xf32> {{{.*}}}, %[[NEW:[^ ]+]]: tensor<8xf32>)
// CHECK: %[[ROWS:[^ ]+]] = stablehlo.slice %[[NEW]] [3:8]
// CHECK: %[[THREE:[^ ]+]] = stablehlo.constant dense<3> : tensor<i32>
// CHECK: stablehlo.dynamic_update_slice %[[SLOT]], %[[ROWS]], %[[THREE]]
func.func @number_first(%slot: tensor<8xf32> {kvlift.slot = "k"}, %new: tensor<8xf32>) -> (tensor<8xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.iota dim = 0 : tensor<8xi32>
  %1 = stablehlo.constant dense<2> : tensor<8xi32>
  %2 = stablehlo.compare LT, %1, %0 : (tensor<8xi32>, tensor<8xi32>) -> tensor<8xi1>
  %3 = stablehlo.select %2, %new, %slot : tensor<8xi1>, tensor<8xf32>
  return %3 : tensor<8xf32>
}

// -----

// One condition for all elements.

// CHECK-LABEL: func.func @one_condition
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<8xf32> {{{.*}}}, %[[NEW:[^ ]+]]: tensor<2xf32>, %[[POS:[^ ]+]]: tensor<i64>, %[[FLAG:[^ ]+]]: tensor<i1>)
// CHECK: %[[OLD:[^ ]+]] = stablehlo.dynamic_slice %[[SLOT]], %[[POS]], sizes = [2]
// CHECK: %[[KEPT:[^ ]+]] = stablehlo.select %{{[^ ]+}}, %[[OLD]], %[[NEW]] : tensor<2xi1>, tensor<2xf32>
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]], %[[KEPT]], %[[POS]]
// CHECK-NEXT: return %[[DONE]]
func.func @one_condition(%slot: tensor<8xf32> {kvlift.slot = "k"}, %new: tensor<2xf32>, %pos: tensor<i64>, %flag: tensor<i1>) -> (tensor<8xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.dynamic_update_slice %slot, %new, %pos : (tensor<8xf32>, tensor<2xf32>, tensor<i64>) -> tensor<8xf32>
  %1 = stablehlo.broadcast_in_dim %slot, dims = [0] : (tensor<8xf32>) -> tensor<8xf32>
  %2 = stablehlo.select %flag, %1, %0 : tensor<i1>, tensor<8xf32>
  return %2 : tensor<8xf32>
}

// -----

// A padded mask is a window.

// CHECK-LABEL: func.func @padded
// CHECK: %[[FIVE:[^ ]+]] = stablehlo.constant dense<5> : tensor<i64>
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %arg0, %arg1, %[[FIVE]]
// CHECK-NEXT: return %[[DONE]]
func.func @padded(%slot: tensor<8xf32> {kvlift.slot = "k"}, %new: tensor<2xf32>) -> (tensor<8xf32> {kvlift.slot = "k"}) {
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %yes = stablehlo.constant dense<true> : tensor<2xi1>
  %no = stablehlo.constant dense<false> : tensor<i1>
  %0 = stablehlo.pad %new, %f, low = [5], high = [1], interior = [0] : (tensor<2xf32>, tensor<f32>) -> tensor<8xf32>
  %1 = stablehlo.pad %yes, %no, low = [5], high = [1], interior = [0] : (tensor<2xi1>, tensor<i1>) -> tensor<8xi1>
  %2 = stablehlo.select %1, %0, %slot : tensor<8xi1>, tensor<8xf32>
  return %2 : tensor<8xf32>
}

// -----

// A position for each batch row is a guarded update for each of them.

// CHECK-LABEL: func.func @each_batch_row
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<2x3x8x4xf32> {{{.*}}}, %[[NEW:[^ ]+]]: tensor<2x3x1x4xf32>, %[[AT:[^ ]+]]: tensor<2xi32>)
// CHECK: stablehlo.slice %[[AT]] [0:1]
// CHECK: %[[OLD:[^ ]+]] = stablehlo.dynamic_slice %[[SLOT]], %{{.*}} sizes = [1, 3, 1, 4]
// CHECK: %[[FIRST:[^ ]+]] = stablehlo.select %{{[^ ]+}}, %{{[^ ]+}}, %[[OLD]]
// CHECK: %[[ONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]], %[[FIRST]]
// CHECK: stablehlo.slice %[[AT]] [1:2]
// CHECK: %[[OTHER:[^ ]+]] = stablehlo.dynamic_slice %[[ONE]], %{{.*}} sizes = [1, 3, 1, 4]
// CHECK: %[[SECOND:[^ ]+]] = stablehlo.select %{{[^ ]+}}, %{{[^ ]+}}, %[[OTHER]]
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[ONE]], %[[SECOND]]
// CHECK-NEXT: return %[[DONE]]
func.func @each_batch_row(%slot: tensor<2x3x8x4xf32> {kvlift.slot = "k"}, %new: tensor<2x3x1x4xf32>, %at: tensor<2xi32>) -> (tensor<2x3x8x4xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.iota dim = 1 : tensor<2x8xi32>
  %1 = stablehlo.broadcast_in_dim %at, dims = [0] : (tensor<2xi32>) -> tensor<2x8xi32>
  %2 = stablehlo.compare EQ, %0, %1 : (tensor<2x8xi32>, tensor<2x8xi32>) -> tensor<2x8xi1>
  %3 = stablehlo.broadcast_in_dim %2, dims = [0, 2] : (tensor<2x8xi1>) -> tensor<2x3x8x4xi1>
  %4 = stablehlo.broadcast_in_dim %new, dims = [0, 1, 2, 3] : (tensor<2x3x1x4xf32>) -> tensor<2x3x8x4xf32>
  %5 = stablehlo.select %3, %4, %slot : tensor<2x3x8x4xi1>, tensor<2x3x8x4xf32>
  return %5 : tensor<2x3x8x4xf32>
}

// -----

// More rows are a scatter, which drops what is out of range as the mask does. A
// row whose flag does not hold goes there.

// CHECK-LABEL: func.func @many_batch_rows
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<16x8x4xf32> {{{.*}}}, %[[NEW:[^ ]+]]: tensor<16x1x4xf32>, %[[AT:[^ ]+]]: tensor<16xi64>, %[[ACTIVE:[^ ]+]]: tensor<16xi1>)
// CHECK: %[[AWAY:[^ ]+]] = stablehlo.constant dense<-1> : tensor<16xi64>
// CHECK: %[[PLACE:[^ ]+]] = stablehlo.select %[[ACTIVE]], %[[AT]], %[[AWAY]]
// CHECK: %[[COLUMN:[^ ]+]] = stablehlo.reshape %[[PLACE]]
// CHECK: %[[INDICES:[^ ]+]] = stablehlo.concatenate %{{[^ ]+}}, %[[COLUMN]], dim = 1
// CHECK: %[[ROWS:[^ ]+]] = stablehlo.reshape %[[NEW]] : (tensor<16x1x4xf32>) -> tensor<16x4xf32>
// CHECK: %[[DONE:[^ ]+]] = "stablehlo.scatter"(%[[SLOT]], %[[INDICES]], %[[ROWS]])
// CHECK-SAME: inserted_window_dims = [0, 1], scatter_dims_to_operand_dims = [0, 1]
// CHECK: return %[[DONE]]
func.func @many_batch_rows(%slot: tensor<16x8x4xf32> {kvlift.slot = "k"}, %new: tensor<16x1x4xf32>, %at: tensor<16xi64>, %active: tensor<16xi1>) -> (tensor<16x8x4xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.iota dim = 1 : tensor<16x8xi64>
  %1 = stablehlo.broadcast_in_dim %at, dims = [0] : (tensor<16xi64>) -> tensor<16x8xi64>
  %2 = stablehlo.compare NE, %0, %1 : (tensor<16x8xi64>, tensor<16x8xi64>) -> tensor<16x8xi1>
  %3 = stablehlo.not %active : tensor<16xi1>
  %4 = stablehlo.broadcast_in_dim %3, dims = [0] : (tensor<16xi1>) -> tensor<16x8xi1>
  %5 = stablehlo.or %2, %4 : tensor<16x8xi1>
  %6 = stablehlo.broadcast_in_dim %5, dims = [0, 1] : (tensor<16x8xi1>) -> tensor<16x8x4xi1>
  %7 = stablehlo.broadcast_in_dim %new, dims = [0, 1, 2] : (tensor<16x1x4xf32>) -> tensor<16x8x4xf32>
  %8 = stablehlo.select %6, %slot, %7 : tensor<16x8x4xi1>, tensor<16x8x4xf32>
  return %8 : tensor<16x8x4xf32>
}

// -----

// A run of rows for each batch row, its end computed behind the broadcast.

// CHECK-LABEL: func.func @runs
// CHECK-COUNT-2: stablehlo.dynamic_update_slice
// CHECK-NOT: tensor<2x8x4xi1>
// CHECK: return
func.func @runs(%slot: tensor<2x8x4xf32> {kvlift.slot = "k"}, %row: tensor<2x1x4xf32>, %at: tensor<2xi32>) -> (tensor<2x8x4xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.iota dim = 1 : tensor<2x8xi32>
  %1 = stablehlo.broadcast_in_dim %at, dims = [0] : (tensor<2xi32>) -> tensor<2x8xi32>
  %three = stablehlo.constant dense<3> : tensor<2x8xi32>
  %2 = stablehlo.add %1, %three : tensor<2x8xi32>
  %3 = stablehlo.compare GE, %0, %1 : (tensor<2x8xi32>, tensor<2x8xi32>) -> tensor<2x8xi1>
  %4 = stablehlo.compare LT, %0, %2 : (tensor<2x8xi32>, tensor<2x8xi32>) -> tensor<2x8xi1>
  %5 = stablehlo.and %3, %4 : tensor<2x8xi1>
  %6 = stablehlo.broadcast_in_dim %5, dims = [0, 1] : (tensor<2x8xi1>) -> tensor<2x8x4xi1>
  %7 = stablehlo.broadcast_in_dim %row, dims = [0, 1, 2] : (tensor<2x1x4xf32>) -> tensor<2x8x4xf32>
  %8 = stablehlo.select %6, %7, %slot : tensor<2x8x4xi1>, tensor<2x8x4xf32>
  return %8 : tensor<2x8x4xf32>
}

// -----

// What `where` makes of a one-hot row is a comparison with 0; rows of two dims.

// CHECK-LABEL: func.func @one_element
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<4x8xf32>
// CHECK: %[[OLD:[^ ]+]] = stablehlo.dynamic_slice %[[SLOT]], %[[ROW:[^ ]+]], %[[COLUMN:[^ ]+]], sizes = [1, 1]
// CHECK: stablehlo.dynamic_update_slice %[[SLOT]], %{{[^ ]+}}, %[[ROW]], %[[COLUMN]]
func.func @one_element(%slot: tensor<4x8xf32> {kvlift.slot = "k"}, %new: tensor<f32>, %b: tensor<i32>, %p: tensor<i32>) -> (tensor<4x8xf32> {kvlift.slot = "k"}) {
  %zero = stablehlo.constant dense<0.0> : tensor<4x8xf32>
  %0 = stablehlo.iota dim = 0 : tensor<4x8xi32>
  %1 = stablehlo.broadcast_in_dim %b, dims = [] : (tensor<i32>) -> tensor<4x8xi32>
  %2 = stablehlo.compare EQ, %0, %1 : (tensor<4x8xi32>, tensor<4x8xi32>) -> tensor<4x8xi1>
  %3 = stablehlo.iota dim = 1 : tensor<4x8xi32>
  %4 = stablehlo.broadcast_in_dim %p, dims = [] : (tensor<i32>) -> tensor<4x8xi32>
  %5 = stablehlo.compare EQ, %4, %3 : (tensor<4x8xi32>, tensor<4x8xi32>) -> tensor<4x8xi1>
  %6 = stablehlo.and %2, %5 : tensor<4x8xi1>
  %7 = stablehlo.convert %6 : (tensor<4x8xi1>) -> tensor<4x8xf32>
  %8 = stablehlo.compare NE, %7, %zero : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xi1>
  %9 = stablehlo.broadcast_in_dim %new, dims = [] : (tensor<f32>) -> tensor<4x8xf32>
  %10 = stablehlo.select %8, %9, %slot : tensor<4x8xi1>, tensor<4x8xf32>
  return %10 : tensor<4x8xf32>
}

// -----

// A constant mask whose false elements fill a box, as litert-torch writes a
// slice: what the pad holds there is written.

// CHECK-LABEL: func.func @constant_box
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<2x4xf32> {{{.*}}}, %[[NEW:[^ ]+]]: tensor<2x2xf32>)
// CHECK: %[[ZERO:[^ ]+]] = stablehlo.constant dense<0> : tensor<i64>
// CHECK: %[[ONE:[^ ]+]] = stablehlo.constant dense<1> : tensor<i64>
// CHECK: %[[DONE:[^ ]+]] = stablehlo.dynamic_update_slice %[[SLOT]], %[[NEW]], %[[ZERO]], %[[ONE]]
// CHECK-NEXT: return %[[DONE]]
func.func @constant_box(%slot: tensor<2x4xf32> {kvlift.slot = "k"}, %new: tensor<2x2xf32>) -> (tensor<2x4xf32> {kvlift.slot = "k"}) {
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.pad %new, %f, low = [0, 1], high = [0, 1], interior = [0, 0] : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x4xf32>
  %mask = stablehlo.constant dense<[[true, false, false, true], [true, false, false, true]]> : tensor<2x4xi1>
  %1 = stablehlo.select %mask, %slot, %0 : tensor<2x4xi1>, tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// -----

// Flags that differ from one batch row to the next, for an update that is made
// in any case: they are read where it writes.

// CHECK-LABEL: func.func @active_rows
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<4x8xf32> {{{.*}}}, %[[NEW:[^ ]+]]: tensor<2x1xf32>, %[[B:[^ ]+]]: tensor<i32>, %[[P:[^ ]+]]: tensor<i32>, %[[ACTIVE:[^ ]+]]: tensor<4xi1>)
// CHECK: %[[OLD:[^ ]+]] = stablehlo.dynamic_slice %[[SLOT]], %[[B]], %[[P]], sizes = [2, 1]
// CHECK: %[[SOME:[^ ]+]] = stablehlo.dynamic_slice %[[ACTIVE]], %[[B]], sizes = [2]
// CHECK: %[[MASK:[^ ]+]] = stablehlo.reshape %[[SOME]] : (tensor<2xi1>) -> tensor<2x1xi1>
// CHECK: %[[KEPT:[^ ]+]] = stablehlo.select %[[MASK]], %[[NEW]], %[[OLD]]
// CHECK: stablehlo.dynamic_update_slice %[[SLOT]], %[[KEPT]], %[[B]], %[[P]]
func.func @active_rows(%slot: tensor<4x8xf32> {kvlift.slot = "k"}, %new: tensor<2x1xf32>, %b: tensor<i32>, %p: tensor<i32>, %active: tensor<4xi1>) -> (tensor<4x8xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.dynamic_update_slice %slot, %new, %b, %p : (tensor<4x8xf32>, tensor<2x1xf32>, tensor<i32>, tensor<i32>) -> tensor<4x8xf32>
  %1 = stablehlo.broadcast_in_dim %active, dims = [0] : (tensor<4xi1>) -> tensor<4x8xi1>
  %2 = stablehlo.select %1, %0, %slot : tensor<4x8xi1>, tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// -----

// Padded elsewhere, the rows are what stands there, padding and all.

// CHECK-LABEL: func.func @padded_elsewhere
// CHECK: %[[PADDED:[^ ]+]] = stablehlo.pad
// CHECK: %[[ROWS:[^ ]+]] = stablehlo.slice %[[PADDED]] [1:3]
// CHECK: stablehlo.dynamic_update_slice %arg0, %[[ROWS]]
func.func @padded_elsewhere(%slot: tensor<4xf32> {kvlift.slot = "k"}, %new: tensor<2xf32>) -> (tensor<4xf32> {kvlift.slot = "k"}) {
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.pad %new, %f, low = [2], high = [0], interior = [0] : (tensor<2xf32>, tensor<f32>) -> tensor<4xf32>
  %mask = stablehlo.constant dense<[true, false, false, true]> : tensor<4xi1>
  %1 = stablehlo.select %mask, %slot, %0 : tensor<4xi1>, tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// Three dims that change places in a ring: the way back is another turn than the
// way there. The first dim of what is written is the slot's
// last, the second its first, the third its third.

// CHECK-LABEL: func.func @ring
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<2x8x2x2xf32> {{{.*}}}, %[[NEW:[^ ]+]]: tensor<2x2x2xf32>
// CHECK: %[[ROW:[^ ]+]] = stablehlo.broadcast_in_dim %[[NEW]], dims = [3, 0, 2] : (tensor<2x2x2xf32>) -> tensor<2x1x2x2xf32>
// CHECK: %[[KEPT:[^ ]+]] = stablehlo.select %{{[^ ]+}}, %[[ROW]], %{{[^ ]+}}
// CHECK: stablehlo.dynamic_update_slice %[[SLOT]], %[[KEPT]]
func.func @ring(%slot: tensor<2x8x2x2xf32> {kvlift.slot = "k"}, %new: tensor<2x2x2xf32>, %pos: tensor<i32>) -> (tensor<2x8x2x2xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.iota dim = 1 : tensor<2x8x2x2xi32>
  %1 = stablehlo.broadcast_in_dim %pos, dims = [] : (tensor<i32>) -> tensor<2x8x2x2xi32>
  %2 = stablehlo.compare EQ, %0, %1 : (tensor<2x8x2x2xi32>, tensor<2x8x2x2xi32>) -> tensor<2x8x2x2xi1>
  %3 = stablehlo.transpose %new, dims = [1, 2, 0] : (tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  %4 = stablehlo.broadcast_in_dim %3, dims = [0, 2, 3] : (tensor<2x2x2xf32>) -> tensor<2x8x2x2xf32>
  %5 = stablehlo.select %2, %4, %slot : tensor<2x8x2x2xi1>, tensor<2x8x2x2xf32>
  return %5 : tensor<2x8x2x2xf32>
}
