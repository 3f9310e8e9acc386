// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-lift-overwrites)' | filecheck %s
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-lift-overwrites,torch-backend-to-stablehlo-backend-pipeline,kvlift-tie-state)' | filecheck %s --check-prefix=LOWERED
//
// Without the pass, torch-mlir cannot lower any of these to StableHLO
// (llvm/torch-mlir#3944).
// RUN: not kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(torch-backend-to-stablehlo-backend-pipeline)' 2>&1 | filecheck %s --check-prefix=UNLIFTED
// UNLIFTED: error: failed to legalize operation 'torch.copy.to_vtensor'

// Reads see what was written before them and nothing that is written later; the
// last write comes back.

// CHECK-LABEL: func.func @reads_and_writes
// CHECK-SAME: %[[POS:[^ ]+]]: !torch.vtensor<[2],f32> {kvlift.kind = "user_input", kvlift.slot = "arg0"}
// CHECK-SAME: -> (!torch.vtensor<[2],f32>, !torch.vtensor<[2],f32>, !torch.vtensor<[2],f32> {kvlift.slot = "arg0"})
// CHECK-NOT: torch.copy.to_vtensor
// CHECK-NOT: torch.overwrite.tensor.contents
// CHECK: %[[ONE:[^ ]+]] = torch.aten.mul.Tensor %[[POS]], %[[POS]]
// CHECK: %[[TWO:[^ ]+]] = torch.aten.mul.Tensor %[[POS]], %[[ONE]]
// CHECK: %[[THREE:[^ ]+]] = torch.aten.mul.Tensor %[[TWO]], %[[TWO]]
// CHECK-NOT: torch.overwrite.tensor.contents
// CHECK: return %[[ONE]], %[[TWO]], %[[THREE]]

// LOWERED-LABEL: func.func @reads_and_writes
// LOWERED-SAME: %[[POS:[^ ]+]]: tensor<2xf32> {kvlift.kind = "user_input", kvlift.slot = "arg0", tf.aliasing_output = 2 : i32}
// LOWERED-SAME: -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32> {kvlift.slot = "arg0"})
// LOWERED: %[[ONE:[^ ]+]] = stablehlo.multiply %[[POS]], %[[POS]]
// LOWERED: %[[TWO:[^ ]+]] = stablehlo.multiply %[[POS]], %[[ONE]]
// LOWERED: %[[THREE:[^ ]+]] = stablehlo.multiply %[[TWO]], %[[TWO]]
// LOWERED: return %[[ONE]], %[[TWO]], %[[THREE]]
func.func @reads_and_writes(%pos: !torch.tensor<[2],f32>) -> (!torch.vtensor<[2],f32>, !torch.vtensor<[2],f32>) {
  %0 = torch.copy.to_vtensor %pos : !torch.vtensor<[2],f32>
  %again = torch.copy.to_vtensor %pos : !torch.vtensor<[2],f32>
  %1 = torch.aten.mul.Tensor %0, %again : !torch.vtensor<[2],f32>, !torch.vtensor<[2],f32> -> !torch.vtensor<[2],f32>
  torch.overwrite.tensor.contents %1 overwrites %pos : !torch.vtensor<[2],f32>, !torch.tensor<[2],f32>
  %2 = torch.aten.mul.Tensor %0, %1 : !torch.vtensor<[2],f32>, !torch.vtensor<[2],f32> -> !torch.vtensor<[2],f32>
  torch.overwrite.tensor.contents %2 overwrites %pos : !torch.vtensor<[2],f32>, !torch.tensor<[2],f32>
  %3 = torch.copy.to_vtensor %pos : !torch.vtensor<[2],f32>
  %4 = torch.aten.mul.Tensor %3, %3 : !torch.vtensor<[2],f32>, !torch.vtensor<[2],f32> -> !torch.vtensor<[2],f32>
  torch.overwrite.tensor.contents %4 overwrites %pos : !torch.vtensor<[2],f32>, !torch.tensor<[2],f32>
  return %1, %2 : !torch.vtensor<[2],f32>, !torch.vtensor<[2],f32>
}

// -----

// Arguments are independent: two that swap their contents, one that is only
// read, and one that has a name.

