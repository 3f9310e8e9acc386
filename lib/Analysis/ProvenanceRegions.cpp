//===- ProvenanceRegions.cpp - Versions through loops, branches, calls ----===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProvenanceBuilder.h"

#include <algorithm>

using namespace kvlift;

//===----------------------------------------------------------------------===//
// Loops and branches
//===----------------------------------------------------------------------===//

/// while: the condition reads what the body updates.
void ProvenanceBuilder::loop(Operation op) {
  Block condition = op.regions()[0].firstBlock();
  Block body = op.regions()[1].firstBlock();
  for (int64_t i = 0, n = op.numOperands(); i < n; ++i) {
    addRoot(body.argument(i));
    carried[body.argument(i).raw.ptr] = {op.operand(i), false};
    pass(body.argument(i), condition.argument(i));
  }
  visitBlock(condition);
  visitBlock(body);
  Operation yield = body.terminator();
  for (int64_t i = 0, n = op.numOperands(); i < n; ++i) {
    Value start = op.operand(i), argument = body.argument(i);
    Value yielded = yield.operand(i), to = op.result(i);
    const Origin *last = known(yielded);
    bool isStable =
        last && last->root == argument && last->view.empty() && last->hasView;
    carried[argument.raw.ptr].isStable = isStable;
    if (!isStable) {
      into.merged.push_back(yielded);
      if (const NoOrigin *why = into.noOrigin(yielded))
        cut(to, *why);
      else if (last && isTold(last->strongest))
        cut(to, {NoOrigin::notCarried, op, last->update});
      continue;
    }
    if (last->version == argument) {
      pass(start, to);
      continue;
    }
    Change strongest = last->strongest;
    bool isCounter = last->isCounter;
    update(start, to, op, isCounter ? Change::counted : strongest);
  }
}

/// if, case: every branch must yield a version of one root.
void ProvenanceBuilder::branches(Operation op) {
  std::vector<Operation> yields;
  for (Region region : op.regions()) {
    visitBlock(region.firstBlock());
    yields.push_back(region.firstBlock().terminator());
  }
  for (int64_t i = 0, n = op.numResults(); i < n; ++i)
    branchResult(op, i, yields);
}

void ProvenanceBuilder::branchResult(Operation op, int64_t result,
                                     const std::vector<Operation> &yields) {
  const Origin *first = known(yields.front().operand(result));
  Operation lastUpdate;
  bool isOne = first, isSame = true, isCounter = false;
  Change strongest = Change::none;
  Value base;
  for (Operation yield : yields) {
    const Origin *each = known(yield.operand(result));
    isOne = isOne && each && each->root == first->root &&
            each->view == first->view && each->hasView == first->hasView;
    if (!each)
      continue;
    strongest = std::max(strongest, each->strongest);
    isCounter |= each->isCounter;
    if (isTold(each->strongest))
      lastUpdate = each->update;
    // What the branch builds on is from outside of it.
    bool isInside = each->update && each->update.block() == yield.block();
    Value outer = isInside ? each->entry : each->version;
    isSame = isSame && !isInside && first && each->version == first->version;
    if (!base || orderOf(outer) > orderOf(base))
      base = outer;
  }
  Value to = op.result(result);
  if (!isOne) {
    for (Operation yield : yields) {
      into.merged.push_back(yield.operand(result));
      if (const NoOrigin *why = into.noOrigin(yield.operand(result));
          why && !lastUpdate)
        cut(to, *why);
    }
    if (lastUpdate)
      cut(to, {NoOrigin::merged, op, lastUpdate});
    return;
  }
  Origin target = *first;
  target.from = base;
  target.isCounter = isCounter;
  target.strongest = strongest;
  if (!isSame)
    becomeUpdate(target, base, to, op, isCounter ? Change::counted : strongest);
  if (!isSame && !isCounter)
    addUpdate(op);
  add(to, target);
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

/// The parameters that a function's result selects one of, as JAX's `_where`
/// does it. Only the caller knows whether they are versions of one slot.
static std::optional<std::pair<int64_t, int64_t>>
selectedParameters(Value returned) {
  Operation maker = returned.definingOp();
  if (!maker || !maker.is("stablehlo.select"))
    return std::nullopt;
  Value onTrue = maker.operand(1), onFalse = maker.operand(2);
  if (!onTrue.isBlockArgument() || !onFalse.isBlockArgument())
    return std::nullopt;
  return std::pair(onTrue.argumentNumber(), onFalse.argumentNumber());
}

/// func.call and composite: as the callee's results are rooted at parameters.
void ProvenanceBuilder::call(Operation op) {
  into.called.push_back(op);
  std::optional<FuncOp> callee = callees.calleeOf(op);
  const Provenance *inside = callee ? callees.provenanceOf(*callee) : nullptr;
  bool hasBody = callee && !callee->isDeclaration() && callee->hasOneBlock();
  for (int64_t i = 0, n = op.numResults(); i < n; ++i) {
    Value to = op.result(i);
    if (!inside) {
      cut(to,
          {hasBody ? NoOrigin::recursiveCall : NoOrigin::opaqueCall, op, {}});
      continue;
    }
    Value returned = callee->returnOp().operand(i);
    if (auto sides = selectedParameters(returned)) {
      select(op, op.operand(sides->first), op.operand(sides->second), to);
      continue;
    }
    const Origin *last = inside->storage(returned);
    if (!last) {
      if (const NoOrigin *why = inside->noOrigin(returned))
        cut(to, *why);
      continue;
    }
    Value from = op.operand(last->argument);
    const Origin *source = known(from);
    if (!source) {
      last->update ? cutUpdate(from, to, op) : pass(from, to);
      continue;
    }
    Origin target = *source;
    target.from = from;
    target.hasView &=
        last->hasView && (source->view.empty() || !last->isReshaped);
    target.view =
        target.hasView ? composeViews(source->view, last->view) : Dims{};
    target.isReshaped |= last->isReshaped;
    target.isCounter |= last->isCounter;
    target.strongest = std::max(target.strongest, last->strongest);
    if (last->update)
      becomeUpdate(target, from, to, op, last->strongest);
    if (last->update && !target.isCounter)
      addUpdate(op);
    add(to, target);
  }
}

std::optional<FuncOp> Callees::calleeOf(Operation call) {
  if (!isRead && module)
    for (const FuncOp &function : functionsOf(module))
      functions.emplace(function.name(), function.operation());
  isRead = true;
  auto name = call.attribute(call.is("func.call") ? "callee" : "decomposition")
                  .asSymbol();
  auto found = name ? functions.find(*name) : functions.end();
  if (found == functions.end())
    return std::nullopt;
  return FuncOp(found->second);
}

const Provenance *Callees::provenanceOf(const FuncOp &function) {
  // Deeper than this, the stack might not hold.
  constexpr int depthLimit = 200;
  if (function.isDeclaration() || !function.hasOneBlock())
    return nullptr;
  auto entry = made.find(function.operation().raw.ptr);
  if (entry != made.end() || depth >= depthLimit)
    return entry == made.end() ? nullptr : entry->second.get();
  made[function.operation().raw.ptr] = nullptr;
  ++depth;
  auto provenance = std::make_unique<Provenance>(function, *this);
  --depth;
  return (made[function.operation().raw.ptr] = std::move(provenance)).get();
}
