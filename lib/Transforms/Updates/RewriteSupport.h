//===- RewriteSupport.h - What rewriters of updates share -------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_TRANSFORMS_UPDATES_REWRITESUPPORT_H
#define KVLIFT_LIB_TRANSFORMS_UPDATES_REWRITESUPPORT_H

#include "kvlift/Ops.h"

namespace kvlift {

/// The integer that every element has in all runs: of a constant, or of
/// arithmetic on constants.
std::optional<int64_t> constantInteger(Value value);

/// Whether both are the same integer in all runs: one value, constants, or
/// equal ops on equal operands.
bool isSameInteger(Value a, Value b);

/// The starts of a dynamic_slice or dynamic_update_slice, one for each dim.
std::vector<Value> startsOf(Operation op);

/// Whether something that depends on `update` still reads the version that it
/// updates, which then cannot be overwritten; true when that is too long to
/// find out. `except` may read it.
bool isNeededAfter(Value old, Operation update, Operation except = {});

/// Whether the value is there when the op runs: both in one block, or the
/// value from outside of it.
bool isAvailable(Value value, Operation at);

/// Whether two versions differ only in rows outside of the window, by
/// dynamic_update_slices at constant places. Starts that are not constant are
/// null.
bool isUntouched(Value newer, Value older,
                 const std::vector<std::optional<int64_t>> &low,
                 const Dims &sizes);

/// Whether the op is known to do nothing but make its results; of ops with
/// regions only scatters are.
bool hasNoEffect(Operation op);

/// Erases those of the ops that nothing uses and have no effect, and then what
/// only they used. One of the ops may use another: after a first call, a second
/// one could get an op that is gone.
void eraseIfDead(const std::vector<Operation> &ops);
inline void eraseIfDead(Operation op) { eraseIfDead(std::vector{op}); }

/// Computes all branches of an `if` or `case`, and selects, when that is cheap
/// (FlattenBranch.cpp).
void flattenCheapBranch(Operation branch);

/// The argument that a slot's name stands for, in the function whose own block
/// has the op; null elsewhere.
Value slotArgument(Operation op, const std::string &slot);

/// Replaces the only result of an update and erases it.
void replaceUpdate(Operation update, Value by);

} // namespace kvlift

#endif // KVLIFT_LIB_TRANSFORMS_UPDATES_REWRITESUPPORT_H
