//===- SlicedSlots.cpp - Slots that the host updates ----------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/State.h"

#include <algorithm>
#include <map>

using namespace kvlift;

namespace {

class Reader {
public:
  Reader(const FuncOp &function, DiagnosticLog &log)
      : function(function), log(log) {}

  std::optional<std::vector<SlicedSlot>> run(const std::vector<Slot> &slots);

private:
  using ResultsOf = std::map<std::string, std::vector<int64_t>>;

  Status readArguments(const std::vector<Slot> &slots);
  ResultsOf markedResults(std::string_view mark) const;
  Status checkNames(const ResultsOf &results, std::string_view mark);
  Status addUpdates(SlicedSlot &slot, const Dims &rows, const Dims &starts);
  Status checkTypes(const SlicedSlot &slot, const WrittenSlice &update);
  Status refuse(const std::string &slot, const std::string &why) {
    log.error(function.operation().location(),
              "sliced slot " + quote(slot) + " of function " +
                  quote(function.name()) + " " + why);
    return Status::failure();
  }

  const FuncOp &function;
  DiagnosticLog &log;
  std::map<std::string, SlicedSlot> found;
};

std::string argument(int64_t index) {
  return "argument #" + std::to_string(index);
}

Status Reader::readArguments(const std::vector<Slot> &slots) {
  for (int64_t i = 0, n = function.numArguments(); i < n; ++i) {
    auto name = function.argumentAttribute(i, marks::sliced).asString();
    if (!name)
      continue;
    auto [entry, isNew] = found.try_emplace(*name, SlicedSlot{*name, i, {}});
    if (!isNew)
      return refuse(*name, "is on " + argument(entry->second.argument) +
                               " and on " + argument(i) +
                               "; a slot has one argument");
  }
  for (const Slot &slot : slots)
    if (auto entry = found.find(slot.name); entry != found.end())
      return refuse(slot.name, "is on " + argument(entry->second.argument) +
                                   ", but " + argument(slot.argument) +
                                   " is tied under that name");
  return Status::success();
}

Reader::ResultsOf Reader::markedResults(std::string_view mark) const {
  ResultsOf results;
  for (int64_t i = 0, n = function.numResults(); i < n; ++i)
    if (auto name = function.resultAttribute(i, mark).asString())
      results[*name].push_back(i);
  return results;
}

Status Reader::checkNames(const ResultsOf &results, std::string_view mark) {
  for (const auto &[name, indices] : results)
    if (!found.count(name))
      return refuse(name, "has " + std::string(mark) + " on result #" +
                              std::to_string(indices.front()) +
                              " but no argument");
  return Status::success();
}

/// The host replaces a slice of the argument's own shape.
Status Reader::checkTypes(const SlicedSlot &slot, const WrittenSlice &update) {
  Type whole = function.argumentType(slot.argument);
  Type rows = function.resultType(update.rows);
  Type start = function.resultType(update.start);
  bool fits = whole.isStaticTensor() && rows.isStaticTensor() &&
              rows.element() == whole.element() && rows.rank() == whole.rank();
  Dims extents = fits ? whole.shape() : Dims{};
  for (int64_t i = 0, n = extents.size(); i < n; ++i)
    fits &= rows.shape()[i] <= extents[i];
  if (!fits)
    return refuse(slot.name, "is " + whole.print() + ", but its rows in " +
                                 "result #" + std::to_string(update.rows) +
                                 " are " + rows.print());
  unsigned bits = start.isStaticTensor() ? start.element().bitWidth() : 0;
  if (start.isStaticTensor() && start.shape() == Dims{whole.rank()} &&
      start.element().isInteger() && !start.element().isUnsignedInteger() &&
      (bits == 32 || bits == 64))
    return Status::success();
  return refuse(slot.name, "is " + whole.print() + ", but its start in " +
                               "result #" + std::to_string(update.start) +
                               " is " + start.print());
}

Status Reader::addUpdates(SlicedSlot &slot, const Dims &rows,
                          const Dims &starts) {
  if (rows.empty() || rows.size() != starts.size())
    return refuse(slot.name, "has " + std::to_string(rows.size()) +
                                 " results with rows and " +
                                 std::to_string(starts.size()) +
                                 " with starts; they come in pairs");
  for (size_t i = 0; i < rows.size(); ++i) {
    slot.updates.push_back({rows[i], starts[i]});
    if (checkTypes(slot, slot.updates.back()).failed())
      return Status::failure();
  }
  return Status::success();
}

std::optional<std::vector<SlicedSlot>>
Reader::run(const std::vector<Slot> &slots) {
  ResultsOf rows = markedResults(marks::rows);
  ResultsOf starts = markedResults(marks::start);
  if (readArguments(slots).failed() || checkNames(rows, marks::rows).failed() ||
      checkNames(starts, marks::start).failed())
    return std::nullopt;
  std::vector<SlicedSlot> sliced;
  for (auto &[name, slot] : found) {
    if (addUpdates(slot, rows[name], starts[name]).failed())
      return std::nullopt;
    sliced.push_back(slot);
  }
  std::sort(sliced.begin(), sliced.end(),
            [](const SlicedSlot &a, const SlicedSlot &b) {
              return a.argument < b.argument;
            });
  return sliced;
}

} // namespace

std::optional<std::vector<SlicedSlot>>
kvlift::readSlicedSlots(const FuncOp &function, const std::vector<Slot> &slots,
                        DiagnosticLog &log) {
  return Reader(function, log).run(slots);
}
