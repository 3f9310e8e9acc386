//===- CarryArguments.cpp - kvlift-carry ----------------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For decode steps that run one after the other without a host between them:
// what a step needs from the one before becomes a slot of one function.
// 1. The last row of the logits goes to the sampler, a private function
//    (f32[batch, vocabulary], state...) -> (i32[batch], state...). Its tokens
//    are the new value of the token argument.
// 2. Each position argument becomes itself plus one.
// 3. The sampler's states are appended as arguments and results.
// 4. So is a history of the last `history` tokens, a ring, and the column that
//    the next token goes to.
// 5. The logits take the place of their last value, so that a step leaves
//    nothing in a buffer of its own.
// Each of these slots has a `kvlift.role`.
//
// Refused: arguments and results that are slots already, that are not what a
// step takes or gives one of per sequence, and functions that are called.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Builder.h"
#include "kvlift/Passes.h"
#include "kvlift/State.h"

#include <limits>

using namespace kvlift;

namespace {

/// Everything that is checked, and all that it takes to change the function.
struct CarryPlan {
  explicit CarryPlan(FuncOp function) : function(function) {}

  FuncOp function;
  int64_t tokens = -1, logits = -1;
  std::vector<int64_t> positions;
  std::optional<FuncOp> sampler;
  int64_t history = 0;
};

//===----------------------------------------------------------------------===//
// Planning
//===----------------------------------------------------------------------===//

class Planner {
public:
  Planner(Operation module, const PassOptions &options, DiagnosticLog &log)
      : module(module), options(options), log(log) {}

  std::optional<CarryPlan> plan();

private:
  std::optional<FuncOp> functionNamed(const std::string &name);
  bool readOptions(CarryPlan &plan);
  bool checkFunction(const FuncOp &function);
  bool checkTokens(const CarryPlan &plan);
  bool checkPositions(const CarryPlan &plan);
  bool checkLogits(const CarryPlan &plan);
  bool checkSampler(const CarryPlan &plan);
  bool checkArgument(const CarryPlan &plan, int64_t argument,
                     std::string_view what);
  bool refuse(const FuncOp &function, const std::string &why) {
    log.error(function.operation().location(), why);
    return false;
  }
  std::string option(const std::string &name) {
    return optionOr(options, name, "");
  }

