// RUN: kvlift-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(kvlift-legalize-constants)'

// A scalar that is computed has no StableHLO form here, nor has what is built of
// it. What depends on each other is remarked in full, not erased.

func.func @computed(%t: tensor<4xf32>, %i: tensor<i64>) -> tensor<2xi64> {
  // expected-remark@below {{'tensor.extract' has no StableHLO form here: a portable artifact of this module cannot be written}}
  %0 = tensor.extract %i[] : tensor<i64>
  // expected-remark@below {{'arith.addi' has no StableHLO form here}}
  %1 = arith.addi %0, %0 : i64
  // expected-remark@below {{'tensor.from_elements' has no StableHLO form here}}
  %2 = tensor.from_elements %0, %1 : tensor<2xi64>
  return %2 : tensor<2xi64>
}

// -----

// One element of several is not a reshape.

func.func @one_of_four(%t: tensor<4xi64>) -> tensor<1xi64> {
  // expected-remark@below {{'arith.constant' has no StableHLO form here}}
  %c1 = arith.constant 1 : index
  // expected-remark@below {{'tensor.extract' has no StableHLO form here}}
  %0 = tensor.extract %t[%c1] : tensor<4xi64>
  // expected-remark@below {{'tensor.from_elements' has no StableHLO form here}}
  %1 = tensor.from_elements %0 : tensor<1xi64>
  return %1 : tensor<1xi64>
}

// -----

// StableHLO has no index type, and a cast that forgets a shape does something.

func.func @types(%t: tensor<4xf32>) -> (tensor<2xindex>, tensor<?xf32>) {
  // expected-remark@below {{'arith.constant' has no StableHLO form here}}
  %0 = arith.constant dense<[1, 2]> : tensor<2xindex>
  // expected-remark@below {{'tensor.cast' has no StableHLO form here}}
  %1 = tensor.cast %t : tensor<4xf32> to tensor<?xf32>
  return %0, %1 : tensor<2xindex>, tensor<?xf32>
}

// -----

// An assertion that may fail is somebody's guard, and one that must fail still
// more so.

func.func @assertions(%b: i1) {
  // expected-remark@below {{'cf.assert' has no StableHLO form here}}
  cf.assert %b, "may fail"
  // expected-remark@below {{'arith.constant' has no StableHLO form here}}
  %false = arith.constant false
  // expected-remark@below {{'cf.assert' has no StableHLO form here}}
  cf.assert %false, "must fail"
  return
}
