// RUN: kvlift-opt %s --split-input-file --pass-pipeline='builtin.module(kvlift-carry{function=decode tokens=arg1 positions=arg2 logits=result1 sampler=choose history=16})' | filecheck %s

// The step feeds itself: the sampler sees the last row of the logits in f32,
// its tokens come back in the argument's own type, the position grows by one,
// and the sampler's state, the history, its next column and the logits are
// slots behind what was there. Results keep their positions.

// CHECK-LABEL: func.func @decode
// CHECK-SAME: (%[[K:[^ ]+]]: tensor<2x8xf32> {kvlift.slot = "k"}, %[[T:[^ ]+]]: tensor<2x1xi64> {kvlift.kind = "user_input", kvlift.name = "ids", kvlift.role = "tokens", kvlift.slot = "ids"}, %[[P:[^ ]+]]: tensor<1xi64> {kvlift.kind = "buffer", kvlift.name = "pos", kvlift.role = "position", kvlift.slot = "pos"},
// CHECK-SAME: %[[S:[^ ]+]]: tensor<3xui32> {kvlift.kind = "buffer", kvlift.name = "seed", kvlift.role = "sampler", kvlift.slot = "seed"},
// CHECK-SAME: %[[H:[^ ]+]]: tensor<2x16xi64> {kvlift.kind = "buffer", kvlift.name = "history", kvlift.role = "history", kvlift.slot = "history"}, %[[N:[^ ]+]]: tensor<i32> {kvlift.kind = "buffer", kvlift.name = "history_next", kvlift.role = "next", kvlift.slot = "history_next"},
// CHECK-SAME: %{{[^ ]+}}: tensor<2x3x8xbf16> {kvlift.kind = "buffer", kvlift.name = "logits", kvlift.role = "logits", kvlift.slot = "logits"})
// CHECK-SAME: -> (tensor<2x8xf32> {kvlift.slot = "k"}, tensor<2x3x8xbf16> {kvlift.slot = "logits"}, tensor<2x1xi64> {kvlift.slot = "ids"}, tensor<1xi64> {kvlift.slot = "pos"}, tensor<3xui32> {kvlift.slot = "seed"}, tensor<2x16xi64> {kvlift.slot = "history"}, tensor<i32> {kvlift.slot = "history_next"})
// CHECK: %[[LOGITS:.*]] = stablehlo.constant {{.*}}tensor<2x3x8xbf16>
// CHECK: %[[ROW:.*]] = stablehlo.slice %[[LOGITS]] [0:2, 2:3, 0:8]
// CHECK: %[[FLAT:.*]] = stablehlo.reshape %[[ROW]] : (tensor<2x1x8xbf16>) -> tensor<2x8xbf16>
// CHECK: %[[EXACT:.*]] = stablehlo.convert %[[FLAT]] : (tensor<2x8xbf16>) -> tensor<2x8xf32>
// CHECK: %[[CALL:.*]]:2 = call @choose(%[[EXACT]], %[[S]])
// CHECK: %[[WIDE:.*]] = stablehlo.convert %[[CALL]]#0 : (tensor<2xi32>) -> tensor<2xi64>
// CHECK: %[[NEW:.*]] = stablehlo.reshape %[[WIDE]] : (tensor<2xi64>) -> tensor<2x1xi64>
// CHECK: %[[ONE:.*]] = stablehlo.constant dense<1> : tensor<1xi64>
// CHECK: %[[POS:.*]] = stablehlo.add %[[P]], %[[ONE]]
// CHECK: %[[COLUMN:.*]] = stablehlo.reshape {{.*}} -> tensor<2x1xi64>
// CHECK: %[[MORE:.*]] = stablehlo.add %[[N]], %{{.*}} : tensor<i32>
// CHECK: %[[END:.*]] = stablehlo.constant dense<16> : tensor<i32>
// CHECK: %[[IS:.*]] = stablehlo.compare EQ, %[[MORE]], %[[END]]
// CHECK: %[[PAST:.*]] = stablehlo.dynamic_update_slice %[[H]], %[[COLUMN]], %[[ZERO:.*]], %[[N]] :
// CHECK: %[[NEXT:.*]] = stablehlo.select %[[IS]], %[[ZERO]], %[[MORE]]
// CHECK: return %[[K]], %[[LOGITS]], %[[NEW]], %[[POS]], %[[CALL]]#1, %[[PAST]], %[[NEXT]]
func.func @decode(%k: tensor<2x8xf32> {kvlift.slot = "k"}, %ids: tensor<2x1xi64> {kvlift.name = "ids", kvlift.kind = "user_input"}, %pos: tensor<1xi64> {kvlift.name = "pos"})
    -> (tensor<2x8xf32> {kvlift.slot = "k"}, tensor<2x3x8xbf16>) {
  %logits = stablehlo.constant dense<0.0> : tensor<2x3x8xbf16>
  return %k, %logits : tensor<2x8xf32>, tensor<2x3x8xbf16>
}
func.func private @choose(%logits: tensor<2x8xf32>, %state: tensor<3xui32> {kvlift.name = "seed"}) -> (tensor<2xi32>, tensor<3xui32>) {
  %first = stablehlo.constant dense<0> : tensor<2xi32>
  return %first, %state : tensor<2xi32>, tensor<3xui32>
}

// -----

// A greedy sampler has no state, f32 logits of one row need nothing, and new
// arguments get names that no other one has, whatever it is.

// CHECK-LABEL: func.func @decode
// CHECK-SAME: (%{{[^ ]+}}: tensor<4xf32> {kvlift.kind = "parameter", kvlift.name = "history"}, %{{[^ ]+}}: tensor<1xi32> {{.*}}kvlift.slot = "ids"}, %{{[^ ]+}}: tensor<1x2xi32> {{.*}}kvlift.name = "history_1", kvlift.role = "history", kvlift.slot = "history_1"}
// CHECK: %[[LOGITS:.*]] = stablehlo.constant {{.*}}tensor<1x8xf32>
// CHECK: %[[CALL:.*]] = call @choose(%[[LOGITS]])
// CHECK: return %{{.*}}, %[[LOGITS]], %[[CALL]], %{{.*}}
func.func @decode(%w: tensor<4xf32> {kvlift.name = "history", kvlift.kind = "parameter"}, %ids: tensor<1xi32> {kvlift.name = "ids"}, %pos: tensor<1x2xi32> {kvlift.name = "pos"}) -> (tensor<4xf32>, tensor<1x8xf32>) {
  %logits = stablehlo.constant dense<0.0> : tensor<1x8xf32>
  return %w, %logits : tensor<4xf32>, tensor<1x8xf32>
}
func.func private @choose(%logits: tensor<1x8xf32>) -> tensor<1xi32> {
  %first = stablehlo.constant dense<0> : tensor<1xi32>
  return %first : tensor<1xi32>
}
