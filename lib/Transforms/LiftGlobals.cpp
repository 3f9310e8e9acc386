//===- LiftGlobals.cpp - kvlift-lift-globals ------------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Mutable `ml_program.global`s (and `util.global`s in generic form) are state
// that the signature does not show:
// 1. Find which globals each function reads and writes, itself or in callees.
// 2. Callees first: take every global that is used as one more argument, and
//    return every one that is written. Loads become the current version, stores
//    and calls make the next.
// 3. In public functions, what is written becomes a slot that is called as the
//    global is; its first value stays as `kvlift.initial`.
// 4. Erase the globals.
//
// Refused: stores in loops and branches, functions of several blocks or that
// call themselves, functions that something other than func.call names, and
// globals that are no ranked tensors or are used by ops that are not
// understood.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Builder.h"
#include "kvlift/Ops.h"
#include "kvlift/Passes.h"
#include "kvlift/State.h"

#include <map>
#include <set>

using namespace kvlift;

namespace {

struct Global {
  Operation op;
  Type type;
};

/// Globals by name, and the order in which the module has them.
struct Globals {
  std::map<std::string, Global> byName;
  std::vector<std::string> order;
};

bool isLoad(Operation op) {
  return op.is("ml_program.global_load") || op.is("util.global.load");
}

bool isStore(Operation op) {
  return op.is("ml_program.global_store") || op.is("util.global.store");
}

Globals findGlobals(Operation module) {
  Globals found;
  for (Operation op : module.regions().front().firstBlock()) {
    bool isGlobal = op.is("ml_program.global") || op.is("util.global");
    auto name = op.attribute("sym_name").asString();
    if (!isGlobal || !op.attribute("is_mutable") || !name)
      continue;
    found.byName[*name] = {op, op.attribute("type").asType()};
    found.order.push_back(*name);
  }
  return found;
}

/// What one function does with globals, callees included.
struct Effects {
  FuncOp function;
  std::set<std::string> used, written;
  enum { unknown, open, done } state = unknown;
};

//===----------------------------------------------------------------------===//
// Checking
//===----------------------------------------------------------------------===//

class Planner {
public:
  Planner(Operation module, const Globals &globals, DiagnosticLog &log)
      : module(module), globals(globals), log(log) {}

  Status run();
  /// The functions that use globals, callees first.
  const std::vector<std::string> &order() const { return ordered; }
  const std::map<std::string, Effects> &all() const { return effects; }

private:
  Status visit(const std::string &name, int depth);
  Status visitOp(Effects &into, Operation op, int depth);
  Status checkWrite(const Effects &into, Operation op,
                    const std::string &global);
  Status checkUsers();
  Status refuse(Operation at, const std::string &why) {
    log.error(at.location(), why);
    return Status::failure();
  }

  Operation module;
  const Globals &globals;
  DiagnosticLog &log;
  std::map<std::string, Effects> effects;
  std::vector<std::string> ordered;
};

Status Planner::run() {
  for (const auto &[name, global] : globals.byName)
    if (!global.type || !global.type.isRankedTensor())
      return refuse(global.op, "global " + quote(name) +
                                   " cannot be lifted: it is no ranked tensor");
  std::vector<FuncOp> functions = functionsOf(module);
  for (const FuncOp &function : functions)
    effects.emplace(function.name(), Effects{function, {}, {}, {}});
  for (const FuncOp &function : functions)
    if (visit(function.name(), 0).failed())
      return Status::failure();
  return checkUsers();
}

Status Planner::visit(const std::string &name, int depth) {
  // Deeper than this, the stack might not hold.
  constexpr int depthLimit = 1000;
  auto entry = effects.find(name);
  if (entry == effects.end() || entry->second.state == Effects::done ||
      entry->second.function.isDeclaration())
    return Status::success();
  Effects &mine = entry->second;
  if (mine.state == Effects::open || depth > depthLimit)
    return refuse(mine.function.operation(),
                  "globals cannot be lifted: function " + quote(name) +
                      (mine.state == Effects::open
                           ? " calls itself"
                           : " is called through too many others"));
  mine.state = Effects::open;
  Status status = Status::success();
  walk(mine.function.operation(), [&](Operation op) {
    if (status.succeeded())
      status = visitOp(mine, op, depth);
  });
  if (status.failed())
    return status;
  mine.state = Effects::done;
  if (mine.used.empty())
    return status;
  if (!mine.function.hasOneBlock())
    return refuse(mine.function.operation(),
                  "globals cannot be lifted: function " + quote(name) +
                      " uses them and has several blocks");
  ordered.push_back(name);
  return status;
}

Status Planner::visitOp(Effects &mine, Operation op, int depth) {
  if (isLoad(op) || isStore(op)) {
    std::string name = op.attribute("global").asSymbol().value_or("");
    if (!globals.byName.count(name))
      return Status::success();
    mine.used.insert(name);
    return isStore(op) ? checkWrite(mine, op, name) : Status::success();
  }
  if (!op.is("func.call"))
    return Status::success();
  std::string callee = op.attribute("callee").asSymbol().value_or("");
  if (visit(callee, depth + 1).failed())
    return Status::failure();
  auto entry = effects.find(callee);
  if (entry == effects.end())
    return Status::success();
  mine.used.insert(entry->second.used.begin(), entry->second.used.end());
  for (const std::string &name : entry->second.written)
    if (checkWrite(mine, op, name).failed())
      return Status::failure();
  return Status::success();
}

/// Writes count in program order: they must stand in the function's block.
Status Planner::checkWrite(const Effects &mine, Operation op,
                           const std::string &global) {
  if (!op.parentOp().is("func.func"))
    return refuse(op, "global " + quote(global) +
                          " cannot be lifted: it is written inside of " +
                          quote(op.parentOp().name()));
  effects.at(mine.function.name()).written.insert(global);
  return Status::success();
}

Status Planner::checkUsers() {
  std::unordered_set<std::string> names(ordered.begin(), ordered.end());
  names.insert(globals.order.begin(), globals.order.end());
  for (const auto &[name, user] : usersOf(module, names)) {
    bool isGlobal = globals.byName.count(name);
    if (isGlobal ? isLoad(user) || isStore(user) : user.is("func.call"))
      continue;
    return refuse(user, (isGlobal ? "global "
                                  : "globals cannot be lifted: "
                                    "function ") +
                            quote(name) +
                            (isGlobal ? " cannot be lifted: "
                                      : " uses them, "
                                        "and ") +
                            quote(user.name()) + " names it");
  }
  return Status::success();
}

//===----------------------------------------------------------------------===//
// Applying
//===----------------------------------------------------------------------===//

/// Rewrites one function whose callees are done.
class Rewriter {
public:
  Rewriter(const Globals &globals, const std::map<std::string, Effects> &all,
           const Effects &mine)
      : globals(globals), all(all), mine(mine) {}

