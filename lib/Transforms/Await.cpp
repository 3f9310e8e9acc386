//===- Await.cpp - Values that wait for other values ----------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Await.h"

using namespace kvlift;

static bool isPlainFloat(Type element) {
  std::string name = element.print();
  return name == "f64" || name == "f32" || name == "f16" || name == "bf16";
}

bool kvlift::canBeAwaited(Type type) {
  return type.isStaticTensor() && type.elementCount() > 0 &&
         (type.element().isInteger() || isPlainFloat(type.element()));
}

bool kvlift::canWait(Type type) {
  return type.isStaticTensor() && type.element().isInteger() &&
         type.element().bitWidth() > 1;
}

Value kvlift::computeAfter(Builder &build, Value integers, Value first) {
  Type type = integers.type();
  int64_t rank = first.type().rank();
  Value one =
      build.reshape(build.slice(first, Dims(rank, 0), Dims(rank, 1)), {});
  if (Type element = one.type().element(); !element.isInteger())
    one =
        build.bitcast(one, Type::integer(build.context(), element.bitWidth()));
  Value bits = build.convert(one, type.element());
  if (type.rank() > 0)
    bits = build.broadcast(bits, type.shape(), {});
  return build.binary("stablehlo.minimum", integers,
                      build.binary("stablehlo.maximum", integers, bits));
}
