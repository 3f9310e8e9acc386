//===- Raw.h - Between C strings and ours -----------------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_LIB_IR_RAW_H
#define KVLIFT_LIB_IR_RAW_H

#include "kvlift/MlirC.h"

namespace kvlift {

inline MlirStringRef toRef(std::string_view text) {
  return {text.data(), text.size()};
}

inline std::string_view toView(MlirStringRef ref) {
  return {ref.data, ref.length};
}

/// An MlirStringCallback whose user data is a std::string to append to.
inline void appendTo(MlirStringRef part, void *text) {
  static_cast<std::string *>(text)->append(part.data, part.length);
}

} // namespace kvlift

#endif // KVLIFT_LIB_IR_RAW_H