  Operation module;
  const PassOptions &options;
  DiagnosticLog &log;
};

std::optional<FuncOp> Planner::functionNamed(const std::string &name) {
  for (const FuncOp &function : functionsOf(module))
    if (function.name() == name && !function.isDeclaration())
      return function;
  log.error(module.location(), "no function " + quote(name) + " in the module");
  return std::nullopt;
}

bool Planner::readOptions(CarryPlan &plan) {
  auto tokens = numberAfter(option("tokens"), "arg");
  auto logits = numberAfter(option("logits"), "result");
  auto history = numberAfter(option("history"), "");
  bool isRead = tokens && logits && history;
  std::string_view rest = options.count("positions")
                              ? std::string_view(options.at("positions"))
                              : std::string_view();
  while (isRead && !rest.empty()) {
    std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    auto position = numberAfter(item, "arg");
    isRead = position.has_value();
    plan.positions.push_back(position.value_or(-1));
  }
  if (!isRead)
    return refuse(plan.function, "kvlift-carry takes tokens=argN, "
                                 "logits=resultN, positions=argN,argN and "
                                 "history=N");
  plan.tokens = *tokens;
  plan.logits = *logits;
  plan.history = *history;
  if (*history < 1 || *history > std::numeric_limits<int32_t>::max())
    return refuse(plan.function, "history=" + option("history") +
                                     " must be at least 1 and a 32-bit number");
  return true;
}

bool Planner::checkFunction(const FuncOp &function) {
  if (!function.isPublic() || !function.hasOneBlock())
    return refuse(function, "function " + quote(function.name()) +
                                " must be public and of one block to carry "
                                "arguments");
  auto callers = callersIn(module);
  auto caller = callers.find(function.name());
  if (caller == callers.end())
    return true;
  log.error(caller->second.location(),
            "function " + quote(function.name()) +
                " is called here, so its arguments cannot be carried");
  return false;
}

bool Planner::checkArgument(const CarryPlan &plan, int64_t argument,
                            std::string_view what) {
  const FuncOp &function = plan.function;
  if (argument < 0 || argument >= function.numArguments())
    return refuse(function, "function " + quote(function.name()) +
                                " has no argument #" +
                                std::to_string(argument));
  std::string name = quote(argumentName(function, argument));
  for (std::string_view mark : {marks::slot, marks::sliced})
    if (function.argumentAttribute(argument, mark))
      return refuse(function, "argument " + name + " is a slot already");
  Type type = function.argumentType(argument);
  if (!type.isStaticTensor() || !type.element().isInteger() ||
      type.element().bitWidth() < 32)
    return refuse(function, "argument " + name + " is " + type.print() + "; " +
                                std::string(what) +
                                " are 32- or 64-bit integers of static shape");
  return true;
}

bool Planner::checkPositions(const CarryPlan &plan) {
  for (size_t i = 0; i < plan.positions.size(); ++i) {
    int64_t position = plan.positions[i];
    if (!checkArgument(plan, position, "positions"))
      return false;
    bool isTwice = position == plan.tokens;
    for (size_t j = 0; j < i; ++j)
      isTwice |= plan.positions[j] == position;
    if (isTwice)
      return refuse(plan.function,
                    "argument " + quote(argumentName(plan.function, position)) +
                        " is to be carried twice");
  }
  return true;
}

bool Planner::checkTokens(const CarryPlan &plan) {
  if (!checkArgument(plan, plan.tokens, "tokens"))
    return false;
  Type type = plan.function.argumentType(plan.tokens);
  Dims shape = type.shape();
  if (shape.size() == 1 || (shape.size() == 2 && shape[1] == 1))
    return true;
  return refuse(plan.function,
                "argument " + quote(argumentName(plan.function, plan.tokens)) +
                    " is " + type.print() +
                    "; a step that feeds itself takes one token for each "
                    "sequence: [batch] or [batch, 1]");
}

bool Planner::checkLogits(const CarryPlan &plan) {
  const FuncOp &function = plan.function;
  if (plan.logits < 0 || plan.logits >= function.numResults())
    return refuse(function, "function " + quote(function.name()) +
                                " has no result #" +
                                std::to_string(plan.logits));
  std::string name = "result #" + std::to_string(plan.logits);
  for (std::string_view mark : {marks::slot, marks::rows, marks::start})
    if (function.resultAttribute(plan.logits, mark))
      return refuse(function, name + " is a part of a slot, not logits");
  Type type = function.resultType(plan.logits);
  std::string element = type.element().print();
  bool isExact = element == "f32" || element == "f16" || element == "bf16";
  int64_t batch = function.argumentType(plan.tokens).shape().front();
  Dims shape = type.isStaticTensor() ? type.shape() : Dims();
  bool isShape = (shape.size() == 2 || shape.size() == 3) &&
                 shape.front() == batch && shape[shape.size() - 2] > 0 &&
                 shape.back() > 0 &&
                 shape.back() <= std::numeric_limits<int32_t>::max();
  if (isExact && isShape)
    return true;
  return refuse(function, name + " is " + type.print() +
                              "; logits are f32, f16 or bf16, [" +
                              std::to_string(batch) + ", vocabulary] or [" +
                              std::to_string(batch) + ", rows, vocabulary]");
}

bool Planner::checkSampler(const CarryPlan &plan) {
  const FuncOp &sampler = *plan.sampler;
  Context context = module.context();
  Dims logits = plan.function.resultType(plan.logits).shape();
  Type row = Type::tensor({logits.front(), logits.back()},
                          Type::parse(context, "f32"));
  Type tokens = Type::tensor({logits.front()}, Type::integer(context, 32));
  bool isFitting = !sampler.isPublic() && sampler.hasOneBlock() &&
                   sampler.numArguments() >= 1 &&
                   sampler.numArguments() == sampler.numResults() &&
                   sampler.argumentType(0) == row &&
                   sampler.resultType(0) == tokens;
  for (int64_t i = 1; isFitting && i < sampler.numArguments(); ++i)
    isFitting = sampler.argumentType(i) == sampler.resultType(i) &&
                sampler.argumentType(i).isStaticTensor();
  if (isFitting)
    return true;
  return refuse(sampler, "sampler " + quote(sampler.name()) +
                             " must be a private function (" + row.print() +
                             ", state...) -> (" + tokens.print() +
                             ", state...)");
}

std::optional<CarryPlan> Planner::plan() {
  auto function = functionNamed(option("function"));
  if (!function || !checkFunction(*function))
    return std::nullopt;
  CarryPlan plan(*function);
  if (!readOptions(plan) || !checkTokens(plan) || !checkPositions(plan) ||
      !checkLogits(plan))
    return std::nullopt;
  plan.sampler = functionNamed(option("sampler"));
  if (!plan.sampler || !checkSampler(plan))
    return std::nullopt;
  return plan;
}

//===----------------------------------------------------------------------===//
// Applying
//===----------------------------------------------------------------------===//

class Rewriter {
public:
  explicit Rewriter(const CarryPlan &plan)
      : plan(plan), function(plan.function),
        firstState(function.numArguments()), build(function.returnOp()),
        results(function.returnOp().operands()) {
    for (int64_t i = 0; i < firstState; ++i)
      names.insert(argumentName(function, i));
  }

