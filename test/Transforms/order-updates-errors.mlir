// RUN: kvlift-opt %s --verify-diagnostics --pass-pipeline='builtin.module(kvlift-order-updates)'

// Marks that contradict each other name no slots to order.

// expected-error@below {{slot 'c' is on argument #0 but on no result of function 'half'}}
func.func @half(%c: tensor<8xf32> {kvlift.slot = "c"}) -> tensor<8xf32> {
  return %c : tensor<8xf32>
}
