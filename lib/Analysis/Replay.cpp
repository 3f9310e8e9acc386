//===- Replay.cpp - What keeps steps from running without a host ----------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// 1. An argument that is neither a slot nor bound once (a parameter, buffer or
//    constant) comes from the caller in each call. So does a sliced slot, which
//    the host updates.
// 2. A shape that is not known has to be computed on the host: named is the op
//    that makes one of values that have none.
// 3. Custom calls run code that is not known here, but for those that the
//    compilers themselves replace. Infeed and the like are the host's own.
// 4. A loop whose number of iterations is not a constant, and a branch that is
//    chosen by data, read the decision on the host.
// 5. A result that is no slot comes in a buffer of its own.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Replay.h"
#include "kvlift/LoopCounter.h"
#include "kvlift/Provenance.h"

#include <algorithm>

using namespace kvlift;

namespace {

bool isDynamic(Value value) {
  Type type = value.type();
  return type.isRankedTensor() && !type.isStaticTensor();
}

/// Whether XLA replaces the call by what it says of devices, or by its own ops.
bool isReplaced(std::string_view target) {
  for (std::string_view known : {"SPMDFullToShardShape", "SPMDShardToFullShape",
                                 "xla.sdy.", "mhlo.", "chlo."})
    if (target.starts_with(known))
      return true;
  return false;
}

/// Why the op needs the host, as what its name is followed by; empty if it does
/// not.
std::string reasonOf(Operation op) {
  if (isShardingCall(op))
    return "";
  if (op.is("stablehlo.custom_call")) {
    std::string target =
        op.attribute("call_target_name").asString().value_or("");
    if (isReplaced(target))
      return "";
    return target.find("callback") != std::string::npos
               ? "calls back to the host: " + quote(target)
               : "runs " + quote(target) + ", which may read on the host";
  }
  for (std::string_view transfer : {"stablehlo.infeed", "stablehlo.outfeed",
                                    "stablehlo.send", "stablehlo.recv"})
    if (op.is(transfer))
      return "moves data between host and device";
  if (op.is("stablehlo.while") && !tripCountOf(op))
    return "runs as often as its data say, which the host has to read";
  if (op.is("stablehlo.if") || op.is("stablehlo.case"))
    return "runs the branch that its data say, which the host has to read";
  std::vector<Value> operands = op.operands(), results = op.results();
  if (std::any_of(results.begin(), results.end(), isDynamic) &&
      std::none_of(operands.begin(), operands.end(), isDynamic))
    return "makes a shape that the host has to compute";
  return "";
}

class Finder {
public:
  explicit Finder(Operation module) : callees(module) {}

  void addArguments(const FuncOp &function);
  /// Those of the function and of all that it calls.
  void addOps(const FuncOp &function);
  void addResults(const FuncOp &function);
  std::vector<Obstacle> take() { return std::move(found); }

private:
  void addOp(Operation op);

  Callees callees;
  std::vector<Obstacle> found;
};

void Finder::addArguments(const FuncOp &function) {
  for (int64_t i = 0, n = function.numArguments(); i < n; ++i) {
    std::string name = "argument " + quote(argumentName(function, i));
    SourceLocation where = function.body().argument(i).location();
    if (isDynamic(function.body().argument(i)))
      found.push_back({where, "", name + " has a shape that only calls know"});
    if (function.argumentAttribute(i, marks::slot))
      continue;
    if (function.argumentAttribute(i, marks::sliced)) {
      found.push_back({where, "", name + " is updated by the host"});
      continue;
    }
    auto kind = function.argumentAttribute(i, marks::kind).asString();
    if (kind == "parameter" || kind == "buffer" || kind == "constant")
      continue;
    found.push_back({where, "", name + " comes from the caller", i});
  }
}

void Finder::addOps(const FuncOp &function) {
  std::vector<FuncOp> pending{function};
  std::unordered_set<const void *> known{function.operation().raw.ptr};
  for (size_t at = 0; at < pending.size(); ++at)
    walk(pending[at].operation(), [&](Operation op) {
      addOp(op);
      auto callee = callees.calleeOf(op);
      if (callee && known.insert(callee->operation().raw.ptr).second)
        pending.push_back(*callee);
    });
}

void Finder::addOp(Operation op) {
  if (std::string reason = reasonOf(op); !reason.empty())
    found.push_back({op.location(), std::string(op.name()),
                     quote(op.name()) + " " + reason});
}

void Finder::addResults(const FuncOp &function) {
  for (int64_t i = 0, n = function.numResults(); i < n; ++i) {
    if (function.resultAttribute(i, marks::slot))
      continue;
    auto name = function.resultAttribute(i, marks::name).asString();
    found.push_back({function.returnOp().location(), "",
                     "result " +
                         quote(name.value_or("result" + std::to_string(i))) +
                         " comes in a buffer of its own"});
  }
}

} // namespace

std::vector<Obstacle> kvlift::replayObstacles(const FuncOp &function,
                                              Operation module) {
  if (function.isDeclaration() || !function.hasOneBlock())
    return {{function.operation().location(), std::string(),
             "function " + quote(function.name()) + " has not one block"}};
  Finder finder(module);
  finder.addArguments(function);
  finder.addOps(function);
  finder.addResults(function);
  return finder.take();
}
