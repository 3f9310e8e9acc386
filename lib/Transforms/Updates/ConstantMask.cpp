//===- ConstantMask.cpp - The window of a constant mask -------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A constant chooses a window if the elements that it chooses fill the smallest
// box around them. A constant of one value that is padded with the other one is
// a window at once.
//
//===----------------------------------------------------------------------===//

#include "WindowMask.h"
#include "kvlift/IndexFacts.h"

#include <algorithm>

using namespace kvlift;

/// What a constant holds everywhere.
static std::optional<bool> splatOf(Value value) {
  Operation op = value.definingOp();
  if (!op || !op.is("stablehlo.constant"))
    return std::nullopt;
  auto number = op.attribute("value").splatInteger();
  return number ? std::optional(*number != 0) : std::nullopt;
}

static std::optional<Window> boxOfPad(Operation pad, bool chosen) {
  if (!pad.operand(0).type().isStaticTensor() ||
      splatOf(pad.operand(0)) != chosen || splatOf(pad.operand(1)) != !chosen)
    return std::nullopt;
  auto low = pad.attribute("edge_padding_low").asI64Array();
  auto high = pad.attribute("edge_padding_high").asI64Array();
  auto interior = pad.attribute("interior_padding").asI64Array();
  if (!low || !high || !interior)
    return std::nullopt;
  Window box{*low, pad.operand(0).type().shape()};
  for (size_t i = 0; i < low->size(); ++i) {
    if ((*low)[i] < 0 || (*high)[i] < 0 || (*interior)[i] != 0)
      return std::nullopt;
    box.high[i] += (*low)[i];
  }
  return box;
}

/// The box around the elements of a dense constant that are chosen, if it has
/// no others; an empty one when none is.
static std::optional<Window> boxOfElements(const std::string &bytes,
                                           const Dims &shape, bool chosen) {
  Window box{shape, Dims(shape.size(), 0)};
  Dims at(shape.size(), 0);
  int64_t count = 0;
  for (char byte : bytes) {
    if ((byte != 0) == chosen) {
      ++count;
      for (size_t i = 0; i < at.size(); ++i) {
        box.low[i] = std::min(box.low[i], at[i]);
        box.high[i] = std::max(box.high[i], at[i] + 1);
      }
    }
    for (size_t i = at.size(); i-- > 0 && ++at[i] == shape[i];)
      at[i] = 0;
  }
  if (count == 0)
    return Window{Dims(shape.size(), 0), Dims(shape.size(), 0)};
  return box.elementCount() == count ? std::optional(box) : std::nullopt;
}

static std::optional<Window> boxOf(Value mask, bool chosen) {
  Operation op = mask.definingOp();
  if (!op)
    return std::nullopt;
  if (op.is("stablehlo.pad"))
    return boxOfPad(op, chosen);
  if (!op.is("stablehlo.constant"))
    return std::nullopt;
  Dims shape = mask.type().shape(), none(shape.size(), 0);
  if (auto splat = splatOf(mask))
    return Window{none, *splat == chosen ? shape : none};
  auto bytes = op.attribute("value").denseBytes();
  return bytes ? boxOfElements(*bytes, shape, chosen) : std::nullopt;
}

std::optional<WindowMask> kvlift::constantMaskOf(Value mask, bool chosen) {
  Spread spread = spreadOf(mask);
  auto box = boxOf(spread.value, chosen);
  if (!box)
    return std::nullopt;
  WindowMask window{{}, {}, Type::integer(mask.type().context(), 64)};
  for (int64_t extent : mask.type().shape())
    window.dims.push_back({{}, 0, extent});
  for (size_t i = 0; i < spread.dims.size(); ++i)
    if (spread.dims[i] >= 0)
      window.dims[spread.dims[i]] = {{}, box->low[i], box->extent(i)};
  return window;
}
