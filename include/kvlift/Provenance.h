//===- Provenance.h - Whose storage is this value? --------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_PROVENANCE_H
#define KVLIFT_PROVENANCE_H

#include "kvlift/Ops.h"

#include <unordered_map>

namespace kvlift {

/// Whether the op's result i is its operand i with a part replaced.
bool isUpdate(Operation op);

/// `dynamic_update_slice` for `stablehlo.dynamic_update_slice`.
std::string_view shortName(Operation op);

/// For the values of one function's entry block: which argument's storage they
/// could live in. A value has an origin when updates and storage-preserving ops
/// (reshape, optimization_barrier, transposes) lead back to an argument.
class Provenance {
public:
  explicit Provenance(const FuncOp &function);

  struct Origin {
    /// The argument at the root of the chain.
    int64_t argument;
    /// How the value's dims permute the argument's; empty when they do not.
    Dims view;
    /// The update that made this version; null for the argument itself.
    Operation update;
    /// The versions that the update made and consumed; null when there is no
    /// update.
    Value made, before;
  };

  /// The value's origin, or null.
  const Origin *origin(Value value) const;

  /// Updates with an origin, in program order.
  const std::vector<Operation> &updates() const { return found; }

private:
  void visit(Operation op);
  void pass(Value from, Value to, Operation update);
  void transpose(Operation op);

  // Looked up, never iterated: the order of pointers must not show.
  std::unordered_map<const void *, Origin> origins;
  std::vector<Operation> found;
};

/// Updates whose last version no result carries, the last of each chain.
struct LostUpdate {
  Operation update;
  Value version;
  int64_t argument;
  /// How the version's dims permute the argument's; empty when they do not.
  Dims view;
};
std::vector<LostUpdate> findLostUpdates(const FuncOp &function);

} // namespace kvlift

#endif // KVLIFT_PROVENANCE_H