// CHECK-LABEL: func.func @several
// CHECK-SAME: %[[A:[^ ]+]]: !torch.vtensor<[2],f32> {kvlift.kind = "user_input", kvlift.slot = "arg0"}
// CHECK-SAME: %[[B:[^ ]+]]: !torch.vtensor<[2],f32> {kvlift.kind = "buffer", kvlift.name = "cache", kvlift.slot = "cache"}
// CHECK-SAME: %[[C:[^ ]+]]: !torch.vtensor<[2],f32>)
// CHECK-SAME: -> (!torch.vtensor<[2],f32>, !torch.vtensor<[2],f32> {kvlift.slot = "arg0"}, !torch.vtensor<[2],f32> {kvlift.slot = "cache"})
// CHECK: return %[[C]], %[[B]], %[[A]]

// LOWERED-LABEL: func.func @several
// LOWERED-SAME: tf.aliasing_output = 1 : i32
// LOWERED-SAME: kvlift.slot = "cache", tf.aliasing_output = 2 : i32
// LOWERED: return
func.func @several(%a: !torch.tensor<[2],f32>, %b: !torch.tensor<[2],f32> {kvlift.kind = "buffer", kvlift.name = "cache"}, %c: !torch.tensor<[2],f32>) -> !torch.vtensor<[2],f32> {
  %0 = torch.copy.to_vtensor %a : !torch.vtensor<[2],f32>
  %1 = torch.copy.to_vtensor %b : !torch.vtensor<[2],f32>
  %2 = torch.copy.to_vtensor %c : !torch.vtensor<[2],f32>
  torch.overwrite.tensor.contents %1 overwrites %a : !torch.vtensor<[2],f32>, !torch.tensor<[2],f32>
  torch.overwrite.tensor.contents %0 overwrites %b : !torch.vtensor<[2],f32>, !torch.tensor<[2],f32>
  return %2 : !torch.vtensor<[2],f32>
}

// -----

// What one argument has by then may be written into another one.

// CHECK-LABEL: func.func @across
// CHECK-SAME: (%[[A:[^ ]+]]: !torch.vtensor<[2],f32>{{.*}}, %[[B:[^ ]+]]: !torch.vtensor<[2],f32>{{.*}}, %[[NEW:[^ ]+]]: !torch.vtensor<[2],f32>)
// CHECK: return %[[NEW]], %[[NEW]]

// LOWERED-LABEL: func.func @across
// LOWERED: return
func.func @across(%a: !torch.tensor<[2],f32>, %b: !torch.tensor<[2],f32>, %new: !torch.vtensor<[2],f32>) {
  torch.overwrite.tensor.contents %new overwrites %b : !torch.vtensor<[2],f32>, !torch.tensor<[2],f32>
  %0 = torch.copy.to_vtensor %b : !torch.vtensor<[2],f32>
  torch.overwrite.tensor.contents %0 overwrites %a : !torch.vtensor<[2],f32>, !torch.tensor<[2],f32>
  return
}

// -----

// An argument that nobody uses, and one whose own contents are written back,
// are values like any other.

// CHECK-LABEL: func.func @unchanged
// CHECK-SAME: (%{{[^ ]+}}: !torch.vtensor<[2],f32>, %[[B:[^ ]+]]: !torch.vtensor<[2],f32>) -> !torch.vtensor<[2],f32>
// CHECK-NEXT: return %[[B]]

// LOWERED-LABEL: func.func @unchanged
// LOWERED: return
func.func @unchanged(%a: !torch.tensor<[2],f32>, %b: !torch.tensor<[2],f32>) -> !torch.vtensor<[2],f32> {
  %0 = torch.copy.to_vtensor %b : !torch.vtensor<[2],f32>
  torch.overwrite.tensor.contents %0 overwrites %b : !torch.vtensor<[2],f32>, !torch.tensor<[2],f32>
  return %0 : !torch.vtensor<[2],f32>
}

// -----

// A slot's name is free, or it is made so.

// CHECK-LABEL: func.func @names
// CHECK-SAME: kvlift.slot = "cache"}
// CHECK-SAME: kvlift.slot = "cache_1"}
// CHECK-SAME: -> (!torch.vtensor<[2],f32> {kvlift.slot = "cache"}, !torch.vtensor<[2],f32> {kvlift.slot = "cache_1"})

// LOWERED-LABEL: func.func @names
// LOWERED: return
func.func @names(%a: !torch.tensor<[2],f32> loc("cache"), %b: !torch.tensor<[2],f32> loc("cache"), %new: !torch.vtensor<[2],f32>) {
  torch.overwrite.tensor.contents %new overwrites %a : !torch.vtensor<[2],f32>, !torch.tensor<[2],f32>
  torch.overwrite.tensor.contents %new overwrites %b : !torch.vtensor<[2],f32>, !torch.tensor<[2],f32>
  return
}
