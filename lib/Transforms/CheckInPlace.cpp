//===- CheckInPlace.cpp - kvlift-check-in-place ---------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// 1. Find the conflicts of every block: cycles that no order can satisfy. They
//    are errors, or with `on-conflict=copy` the reader gets a copy of the old
//    value, which is announced in a remark.
// 2. Ask the target model what the target copies although it need not. These
//    are remarks, or with `require=in_place` errors. Wrong results are errors.
// 3. Write the verdict on each slot's argument: `kvlift.verdict = "in_place"`
//    or `"copied: <bytes> bytes: <why>"`, without the bytes where a dim is
//    dynamic.
//
// The copy is a concatenate of two halves: IREE builds it once, XLA makes its
// own copies whatever stands there. An optimization_barrier is no copy for
// IREE, and adding zero turns -0.0 into 0.0.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Builder.h"
#include "kvlift/InPlace.h"
#include "kvlift/Passes.h"

#include <algorithm>
#include <map>

using namespace kvlift;

namespace {

struct Options {
  TargetModel model;
  bool copies;
  bool requiresInPlace;
};

std::optional<Options> parseOptions(const PassOptions &given,
                                    DiagnosticLog &log) {
  std::string target = optionOr(given, "target", std::string(anyTarget));
  std::string conflict = optionOr(given, "on-conflict", "error");
  std::string require = optionOr(given, "require", "none");
  auto model = TargetModel::named(target);
  if (!model)
    log.error({}, "target=" + target + " is not one of " +
                      join(TargetModel::names(), ", "));
  else if (conflict != "error" && conflict != "copy")
    log.error({}, "on-conflict=" + conflict + " is not one of error, copy");
  else if (require != "none" && require != "in_place")
    log.error({}, "require=" + require + " is not one of none, in_place");
  else
    return Options{*model, conflict == "copy", require == "in_place"};
  return std::nullopt;
}

/// Copies the value after all of its elements were moved once:
///   concatenate(slice %v[:n/2], slice %v[n/2:])
/// A single element is moved twice, and the first is taken.
Value copyOf(Value value, Operation before) {
  Builder build(before);
  Context context = build.context();
  Dims shape = value.type().shape();
  auto part = [&](Value of, const Dims &begin, const Dims &end) {
    Dims extents;
    for (size_t i = 0; i < begin.size(); ++i)
      extents.push_back(end[i] - begin[i]);
    return build
        .create(
            "stablehlo.slice", {of}, {of.type().withShape(extents)},
            {{"start_indices", Attribute::i64Array(context, begin)},
             {"limit_indices", Attribute::i64Array(context, end)},
             {"strides", Attribute::i64Array(context, Dims(begin.size(), 1))}})
        .result();
  };
  auto longest = std::max_element(shape.begin(), shape.end());
  if (shape.empty() || *longest < 2) {
    Value one = build.reshape(value, {1});
    Value two = build.concatenate({one, one}, 0);
    return build.reshape(part(two, {0}, {1}), shape);
  }
  int64_t dim = longest - shape.begin();
  Dims begin(shape.size(), 0), middle = shape, secondBegin = begin;
  middle[dim] = secondBegin[dim] = shape[dim] / 2;
  return build.concatenate(
      {part(value, begin, middle), part(value, secondBegin, shape)}, dim);
}

/// The first op that the value can be used by.
Operation firstAfter(Value value, const BlockChains &chains) {
  Operation maker = value.definingOp();
  return maker && maker.block() == chains.block ? maker.next()
                                                : chains.block.firstOp();
}

/// The operand through which the update takes the version that it overwrites.
int64_t keptOperand(const Conflict &conflict) {
  const BlockChains &chains = *conflict.chains;
  int64_t over = chains.nextOnChain()[conflict.read().version];
  for (const Read &read : chains.reads) {
    if (read.makes != over)
      continue;
    std::vector<Value> operands = conflict.update().operands();
    int64_t same = chains.versions[over].value.resultNumber();
    if (same < static_cast<int64_t>(operands.size()) &&
        operands[same] == read.through)
      return same;
    return std::find(operands.begin(), operands.end(), read.through) -
           operands.begin();
  }
  return -1;
}

class Checker {
public:
  Checker(Operation module, const FuncOp &function,
          const std::vector<Slot> &slots, const Options &options,
          DiagnosticLog &log)
      : module(module), function(function), slots(slots), options(options),
        log(log) {}

  Status run() {
    if (resolveConflicts().failed())
      return Status::failure();
    return judge();
  }

private:
  std::deque<BlockChains> chains() const {
    return chainsOf(module, function, slots);
  }
  Status resolveConflicts();
  bool canCopy(const Conflict &conflict) const;
  /// Whether the reader now has a copy; another one may have given it one.
  bool copyFor(const Conflict &conflict);
  void order();
  Status judge();
  std::string verdictOn(const Slot &slot, const std::string &why) const;
  void reportFinding(const Finding &finding, Severity severity);

