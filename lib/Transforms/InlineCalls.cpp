//===- InlineCalls.cpp - kvlift-inline-calls ------------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// JAX puts every jnp.where, every index and every body of a scan into a private
// function, so that an update, its mask and its positions stand in different
// ones. In functions that have slots, calls of private functions are replaced
// by what they run; runtimes do the same. A private function that nothing names
// any more is erased.
//
// Left alone: public functions, functions of several blocks or that call
// themselves, and calls beyond the limit to how much a module may grow.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Ops.h"
#include "kvlift/Passes.h"
#include "kvlift/State.h"

#include <unordered_map>

using namespace kvlift;

namespace {

// A function that is called a thousand times had better stay one.
constexpr int64_t growthLimit = 20000;

int64_t countOps(Operation root) {
  int64_t count = 0;
  walk(root, [&](Operation) { ++count; });
  return count;
}

bool hasSlots(const FuncOp &function) {
  for (int64_t i = 0, n = function.numArguments(); i < n; ++i)
    if (function.argumentAttribute(i, marks::slot))
      return true;
  return false;
}

class Inliner {
public:
  explicit Inliner(Operation module) {
    for (const FuncOp &function : functionsOf(module))
      functions.emplace(function.name(), function);
  }

  /// Replaces the calls in a function, those that come out of calls as well.
  void run(const FuncOp &function) {
    std::unordered_set<std::string> above{function.name()};
    visit(function.operation(), above);
  }

  /// Erases the functions that ran inline and that nothing names any more.
  void eraseUnused(Operation module) {
    for (bool isChanged = true; isChanged;) {
      isChanged = false;
      auto users = callersIn(module);
      for (const FuncOp &function : functionsOf(module))
        if (inlined.count(function.name()) && !users.count(function.name())) {
          function.operation().erase();
          isChanged = true;
        }
    }
  }

private:
  void visit(Operation root, const std::unordered_set<std::string> &above) {
    for (Region region : root.regions())
      for (Block block : region.blocks())
        for (Operation op : block) {
          if (op.is("func.call"))
            visitCall(op, above);
          else
            visit(op, above);
        }
  }

  void visitCall(Operation call, std::unordered_set<std::string> above) {
    auto name = call.attribute("callee").asSymbol();
    auto found = name ? functions.find(*name) : functions.end();
    if (found == functions.end() || !above.insert(*name).second)
      return;
    const FuncOp &callee = found->second;
    if (callee.isPublic() || callee.isDeclaration() || !callee.hasOneBlock())
      return;
    growth += countOps(callee.operation());
    if (growth > growthLimit)
      return;
    inlined.insert(*name);
    for (Operation op : replace(call, callee))
      if (op.is("func.call"))
        visitCall(op, above);
      else
        visit(op, above);
  }

  /// The ops that now stand where the call stood.
  std::vector<Operation> replace(Operation call, const FuncOp &callee) {
    Operation copy = callee.operation().clone();
    Block body = FuncOp(copy).body();
    for (int64_t i = 0, n = call.numOperands(); i < n; ++i)
      body.argument(i).replaceAllUsesWith(call.operand(i));
    Operation last = body.terminator();
    std::vector<Operation> ops;
    for (Operation op : body) {
      if (op == last)
        break;
      op.moveBefore(call);
      ops.push_back(op);
    }
    for (int64_t i = 0, n = call.numResults(); i < n; ++i)
      call.result(i).replaceAllUsesWith(last.operand(i));
    call.erase();
    copy.free();
    return ops;
  }

  std::unordered_map<std::string, FuncOp> functions;
  std::unordered_set<std::string> inlined;
  int64_t growth = 0;
};

} // namespace

Status kvlift::inlineCalls(Operation module, const PassOptions &,
                           DiagnosticLog &) {
  Inliner inliner(module);
  for (const FuncOp &function : functionsOf(module))
    if (!function.isDeclaration() && hasSlots(function))
      inliner.run(function);
  inliner.eraseUnused(module);
  return Status::success();
}
