// Bytecode wants its resources aligned in memory (64 bytes here), wherever the allocator puts the file: tried often,
// because addresses differ from run to run.
// RUN: kvlift-opt %s -o %t.mlir && kvlift-opt %s --emit-bytecode -o %t.bc
// RUN: kvlift-opt %t.bc | cmp %t.mlir - && kvlift-opt < %t.bc | cmp %t.mlir -
// RUN: kvlift-opt %t.bc | cmp %t.mlir - && kvlift-opt < %t.bc | cmp %t.mlir -
// RUN: kvlift-opt %t.bc | cmp %t.mlir - && kvlift-opt < %t.bc | cmp %t.mlir -
// RUN: kvlift-opt %t.bc | cmp %t.mlir - && kvlift-opt < %t.bc | cmp %t.mlir -

func.func @f() -> tensor<4xf32> {
  %0 = stablehlo.constant dense_resource<blob> : tensor<4xf32>
  return %0 : tensor<4xf32>
}
{-# dialect_resources: { builtin: { blob: "0x400000000000803F000000400000404000008040" } } #-}
