//===- SimplifySum.cpp - Slots that are multiplied by a mask --------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// slot * (1 - mask) + new * mask looks like an update of the rows that the mask
// chooses. It is none: 0 * NaN is NaN, 0 * -1 is -0.0, and every element is
// computed. It stays, and the remark says what to write instead.
//
//===----------------------------------------------------------------------===//

#include "UpdateRewrite.h"

using namespace kvlift;

static bool isProduct(Value value) {
  Operation op = value.definingOp();
  return op && op.is("stablehlo.multiply");
}

Rewritten kvlift::simplifySum(const SlotUpdate &update) {
  if (update.madeResult < 0 || !update.op.is("stablehlo.add") ||
      !isProduct(update.op.operand(0)) || !isProduct(update.op.operand(1)))
    return Rewritten::no();
  return Rewritten::because(
      "products with a mask compute every element, and 0 * NaN is not 0; "
      "select(mask, new, old) can be updated in place");
}
