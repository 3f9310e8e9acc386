//===- MaskedWrite.h - Write the window that a mask chooses -----*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_TRANSFORMS_UPDATES_MASKEDWRITE_H
#define KVLIFT_LIB_TRANSFORMS_UPDATES_MASKEDWRITE_H

#include "UpdateRewrite.h"
#include "WindowMask.h"

namespace kvlift {

/// A select, seen from the slot.
struct Masked {
  Operation select;
  Value mask, slot, fresh;
  /// The mask's value where the new elements go.
  bool chosen;
};

/// Replaces the select by an update of the window that its mask chooses: a
/// guarded dynamic_update_slice, or a scatter where the window is at other
/// positions for each row of other dims.
Rewritten writeMasked(const Masked &masked, const WindowMask &window);

} // namespace kvlift

#endif // KVLIFT_LIB_TRANSFORMS_UPDATES_MASKEDWRITE_H
