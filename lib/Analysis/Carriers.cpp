//===- Carriers.cpp - Values that share the type of a slot ----------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/Carriers.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <unordered_set>
#include <utility>

using namespace kvlift;

bool kvlift::isNarrowFloat(Type element) {
  std::string name = element.print();
  return name == "bf16" || name.starts_with("f8E") || name.starts_with("f6E") ||
         name.starts_with("f4E");
}

//===----------------------------------------------------------------------===//
// Storage
//===----------------------------------------------------------------------===//

Dims Storage::keptDims(Type logical) const {
  Dims shape = logical.shape(), kept = order;
  if (order.empty()) {
    kept.resize(shape.size());
    std::iota(kept.begin(), kept.end(), 0);
  }
  if (foldsUnitDims)
    std::erase_if(kept, [&](int64_t dim) { return shape[dim] == 1; });
  return kept;
}

Type Storage::storedElement(Type logical) const {
  if (!asBits || !isNarrowFloat(logical))
    return logical;
  return Type::parse(logical.context(),
                     "ui" + std::to_string(logical.bitWidth()));
}

Type Storage::of(Type logical) const {
  return Type::tensor(keep(logical, logical.shape()),
                      storedElement(logical.element()));
}

//===----------------------------------------------------------------------===//
// Finding carriers
//===----------------------------------------------------------------------===//

namespace {

/// What a module's functions are called by and where its slots are.
struct ModuleFacts {
  std::map<std::string, FuncOp> functions;
  /// Ops that name a function, by its name.
  std::map<std::string, std::vector<Operation>> users;
  std::vector<FunctionSlot> slots;
};

std::optional<ModuleFacts> factsOf(Operation module, DiagnosticLog &log) {
  ModuleFacts facts;
  std::unordered_set<std::string> names;
  for (const FuncOp &function : functionsOf(module)) {
    facts.functions.emplace(function.name(), function);
    names.insert(function.name());
  }
  auto functions = readPublicFunctions(module, log);
  if (!functions)
    return std::nullopt;
  for (const PublicFunction &each : *functions)
    for (const Slot &slot : each.slots)
      facts.slots.push_back({each.function, slot});
  for (const auto &[name, user] : usersOf(module, names))
    facts.users[name].push_back(user);
  return facts;
}

bool isBoundToItsShape(const FuncOp &function, const Slot &slot) {
  for (std::string_view name : {"mhlo.sharding", "sdy.sharding",
                                "mhlo.frontend_attributes", "mhlo.layout_mode"})
    if (function.argumentAttribute(slot.argument, name) ||
        function.resultAttribute(slot.result, name))
      return true;
  return false;
}

/// Follows one group of slots back from their results.
class Finder {
public:
  Finder(const ModuleFacts &facts, Carriers &into) : facts(facts), into(into) {}

  void addSlot(const FunctionSlot &slot);
  void follow();

private:
  void carry(Value value);
  void handOn(Operation op, int64_t operand);
  void visit(Value value);
  void visitArgument(Value value);
  void visitResult(Operation op, int64_t result);
  void visitLoop(Operation op, int64_t position);
  void visitUpdate(Operation op);
  void visitScatter(Operation op);
  void visitCall(Operation op, int64_t result);
  bool isCalledOnly(const FuncOp &function) const;
  void visitParameter(const FuncOp &function, int64_t index);
  void visitFunctionResult(const FuncOp &function, int64_t index);
  void block(std::optional<Obstacle> &obstacle, Operation op, std::string why) {
    if (!obstacle)
      obstacle = {op, std::move(why)};
  }

  void blockDims(Operation op, const std::string &why) {
    block(into.toFolding, op, why);
    block(into.toOrder, op, why);
  }

