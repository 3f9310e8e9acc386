// Each part is processed alone: one that fails leaves the others. Places count the whole file's lines.
// RUN: not kvlift-opt %s --split-input-file > %t.out 2> %t.err
// RUN: filecheck %s < %t.out
// RUN: filecheck %s --check-prefix=ERR < %t.err
// RUN: not kvlift-opt --split-input-file < %s 2>&1 | filecheck %s --check-prefix=STDIN
// With -o the output is all or nothing.
// RUN: rm -f %t.none && %exits 1 kvlift-opt %s --split-input-file -o %t.none && not ls %t.none

// CHECK: func.func @first
// CHECK: // -----
// CHECK-NOT: @second
// CHECK: func.func @third
func.func @first() { return }

// -----

// ERR: split-input-file.mlir:[[# @LINE + 3]]:23: error: custom op 'retur' is unknown
// ERR-NEXT: func.func @second() { retur }
// STDIN: <stdin>:[[# @LINE + 1]]:23: error: custom op 'retur' is unknown
func.func @second() { retur }

// -----

func.func @third() { return }

// -----
