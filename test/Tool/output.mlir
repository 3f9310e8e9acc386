// A file is replaced at once: it keeps its permissions, a link stays a link, nothing is left beside it.
// RUN: rm -rf %t && mkdir %t && echo old > %t/file.mlir && chmod 640 %t/file.mlir && ln -s file.mlir %t/link.mlir
// RUN: kvlift-opt %s -o %t/link.mlir
// RUN: filecheck %s < %t/file.mlir
// RUN: ls -l %t | filecheck %s --check-prefix=FILES
// CHECK: func.func @f
// FILES: -rw-r-----{{.*}} file.mlir
// FILES-NEXT: link.mlir -> file.mlir

// The input may be the output.
// RUN: kvlift-opt %t/file.mlir --pass-pipeline='builtin.module(canonicalize)' -o %t/file.mlir && filecheck %s < %t/file.mlir

// RUN: %exits 1 kvlift-opt %s -o %t/none/file.mlir 2>&1 | filecheck %s --check-prefix=NOFOLDER
// NOFOLDER: kvlift-opt: error: cannot write '{{.*}}file.mlir': No such file or directory
// RUN: %exits 1 kvlift-opt %s -o %t 2>&1 | filecheck %s --check-prefix=FOLDER
// FOLDER: kvlift-opt: error: cannot write '{{.*}}': Is a directory
// RUN: %exits 1 kvlift-opt %s -o /dev/full 2>&1 | filecheck %s --check-prefix=FULL
// FULL: kvlift-opt: error: cannot write '/dev/full': No space left on device
// RUN: %exits 0 kvlift-opt %s -o /dev/null

func.func @f(%arg0: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.add %arg0, %arg0 : tensor<4xf32>
  return %0 : tensor<4xf32>
}
