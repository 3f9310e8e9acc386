// name: if-update-or-pass
// ties: 0:0
// inputs: 2=0..31, 3=0..1
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %f: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %k = stablehlo.constant dense<0> : !I
  %g = stablehlo.compare GT, %f, %k : (!I, !I) -> tensor<i1>
  %w = "stablehlo.if"(%g) ({
    %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
    stablehlo.return %u : !C
  }, {
    stablehlo.return %c : !C
  }) : (tensor<i1>) -> !C
  return %w : !C
}
// -----
// name: if-two-updates
// ties: 0:0
// inputs: 2=0..31, 3=0..1
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %f: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %k = stablehlo.constant dense<0> : !I
  %g = stablehlo.compare GT, %f, %k : (!I, !I) -> tensor<i1>
  %w = "stablehlo.if"(%g) ({
    %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
    stablehlo.return %u : !C
  }, {
    %v = stablehlo.dynamic_update_slice %c, %x, %z, %z, %z : (!C, !N, !I, !I, !I) -> !C
    stablehlo.return %v : !C
  }) : (tensor<i1>) -> !C
  return %w : !C
}
// -----
// name: if-swaps-slots
// ties: 
// inputs: 3=0..31, 4=0..1
// lost-updates: ignore
// Whose storage a result has depends on a flag: nothing may be tied.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %d: !C, %x: !N, %p: !I, %f: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %k = stablehlo.constant dense<0> : !I
  %g = stablehlo.compare GT, %f, %k : (!I, !I) -> tensor<i1>
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %w:2 = "stablehlo.if"(%g) ({
    stablehlo.return %u, %d : !C, !C
  }, {
    stablehlo.return %d, %u : !C, !C
  }) : (tensor<i1>) -> (!C, !C)
  return %w#0, %w#1 : !C, !C
}
// -----
// name: case-three-branches
// ties: 0:0
// inputs: 2=0..31, 3=0..2
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %f: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %w = "stablehlo.case"(%f) ({
    %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
    stablehlo.return %u : !C
  }, {
    %v = stablehlo.dynamic_update_slice %c, %x, %z, %z, %z : (!C, !N, !I, !I, !I) -> !C
    stablehlo.return %v : !C
  }, {
    stablehlo.return %c : !C
  }) : (!I) -> !C
  return %w : !C
}
// -----
// name: if-reads-old-outside
// ties: 0:1
// inputs: 2=0..31, 3=0..1
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!R = tensor<4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %f: !I) -> (!R, !C) {
  %z = stablehlo.constant dense<0> : !I
  %k = stablehlo.constant dense<0> : !I
  %g = stablehlo.compare GT, %f, %k : (!I, !I) -> tensor<i1>
  %w = "stablehlo.if"(%g) ({
    %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
    stablehlo.return %u : !C
  }, {
    stablehlo.return %c : !C
  }) : (tensor<i1>) -> !C
  %y = stablehlo.constant dense<0.0> : tensor<f32>
  %s = stablehlo.reduce(%c init: %y) applies stablehlo.add across dimensions = [1] : (!C, tensor<f32>) -> !R
  return %s, %w : !R, !C
}
// -----
// name: while-carried
// ties: 0:0
// inputs: 2=0..28
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %o = stablehlo.constant dense<1> : !I
  %n = stablehlo.constant dense<4> : !I
  %w:2 = stablehlo.while(%i = %z, %v = %c) : !I, !C
  cond {
    %q = stablehlo.compare LT, %i, %n : (!I, !I) -> tensor<i1>
    stablehlo.return %q : tensor<i1>
  } do {
    %a = stablehlo.add %i, %p : !I
    %u = stablehlo.dynamic_update_slice %v, %x, %z, %a, %z : (!C, !N, !I, !I, !I) -> !C
    %j = stablehlo.add %i, %o : !I
    stablehlo.return %j, %u : !I, !C
  }
  return %w#1 : !C
}
// -----
// name: while-given-length
// ties: 0:0
// inputs: 2=0..28, 3=0..6
// How often the loop runs is known only when it does, so it cannot be unrolled.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I, %n: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %o = stablehlo.constant dense<1> : !I
  %w:2 = stablehlo.while(%i = %z, %v = %c) : !I, !C
  cond {
    %q = stablehlo.compare LT, %i, %n : (!I, !I) -> tensor<i1>
    stablehlo.return %q : tensor<i1>
  } do {
    %a = stablehlo.add %i, %p : !I
    %u = stablehlo.dynamic_update_slice %v, %x, %z, %a, %z : (!C, !N, !I, !I, !I) -> !C
    %j = stablehlo.add %i, %o : !I
    stablehlo.return %j, %u : !I, !C
  }
  return %w#1 : !C
}
// -----
// name: while-two-slots
// ties: 0:1, 1:0
// inputs: 3=0..28
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %d: !C, %x: !N, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %o = stablehlo.constant dense<1> : !I
  %n = stablehlo.constant dense<4> : !I
  %w:3 = stablehlo.while(%i = %z, %v = %c, %e = %d) : !I, !C, !C
  cond {
    %q = stablehlo.compare LT, %i, %n : (!I, !I) -> tensor<i1>
    stablehlo.return %q : tensor<i1>
  } do {
    %a = stablehlo.add %i, %p : !I
    %u = stablehlo.dynamic_update_slice %v, %x, %z, %a, %z : (!C, !N, !I, !I, !I) -> !C
    %t = stablehlo.dynamic_update_slice %e, %x, %z, %i, %z : (!C, !N, !I, !I, !I) -> !C
    %j = stablehlo.add %i, %o : !I
    stablehlo.return %j, %u, %t : !I, !C, !C
  }
  return %w#2, %w#1 : !C, !C
}
// -----
// name: while-swaps-slots
// ties: 
// lost-updates: ignore
// inputs: 3=0..28
// The slots change places in each iteration: nothing may be tied by provenance.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %d: !C, %x: !N, %p: !I) -> (!C, !C) {
  %z = stablehlo.constant dense<0> : !I
  %o = stablehlo.constant dense<1> : !I
  %n = stablehlo.constant dense<4> : !I
  %w:3 = stablehlo.while(%i = %z, %v = %c, %e = %d) : !I, !C, !C
  cond {
    %q = stablehlo.compare LT, %i, %n : (!I, !I) -> tensor<i1>
    stablehlo.return %q : tensor<i1>
  } do {
  %u = stablehlo.dynamic_update_slice %v, %x, %z, %i, %z : (!C, !N, !I, !I, !I) -> !C
    %j = stablehlo.add %i, %o : !I
    stablehlo.return %j, %e, %u : !I, !C, !C
  }
  return %w#1, %w#2 : !C, !C
}
// -----
// name: while-reads-and-writes
// ties: 0:1
// inputs: 2=0..28
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!R = tensor<4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R, !C) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %h = stablehlo.constant dense<0.0> : !R
  %o = stablehlo.constant dense<1> : !I
  %n = stablehlo.constant dense<4> : !I
  %w:3 = stablehlo.while(%i = %z, %v = %c, %b = %h) : !I, !C, !R
  cond {
    %q = stablehlo.compare LT, %i, %n : (!I, !I) -> tensor<i1>
    stablehlo.return %q : tensor<i1>
  } do {
    %s = stablehlo.reduce(%v init: %f) applies stablehlo.add across dimensions = [1] : (!C, tensor<f32>) -> !R
    %k = stablehlo.add %b, %s : !R
    %a = stablehlo.add %i, %p : !I
    %u = stablehlo.dynamic_update_slice %v, %x, %z, %a, %z : (!C, !N, !I, !I, !I) -> !C
    %j = stablehlo.add %i, %o : !I
    stablehlo.return %j, %u, %k : !I, !C, !R
  }
  return %w#2, %w#1 : !R, !C
}
// -----
// name: while-update-then-read-old
// ties: 0:1
// inputs: 2=0..28
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!R = tensor<4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R, !C) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %h = stablehlo.constant dense<0.0> : !R
  %o = stablehlo.constant dense<1> : !I
  %n = stablehlo.constant dense<4> : !I
  %w:3 = stablehlo.while(%i = %z, %v = %c, %b = %h) : !I, !C, !R
  cond {
    %q = stablehlo.compare LT, %i, %n : (!I, !I) -> tensor<i1>
    stablehlo.return %q : tensor<i1>
  } do {
    %a = stablehlo.add %i, %p : !I
    %u = stablehlo.dynamic_update_slice %v, %x, %z, %a, %z : (!C, !N, !I, !I, !I) -> !C
    %s = stablehlo.reduce(%v init: %f) applies stablehlo.add across dimensions = [1] : (!C, tensor<f32>) -> !R
    %k = stablehlo.add %b, %s : !R
    %j = stablehlo.add %i, %o : !I
    stablehlo.return %j, %u, %k : !I, !C, !R
  }
  return %w#2, %w#1 : !R, !C
}
// -----
// name: while-then-update
// ties: 0:0
// inputs: 2=0..28
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %o = stablehlo.constant dense<1> : !I
  %n = stablehlo.constant dense<4> : !I
  %w:2 = stablehlo.while(%i = %z, %v = %c) : !I, !C
  cond {
    %q = stablehlo.compare LT, %i, %n : (!I, !I) -> tensor<i1>
    stablehlo.return %q : tensor<i1>
  } do {
    %a = stablehlo.add %i, %p : !I
    %u = stablehlo.dynamic_update_slice %v, %x, %z, %a, %z : (!C, !N, !I, !I, !I) -> !C
    %j = stablehlo.add %i, %o : !I
    stablehlo.return %j, %u : !I, !C
  }
  %y = stablehlo.dynamic_update_slice %w#1, %x, %z, %z, %z : (!C, !N, !I, !I, !I) -> !C
  return %y : !C
}
// -----
// name: while-read-only
// ties: 0:1
// inputs: 2=0..31
// The loop reads the new value from outside.
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!R = tensor<4x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!R, !C) {
  %z = stablehlo.constant dense<0> : !I
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %h = stablehlo.constant dense<0.0> : !R
  %y = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z : (!C, !N, !I, !I, !I) -> !C
  %o = stablehlo.constant dense<1> : !I
  %n = stablehlo.constant dense<4> : !I
  %w:2 = stablehlo.while(%i = %z, %b = %h) : !I, !R
  cond {
    %q = stablehlo.compare LT, %i, %n : (!I, !I) -> tensor<i1>
    stablehlo.return %q : tensor<i1>
  } do {
    %s = stablehlo.reduce(%y init: %f) applies stablehlo.add across dimensions = [1] : (!C, tensor<f32>) -> !R
    %k = stablehlo.add %b, %s : !R
    %j = stablehlo.add %i, %o : !I
    stablehlo.return %j, %k : !I, !R
  }
  return %w#1, %y : !R, !C
}
// -----
// name: while-nested
// ties: 0:0
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %o = stablehlo.constant dense<1> : !I
  %n = stablehlo.constant dense<3> : !I
  %w:2 = stablehlo.while(%i = %z, %v = %c) : !I, !C
  cond {
    %q = stablehlo.compare LT, %i, %n : (!I, !I) -> tensor<i1>
    stablehlo.return %q : tensor<i1>
  } do {
    %y:2 = stablehlo.while(%k = %z, %e = %v) : !I, !C
    cond {
      %q = stablehlo.compare LT, %k, %n : (!I, !I) -> tensor<i1>
      stablehlo.return %q : tensor<i1>
    } do {
      %a = stablehlo.add %k, %i : !I
      %u = stablehlo.dynamic_update_slice %e, %x, %z, %a, %z : (!C, !N, !I, !I, !I) -> !C
      %j = stablehlo.add %k, %o : !I
      stablehlo.return %j, %u : !I, !C
    }
    %j = stablehlo.add %i, %o : !I
    stablehlo.return %j, %y#1 : !I, !C
  }
  return %w#1 : !C
}
// -----
// name: while-with-if
// ties: 0:0
// inputs: 2=0..3
!C = tensor<4x32x8xf32>
!N = tensor<4x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %o = stablehlo.constant dense<1> : !I
  %n = stablehlo.constant dense<4> : !I
  %w:2 = stablehlo.while(%i = %z, %v = %c) : !I, !C
  cond {
    %q = stablehlo.compare LT, %i, %n : (!I, !I) -> tensor<i1>
    stablehlo.return %q : tensor<i1>
  } do {
    %g = stablehlo.compare GT, %i, %p : (!I, !I) -> tensor<i1>
    %u = "stablehlo.if"(%g) ({
      %t = stablehlo.dynamic_update_slice %v, %x, %z, %i, %z : (!C, !N, !I, !I, !I) -> !C
      stablehlo.return %t : !C
    }, {
      stablehlo.return %v : !C
    }) : (tensor<i1>) -> !C
    %j = stablehlo.add %i, %o : !I
    stablehlo.return %j, %u : !I, !C
  }
  return %w#1 : !C
}
// -----
// name: while-layers
// ties: 0:0
// inputs: 2=0..31
// A scan over layers that carries the stack.
!C = tensor<4x2x32x8xf32>
!N = tensor<1x2x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %o = stablehlo.constant dense<1> : !I
  %n = stablehlo.constant dense<4> : !I
  %w:2 = stablehlo.while(%i = %z, %v = %c) : !I, !C
  cond {
    %q = stablehlo.compare LT, %i, %n : (!I, !I) -> tensor<i1>
    stablehlo.return %q : tensor<i1>
  } do {
    %u = stablehlo.dynamic_update_slice %v, %x, %i, %z, %p, %z : (!C, !N, !I, !I, !I, !I) -> !C
    %j = stablehlo.add %i, %o : !I
    stablehlo.return %j, %u : !I, !C
  }
  return %w#1 : !C
}
// -----
// name: while-layers-slice-out-and-in
// ties: 0:0
// inputs: 2=0..31
// A scan that takes each layer out of the stack and puts it back.
!C = tensor<4x2x32x8xf32>
!A = tensor<1x2x32x8xf32>
!N = tensor<1x2x1x8xf32>
!I = tensor<i32>
func.func @main(%c: !C, %x: !N, %p: !I) -> (!C) {
  %z = stablehlo.constant dense<0> : !I
  %o = stablehlo.constant dense<1> : !I
  %n = stablehlo.constant dense<4> : !I
  %w:2 = stablehlo.while(%i = %z, %v = %c) : !I, !C
  cond {
    %q = stablehlo.compare LT, %i, %n : (!I, !I) -> tensor<i1>
    stablehlo.return %q : tensor<i1>
  } do {
    %l = stablehlo.dynamic_slice %v, %i, %z, %z, %z, sizes = [1, 2, 32, 8] : (!C, !I, !I, !I, !I) -> !A
    %k = stablehlo.dynamic_update_slice %l, %x, %z, %z, %p, %z : (!A, !N, !I, !I, !I, !I) -> !A
    %u = stablehlo.dynamic_update_slice %v, %k, %i, %z, %z, %z : (!C, !A, !I, !I, !I, !I) -> !C
    %j = stablehlo.add %i, %o : !I
    stablehlo.return %j, %u : !I, !C
  }
  return %w#1 : !C
}
