//===- OpRole.cpp - What an op does with the storage of a slot ------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpRole.h"
#include "kvlift/Ops.h"

#include <algorithm>
#include <iterator>

using namespace kvlift;

static constexpr std::pair<std::string_view, OpRole> special[] = {
    {"stablehlo.reshape", OpRole::view},
    {"stablehlo.bitcast_convert", OpRole::view},
    {"stablehlo.optimization_barrier", OpRole::barrier},
    {"stablehlo.transpose", OpRole::transpose},
    {"stablehlo.slice", OpRole::slice},
    {"stablehlo.dynamic_slice", OpRole::slice},
    {"stablehlo.reduce", OpRole::sum},
    {"stablehlo.dynamic_update_slice", OpRole::update},
    {"stablehlo.scatter", OpRole::update},
    {"stablehlo.while", OpRole::loop},
    {"stablehlo.if", OpRole::branch},
    {"stablehlo.case", OpRole::branch},
    {"func.call", OpRole::call},
    {"stablehlo.composite", OpRole::call},
    {"func.return", OpRole::terminator},
    {"stablehlo.return", OpRole::terminator},
    {"stablehlo.broadcast_in_dim", OpRole::elements},
    {"stablehlo.concatenate", OpRole::elements},
    {"stablehlo.pad", OpRole::elements},
    {"stablehlo.reverse", OpRole::elements},
    {"stablehlo.convert", OpRole::elements},
    {"stablehlo.gather", OpRole::elements},
};

// Beside plain arithmetic; in alphabetical order.
static constexpr std::string_view elementwise[] = {
    "abs",
    "atan2",
    "cbrt",
    "ceil",
    "complex",
    "cosine",
    "count_leading_zeros",
    "divide",
    "exponential",
    "exponential_minus_one",
    "floor",
    "imag",
    "is_finite",
    "log",
    "log_plus_one",
    "logistic",
    "popcnt",
    "power",
    "real",
    "reduce_precision",
    "remainder",
    "round_nearest_afz",
    "round_nearest_even",
    "rsqrt",
    "shift_left",
    "shift_right_arithmetic",
    "shift_right_logical",
    "sign",
    "sine",
    "sqrt",
    "tan",
    "tanh",
};

static OpRole roleOf(Operation op) {
  std::string_view name = op.name();
  for (const auto &[known, role] : special)
    if (name == known)
      return role;
  constexpr std::string_view dialect = "stablehlo.";
  if (!name.starts_with(dialect))
    return OpRole::other;
  if (isPlainArithmetic(op))
    return OpRole::elements;
  name.remove_prefix(dialect.size());
  bool isElementwise =
      std::binary_search(std::begin(elementwise), std::end(elementwise), name);
  return isElementwise ? OpRole::elements : OpRole::other;
}

OpRole OpRoles::of(Operation op) {
  const char *key = op.name().data();
  auto found = known.find(key);
  if (found == known.end())
    found = known.emplace(key, roleOf(op)).first;
  if (found->second == OpRole::other && isShardingCall(op))
    return OpRole::barrier;
  return found->second;
}

bool OpRoles::isOrdered(Operation op, OpRole role) {
  // Loops, branches and callees may hold such ops; composites are pure.
  if (role == OpRole::loop || role == OpRole::branch || role == OpRole::call)
    return !op.is("stablehlo.composite");
  if (role != OpRole::other)
    return false;
  std::string_view name = op.name();
  return name == "stablehlo.custom_call" || name.ends_with("feed") ||
         !(name.starts_with("stablehlo.") || name.starts_with("chlo.") ||
           name.starts_with("arith.") || name.starts_with("tensor."));
}
