//===- State.h - Slots, and how functions carry them ------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Marks on a function's arguments and results:
//   kvlift.name  what the source calls it
//   kvlift.kind  parameter, buffer, user_input, constant, global or inferred;
//                an argument that has one was spoken for by a frontend that
//                knows all state, so nothing is inferred about it
//   kvlift.slot  the slot's name, on the argument and on its tied result
//   kvlift.verdict  on a slot's argument: "in_place" or "copied: <bytes> bytes:
//                <why>"
//   kvlift.logical  on a slot's argument that is stored as another type: the
//                type that the model means
//   kvlift.order  beside it, when the dims lie in another order than in that
//                type: its dims as they lie, the slowest first
//   kvlift.initial  what a slot holds before the first call, when the IR says
//   kvlift.sliced  on an argument that is no slot any more: the slot that it
//                was; results bring what the host must write into it
//   kvlift.role  on the argument of a slot that a step leaves for the next one
//                (kvlift-carry): what a runtime finds in it
//   kvlift.rows, kvlift.start  on results: the sliced slot that these elements
//                go into, and where; the i-th rows go with the i-th start
//   tf.aliasing_output  on the argument: the result's index, for the runtimes
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_STATE_H
#define KVLIFT_STATE_H

#include "kvlift/Diagnostics.h"
#include "kvlift/Ops.h"

namespace kvlift {

namespace marks {
inline constexpr std::string_view name = "kvlift.name";
inline constexpr std::string_view kind = "kvlift.kind";
inline constexpr std::string_view slot = "kvlift.slot";
inline constexpr std::string_view verdict = "kvlift.verdict";
inline constexpr std::string_view logical = "kvlift.logical";
inline constexpr std::string_view order = "kvlift.order";
inline constexpr std::string_view initial = "kvlift.initial";
inline constexpr std::string_view sliced = "kvlift.sliced";
inline constexpr std::string_view rows = "kvlift.rows";
inline constexpr std::string_view start = "kvlift.start";
inline constexpr std::string_view role = "kvlift.role";
/// On functions: how the source nested arguments and results, as JSON.
inline constexpr std::string_view inputs = "kvlift.inputs";
inline constexpr std::string_view outputs = "kvlift.outputs";
inline constexpr std::string_view aliasing = "tf.aliasing_output";
inline constexpr std::string_view ireeOutput = "iree.abi.output";
inline constexpr std::string_view bufferDonor = "jax.buffer_donor";
} // namespace marks

/// What a slot that is carried from step to step holds.
namespace roles {
inline constexpr std::string_view tokens = "tokens";
inline constexpr std::string_view position = "position";
inline constexpr std::string_view sampler = "sampler";
/// The last tokens, a ring of columns.
inline constexpr std::string_view history = "history";
/// The column of the history that the next token goes to.
inline constexpr std::string_view next = "next";
inline constexpr std::string_view logits = "logits";
} // namespace roles

/// Storage that outlives a call: one argument tied to one result.
struct Slot {
  std::string name;
  int64_t argument;
  int64_t result;
};

/// The slots that a function's marks name, ordered by argument. Reports and
/// gives nothing when marks contradict each other: a name on one side only, a
/// name twice, types that differ.
std::optional<std::vector<Slot>> readSlots(const FuncOp &function,
                                           DiagnosticLog &log);

/// Two results: elements that replace a slice of a slot, and where it starts.
struct WrittenSlice {
  int64_t rows;
  int64_t start;
};

/// Storage that outlives a call and that the host updates.
struct SlicedSlot {
  std::string name;
  int64_t argument;
  /// In the order in which the host writes them.
  std::vector<WrittenSlice> updates;
};

/// The sliced slots that a function's marks name, ordered by argument. Reports
/// and gives nothing when marks contradict each other or the types.
std::optional<std::vector<SlicedSlot>>
readSlicedSlots(const FuncOp &function, const std::vector<Slot> &slots,
                DiagnosticLog &log);

/// A public function and its slots, if it has any.
struct PublicFunction {
  FuncOp function;
  std::vector<Slot> slots;
};

/// The public functions of a module, in program order. Reports and gives
/// nothing when the marks of one contradict each other, or when the name of a
/// function, an argument or a slot is no UTF-8: others must be able to say it.
std::optional<std::vector<PublicFunction>>
readPublicFunctions(Operation module, DiagnosticLog &log);

/// A slot that has no marks yet, and what its argument is if nothing says so.
struct NewSlot {
  int64_t argument, result;
  std::string_view kind;
};

/// Marks new slots on both sides. Each is called what its argument is; with a
/// number behind if another slot has that name.
void markSlots(const FuncOp &function, const std::vector<NewSlot> &slots);

/// The type that the model means by a slot's argument, however it is stored.
Type logicalType(const FuncOp &function, int64_t argument);

/// The dims of the logical type in the order in which they lie in the store,
/// which leaves out some of extent 1; nothing when they lie as that type says.
std::optional<Dims> storeOrder(const FuncOp &function, int64_t argument);
void setStoreOrder(const FuncOp &function, int64_t argument, const Dims &order);

/// What the source calls an argument: its mark, its location's name, or `argN`.
std::string argumentName(const FuncOp &function, int64_t index);

/// What a slot holds before the first call.
struct InitialValue {
  /// The argument's.
  std::string name;
  Type type;
  /// The elements as they lie in memory, one if all are the same.
  std::string bytes;
};

/// Reports `kvlift.initial` marks that are no elements of the argument's type,
/// or of which no array can be made.
Status checkInitialValues(const FuncOp &function, DiagnosticLog &log);

/// Takes `kvlift.initial` off the arguments of public functions.
std::vector<InitialValue> takeInitialValues(Operation module);

/// The manifest of a module as JSON: public functions with arguments, results
/// and slots. Reports and gives nothing when marks contradict each other.
std::optional<std::string> manifestJson(Operation module, DiagnosticLog &log);

} // namespace kvlift

#endif // KVLIFT_STATE_H
