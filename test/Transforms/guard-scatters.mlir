// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-guard-scatters{target=iree:cpu})' | filecheck %s
// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-guard-scatters{target=pjrt:cpu})' | filecheck %s --check-prefix=PJRT
//
// What the guards compute is compared in test/python/test_scatter_forms.py.

// A row that is out of range is marked, and a body that combines floats leaves
// what it meets as it was, bit for bit. Other targets drop such rows themselves.

// CHECK-LABEL: func.func @add
// CHECK-SAME: (%{{[^ ]+}}: tensor<8x4xf32>, %[[I:[^ ]+]]: tensor<3x1xi64>, %[[NEW:[^ ]+]]: tensor<3x4xf32>)
// CHECK: %[[IN:[^ ]+]] = stablehlo.clamp %{{[^ ]+}}, %[[I]], %{{[^ ]+}} : tensor<3x1xi64>
// CHECK: %[[OK:[^ ]+]] = stablehlo.compare EQ, %[[IN]], %[[I]]
// CHECK: %[[BITS:[^ ]+]] = stablehlo.bitcast_convert %[[NEW]] : (tensor<3x4xf32>) -> tensor<3x4xi32>
// CHECK: %[[MARKS:[^ ]+]] = stablehlo.constant dense<2143289343> : tensor<3x4xi32>
// CHECK: %[[QUIET:[^ ]+]] = stablehlo.constant dense<2147483647> : tensor<3x4xi32>
// CHECK: %[[IS:[^ ]+]] = stablehlo.compare EQ, %[[BITS]], %[[MARKS]]
// CHECK: %[[OTHERS:[^ ]+]] = stablehlo.select %[[IS]], %[[QUIET]], %[[BITS]]
// CHECK: %[[MARKED:[^ ]+]] = stablehlo.select %{{[^ ]+}}, %[[OTHERS]], %[[MARKS]]
// CHECK: %[[DATA:[^ ]+]] = stablehlo.bitcast_convert %[[MARKED]]
// CHECK: %[[SHORT:[^ ]+]] = stablehlo.convert %[[IN]] : (tensor<3x1xi64>) -> tensor<3x1xi32>
// CHECK: "stablehlo.scatter"(%{{[^ ]+}}, %[[SHORT]], %[[DATA]])
// CHECK: ^bb0(%[[X:[^ ]+]]: tensor<f32>, %[[Y:[^ ]+]]: tensor<f32>):
// CHECK: %[[SUM:[^ ]+]] = stablehlo.add %[[X]], %[[Y]]
// CHECK: %[[IT:[^ ]+]] = stablehlo.bitcast_convert %[[Y]]
// CHECK: %[[MARK:[^ ]+]] = stablehlo.compare EQ, %[[IT]]
// CHECK: %[[OLD:[^ ]+]] = stablehlo.bitcast_convert %[[X]]
// CHECK: %[[MADE:[^ ]+]] = stablehlo.bitcast_convert %[[SUM]]
// CHECK: stablehlo.select %[[MARK]], %[[OLD]], %[[MADE]]
// CHECK-NOT: unique_indices = true
// CHECK: return
// PJRT-LABEL: func.func @add
// PJRT-NOT: stablehlo.clamp
// PJRT: unique_indices = true
func.func @add(%slot: tensor<8x4xf32>, %i: tensor<3x1xi64>, %new: tensor<3x4xf32>) -> tensor<8x4xf32> {
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>, unique_indices = true}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    %s = stablehlo.add %x, %y : tensor<f32>
    stablehlo.return %s : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<3x1xi64>, tensor<3x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// The marks of other floats, and what bodies leave integers as they are with.

// CHECK-LABEL: func.func @identities
// CHECK: stablehlo.constant dense<32703> : tensor<1xi16>
// CHECK: stablehlo.constant dense<32255> : tensor<1xi16>
// CHECK: stablehlo.constant dense<-128> : tensor<1xi8>
// CHECK: stablehlo.constant dense<255> : tensor<1xui8>
// CHECK: stablehlo.constant dense<true> : tensor<1xi1>
// PJRT-LABEL: func.func @identities
func.func @identities(%a: tensor<8xbf16>, %b: tensor<8xf16>, %c: tensor<8xi8>, %d: tensor<8xui8>, %e: tensor<8xi1>, %i: tensor<1x1xi32>, %p: tensor<1xbf16>, %q: tensor<1xf16>, %r: tensor<1xi8>, %s: tensor<1xui8>, %t: tensor<1xi1>) -> (tensor<8xbf16>, tensor<8xf16>, tensor<8xi8>, tensor<8xui8>, tensor<8xi1>) {
  %0 = "stablehlo.scatter"(%a, %i, %p) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<bf16>, %y: tensor<bf16>):
    %m = stablehlo.maximum %x, %y : tensor<bf16>
    stablehlo.return %m : tensor<bf16>
  }) : (tensor<8xbf16>, tensor<1x1xi32>, tensor<1xbf16>) -> tensor<8xbf16>
  %1 = "stablehlo.scatter"(%b, %i, %q) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f16>, %y: tensor<f16>):
    %m = stablehlo.minimum %x, %y : tensor<f16>
    stablehlo.return %m : tensor<f16>
  }) : (tensor<8xf16>, tensor<1x1xi32>, tensor<1xf16>) -> tensor<8xf16>
  %2 = "stablehlo.scatter"(%c, %i, %r) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<i8>, %y: tensor<i8>):
    %m = stablehlo.maximum %x, %y : tensor<i8>
    stablehlo.return %m : tensor<i8>
  }) : (tensor<8xi8>, tensor<1x1xi32>, tensor<1xi8>) -> tensor<8xi8>
  %3 = "stablehlo.scatter"(%d, %i, %s) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<ui8>, %y: tensor<ui8>):
    %m = stablehlo.minimum %x, %y : tensor<ui8>
    stablehlo.return %m : tensor<ui8>
  }) : (tensor<8xui8>, tensor<1x1xi32>, tensor<1xui8>) -> tensor<8xui8>
  %4 = "stablehlo.scatter"(%e, %i, %t) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<i1>, %y: tensor<i1>):
    %m = stablehlo.and %x, %y : tensor<i1>
    stablehlo.return %m : tensor<i1>
  }) : (tensor<8xi1>, tensor<1x1xi32>, tensor<1xi1>) -> tensor<8xi1>
  return %0, %1, %2, %3, %4 : tensor<8xbf16>, tensor<8xf16>, tensor<8xi8>, tensor<8xui8>, tensor<8xi1>
}