  void run() {
    std::vector<Value> sampled = sample();
    Value tokens = sampled.front();
    addSlot(plan.tokens, asTokenArgument(tokens), roles::tokens);
    for (int64_t position : plan.positions)
      addSlot(position, plusOne(argument(position)), roles::position);
    for (size_t i = 1; i < sampled.size(); ++i)
      addSlot(firstState + i - 1, sampled[i], roles::sampler);
    keepHistory(tokens);
    int64_t last = appendArgument(logitsName(), results[plan.logits].type());
    slots.push_back({last, plan.logits, "buffer"});
    mark(last, roles::logits);

    function.setResults(results);
    function.editArgumentAttributes(edits);
    markSlots(function, slots);
  }

private:
  Value argument(int64_t index) { return function.body().argument(index); }

  /// The sampler's tokens and next states.
  std::vector<Value> sample() {
    Value logits = results[plan.logits];
    Dims shape = logits.type().shape();
    if (shape.size() == 3) {
      logits = build.slice(logits, {0, shape[1] - 1, 0}, shape);
      logits = build.reshape(logits, {shape[0], shape[2]});
    }
    std::vector<Value> operands{
        build.convert(logits, plan.sampler->argumentType(0).element())};
    for (int64_t i = 1; i < plan.sampler->numArguments(); ++i)
      operands.push_back(argument(appendArgument(
          argumentName(*plan.sampler, i), plan.sampler->argumentType(i))));
    Attribute callee =
        Attribute::parse(build.context(), "@\"" + plan.sampler->name() + "\"");
    return build
        .create("func.call", operands,
                plan.sampler->functionType().functionResults(),
                {{"callee", callee}})
        .results();
  }

  Value asTokenArgument(Value tokens) {
    Type type = function.argumentType(plan.tokens);
    return build.reshape(build.convert(tokens, type.element()), type.shape());
  }

  Value plusOne(Value value) {
    return build.binary("stablehlo.add", value, build.splat(value.type(), 1));
  }

  /// %history' = dynamic_update_slice %history, %tokens, 0, %next
  /// %next'    = select(%next + 1 == history, 0, %next + 1)
  void keepHistory(Value tokens) {
    Type token = function.argumentType(plan.tokens).element();
    int64_t batch = tokens.type().shape().front();
    int64_t past =
        appendArgument("history", Type::tensor({batch, plan.history}, token));
    int64_t next = appendArgument("history_next",
                                  Type::tensor({}, tokens.type().element()));
    Value column = build.reshape(build.convert(tokens, token), {batch, 1});
    Value zero = build.splat(argument(next).type(), 0);
    Value more = plusOne(argument(next));
    Value isEnd = build.compare(
        "EQ", more, build.splat(argument(next).type(), plan.history));
    addSlot(past,
            build.dynamicUpdateSlice(argument(past), column,
                                     {zero, argument(next)}),
            roles::history);
    addSlot(next, build.select(isEnd, zero, more), roles::next);
  }

  std::string logitsName() {
    auto name = function.resultAttribute(plan.logits, marks::name).asString();
    return name.value_or("logits");
  }

  /// Values are found by name, so that no two arguments may share one.
  int64_t appendArgument(const std::string &wanted, Type type) {
    std::string name = wanted;
    for (int suffix = 1; !names.insert(name).second; ++suffix)
      name = wanted + "_" + std::to_string(suffix);
    int64_t index =
        function.appendArgument(type, function.operation().location());
    edits.push_back(
        {index, marks::name, Attribute::string(build.context(), name)});
    return index;
  }

  void addSlot(int64_t index, Value value, std::string_view role) {
    results.push_back(value);
    slots.push_back({index, int64_t(results.size()) - 1, "buffer"});
    mark(index, role);
  }

  void mark(int64_t index, std::string_view role) {
    edits.push_back(
        {index, marks::role, Attribute::string(build.context(), role)});
  }

  const CarryPlan &plan;
  FuncOp function;
  /// Where the sampler's states go.
  int64_t firstState;
  Builder build;
  std::vector<Value> results;
  std::unordered_set<std::string> names;
  std::vector<NewSlot> slots;
  std::vector<AttributeEdit> edits;
};

} // namespace

Status kvlift::carryArguments(Operation module, const PassOptions &options,
                              DiagnosticLog &log) {
  if (!readPublicFunctions(module, log))
    return Status::failure();
  auto plan = Planner(module, options, log).plan();
  if (!plan)
    return Status::failure();
  Rewriter(*plan).run();
  return Status::success();
}
