// Text to bytecode to text gives the text; bytecode is bytecode.
// RUN: kvlift-opt %s -o %t.mlir
// RUN: kvlift-opt %s --emit-bytecode -o %t.mlirbc
// RUN: kvlift-opt %t.mlirbc -o %t.back.mlir && cmp %t.mlir %t.back.mlir
// RUN: kvlift-opt < %t.mlirbc | cmp %t.mlir -
// RUN: head -c 4 %t.mlirbc | od -An -tx1 | filecheck %s --check-prefix=MAGIC
// MAGIC: 4d 4c ef 52

// Bytecode is no text: there is nothing to split in it.
// RUN: kvlift-opt %t.mlirbc --split-input-file | cmp %t.mlir -

// Damaged, it gives an error and no crash.
// RUN: python %S/Inputs/damage.py kvlift-opt %t.mlirbc

func.func @f(%arg0: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.add %arg0, %arg0 : tensor<4xf32>
  return %0 : tensor<4xf32>
}
