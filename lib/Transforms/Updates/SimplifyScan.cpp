//===- SimplifyScan.cpp - Loops that build a stack anew -------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A scan over layers takes the stacked slot as an input that it slices, and
// stacks the updated layers as an output:
//   while (%i = 0, %in = %slot, %out = zeros) i < L {
//     %new  = f(dynamic_slice %in[%i])
//     %next = dynamic_update_slice %out, %new, %i
//   }
// which holds two stacks and fills one. The loop can carry the slot itself:
//     %next = dynamic_update_slice %in, %new, %i
// Iteration i reads layer i only, which no iteration before it has written, and
// when all L iterations have run, every layer was written: nothing is left of
// what the output began with. Nothing may see the output before that.
//
//===----------------------------------------------------------------------===//

#include "RewriteSupport.h"
#include "SlicePiece.h"
#include "UpdateRewrite.h"
#include "kvlift/Builder.h"
#include "kvlift/LoopCounter.h"

using namespace kvlift;

namespace {

/// The parts of a stablehlo.while.
struct Loop {
  Operation op;
  Block condition, body;
  Operation yield;

  explicit Loop(Operation op)
      : op(op), condition(op.regions()[0].firstBlock()),
        body(op.regions()[1].firstBlock()), yield(body.terminator()) {}
};

/// A loop's output that replaces its input.
struct Plan {
  int64_t input, output;
  Operation write;
};

/// The dim of which the op takes one position, all of the others.
std::optional<int64_t> layerDim(const Dims &stack, const Dims &window) {
  std::optional<int64_t> found;
  for (size_t i = 0; i < stack.size(); ++i) {
    if (window[i] == stack[i])
      continue;
    if (found || window[i] != 1)
      return std::nullopt;
    found = i;
  }
  return found;
}

/// Whether the start counts 0, 1, 2, ... In a narrow type, a counter comes back
/// to the first layers.
bool countsFromZero(Value start, const Loop &loop) {
  Operation op = start.definingOp();
  while (op && op.is("stablehlo.convert")) {
    Type element = start.type().element();
    if (!element.isInteger() || element.bitWidth() < 32)
      return false;
    start = op.operand(0);
    op = start.definingOp();
  }
  if (!start.isBlockArgument() || !(start.argumentOwner() == loop.body))
    return false;
  auto counter = counterOf(loop.op, start.argumentNumber());
  return counter && counter->first == 0 && counter->step == 1;
}

/// Whether the body only slices the input at the place that `write` writes.
bool readsOnlyItsLayer(const Loop &loop, int64_t input, Operation write) {
  Value stack = loop.body.argument(input);
  Dims window = write.operand(1).type().shape();
  auto starts = pieceStartsOf(write, stack.type().shape(), window);
  for (const Use &use : stack.uses()) {
    Operation user(use.user);
    if (user == loop.yield && use.operand == input)
      continue;
    if (!user.is("stablehlo.dynamic_slice"))
      return false;
    auto slice = slicePieceOf(user.result());
    if (!slice || slice->sizes != window || !isSamePlace(slice->starts, starts))
      return false;
  }
  return true;
}

/// The input that the output can take the place of, if the output is written
/// layer by layer and wholly.
std::optional<Plan> match(const Loop &loop, int64_t output, Value slot,
                          std::string &reason) {
  Operation write = loop.yield.operand(output).definingOp();
  Value built = loop.body.argument(output);
  if (!write || !write.is("stablehlo.dynamic_update_slice") ||
      !(write.block() == loop.body) || !(write.operand(0) == built) ||
      built.uses().size() != 1 || write.result().uses().size() != 1 ||
      !slot.type().isStaticTensor() || !(built.type() == slot.type()) ||
      !write.operand(1).type().isStaticTensor()) {
    reason = "it does not build the new value layer by layer";
    return std::nullopt;
  }
  auto dim = layerDim(built.type().shape(), write.operand(1).type().shape());
  if (!dim || !countsFromZero(startsOf(write)[*dim], loop) ||
      tripCountOf(loop.op) != built.type().shape()[*dim]) {
    reason = "it does not provably write every layer once";
    return std::nullopt;
  }
  for (int64_t input = 0, n = loop.op.numOperands(); input < n; ++input) {
    if (!(loop.op.operand(input) == slot) || input == output ||
        !(loop.yield.operand(input) == loop.body.argument(input)))
      continue;
    if (!loop.op.result(input).isUnused() ||
        !loop.condition.argument(input).isUnused() ||
        !loop.condition.argument(output).isUnused() ||
        !readsOnlyItsLayer(loop, input, write)) {
      reason = "it reads more of the slot than the layer that it writes";
      return std::nullopt;
    }
    return Plan{input, output, write};
  }
  reason = "it builds the new value beside the slot";
  return std::nullopt;
}

/// The input takes the output's place; the loop loses the output.
void apply(const Loop &loop, const Plan &plan) {
  Value start = loop.op.operand(plan.output);
  plan.write.setOperand(0, loop.body.argument(plan.input));
  std::vector<Value> yields = loop.yield.operands();
  yields[plan.input] = yields[plan.output];
  yields.erase(yields.begin() + plan.output);
  loop.yield.setOperands(yields);
  loop.body.eraseArgument(plan.output);
  loop.condition.eraseArgument(plan.output);

  std::vector<Value> operands = loop.op.operands();
  operands.erase(operands.begin() + plan.output);
  std::vector<Type> types;
  for (Value operand : operands)
    types.push_back(operand.type());
  Operation made = Builder(loop.op).recreate(loop.op, operands, types);
  for (int64_t i = 0, n = loop.op.numResults(); i < n; ++i) {
    int64_t now = i == plan.output ? plan.input : i;
    if (now > plan.output)
      --now;
    // The input's own result has no users.
    if (i != plan.input)
      loop.op.result(i).replaceAllUsesWith(made.result(now));
  }
  loop.op.erase();
  if (Operation maker = start.definingOp())
    eraseIfDead(maker);
}

} // namespace

Rewritten kvlift::simplifyScan(const SlotUpdate &update) {
  if (!update.op.is("stablehlo.while") || update.madeResult < 0)
    return Rewritten::no();
  Value slot = slotArgument(update.op, update.slot);
  if (!slot)
    return Rewritten::no();
  Loop loop(update.op);
  std::string reason;
  auto plan = match(loop, update.madeResult, slot, reason);
  if (!plan)
    return Rewritten::because(reason);
  if (isNeededAfter(slot, update.op))
    return Rewritten::because("the old value is still needed after it");
  apply(loop, *plan);
  return Rewritten::yes();
}
