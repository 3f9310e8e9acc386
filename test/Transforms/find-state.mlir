// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-find-state)' | filecheck %s

// K and V have one shape and come back in swapped order: only the updates tell
// which result belongs to which argument.

// CHECK-LABEL: func.func @swapped
// CHECK-SAME: %[[K:[^ ]+]]: tensor<4x8xf32> {kvlift.kind = "inferred", kvlift.slot = "arg0"}
// CHECK-SAME: %[[V:[^ ]+]]: tensor<4x8xf32> {kvlift.kind = "inferred", kvlift.slot = "arg1"}
// CHECK-SAME: -> (tensor<4x8xf32> {kvlift.slot = "arg1"}, tensor<4x8xf32> {kvlift.slot = "arg0"})
func.func @swapped(%k: tensor<4x8xf32>, %v: tensor<4x8xf32>,
                   %row: tensor<1x8xf32>, %i: tensor<i32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %newK = stablehlo.dynamic_update_slice %k, %row, %i, %i : (tensor<4x8xf32>, tensor<1x8xf32>, tensor<i32>, tensor<i32>) -> tensor<4x8xf32>
  %newV = stablehlo.dynamic_update_slice %v, %row, %i, %i : (tensor<4x8xf32>, tensor<1x8xf32>, tensor<i32>, tensor<i32>) -> tensor<4x8xf32>
  return %newV, %newK : tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// The updated value also goes *into* the other cache's update. What is written
// is no root: only what is written to.

// CHECK-LABEL: func.func @written_is_no_root
// CHECK-SAME: tensor<4xf32> {kvlift.kind = "inferred", kvlift.slot = "arg0"}
// CHECK-SAME: tensor<4xf32> {kvlift.kind = "inferred", kvlift.slot = "arg1"}
// CHECK-SAME: -> (tensor<4xf32> {kvlift.slot = "arg1"}, tensor<4xf32> {kvlift.slot = "arg0"})
func.func @written_is_no_root(%a: tensor<4xf32>, %b: tensor<4xf32>, %i: tensor<i32>)
    -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = stablehlo.dynamic_update_slice %a, %b, %i : (tensor<4xf32>, tensor<4xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %b, %0, %i : (tensor<4xf32>, tensor<4xf32>, tensor<i32>) -> tensor<4xf32>
  return %1, %0 : tensor<4xf32>, tensor<4xf32>
}

// -----

// Eight slots of one type, returned in the order 3 0 7 1 6 2 5 4.

// CHECK-LABEL: func.func @shuffled
// CHECK-SAME: -> (tensor<2xi8> {kvlift.slot = "arg3"}, tensor<2xi8> {kvlift.slot = "arg0"},
// CHECK-SAME: tensor<2xi8> {kvlift.slot = "arg7"}, tensor<2xi8> {kvlift.slot = "arg1"},
// CHECK-SAME: tensor<2xi8> {kvlift.slot = "arg6"}, tensor<2xi8> {kvlift.slot = "arg2"},
// CHECK-SAME: tensor<2xi8> {kvlift.slot = "arg5"}, tensor<2xi8> {kvlift.slot = "arg4"})
func.func @shuffled(%a0: tensor<2xi8>, %a1: tensor<2xi8>, %a2: tensor<2xi8>, %a3: tensor<2xi8>,
                    %a4: tensor<2xi8>, %a5: tensor<2xi8>, %a6: tensor<2xi8>, %a7: tensor<2xi8>,
                    %u: tensor<1xi8>, %i: tensor<i32>)
    -> (tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>,
        tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>) {
  %0 = stablehlo.dynamic_update_slice %a0, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %1 = stablehlo.dynamic_update_slice %a1, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %2 = stablehlo.dynamic_update_slice %a2, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %3 = stablehlo.dynamic_update_slice %a3, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %4 = stablehlo.dynamic_update_slice %a4, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %5 = stablehlo.dynamic_update_slice %a5, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %6 = stablehlo.dynamic_update_slice %a6, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %7 = stablehlo.dynamic_update_slice %a7, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  return %3, %0, %7, %1, %6, %2, %5, %4 : tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>
}

// -----

// A chain goes through many updates and through what keeps the storage:
// barriers, reshapes, and transposes that cancel. Two slots may share a barrier.

// CHECK-LABEL: func.func @chain
// CHECK-SAME: tensor<2x6xf32> {kvlift.kind = "inferred", kvlift.slot = "arg0"}
// CHECK-SAME: tensor<6xf32> {kvlift.kind = "inferred", kvlift.slot = "arg1"}
// CHECK-SAME: -> (tensor<6xf32> {kvlift.slot = "arg1"}, tensor<2x6xf32> {kvlift.slot = "arg0"})
func.func @chain(%a: tensor<2x6xf32>, %b: tensor<6xf32>, %u: tensor<1xf32>,
                 %cell: tensor<1x1xf32>, %i: tensor<i32>) -> (tensor<6xf32>, tensor<2x6xf32>) {
  %b1 = stablehlo.dynamic_update_slice %b, %u, %i : (tensor<6xf32>, tensor<1xf32>, tensor<i32>) -> tensor<6xf32>
  %flat = stablehlo.reshape %a : (tensor<2x6xf32>) -> tensor<12xf32>
  %a1 = stablehlo.dynamic_update_slice %flat, %u, %i : (tensor<12xf32>, tensor<1xf32>, tensor<i32>) -> tensor<12xf32>
  %both:2 = stablehlo.optimization_barrier %a1, %b1 : tensor<12xf32>, tensor<6xf32>
  %b2 = stablehlo.dynamic_update_slice %both#1, %u, %i : (tensor<6xf32>, tensor<1xf32>, tensor<i32>) -> tensor<6xf32>
  %a2 = stablehlo.reshape %both#0 : (tensor<12xf32>) -> tensor<2x6xf32>
  %turned = stablehlo.transpose %a2, dims = [1, 0] : (tensor<2x6xf32>) -> tensor<6x2xf32>
  %a3 = stablehlo.dynamic_update_slice %turned, %cell, %i, %i : (tensor<6x2xf32>, tensor<1x1xf32>, tensor<i32>, tensor<i32>) -> tensor<6x2xf32>
  %back = stablehlo.transpose %a3, dims = [1, 0] : (tensor<6x2xf32>) -> tensor<2x6xf32>
  return %b2, %back : tensor<6xf32>, tensor<2x6xf32>
}

// -----

// A square slot looks the same when it comes back transposed, but it is not the
// same storage layout: no tie. Three turns of a cube cancel, two do not.

// CHECK-LABEL: func.func @layouts
// CHECK-SAME: (%[[A:[^ ]+]]: tensor<3x3xf32>,
// CHECK-SAME: tensor<2x2x2xf32>, %{{[^ ]+}}: tensor<2x2x2xf32> {kvlift.kind = "inferred", kvlift.slot = "arg2"}
// CHECK-SAME: -> (tensor<3x3xf32>, tensor<2x2x2xf32>, tensor<2x2x2xf32> {kvlift.slot = "arg2"})
func.func @layouts(%a: tensor<3x3xf32>, %b: tensor<2x2x2xf32>, %c: tensor<2x2x2xf32>,
                   %u: tensor<1x1xf32>, %w: tensor<1x1x1xf32>, %i: tensor<i32>)
    -> (tensor<3x3xf32>, tensor<2x2x2xf32>, tensor<2x2x2xf32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i, %i : (tensor<3x3xf32>, tensor<1x1xf32>, tensor<i32>, tensor<i32>) -> tensor<3x3xf32>
  %1 = stablehlo.transpose %0, dims = [1, 0] : (tensor<3x3xf32>) -> tensor<3x3xf32>
  %2 = stablehlo.transpose %b, dims = [1, 2, 0] : (tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  %3 = stablehlo.dynamic_update_slice %2, %w, %i, %i, %i : (tensor<2x2x2xf32>, tensor<1x1x1xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x2x2xf32>
  %4 = stablehlo.transpose %3, dims = [1, 2, 0] : (tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  %5 = stablehlo.transpose %c, dims = [1, 2, 0] : (tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  %6 = stablehlo.dynamic_update_slice %5, %w, %i, %i, %i : (tensor<2x2x2xf32>, tensor<1x1x1xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x2x2xf32>
  %7 = stablehlo.transpose %6, dims = [1, 2, 0] : (tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  %8 = stablehlo.transpose %7, dims = [1, 2, 0] : (tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  return %1, %4, %8 : tensor<3x3xf32>, tensor<2x2x2xf32>, tensor<2x2x2xf32>
}

// -----

// An update in a reshaped form that comes back in another type is no slot, but
// neither is it lost: a result carries it.

// CHECK-LABEL: func.func @other_type
// CHECK-SAME: (%{{[^ ]+}}: tensor<2x3xf32>,
// CHECK-SAME: -> tensor<6xf32> {
func.func @other_type(%a: tensor<2x3xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<6xf32> {
  %0 = stablehlo.reshape %a : (tensor<2x3xf32>) -> tensor<6xf32>
  %1 = stablehlo.dynamic_update_slice %0, %u, %i : (tensor<6xf32>, tensor<1xf32>, tensor<i32>) -> tensor<6xf32>
  return %1 : tensor<6xf32>
}

// -----

// One scatter may write K and V at once. Its results belong to its operands,
// one by one.

// CHECK-LABEL: func.func @one_scatter_two_slots
// CHECK-SAME: tensor<4x2xf32> {kvlift.kind = "inferred", kvlift.slot = "arg0"}
// CHECK-SAME: tensor<4x2xf32> {kvlift.kind = "inferred", kvlift.slot = "arg1"}
// CHECK-SAME: -> (tensor<4x2xf32> {kvlift.slot = "arg1"}, tensor<4x2xf32> {kvlift.slot = "arg0"})
func.func @one_scatter_two_slots(%k: tensor<4x2xf32>, %v: tensor<4x2xf32>, %i: tensor<1x1xi32>,
                                 %u: tensor<1x2xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>) {
  %0:2 = "stablehlo.scatter"(%k, %v, %i, %u, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%x: tensor<f32>, %p: tensor<f32>, %y: tensor<f32>, %q: tensor<f32>):
    stablehlo.return %y, %q : tensor<f32>, tensor<f32>
  }) : (tensor<4x2xf32>, tensor<4x2xf32>, tensor<1x1xi32>, tensor<1x2xf32>, tensor<1x2xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>)
  return %0#1, %0#0 : tensor<4x2xf32>, tensor<4x2xf32>
}

// -----

// What the IR says already is taken over: tf.aliasing_output and
// iree.abi.output name whole-value state that has no update op; a slot that is
// marked keeps its name. A parameter without marks or updates stays alone.

// CHECK-LABEL: func.func @said_already
// CHECK-SAME: tensor<i32> {kvlift.kind = "inferred", kvlift.slot = "arg0", tf.aliasing_output = 2 : i32}
// CHECK-SAME: tensor<i32> {iree.abi.output = 1 : index, kvlift.kind = "inferred", kvlift.slot = "arg1"}
// CHECK-SAME: tensor<i32> {kvlift.slot = "mine"}
// CHECK-SAME: %{{[^ ]+}}: tensor<i32>)
// CHECK-SAME: -> (tensor<i32> {kvlift.slot = "mine"}, tensor<i32> {kvlift.slot = "arg1"}, tensor<i32> {kvlift.slot = "arg0"})
func.func @said_already(%a: tensor<i32> {tf.aliasing_output = 2 : i32},
                        %b: tensor<i32> {iree.abi.output = 1 : index},
                        %c: tensor<i32> {kvlift.slot = "mine"}, %d: tensor<i32>)
    -> (tensor<i32> {kvlift.slot = "mine"}, tensor<i32>, tensor<i32>) {
  %0 = stablehlo.add %a, %d : tensor<i32>
  %1 = stablehlo.add %b, %d : tensor<i32>
  %2 = stablehlo.add %c, %d : tensor<i32>
  return %2, %1, %0 : tensor<i32>, tensor<i32>, tensor<i32>
}

// -----

// Marks, attributes and updates may say the same thing; that is one slot.

// CHECK-LABEL: func.func @said_twice
// CHECK-SAME: tensor<4xf32> {kvlift.slot = "k", tf.aliasing_output = 0 : i32}
// CHECK-SAME: -> (tensor<4xf32> {kvlift.slot = "k"})
func.func @said_twice(%k: tensor<4xf32> {kvlift.slot = "k", tf.aliasing_output = 0 : i32},
                      %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<4xf32> {kvlift.slot = "k"}) {
  %0 = stablehlo.dynamic_update_slice %k, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Where two results carry versions of an argument, an attribute settles it.

// CHECK-LABEL: func.func @attribute_settles
// CHECK-SAME: -> (tensor<4xf32>, tensor<4xf32> {kvlift.slot = "arg0"})
func.func @attribute_settles(%a: tensor<4xf32> {tf.aliasing_output = 1 : i32}, %u: tensor<1xf32>, %i: tensor<i32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %0, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// A frontend that marks kinds has named all state: its buffer that comes back
// updated is no slot, and its update that does not come back is not lost.

// CHECK-LABEL: func.func @spoken_for
// CHECK-SAME: (%{{[^ ]+}}: tensor<4xf32> {kvlift.kind = "user_input"},
// CHECK-SAME: tensor<4xf32> {kvlift.kind = "buffer"},
// CHECK-SAME: -> tensor<4xf32> {
func.func @spoken_for(%a: tensor<4xf32> {kvlift.kind = "user_input"},
                      %b: tensor<4xf32> {kvlift.kind = "buffer"},
                      %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<4xf32> {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %b, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Only public functions are called from outside and have state; their slots are
// called what the source calls them, and two of one name are told apart.

// CHECK-LABEL: func.func @names
// CHECK-SAME: tensor<4xf32> {kvlift.kind = "inferred", kvlift.slot = "cache"}
// CHECK-SAME: tensor<4xf32> {kvlift.kind = "inferred", kvlift.slot = "cache_1"}
// CHECK-SAME: tensor<4xf32> {kvlift.kind = "inferred", kvlift.name = "mine", kvlift.slot = "mine"}
// CHECK-LABEL: func.func private @inner
// CHECK-NOT: kvlift
// CHECK: return
func.func @names(%a: tensor<4xf32> loc("cache"), %b: tensor<4xf32> loc("cache"),
                 %c: tensor<4xf32> {kvlift.name = "mine"} loc("other"),
                 %u: tensor<1xf32>, %i: tensor<i32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %b, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %2 = stablehlo.dynamic_update_slice %c, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %0, %1, %2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
func.func private @inner(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<4xf32> {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Nothing to find in a declaration, and nothing is guessed about a function of
// several blocks.

// CHECK-LABEL: func.func private @declared(tensor<4xf32>) -> tensor<4xf32>
// CHECK-LABEL: func.func @blocks
// CHECK-NOT: kvlift
// CHECK: return
func.func private @declared(tensor<4xf32>) -> tensor<4xf32>
func.func @blocks(%a: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> tensor<4xf32> {
  cf.br ^next
^next:
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// The same with 64 slots in an order drawn by chance: each is found by its own
// chain, whatever stands beside it.

// CHECK-LABEL: func.func @shuffled_64
// CHECK-SAME: -> (tensor<2xi8> {kvlift.slot = "arg10"}, tensor<2xi8> {kvlift.slot = "arg20"}, tensor<2xi8> {kvlift.slot = "arg12"}, tensor<2xi8> {kvlift.slot = "arg31"},
// CHECK-SAME: tensor<2xi8> {kvlift.slot = "arg50"}, tensor<2xi8> {kvlift.slot = "arg55"}, tensor<2xi8> {kvlift.slot = "arg19"}, tensor<2xi8> {kvlift.slot = "arg56"},
// CHECK-SAME: tensor<2xi8> {kvlift.slot = "arg43"}, tensor<2xi8> {kvlift.slot = "arg45"}, tensor<2xi8> {kvlift.slot = "arg0"}, tensor<2xi8> {kvlift.slot = "arg21"},
// CHECK-SAME: tensor<2xi8> {kvlift.slot = "arg1"}, tensor<2xi8> {kvlift.slot = "arg16"}, tensor<2xi8> {kvlift.slot = "arg8"}, tensor<2xi8> {kvlift.slot = "arg22"},
// CHECK-SAME: tensor<2xi8> {kvlift.slot = "arg11"}, tensor<2xi8> {kvlift.slot = "arg54"}, tensor<2xi8> {kvlift.slot = "arg53"}, tensor<2xi8> {kvlift.slot = "arg42"},
// CHECK-SAME: tensor<2xi8> {kvlift.slot = "arg24"}, tensor<2xi8> {kvlift.slot = "arg29"}, tensor<2xi8> {kvlift.slot = "arg18"}, tensor<2xi8> {kvlift.slot = "arg33"},
// CHECK-SAME: tensor<2xi8> {kvlift.slot = "arg30"}, tensor<2xi8> {kvlift.slot = "arg28"}, tensor<2xi8> {kvlift.slot = "arg49"}, tensor<2xi8> {kvlift.slot = "arg61"},
// CHECK-SAME: tensor<2xi8> {kvlift.slot = "arg44"}, tensor<2xi8> {kvlift.slot = "arg40"}, tensor<2xi8> {kvlift.slot = "arg17"}, tensor<2xi8> {kvlift.slot = "arg48"},
// CHECK-SAME: tensor<2xi8> {kvlift.slot = "arg38"}, tensor<2xi8> {kvlift.slot = "arg59"}, tensor<2xi8> {kvlift.slot = "arg62"}, tensor<2xi8> {kvlift.slot = "arg39"},
// CHECK-SAME: tensor<2xi8> {kvlift.slot = "arg14"}, tensor<2xi8> {kvlift.slot = "arg7"}, tensor<2xi8> {kvlift.slot = "arg36"}, tensor<2xi8> {kvlift.slot = "arg51"},
// CHECK-SAME: tensor<2xi8> {kvlift.slot = "arg46"}, tensor<2xi8> {kvlift.slot = "arg35"}, tensor<2xi8> {kvlift.slot = "arg47"}, tensor<2xi8> {kvlift.slot = "arg15"},
// CHECK-SAME: tensor<2xi8> {kvlift.slot = "arg57"}, tensor<2xi8> {kvlift.slot = "arg26"}, tensor<2xi8> {kvlift.slot = "arg27"}, tensor<2xi8> {kvlift.slot = "arg5"},
// CHECK-SAME: tensor<2xi8> {kvlift.slot = "arg2"}, tensor<2xi8> {kvlift.slot = "arg13"}, tensor<2xi8> {kvlift.slot = "arg32"}, tensor<2xi8> {kvlift.slot = "arg58"},
// CHECK-SAME: tensor<2xi8> {kvlift.slot = "arg37"}, tensor<2xi8> {kvlift.slot = "arg23"}, tensor<2xi8> {kvlift.slot = "arg6"}, tensor<2xi8> {kvlift.slot = "arg34"},
// CHECK-SAME: tensor<2xi8> {kvlift.slot = "arg52"}, tensor<2xi8> {kvlift.slot = "arg4"}, tensor<2xi8> {kvlift.slot = "arg3"}, tensor<2xi8> {kvlift.slot = "arg63"},
// CHECK-SAME: tensor<2xi8> {kvlift.slot = "arg25"}, tensor<2xi8> {kvlift.slot = "arg9"}, tensor<2xi8> {kvlift.slot = "arg60"}, tensor<2xi8> {kvlift.slot = "arg41"})
func.func @shuffled_64(%a0: tensor<2xi8>, %a1: tensor<2xi8>, %a2: tensor<2xi8>, %a3: tensor<2xi8>, %a4: tensor<2xi8>, %a5: tensor<2xi8>, %a6: tensor<2xi8>, %a7: tensor<2xi8>, %a8: tensor<2xi8>, %a9: tensor<2xi8>, %a10: tensor<2xi8>, %a11: tensor<2xi8>, %a12: tensor<2xi8>, %a13: tensor<2xi8>, %a14: tensor<2xi8>, %a15: tensor<2xi8>, %a16: tensor<2xi8>, %a17: tensor<2xi8>, %a18: tensor<2xi8>, %a19: tensor<2xi8>, %a20: tensor<2xi8>, %a21: tensor<2xi8>, %a22: tensor<2xi8>, %a23: tensor<2xi8>, %a24: tensor<2xi8>, %a25: tensor<2xi8>, %a26: tensor<2xi8>, %a27: tensor<2xi8>, %a28: tensor<2xi8>, %a29: tensor<2xi8>, %a30: tensor<2xi8>, %a31: tensor<2xi8>, %a32: tensor<2xi8>, %a33: tensor<2xi8>, %a34: tensor<2xi8>, %a35: tensor<2xi8>, %a36: tensor<2xi8>, %a37: tensor<2xi8>, %a38: tensor<2xi8>, %a39: tensor<2xi8>, %a40: tensor<2xi8>, %a41: tensor<2xi8>, %a42: tensor<2xi8>, %a43: tensor<2xi8>, %a44: tensor<2xi8>, %a45: tensor<2xi8>, %a46: tensor<2xi8>, %a47: tensor<2xi8>, %a48: tensor<2xi8>, %a49: tensor<2xi8>, %a50: tensor<2xi8>, %a51: tensor<2xi8>, %a52: tensor<2xi8>, %a53: tensor<2xi8>, %a54: tensor<2xi8>, %a55: tensor<2xi8>, %a56: tensor<2xi8>, %a57: tensor<2xi8>, %a58: tensor<2xi8>, %a59: tensor<2xi8>, %a60: tensor<2xi8>, %a61: tensor<2xi8>, %a62: tensor<2xi8>, %a63: tensor<2xi8>, %u: tensor<1xi8>, %i: tensor<i32>)
    -> (tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>) {
  %0 = stablehlo.dynamic_update_slice %a0, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %1 = stablehlo.dynamic_update_slice %a1, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %2 = stablehlo.dynamic_update_slice %a2, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %3 = stablehlo.dynamic_update_slice %a3, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %4 = stablehlo.dynamic_update_slice %a4, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %5 = stablehlo.dynamic_update_slice %a5, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %6 = stablehlo.dynamic_update_slice %a6, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %7 = stablehlo.dynamic_update_slice %a7, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %8 = stablehlo.dynamic_update_slice %a8, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %9 = stablehlo.dynamic_update_slice %a9, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %10 = stablehlo.dynamic_update_slice %a10, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %11 = stablehlo.dynamic_update_slice %a11, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %12 = stablehlo.dynamic_update_slice %a12, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %13 = stablehlo.dynamic_update_slice %a13, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %14 = stablehlo.dynamic_update_slice %a14, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %15 = stablehlo.dynamic_update_slice %a15, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %16 = stablehlo.dynamic_update_slice %a16, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %17 = stablehlo.dynamic_update_slice %a17, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %18 = stablehlo.dynamic_update_slice %a18, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %19 = stablehlo.dynamic_update_slice %a19, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %20 = stablehlo.dynamic_update_slice %a20, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %21 = stablehlo.dynamic_update_slice %a21, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %22 = stablehlo.dynamic_update_slice %a22, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %23 = stablehlo.dynamic_update_slice %a23, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %24 = stablehlo.dynamic_update_slice %a24, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %25 = stablehlo.dynamic_update_slice %a25, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %26 = stablehlo.dynamic_update_slice %a26, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %27 = stablehlo.dynamic_update_slice %a27, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %28 = stablehlo.dynamic_update_slice %a28, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %29 = stablehlo.dynamic_update_slice %a29, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %30 = stablehlo.dynamic_update_slice %a30, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %31 = stablehlo.dynamic_update_slice %a31, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %32 = stablehlo.dynamic_update_slice %a32, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %33 = stablehlo.dynamic_update_slice %a33, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %34 = stablehlo.dynamic_update_slice %a34, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %35 = stablehlo.dynamic_update_slice %a35, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %36 = stablehlo.dynamic_update_slice %a36, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %37 = stablehlo.dynamic_update_slice %a37, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %38 = stablehlo.dynamic_update_slice %a38, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %39 = stablehlo.dynamic_update_slice %a39, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %40 = stablehlo.dynamic_update_slice %a40, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %41 = stablehlo.dynamic_update_slice %a41, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %42 = stablehlo.dynamic_update_slice %a42, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %43 = stablehlo.dynamic_update_slice %a43, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %44 = stablehlo.dynamic_update_slice %a44, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %45 = stablehlo.dynamic_update_slice %a45, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %46 = stablehlo.dynamic_update_slice %a46, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %47 = stablehlo.dynamic_update_slice %a47, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %48 = stablehlo.dynamic_update_slice %a48, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %49 = stablehlo.dynamic_update_slice %a49, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %50 = stablehlo.dynamic_update_slice %a50, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %51 = stablehlo.dynamic_update_slice %a51, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %52 = stablehlo.dynamic_update_slice %a52, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %53 = stablehlo.dynamic_update_slice %a53, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %54 = stablehlo.dynamic_update_slice %a54, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %55 = stablehlo.dynamic_update_slice %a55, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %56 = stablehlo.dynamic_update_slice %a56, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %57 = stablehlo.dynamic_update_slice %a57, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %58 = stablehlo.dynamic_update_slice %a58, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %59 = stablehlo.dynamic_update_slice %a59, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %60 = stablehlo.dynamic_update_slice %a60, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %61 = stablehlo.dynamic_update_slice %a61, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %62 = stablehlo.dynamic_update_slice %a62, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  %63 = stablehlo.dynamic_update_slice %a63, %u, %i : (tensor<2xi8>, tensor<1xi8>, tensor<i32>) -> tensor<2xi8>
  return %10, %20, %12, %31, %50, %55, %19, %56, %43, %45, %0, %21, %1, %16, %8, %22, %11, %54, %53, %42, %24, %29, %18, %33, %30, %28, %49, %61, %44, %40, %17, %48, %38, %59, %62, %39, %14, %7, %36, %51, %46, %35, %47, %15, %57, %26, %27, %5, %2, %13, %32, %58, %37, %23, %6, %34, %52, %4, %3, %63, %25, %9, %60, %41 : tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>
}

// -----

// K and V are carried by a loop, updated by a private function, and come back
// swapped. Private functions have no slots of their own.

// CHECK-LABEL: func.func @swapped_in_loop
// CHECK-SAME: %[[K:[^ ]+]]: tensor<4xf32> {kvlift.kind = "inferred", kvlift.slot = "arg0"}
// CHECK-SAME: %[[V:[^ ]+]]: tensor<4xf32> {kvlift.kind = "inferred", kvlift.slot = "arg1"}
// CHECK-SAME: -> (tensor<4xf32> {kvlift.slot = "arg1"}, tensor<4xf32> {kvlift.slot = "arg0"})
// CHECK-LABEL: func.func private @put
// CHECK-NOT: kvlift
// CHECK: return
func.func @swapped_in_loop(%k: tensor<4xf32>, %v: tensor<4xf32>, %u: tensor<1xf32>, %n: tensor<i32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %0:3 = stablehlo.while(%i = %zero, %a = %v, %b = %k) : tensor<i32>, tensor<4xf32>, tensor<4xf32>
    cond {
      %c = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    } do {
      %one = stablehlo.constant dense<1> : tensor<i32>
      %next = stablehlo.add %i, %one : tensor<i32>
      %1:2 = func.call @put(%a, %b, %u, %i) : (tensor<4xf32>, tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> (tensor<4xf32>, tensor<4xf32>)
      stablehlo.return %next, %1#1, %1#0 : tensor<i32>, tensor<4xf32>, tensor<4xf32>
    }
  return %0#1, %0#2 : tensor<4xf32>, tensor<4xf32>
}
func.func private @put(%a: tensor<4xf32>, %b: tensor<4xf32>, %u: tensor<1xf32>, %i: tensor<i32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %b, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %1, %0 : tensor<4xf32>, tensor<4xf32>
}

// -----

// A counter of one integer is state when nothing else returns it, through a loop
// too. A sum that is only used, a float, and two sums of one counter are not.

// CHECK-LABEL: func.func @counters
// CHECK-SAME: (%{{[^ ]+}}: tensor<i32> {kvlift.kind = "inferred", kvlift.slot = "arg0"},
// CHECK-SAME: %{{[^ ]+}}: tensor<1xi64> {kvlift.kind = "inferred", kvlift.slot = "arg1"},
// CHECK-SAME: %{{[^ ]+}}: tensor<i32>, %{{[^ ]+}}: tensor<f32>, %{{[^ ]+}}: tensor<i32>)
// CHECK-SAME: -> (tensor<1xi64> {kvlift.slot = "arg1"}, tensor<i32> {kvlift.slot = "arg0"}, tensor<f32>, tensor<i32>, tensor<i32>)
func.func @counters(%a: tensor<i32>, %b: tensor<1xi64>, %used: tensor<i32>, %f: tensor<f32>, %two: tensor<i32>)
    -> (tensor<1xi64>, tensor<i32>, tensor<f32>, tensor<i32>, tensor<i32>) {
  %one = stablehlo.constant dense<1> : tensor<i32>
  %three = stablehlo.constant dense<3> : tensor<1xi64>
  %half = stablehlo.constant dense<0.5> : tensor<f32>
  %0 = stablehlo.while(%i = %a) : tensor<i32>
    cond {
      %c = stablehlo.compare LT, %i, %used : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    } do {
      %next = stablehlo.add %one, %i : tensor<i32>
      stablehlo.return %next : tensor<i32>
    }
  %1 = stablehlo.subtract %b, %three : tensor<1xi64>
  %2 = stablehlo.add %used, %one : tensor<i32>
  %3 = stablehlo.add %f, %half : tensor<f32>
  %4 = stablehlo.add %two, %one : tensor<i32>
  %5 = stablehlo.add %two, %2 : tensor<i32>
  %6 = stablehlo.add %4, %one : tensor<i32>
  return %1, %0, %3, %4, %6 : tensor<1xi64>, tensor<i32>, tensor<f32>, tensor<i32>, tensor<i32>
}

// -----

// A mask with new rows is an update; a mask with a constant is what programs do
// to data. Neither is lost when it is only used, and an argument that is also
// returned as it is was no state.

// CHECK-LABEL: func.func @masks
// CHECK-SAME: (%{{[^ ]+}}: tensor<4xf32> {kvlift.kind = "inferred", kvlift.slot = "arg0"},
// CHECK-SAME: %{{[^ ]+}}: tensor<4xf32>, %{{[^ ]+}}: tensor<4xf32>, %{{[^ ]+}}: tensor<4xf32>,
// CHECK-SAME: -> (tensor<4xf32>, tensor<4xf32> {kvlift.slot = "arg0"}, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
func.func @masks(%k: tensor<4xf32>, %x: tensor<4xf32>, %y: tensor<4xf32>, %z: tensor<4xf32>, %m: tensor<4xi1>, %u: tensor<f32>)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %new = stablehlo.broadcast_in_dim %u, dims = [] : (tensor<f32>) -> tensor<4xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<4xf32>
  %0 = stablehlo.select %m, %new, %k : tensor<4xi1>, tensor<4xf32>
  %1 = stablehlo.select %m, %x, %zero : tensor<4xi1>, tensor<4xf32>
  %2 = stablehlo.select %m, %y, %new : tensor<4xi1>, tensor<4xf32>
  %3 = stablehlo.negate %2 : tensor<4xf32>
  %4 = stablehlo.select %m, %new, %z : tensor<4xi1>, tensor<4xf32>
  return %1, %0, %3, %z, %4 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// One whole value for several slots, as the layers of a transformers StaticCache
// share their length, stays what the frontend says.

// CHECK-LABEL: func.func @shared_length
// CHECK-SAME: -> (tensor<i64> {kvlift.slot = "a"}, tensor<i64> {kvlift.slot = "b"})
func.func @shared_length(%a: tensor<i64> {kvlift.kind = "buffer", kvlift.slot = "a"}, %b: tensor<i64> {kvlift.kind = "buffer", kvlift.slot = "b"})
    -> (tensor<i64> {kvlift.slot = "a"}, tensor<i64> {kvlift.slot = "b"}) {
  %one = stablehlo.constant dense<1> : tensor<i64>
  %0 = stablehlo.add %a, %one : tensor<i64>
  return %0, %0 : tensor<i64>, tensor<i64>
}

// -----

// JAX's `where` is a private function that selects one of its parameters: only
// its caller knows that both are versions of one argument. Of two arguments,
// the result is neither's version.

// CHECK-LABEL: func.func @where_updated
// CHECK-SAME: (%{{[^ ]+}}: tensor<8xf32> {kvlift.kind = "inferred", kvlift.slot = "arg0"}, %{{[^ ]+}}: tensor<8xf32>,
// CHECK-SAME: -> (tensor<8xf32> {kvlift.slot = "arg0"}, tensor<8xf32>)
func.func @where_updated(%k: tensor<8xf32>, %other: tensor<8xf32>, %u: tensor<1xf32>, %p: tensor<i32>, %active: tensor<i1>) -> (tensor<8xf32>, tensor<8xf32>) {
  %0 = stablehlo.dynamic_update_slice %k, %u, %p : (tensor<8xf32>, tensor<1xf32>, tensor<i32>) -> tensor<8xf32>
  %1 = func.call @_where(%active, %0, %k) : (tensor<i1>, tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %2 = func.call @_where(%active, %other, %k) : (tensor<i1>, tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %1, %2 : tensor<8xf32>, tensor<8xf32>
}
func.func private @_where(%p: tensor<i1>, %x: tensor<8xf32>, %y: tensor<8xf32>) -> tensor<8xf32> {
  %0 = stablehlo.select %p, %x, %y : tensor<i1>, tensor<8xf32>
  return %0 : tensor<8xf32>
}
