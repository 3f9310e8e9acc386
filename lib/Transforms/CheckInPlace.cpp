//===- CheckInPlace.cpp - kvlift-check-in-place ---------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// 1. Find the conflicts of every block: cycles that no order can satisfy. They
//    are errors, or with `on-conflict=copy` the readers get a copy of the old
//    value, which is announced in a remark. Nothing is copied unless the
//    conflicts of all functions can be.
// 2. Ask the target model what the target copies although it need not. These
//    are remarks, or with `require=in_place` errors. Wrong results are errors.
//    The model judges the program with its copies, so they are there by now.
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
  auto model = targetModelOf(given, log);
  std::string conflict = optionOr(given, "on-conflict", "error");
  std::string require = optionOr(given, "require", "none");
  if (!model)
    return std::nullopt;
  if (conflict != "error" && conflict != "copy")
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
  for (const Read &read : chains.readsOf(chains.versions[over].maker)) {
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

/// A function with slots, and what is known of it.
struct Judged : PublicFunction {
  std::deque<BlockChains> blocks;
  std::vector<Conflict> conflicts;
  /// Why each copied slot is copied: the first reason found.
  std::map<std::string, std::string> copied;
};

class Checker {
public:
  Checker(Operation module, const Options &options, DiagnosticLog &log)
      : module(module), options(options), log(log) {}

  Status run();

private:
  void findConflicts(Judged &judged);
  Status checkConflicts();
  Status resolveConflicts();
  void reportConflict(const Conflict &conflict);
  /// Whether a reader now has a copy that it had not before.
  bool copyFor(const Conflict &conflict);
  bool redirect(const Conflict &conflict, int32_t read);
  void remarkCopy(const Conflict &conflict);
  void order();
  Status judge(Judged &judged);
  void reportFinding(const Finding &finding, Severity severity);

  Operation module;
  const Options &options;
  DiagnosticLog &log;
  std::vector<Judged> all;
  /// Copies by what they copy and by the block that they are in.
  std::map<std::pair<const void *, const void *>, Value> copies;
};

void Checker::findConflicts(Judged &judged) {
  judged.blocks = chainsOf(module, judged.function, judged.slots);
  judged.conflicts.clear();
  for (const BlockChains &block : judged.blocks)
    for (Conflict &conflict :
         options.copies ? conflictsToCopyFor(block) : conflictsOf(block))
      judged.conflicts.push_back(std::move(conflict));
}

void Checker::reportConflict(const Conflict &conflict) {
  report(conflict, log)
      .note(conflict.update().location(),
            options.copies
                ? "it cannot be copied: its shape is dynamic"
                : "pass on-conflict=copy to copy the old value in each call");
}

Status Checker::checkConflicts() {
  bool failed = false;
  for (const Judged &judged : all)
    for (const Conflict &conflict : judged.conflicts)
      if (!options.copies || !conflict.read().through.type().isStaticTensor()) {
        reportConflict(conflict);
        failed = true;
      }
  return failed ? Status::failure() : Status::success();
}

Status Checker::resolveConflicts() {
  // Every round gives at least one reader a copy, for good.
  for (bool isFirst = true;; isFirst = false) {
    for (Judged &judged : all)
      findConflicts(judged);
    if (checkConflicts().failed())
      return Status::failure();
    bool found = false, changed = false;
    for (Judged &judged : all)
      for (const Conflict &conflict : judged.conflicts) {
        found = true;
        changed |= copyFor(conflict);
        judged.copied.emplace(conflict.slot(),
                              "its old value is needed after the update");
      }
    if (!found) {
      if (!isFirst)
        order();
      return Status::success();
    }
    if (changed)
      continue;
    for (const Judged &judged : all)
      for (const Conflict &conflict : judged.conflicts)
        report(conflict, log);
    return Status::failure();
  }
}

bool Checker::copyFor(const Conflict &conflict) {
  bool changed = redirect(conflict, conflict.readNumber());
  for (int32_t read : conflict.otherReads)
    changed |= redirect(conflict, read);
  if (changed)
    remarkCopy(conflict);
  return changed;
}

/// Lets the op of the read look at a copy of what it looks at.
bool Checker::redirect(const Conflict &conflict, int32_t read) {
  const BlockChains &chains = *conflict.chains;
  Value old = conflict.read().through;
  Operation update = conflict.update();
  int64_t kept = keptOperand(conflict);
  bool changed = false;
  for (const Use &use : usesIn(chains.ops[chains.reads[read].op], old)) {
    Operation user(use.user);
    if (user == update && use.operand == kept)
      continue;
    Value &copy = copies[{old.raw.ptr, chains.block.raw.ptr}];
    if (!copy)
      copy = copyOf(old, firstAfter(old, chains));
    user.setOperand(use.operand, copy);
    changed = true;
  }
  return changed;
}

void Checker::remarkCopy(const Conflict &conflict) {
  // More than a person looks at.
  constexpr size_t noteLimit = 16;
  const BlockChains &chains = *conflict.chains;
  Operation update = conflict.update();
  Diagnostic &remark = log.remark(
      update.location(),
      "slot " + quote(conflict.slot()) + ": " +
          std::to_string(byteSize(conflict.read().through.type())) +
          " bytes of its old value are copied in each call, since it is needed "
          "after this " +
          quote(update.name()));
  std::vector<int32_t> reads{conflict.readNumber()};
  reads.insert(reads.end(), conflict.otherReads.begin(),
               conflict.otherReads.end());
  for (size_t i = 0; i < std::min(reads.size(), noteLimit); ++i)
    remark.note(chains.ops[chains.reads[reads[i]].op].location(),
                "reads the old value here");
}

void Checker::order() {
  for (Judged &judged : all) {
    for (const BlockChains &block : judged.blocks)
      applyOrder(block, orderOf(block));
    judged.blocks = chainsOf(module, judged.function, judged.slots);
  }
}

void Checker::reportFinding(const Finding &finding, Severity severity) {
  log.report(severity, finding.op.location(),
             "slot " + quote(finding.slot) +
                 (finding.fact->isWrong ? " would get wrong contents: "
                                        : " is copied: ") +
                 std::string(finding.fact->why) + " " + finding.detail)
      .note(finding.op.location(),
            std::string(wayOut(finding.fact->habit)) + "; known of " +
                std::string(finding.fact->target) +
                " by: " + std::string(finding.fact->evidence));
}

Status Checker::judge(Judged &judged) {
  bool failed = false;
  const std::map<std::string, std::string> explained = judged.copied;
  for (const Finding &finding : findingsOf(judged.function, judged.slots,
                                           judged.blocks, options.model)) {
    if (explained.count(finding.slot) && !finding.fact->isWrong)
      continue;
    bool isError = finding.fact->isWrong || options.requiresInPlace;
    failed |= isError;
    reportFinding(finding, isError ? Severity::error : Severity::remark);
    judged.copied.emplace(finding.slot, std::string(finding.fact->why) + " " +
                                            finding.detail);
  }
  if (options.requiresInPlace)
    for (const Slot &slot : judged.slots)
      if (auto why = judged.copied.find(slot.name);
          why != judged.copied.end() && !failed) {
        log.error(judged.function.operation().location(),
                  "slot " + quote(slot.name) + " is copied: " + why->second);
        failed = true;
      }
  return failed ? Status::failure() : Status::success();
}

/// How many bytes each call moves at least, if known, and why.
std::string copiedVerdict(Type slot, const std::string &why) {
  int64_t bytes = byteSize(slot);
  return "copied: " +
         (bytes ? std::to_string(bytes) + " bytes: " : std::string()) + why;
}

void writeVerdicts(const Judged &judged) {
  Context context = judged.function.operation().context();
  std::vector<AttributeEdit> verdicts;
  for (const Slot &slot : judged.slots) {
    auto why = judged.copied.find(slot.name);
    std::string verdict =
        why == judged.copied.end()
            ? "in_place"
            : copiedVerdict(judged.function.argumentType(slot.argument),
                            why->second);
    verdicts.push_back(
        {slot.argument, marks::verdict, Attribute::string(context, verdict)});
  }
  judged.function.editArgumentAttributes(verdicts);
}

Status Checker::run() {
  auto functions = readPublicFunctions(module, log);
  if (!functions)
    return Status::failure();
  for (PublicFunction &each : *functions)
    if (!each.slots.empty() && !each.function.isDeclaration())
      all.push_back({std::move(each), {}, {}, {}});
  if (resolveConflicts().failed())
    return Status::failure();
  bool failed = false;
  for (Judged &judged : all)
    failed |= judge(judged).failed();
  if (failed)
    return Status::failure();
  for (const Judged &judged : all)
    writeVerdicts(judged);
  return Status::success();
}

} // namespace

Status kvlift::checkInPlace(Operation module, const PassOptions &given,
                            DiagnosticLog &log) {
  auto options = parseOptions(given, log);
  if (!options)
    return Status::failure();
  return Checker(module, *options, log).run();
}