  void run() {
    std::map<std::string, int64_t> arguments;
    for (const std::string &name : globals.order)
      if (mine.used.count(name))
        arguments[name] = addArgument(name);
    rewrite(mine.function.body());
    for (const std::string &name : globals.order)
      if (mine.written.count(name))
        addResult(name, arguments[name]);
  }

private:
  int64_t addArgument(const std::string &name) {
    const Global &global = globals.byName.at(name);
    const FuncOp &function = mine.function;
    int64_t index = function.appendArgument(global.type, global.op.location());
    version[name] = function.body().argument(index);
    if (!function.isPublic())
      return index;
    Context context = global.op.context();
    std::vector<AttributeEdit> edits{
        {index, marks::name, Attribute::string(context, name)},
        {index, marks::kind, Attribute::string(context, "global")}};
    Attribute value = global.op.attribute(
        global.op.is("util.global") ? "initial_value" : "value");
    if (value.isDenseElements())
      edits.push_back({index, marks::initial, value});
    function.editArgumentAttributes(edits);
    return index;
  }

  void addResult(const std::string &name, int64_t argument) {
    int64_t result = mine.function.appendResult(version[name]);
    if (mine.function.isPublic())
      markSlots(mine.function, {{argument, result, "global"}});
  }

  void rewrite(Block block) {
    for (Operation op : block) {
      if (isLoad(op) || isStore(op))
        rewriteAccess(op);
      else if (op.is("func.call"))
        rewriteCall(op);
      else
        for (Region region : op.regions())
          for (Block inner : region.blocks())
            rewrite(inner);
    }
  }

  /// load @g -> the current version; store @g, %new makes %new the current one.
  void rewriteAccess(Operation op) {
    std::string name = op.attribute("global").asSymbol().value_or("");
    auto current = version.find(name);
    if (current == version.end())
      return;
    if (isLoad(op))
      op.result().replaceAllUsesWith(current->second);
    else
      current->second = op.operand(0);
    op.erase();
  }

  /// call @f(%x) -> call @f(%x, versions), which returns what it writes.
  void rewriteCall(Operation op) {
    auto callee = all.find(op.attribute("callee").asSymbol().value_or(""));
    if (callee == all.end() || callee->second.used.empty())
      return;
    const Effects &effects = callee->second;
    std::vector<Value> operands = op.operands();
    for (const std::string &name : globals.order)
      if (effects.used.count(name))
        operands.push_back(version.at(name));
    auto attributes = op.attributes();
    // The lists must keep pace with operands and results, if there are any.
    std::erase_if(attributes, [](const auto &each) {
      return each.first == "arg_attrs" || each.first == "res_attrs";
    });
    Operation now = Builder(op).create(
        "func.call", operands,
        effects.function.functionType().functionResults(), attributes);
    int64_t next = op.numResults();
    for (int64_t i = 0; i < next; ++i)
      op.result(i).replaceAllUsesWith(now.result(i));
    for (const std::string &name : globals.order)
      if (effects.written.count(name))
        version[name] = now.result(next++);
    op.erase();
  }

  const Globals &globals;
  const std::map<std::string, Effects> &all;
  const Effects &mine;
  std::map<std::string, Value> version;
};

} // namespace

Status kvlift::liftGlobals(Operation module, const PassOptions &,
                           DiagnosticLog &log) {
  Globals globals = findGlobals(module);
  if (globals.order.empty())
    return Status::success();
  Planner planner(module, globals, log);
  if (planner.run().failed())
    return Status::failure();
  for (const std::string &name : planner.order())
    Rewriter(globals, planner.all(), planner.all().at(name)).run();
  for (const std::string &name : globals.order)
    globals.byName.at(name).op.erase();
  return Status::success();
}
