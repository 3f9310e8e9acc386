//===- LoopCounter.cpp - What a loop counts -------------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/LoopCounter.h"
#include "kvlift/Ops.h"

#include <algorithm>

using namespace kvlift;

// Numbers this small cannot overflow when they are multiplied.
static std::optional<int64_t> smallConstant(Value value) {
  Operation op = value.definingOp();
  while (op &&
         (op.is("stablehlo.reshape") || op.is("stablehlo.convert") ||
          op.is("stablehlo.broadcast_in_dim")) &&
         op.operand(0).type().isRankedTensor() &&
         op.operand(0).type().element() == op.result().type().element())
    op = op.operand(0).definingOp();
  if (!op || !op.is("stablehlo.constant"))
    return std::nullopt;
  auto number = op.attribute("value").splatInteger();
  constexpr int64_t limit = int64_t(1) << 30;
  return number && std::abs(*number) < limit ? number : std::nullopt;
}

static bool isOneSignedInteger(Type type) {
  return type.isStaticTensor() && type.elementCount() == 1 &&
         type.element().isInteger() && !type.element().isUnsignedInteger() &&
         type.element().bitWidth() >= 32;
}

std::optional<LoopCounter> kvlift::counterOf(Operation loop, int64_t carried) {
  if (!isOneSignedInteger(loop.operand(carried).type()))
    return std::nullopt;
  Block body = loop.regions()[1].firstBlock();
  Value argument = body.argument(carried);
  Operation next = body.terminator().operand(carried).definingOp();
  auto first = smallConstant(loop.operand(carried));
  if (!first || !next || !next.is("stablehlo.add"))
    return std::nullopt;
  for (int64_t side : {0, 1})
    if (next.operand(side) == argument)
      if (auto step = smallConstant(next.operand(1 - side)))
        return LoopCounter{*first, *step};
  return std::nullopt;
}

std::optional<int64_t> kvlift::tripCountOf(Operation loop) {
  Block condition = loop.regions()[0].firstBlock();
  Operation test = condition.terminator().operand(0).definingOp();
  if (!test || !test.is("stablehlo.compare"))
    return std::nullopt;
  std::string direction = directionOf(test);
  if (direction != "LT" && direction != "GT")
    return std::nullopt;
  Value low = test.operand(direction == "LT" ? 0 : 1);
  auto limit = smallConstant(test.operand(direction == "LT" ? 1 : 0));
  if (!limit || !low.isBlockArgument() || !(low.argumentOwner() == condition))
    return std::nullopt;
  auto counter = counterOf(loop, low.argumentNumber());
  if (!counter || counter->step <= 0)
    return std::nullopt;
  int64_t distance = std::max<int64_t>(*limit - counter->first, 0);
  return (distance + counter->step - 1) / counter->step;
}

std::optional<std::pair<int64_t, int64_t>>
kvlift::counterRange(Value argument) {
  if (!argument.isBlockArgument())
    return std::nullopt;
  Block block = argument.argumentOwner();
  Operation loop = block.parentOp();
  if (!loop || !loop.is("stablehlo.while") ||
      !(loop.regions()[1].firstBlock() == block))
    return std::nullopt;
  auto counter = counterOf(loop, argument.argumentNumber());
  auto count = counter ? tripCountOf(loop) : std::nullopt;
  if (!count)
    return std::nullopt;
  int64_t last =
      counter->first + counter->step * std::max<int64_t>(*count - 1, 0);
  // Another counter of the loop must not wrap around, either.
  if (std::abs(last) > INT32_MAX)
    return std::nullopt;
  return std::minmax(counter->first, last);
}
