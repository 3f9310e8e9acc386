//===- SplitScatter.cpp - A scatter of several inputs, one by one ---------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %a, %b = scatter(%x, %y, %indices, %u, %v) { return u, v }
// is
//   %a = scatter(%x, %indices, %u) { return u }
//   %b = scatter(%y, %indices, %v) { return v }
// because what overwrites an input does not look at the others.
//
//===----------------------------------------------------------------------===//

#include "RewriteSupport.h"
#include "UpdateRewrite.h"
#include "kvlift/Builder.h"

using namespace kvlift;

/// Leaves the body the pair of arguments of one input.
static void keepOne(Block body, int64_t inputs, int64_t kept) {
  Operation last = body.terminator();
  last.setOperands({body.argument(inputs + kept)});
  // What else the body computes, nothing uses.
  while (!(body.firstOp() == last)) {
    Operation dead = body.firstOp();
    while (!(dead.next() == last))
      dead = dead.next();
    dead.erase();
  }
  for (int64_t i = 2 * inputs; i-- > 0;)
    if (i != kept && i != inputs + kept)
      body.eraseArgument(i);
}

Rewritten kvlift::splitScatter(const SlotUpdate &update) {
  Operation scatter = update.op;
  if (!scatter.is("stablehlo.scatter") || scatterInputs(scatter) == 1 ||
      !scatterOverwrites(scatter))
    return Rewritten::no();
  int64_t inputs = scatterInputs(scatter);
  Builder build(scatter);
  for (int64_t i = 0; i < inputs; ++i) {
    Operation copy = scatter.clone();
    keepOne(copy.regions().front().firstBlock(), inputs, i);
    Operation one = build.recreate(copy,
                                   {scatter.operand(i), scatter.operand(inputs),
                                    scatter.operand(inputs + 1 + i)},
                                   {scatter.result(i).type()});
    copy.free();
    scatter.result(i).replaceAllUsesWith(one.result());
  }
  eraseIfDead(scatter);
  return Rewritten::yes();
}
