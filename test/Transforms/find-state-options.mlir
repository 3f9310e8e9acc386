// The options of kvlift-find-state: pairs that the user names, and what to do
// about lost updates.
//
// RUN: kvlift-opt %s --pass-pipeline='builtin.module(kvlift-find-state{state=arg0:result1,arg1:result0 lost-updates=ignore})' | filecheck %s --check-prefix=STATE
// RUN: kvlift-opt %s --pass-pipeline='builtin.module(kvlift-find-state{state=arg0:result1:mine lost-updates=ignore})' 2>/dev/null | filecheck %s --check-prefix=NAME
// RUN: kvlift-opt %s --pass-pipeline='builtin.module(kvlift-find-state{lost-updates=ignore})' 2>&1 | filecheck %s --check-prefix=IGNORE
// RUN: kvlift-opt %s --pass-pipeline='builtin.module(kvlift-find-state{lost-updates=return})' 2>&1 | filecheck %s --check-prefix=RETURN
// RUN: not kvlift-opt %s --pass-pipeline='builtin.module(kvlift-find-state{lost-updates=keep})' 2>&1 | filecheck %s --check-prefix=POLICY
// RUN: not kvlift-opt %s --pass-pipeline='builtin.module(kvlift-find-state{state=0:1})' 2>&1 | filecheck %s --check-prefix=FORM
// RUN: not kvlift-opt %s --pass-pipeline='builtin.module(kvlift-find-state{state=arg0:result1x})' 2>&1 | filecheck %s --check-prefix=NUMBER
// RUN: not kvlift-opt %s --pass-pipeline='builtin.module(kvlift-find-state{state=arg0:result0,arg0:result1})' 2>&1 | filecheck %s --check-prefix=TWICE
// RUN: not kvlift-opt %s --pass-pipeline='builtin.module(kvlift-find-state{state=arg2:result7})' 2>&1 | filecheck %s --check-prefix=RANGE
// RUN: not kvlift-opt %s --pass-pipeline='builtin.module(kvlift-find-state{state=arg2:result0})' 2>&1 | filecheck %s --check-prefix=TYPE
// RUN: not kvlift-opt %s --pass-pipeline='builtin.module(kvlift-find-state{policy=x})' 2>&1 | filecheck %s --check-prefix=OPTION

// A counter and a version among two: no update op and no rule names these pairs,
// so the user does. Then nothing is inferred about them.
//
// STATE-LABEL: func.func @main
// STATE-SAME: tensor<4xf32> {kvlift.kind = "inferred", kvlift.slot = "arg0"}
// STATE-SAME: tensor<4xf32> {kvlift.kind = "inferred", kvlift.slot = "arg1"}
// STATE-SAME: -> (tensor<4xf32> {kvlift.slot = "arg1"}, tensor<4xf32> {kvlift.slot = "arg0"}, tensor<4xf32>)
//
// IGNORE: remark: lost update of argument 'arg2'
// IGNORE: note: argument #2 enters here
// IGNORE-NOT: pass lost-updates=
// IGNORE: func.func @main
//
// With `return`, the updates are left for kvlift-return-updates, silently.
// RETURN-NOT: lost update
// RETURN: func.func @main
// RETURN-NOT: kvlift.slot = "arg2"
// RETURN: return
//
// POLICY: error: lost-updates=keep is not one of error, return, ignore
// The user's name becomes the slot's.
// NAME: kvlift.slot = "mine"
// NAME-SAME: kvlift.slot = "mine"
// FORM: error: state=0:1 does not have the form arg3:result1,arg4:result2
// NUMBER: error: state=arg0:result1x does not have the form
// TWICE: error: option 'state' cannot tie argument #0 to result #1 of function 'main': one of them is part of another slot
// RANGE: error: option 'state' cannot tie argument #2 to result #7 of function 'main': the function has 5 arguments and 3 results
// TYPE: error: option 'state' cannot tie argument #2 to result #0 of function 'main': the argument is tensor<5xf32>, the result is tensor<4xf32>
// OPTION: error: pass 'kvlift-find-state' has no option 'policy'; it has: lost-updates, state
func.func @main(%whole: tensor<4xf32>, %other: tensor<4xf32>, %lost: tensor<5xf32>, %u: tensor<1xf32>, %i: tensor<i32>)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = stablehlo.add %whole, %whole : tensor<4xf32>
  %1 = stablehlo.dynamic_update_slice %other, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %2 = stablehlo.dynamic_update_slice %1, %u, %i : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  %3 = stablehlo.dynamic_update_slice %lost, %u, %i : (tensor<5xf32>, tensor<1xf32>, tensor<i32>) -> tensor<5xf32>
  %4 = stablehlo.slice %3 [0:4] : (tensor<5xf32>) -> tensor<4xf32>
  return %2, %0, %4 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
