//===- Carriers.h - Values that share the type of a slot --------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From a slot's tied result back to its argument: the values that its updates
// and the ops between them hand on. To store a slot as another type, all of
// them get another type together, and nothing else does.
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_CARRIERS_H
#define KVLIFT_CARRIERS_H

#include "kvlift/State.h"

#include <set>

namespace kvlift {

/// How a slot is stored: in its logical type unless one of these is so.
struct Storage {
  /// Without dims of extent 1.
  bool foldsUnitDims = false;
  /// bf16 and f8 as unsigned integers of the same bits.
  bool asBits = false;
  /// The dims in the order in which they lie, the slowest first; empty when
  /// they lie as they are. All carriers have the same dims then.
  Dims order = {};

  bool isLogical() const { return !foldsUnitDims && !asBits && order.empty(); }
  Type storedElement(Type logical) const;
  /// The type that a carrier of this logical type gets.
  Type of(Type logical) const;
  /// The dims of a carrier that stay, as they lie.
  Dims keptDims(Type logical) const;
  /// The extents or positions that belong to those dims.
  template <typename Element>
  std::vector<Element> keep(Type logical,
                            const std::vector<Element> &perDim) const {
    std::vector<Element> kept;
    for (int64_t dim : keptDims(logical))
      kept.push_back(perDim[dim]);
    return kept;
  }
};

/// Why slots keep a type, and the op that it lies with.
struct Obstacle {
  Operation op;
  std::string why;
};

struct FunctionSlot {
  FuncOp function;
  Slot slot;
};

/// The carriers of slots that can only get other types together: they meet in a
/// branch or a callee, or functions share them by name.
struct Carriers {
  std::vector<FunctionSlot> slots;
  std::vector<Value> values;
  /// Results of functions that are carriers.
  std::vector<std::pair<FuncOp, int64_t>> results;
  /// The operands through which ops and terminators hand carriers on; other
  /// uses read them.
  std::set<std::pair<const void *, int64_t>> handedOn;
  /// To any change, to folding, to bits, to another order of dims.
  std::optional<Obstacle> obstacle, toFolding, toBits, toOrder;

  bool isHandedOn(const Use &use) const {
    return handedOn.count({use.user.ptr, use.operand}) != 0;
  }
};

/// The groups of all slots of public functions, in program order. Reports and
/// gives nothing when marks contradict each other.
std::optional<std::vector<Carriers>> carriersOf(Operation module,
                                                DiagnosticLog &log);

/// The order of dims in which products read the slots as they lie, if they do
/// not already and nothing else pays for it; empty otherwise. XLA minds dims of
/// extent 1 (`countsUnits`); IREE reads a slot of three dims as it lies where
/// each of its batches is summed by itself (`sumsVectors`).
Dims orderForReads(const Carriers &carriers, bool countsUnits,
                   bool sumsVectors);

/// A scatter into a slot without dims of extent 1.
struct FoldedScatter {
  Attribute numbers;
  /// The columns of the index tensor that stay.
  Dims columns;
  /// The dims of the update that stay.
  Dims updateDims;
};

/// Nothing, and why, when the scatter has to name a dim of extent 1: a position
/// that might not be 0 decides whether the update is dropped.
std::optional<FoldedScatter> foldScatter(Operation scatter, std::string &why);

/// Whether the update's data is computed, element by element, of other rows of
/// the version that it overwrites. XLA:CPU reads what it has written there as
/// soon as a view of the result is returned (openxla/xla#49176).
bool movesOwnRows(Operation update);

/// Whether the element type is a float that some runtimes only know by their
/// wider types.
bool isNarrowFloat(Type element);

} // namespace kvlift

#endif // KVLIFT_CARRIERS_H