  Operation module;
  const FuncOp &function;
  const std::vector<Slot> &slots;
  const Options &options;
  DiagnosticLog &log;
  /// Copies by what they copy and by the block that they are in.
  std::map<std::pair<const void *, const void *>, Value> copies;
  /// Why each copied slot is copied: the first reason found.
  std::map<std::string, std::string> copied;
};

bool Checker::canCopy(const Conflict &conflict) const {
  return options.copies && conflict.read().through.type().isStaticTensor();
}

Status Checker::resolveConflicts() {
  // Every round gives at least one reader a copy, for good.
  for (bool isFirst = true;; isFirst = false) {
    bool failed = false, changed = false;
    for (const BlockChains &block : chains()) {
      for (const Conflict &conflict : conflictsOf(block)) {
        if (canCopy(conflict) && (copyFor(conflict) || changed)) {
          changed = true;
          continue;
        }
        Diagnostic &error = report(conflict, log);
        if (!options.copies)
          error.note(conflict.update().location(),
                     "pass on-conflict=copy to copy the old value in each "
                     "call");
        else
          error.note(conflict.update().location(),
                     "it cannot be copied: its shape is dynamic");
        failed = true;
      }
      if (changed)
        break; // The other blocks' chains may name what this one changed.
    }
    if (failed)
      return Status::failure();
    if (changed)
      continue;
    if (!isFirst)
      order();
    return Status::success();
  }
}

bool Checker::copyFor(const Conflict &conflict) {
  Value old = conflict.read().through;
  Operation reader = conflict.chains->ops[conflict.read().op];
  Operation update = conflict.update();
  Value &copy = copies[{old.raw.ptr, conflict.chains->block.raw.ptr}];
  if (!copy)
    copy = copyOf(old, firstAfter(old, *conflict.chains));
  int64_t kept = keptOperand(conflict);
  bool isCopied = false;
  walk(reader, [&](Operation op) {
    for (int64_t i = 0, n = op.numOperands(); i < n; ++i)
      if (op.operand(i) == old && !(op == update && i == kept)) {
        op.setOperand(i, copy);
        isCopied = true;
      }
  });
  if (!isCopied)
    return false;
  std::string slot = conflict.slot();
  log.remark(update.location(),
             "slot " + quote(slot) + ": " +
                 std::to_string(byteSize(old.type())) +
                 " bytes of its old value are copied in each call, since it "
                 "is needed after this " +
                 quote(update.name()))
      .note(reader.location(), "reads the old value here");
  copied.emplace(slot, "its old value is needed after the update");
  return true;
}

void Checker::order() {
  for (const BlockChains &block : chains())
    applyOrder(block, orderOf(block));
}

void Checker::reportFinding(const Finding &finding, Severity severity) {
  log.report(severity, finding.op.location(),
             "slot " + quote(finding.slot) +
                 (finding.fact->isWrong ? " would get wrong contents: "
                                        : " is copied: ") +
                 std::string(finding.fact->why) + " " + finding.detail)
      .note(finding.op.location(),
            "known of " + std::string(finding.fact->target) +
                " by: " + std::string(finding.fact->evidence));
}

/// How many bytes each call moves at least, if known, and why.
std::string Checker::verdictOn(const Slot &slot, const std::string &why) const {
  int64_t bytes = byteSize(function.argumentType(slot.argument));
  return "copied: " +
         (bytes ? std::to_string(bytes) + " bytes: " : std::string()) + why;
}

Status Checker::judge() {
  bool failed = false;
  const std::map<std::string, std::string> explained = copied;
  for (const Finding &finding :
       findingsOf(function, slots, chains(), options.model)) {
    if (explained.count(finding.slot) && !finding.fact->isWrong)
      continue;
    bool isError = finding.fact->isWrong || options.requiresInPlace;
    failed |= isError;
    reportFinding(finding, isError ? Severity::error : Severity::remark);
    copied.emplace(finding.slot,
                   std::string(finding.fact->why) + " " + finding.detail);
  }
  if (options.requiresInPlace)
    for (const Slot &slot : slots)
      if (auto why = copied.find(slot.name); why != copied.end() && !failed) {
        log.error(function.operation().location(),
                  "slot " + quote(slot.name) + " is copied: " + why->second);
        failed = true;
      }
  if (failed)
    return Status::failure();
  Context context = function.operation().context();
  for (const Slot &slot : slots) {
    auto why = copied.find(slot.name);
    function.setArgumentAttribute(
        slot.argument, marks::verdict,
        Attribute::string(context, why == copied.end()
                                       ? "in_place"
                                       : verdictOn(slot, why->second)));
  }
  return Status::success();
}

} // namespace

Status kvlift::checkInPlace(Operation module, const PassOptions &given,
                            DiagnosticLog &log) {
  auto options = parseOptions(given, log);
  if (!options)
    return Status::failure();
  bool failed = false;
  for (const FuncOp &function : functionsOf(module)) {
    if (!function.isPublic())
      continue;
    auto slots = readSlots(function, log);
    if (!slots)
      return Status::failure();
    if (slots->empty() || function.isDeclaration())
      continue;
    failed |= Checker(module, function, *slots, *options, log).run().failed();
  }
  return failed ? Status::failure() : Status::success();
}
