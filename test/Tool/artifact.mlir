// Text to a portable artifact to text gives the text, in the library's version and in an old one.
// RUN: kvlift-opt %s -o %t.mlir
// RUN: kvlift-opt %s --emit-artifact -o %t.artifact
// RUN: kvlift-opt %s --target-version=1.9.0 -o %t.old.artifact
// RUN: kvlift-opt %t.artifact | cmp %t.mlir -
// RUN: kvlift-opt %t.old.artifact | cmp %t.mlir -
// RUN: kvlift-opt - < %t.old.artifact | cmp %t.mlir -
// RUN: head -c 21 %t.old.artifact | tail -c 16 | filecheck %s --check-prefix=PRODUCER
// PRODUCER: StableHLO_v1.9.0

// Damaged, it gives an error and no crash.
// RUN: python %S/Inputs/damage.py kvlift-opt %t.old.artifact

// An artifact of a StableHLO to come is refused by its version.
// RUN: env LC_ALL=C sed s/StableHLO_v1.9.0/StableHLO_v9.9.0/ %t.old.artifact > %t.future
// RUN: %exits 1 kvlift-opt %t.future 2>&1 | filecheck %s --check-prefix=FUTURE
// FUTURE: artifact.mlir{{.*}}.future{{.*}} error: the portable artifact was written by StableHLO 9.9.0, the library reads up to

// RUN: %exits 1 kvlift-opt %s --target-version=99.0.0 2>&1 | filecheck %s --check-prefix=NEWER
// NEWER: error: --target-version has the StableHLO version '99.0.0', newer than the library's
// RUN: %exits 1 kvlift-opt %s --target-version=0.0.1 2>&1 | filecheck %s --check-prefix=OLDER
// OLDER: error: --target-version has the StableHLO version '0.0.1', older than
// RUN: %exits 1 kvlift-opt %s --target-version=latest 2>&1 | filecheck %s --check-prefix=FORM
// FORM: error: --target-version has the StableHLO version 'latest', which is not of the form X.Y.Z

func.func @f(%arg0: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.add %arg0, %arg0 : tensor<4xf32>
  return %0 : tensor<4xf32>
}
