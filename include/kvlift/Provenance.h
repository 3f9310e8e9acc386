//===- Provenance.h - Whose storage is this value? --------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_PROVENANCE_H
#define KVLIFT_PROVENANCE_H

#include "kvlift/Ops.h"

#include <memory>
#include <unordered_map>

namespace kvlift {

/// Whether the op's result i is its operand i with a part replaced.
bool isUpdate(Operation op);

/// `dynamic_update_slice` for `stablehlo.dynamic_update_slice`.
std::string_view shortName(Operation op);

/// What an update does to the old value, from the weakest hint of state to the
/// strongest.
enum class Change {
  /// Nothing: the same version.
  none,
  /// Adds a constant to one integer.
  counted,
  /// Masks with a constant: data is masked like this more often than state.
  filled,
  /// Replaces a part by select, concatenate or pad. Updates state if it is
  /// returned; otherwise it is arithmetic.
  replaced,
  /// Writes a part: dynamic_update_slice, scatter, an aliasing custom_call.
  written,
};

/// Why a value that updates lead to has no origin.
struct NoOrigin {
  enum Why {
    /// The first update starts from a constant, so nothing feeds back.
    constant,
    /// The first update starts from a value that another op computes.
    computed,
    /// An op merges versions of different values.
    merged,
    /// A loop carries something else to its next iteration.
    notCarried,
    /// A call of a function that calls itself.
    recursiveCall,
    /// A call whose callee has no body of one block.
    opaqueCall,
  } why;
  /// The op that cuts the chain.
  Operation at;
  /// The last update, or null when there was none.
  Operation update;
};

/// `the update starts from a constant, so nothing feeds back`, and the like.
std::string explain(const NoOrigin &why);

class Callees;

/// For the values of one function, in regions too: which argument's storage
/// they could live in. A value has an origin when updates and
/// storage-preserving ops lead back to an argument. Ops with regions and calls
/// count as one update of what they carry.
///
/// Linear in the size of the function; callees are analysed once each.
class Provenance {
public:
  explicit Provenance(const FuncOp &function);
  Provenance(const FuncOp &function, Callees &callees);

  struct Origin {
    /// The argument at the root of the chain.
    int64_t argument;
    /// How the value's dims permute the argument's; empty when they do not.
    Dims view;
    /// The update that made this version: an op of the block that has the
    /// version. Null for the argument itself, and for the value that a loop
    /// hands to its body.
    Operation update;
    /// The versions that the update made and consumed; null when there is no
    /// update.
    Value made, before;
    /// The value that begins this version: what the update made, or the
    /// argument of the function or of a loop's body. Never null.
    Value version;
    /// What the update did, and the strongest that was done on the chain.
    Change change = Change::none, strongest = Change::none;
    /// The operand that this value comes from; null at the root.
    Value from;
    /// The block argument at the root, of the function or of a loop's body.
    Value root;
    /// The newest version on the chain from outside the version's block.
    Value entry;
    /// The update of one integer is arithmetic unless it is returned.
    bool isCounter = false;
    /// A reshape is on the chain; another one hides how dims correspond.
    bool isReshaped = false, hasView = true;
  };

  /// The value's origin, or null. Counters have none: see `storage`.
  const Origin *origin(Value value) const;

  /// The same where `view` is not known or the value is a counter.
  const Origin *storage(Value value) const;

  /// Why a value that updates lead to has no storage, or null.
  const NoOrigin *noOrigin(Value value) const;

  /// Updates with an origin: of one block in program order, of a region before
  /// the op that has it. Counters are left out.
  const std::vector<Operation> &updates() const { return found; }

  /// Calls and composites of functions, in regions too, in program order.
  const std::vector<Operation> &calls() const { return called; }

  /// Values of which it cannot be said where they go: they are not lost.
  const std::vector<Value> &mergedValues() const { return merged; }

  /// `result <- op <- op <- argument 'k'`, or `no tie: ` and why.
  std::string print(Value value) const;

private:
  friend class ProvenanceBuilder;
  void build(const FuncOp &function, Callees &callees);
  std::string printStep(Operation op, int64_t result) const;
  std::string printChain(Value value, Block block) const;

  // Looked up, never iterated: the order of pointers must not show.
  std::unordered_map<const void *, uint32_t> indexOf;
  std::unordered_map<const void *, NoOrigin> cut;
  std::vector<Origin> origins;
  std::vector<Operation> found, called;
  std::vector<Value> merged;
  FuncOp function;
};

/// The functions of a module by name, each with its provenance, made on demand.
class Callees {
public:
  explicit Callees(Operation module) : module(module) {}

  /// The function that a func.call or stablehlo.composite runs; nothing when
  /// the module has none of that name.
  std::optional<FuncOp> calleeOf(Operation call);

  /// The function's provenance; null for a declaration, a function of several
  /// blocks, recursion, and calls that nest too deep.
  const Provenance *provenanceOf(const FuncOp &function);

private:
  Operation module;
  bool isRead = false;
  int depth = 0;
  std::unordered_map<std::string, Operation> functions;
  // Null while it is being made: who finds that has found recursion.
  std::unordered_map<const void *, std::unique_ptr<Provenance>> made;
};

/// A call on the way to an update, and the parameter that takes the version.
struct CallStep {
  Operation call;
  int64_t parameter;
};

/// An update whose version no result carries, the last of its chain.
struct LostUpdate {
  Operation update;
  Value version;
  /// The argument of the function that was asked about.
  int64_t argument;
  /// How the version's dims permute those of the argument, or of the innermost
  /// callee's parameter; empty when they do not.
  Dims view;
  /// False when the version's layout is not known.
  bool hasView;
  /// The calls that lead to the update, from the function inwards.
  std::vector<CallStep> calls;
};

/// The loop that a lost update, or a call on the way to it, stands in; null
/// when all stand in function bodies and branches.
Operation loopAround(const LostUpdate &lost);

/// Whether the value is computed of the lost version, in the function itself.
bool isTakenIn(const LostUpdate &lost, Value by);

/// Lost updates of functions and of what they call, found once for each.
/// Arguments that a frontend has spoken for are left out.
class LostUpdates {
public:
  explicit LostUpdates(Callees &callees) : callees(callees) {}
  const std::vector<LostUpdate> &in(const FuncOp &function);

private:
  Callees &callees;
  int depth = 0;
  // Null while it is being filled.
  std::unordered_map<const void *, std::unique_ptr<std::vector<LostUpdate>>>
      known;
};

/// The lost updates of one function.
std::vector<LostUpdate> findLostUpdates(const FuncOp &function);

} // namespace kvlift

#endif // KVLIFT_PROVENANCE_H