// -----

// A body that overwrites: such rows repeat the last one that is in range, or
// write back what is at 0.

// CHECK-LABEL: func.func @overwrite
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<8x4xf32>, %[[I:[^ ]+]]: tensor<3x1xi32>, %[[NEW:[^ ]+]]: tensor<3x4xf32>)
// CHECK: %[[LAST:[^ ]+]] = stablehlo.reduce
// CHECK-SAME: stablehlo.maximum
// CHECK: %[[OLD:[^ ]+]] = stablehlo.slice %[[SLOT]] [0:1, 0:4]
// CHECK: "stablehlo.scatter"(%[[SLOT]], %{{[^ ]+}}, %{{[^ ]+}})
// PJRT-LABEL: func.func @overwrite
func.func @overwrite(%slot: tensor<8x4xf32>, %i: tensor<3x1xi32>, %new: tensor<3x4xf32>) -> tensor<8x4xf32> {
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<3x1xi32>, tensor<3x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// Indices that are known to be in range only get shorter.

// CHECK-LABEL: func.func @proved
// CHECK-NOT: stablehlo.clamp
// CHECK: stablehlo.convert %{{[^ ]+}} : (tensor<3x1xi64>) -> tensor<3x1xi32>
// CHECK-NOT: stablehlo.select
// CHECK: return
// PJRT-LABEL: func.func @proved
func.func @proved(%slot: tensor<8x4xf32>, %new: tensor<3x4xf32>) -> tensor<8x4xf32> {
  %i = stablehlo.constant dense<[[1], [7], [0]]> : tensor<3x1xi64>
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<3x1xi64>, tensor<3x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// Rows that are clamped to the last one are in range; clamped to the one behind
// it they are not.

// CHECK-LABEL: func.func @behind_the_last
// CHECK: %[[FIT:[^ ]+]] = stablehlo.clamp
// CHECK-NEXT: "stablehlo.scatter"(%{{[^ ]+}}, %[[FIT]], %{{[^ ]+}})
// CHECK: %[[BEHIND:[^ ]+]] = stablehlo.clamp
// CHECK: %[[ROWS:[^ ]+]] = stablehlo.clamp %{{[^ ]+}}, %[[BEHIND]], %{{[^ ]+}}
// CHECK: stablehlo.compare EQ, %[[ROWS]], %[[BEHIND]]
// CHECK: "stablehlo.scatter"
// PJRT-LABEL: func.func @behind_the_last
func.func @behind_the_last(%slot: tensor<8x4xf32>, %p: tensor<3x1xi32>, %new: tensor<3x4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
  %low = stablehlo.constant dense<0> : tensor<i32>
  %last = stablehlo.constant dense<7> : tensor<i32>
  %behind = stablehlo.constant dense<8> : tensor<i32>
  %i = stablehlo.clamp %low, %p, %last : (tensor<i32>, tensor<3x1xi32>, tensor<i32>) -> tensor<3x1xi32>
  %0 = "stablehlo.scatter"(%slot, %i, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<3x1xi32>, tensor<3x4xf32>) -> tensor<8x4xf32>
  %j = stablehlo.clamp %low, %p, %behind : (tensor<i32>, tensor<3x1xi32>, tensor<i32>) -> tensor<3x1xi32>
  %1 = "stablehlo.scatter"(%slot, %j, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<8x4xf32>, tensor<3x1xi32>, tensor<3x4xf32>) -> tensor<8x4xf32>
  return %0, %1 : tensor<8x4xf32>, tensor<8x4xf32>
}

// -----

// Every row of an empty operand is out of range, and there is no row to repeat.

// CHECK-LABEL: func.func @empty_operand
// CHECK-SAME: (%[[SLOT:[^ ]+]]: tensor<0x4xf32>
// CHECK-NOT: scatter
// CHECK: return %[[SLOT]]
// PJRT-LABEL: func.func @empty_operand
func.func @empty_operand(%slot: tensor<0x4xf32>, %p: tensor<3x1xi32>, %new: tensor<3x4xf32>) -> tensor<0x4xf32> {
  %0 = "stablehlo.scatter"(%slot, %p, %new) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) : (tensor<0x4xf32>, tensor<3x1xi32>, tensor<3x4xf32>) -> tensor<0x4xf32>
  return %0 : tensor<0x4xf32>
}