  const ModuleFacts &facts;
  Carriers &into;
  std::unordered_set<const void *> known;
  std::set<std::pair<std::string, int64_t>> returned;
};

/// The slot, and what other functions call by the same name.
void Finder::addSlot(const FunctionSlot &added) {
  for (const FunctionSlot &each : facts.slots) {
    if (each.slot.name != added.slot.name)
      continue;
    Operation op = each.function.operation();
    into.slots.push_back(each);
    if (each.function.isDeclaration() || !each.function.hasOneBlock()) {
      block(into.obstacle, op, "a function without one block has it");
      continue;
    }
    if (facts.users.count(each.function.name()))
      block(into.obstacle, op,
            "public function " + quote(each.function.name()) + " is called");
    if (isBoundToItsShape(each.function, each.slot))
      blockDims(op, "its sharding or layout names its dimensions");
    carry(each.function.body().argument(each.slot.argument));
    visitFunctionResult(each.function, each.slot.result);
  }
}

void Finder::carry(Value value) {
  if (!known.insert(value.raw.ptr).second)
    return;
  into.values.push_back(value);
  if (!value.type().isStaticTensor())
    block(into.obstacle, value.definingOp(), "its shape is dynamic");
}

void Finder::handOn(Operation op, int64_t operand) {
  into.handedOn.insert({op.raw.ptr, operand});
  if (op.attribute("mhlo.sharding") || op.attribute("sdy.sharding"))
    blockDims(op, "the sharding of an op names its dimensions");
  carry(op.operand(operand));
}

void Finder::follow() {
  // The list grows while it is walked.
  for (size_t i = 0; i < into.values.size() && !into.obstacle; ++i)
    visit(into.values[i]);
}

void Finder::visit(Value value) {
  if (value.isBlockArgument())
    return visitArgument(value);
  visitResult(value.definingOp(), value.resultNumber());
}

void Finder::visitArgument(Value value) {
  Operation parent = value.argumentOwner().parentOp();
  int64_t index = value.argumentNumber();
  if (parent.is("stablehlo.while"))
    return visitLoop(parent, index);
  if (!parent.is("func.func"))
    return block(into.obstacle, parent,
                 "a region of " + quote(parent.name()) + " carries it");
  FuncOp function(parent);
  if (!function.isPublic())
    return visitParameter(function, index);
  for (const FunctionSlot &slot : into.slots)
    if (slot.function.operation() == parent && slot.slot.argument == index)
      return;
  for (const FunctionSlot &slot : facts.slots)
    if (slot.function.operation() == parent && slot.slot.argument == index)
      return addSlot(slot);
  block(into.obstacle, parent,
        "argument #" + std::to_string(index) +
            ", which is no slot, can take its place");
}

void Finder::visitResult(Operation op, int64_t result) {
  if (op.is("stablehlo.dynamic_update_slice"))
    return visitUpdate(op);
  if (op.is("stablehlo.scatter"))
    return visitScatter(op);
  if (op.is("stablehlo.while"))
    return visitLoop(op, result);
  if (op.is("func.call"))
    return visitCall(op, result);
  if (op.is("stablehlo.reshape") || op.is("stablehlo.transpose"))
    block(into.toOrder, op,
          quote(op.name()) + " hands it on in other dimensions");
  if (op.is("stablehlo.reshape") || op.is("stablehlo.transpose") ||
      op.is("stablehlo.optimization_barrier"))
    return handOn(op, result);
  if (op.is("stablehlo.bitcast_convert") &&
      op.operand(0).type().isStaticTensor() &&
      op.operand(0).type().shape() == op.result().type().shape())
    return handOn(op, 0);
  if (op.is("stablehlo.if") || op.is("stablehlo.case")) {
    for (Region region : op.regions())
      handOn(region.firstBlock().terminator(), result);
    return;
  }
  block(into.obstacle, op, quote(op.name()) + " makes it in this type");
}

void Finder::visitLoop(Operation op, int64_t position) {
  carry(op.result(position));
  handOn(op, position);
  for (Region region : op.regions())
    carry(region.firstBlock().argument(position));
  handOn(op.regions()[1].firstBlock().terminator(), position);
}

void Finder::visitUpdate(Operation op) {
  handOn(op, 0);
  if (op.is("stablehlo.dynamic_update_slice") && movesOwnRows(op))
    return block(into.obstacle, op, "an update moves rows of it");
  Type update = op.operand(1).type();
  if (!update.isStaticTensor())
    return block(into.obstacle, op, "its update has a dynamic shape");
  if (update.elementCount() == 0)
    blockDims(op, "an update of no elements names its dimensions");
}

void Finder::visitScatter(Operation op) {
  if (scatterInputs(op) != 1)
    return block(into.obstacle, op, "a scatter updates it with other values");
  visitUpdate(op);
  if (!op.operand(1).type().isStaticTensor() ||
      !op.operand(2).type().isStaticTensor())
    return block(into.obstacle, op, "a scatter has a dynamic shape");
  block(into.toOrder, op, "a scatter names its dimensions");
  if (std::string why; !foldScatter(op, why))
    block(into.toFolding, op, why);
  Block body = op.regions().front().firstBlock();
  if (!scatterOverwrites(op) || !(body.firstOp() == body.terminator()))
    block(into.toBits, op, "a scatter computes with its elements");
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

void Finder::visitCall(Operation op, int64_t result) {
  auto name = op.attribute("callee").asSymbol();
  auto callee = name ? facts.functions.find(*name) : facts.functions.end();
  if (callee == facts.functions.end() || callee->second.isPublic() ||
      callee->second.isDeclaration() || !callee->second.hasOneBlock())
    return block(into.obstacle, op,
                 "the function that is called cannot be rewritten");
  visitFunctionResult(callee->second, result);
}

bool Finder::isCalledOnly(const FuncOp &function) const {
  auto users = facts.users.find(function.name());
  return users == facts.users.end() ||
         std::all_of(users->second.begin(), users->second.end(),
                     [](Operation op) { return op.is("func.call"); });
}

/// A parameter of a private function: every caller hands it on.
void Finder::visitParameter(const FuncOp &function, int64_t index) {
  if (!isCalledOnly(function))
    return block(into.obstacle, function.operation(),
                 "function " + quote(function.name()) + " is not only called");
  if (auto users = facts.users.find(function.name());
      users != facts.users.end())
    for (Operation call : users->second)
      handOn(call, index);
}

/// A function's result: so are the results of all calls of it.
void Finder::visitFunctionResult(const FuncOp &function, int64_t index) {
  if (!returned.insert({function.name(), index}).second)
    return;
  if (!function.isPublic() && !isCalledOnly(function))
    return block(into.obstacle, function.operation(),
                 "function " + quote(function.name()) + " is not only called");
  into.results.emplace_back(function, index);
  handOn(function.returnOp(), index);
  if (auto users = facts.users.find(function.name());
      users != facts.users.end() && !function.isPublic())
    for (Operation call : users->second)
      carry(call.result(index));
}

} // namespace

std::optional<std::vector<Carriers>> kvlift::carriersOf(Operation module,
                                                        DiagnosticLog &log) {
  std::optional<ModuleFacts> facts = factsOf(module, log);
  if (!facts)
    return std::nullopt;
  std::vector<Carriers> groups;
  std::map<std::string, size_t> groupOf;
  for (const FunctionSlot &slot : facts->slots) {
    if (groupOf.count(slot.slot.name))
      continue;
    Carriers group;
    Finder finder(*facts, group);
    finder.addSlot(slot);
    finder.follow();
    for (const FunctionSlot &member : group.slots) {
      auto [known, isNew] = groupOf.emplace(member.slot.name, groups.size());
      // A group that reaches an earlier one has all of it.
      if (!isNew && known->second != groups.size())
        groups[std::exchange(known->second, groups.size())] = {};
    }
    groups.push_back(std::move(group));
  }
  std::erase_if(groups,
                [](const Carriers &each) { return each.slots.empty(); });
  return groups;
}
