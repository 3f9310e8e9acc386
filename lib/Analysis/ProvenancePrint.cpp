//===- ProvenancePrint.cpp - Chains, as people read them ------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A chain is written from the value back to its argument:
//   dynamic_update_slice <- reshape <- argument 'k'
// An op with regions shows what happens in them: while(scatter <- scatter),
// if(dynamic_update_slice | unchanged).
//
//===----------------------------------------------------------------------===//

#include "kvlift/Provenance.h"
#include "kvlift/State.h"

using namespace kvlift;

std::string kvlift::explain(const NoOrigin &why) {
  switch (why.why) {
  case NoOrigin::constant:
    return "the update starts from a constant, so nothing feeds back";
  case NoOrigin::computed:
    return "what is updated is computed by " + quote(why.at.name());
  case NoOrigin::merged:
    return quote(why.at.name()) + " merges versions of different values";
  case NoOrigin::notCarried:
    return "the loop hands another value to its next iteration";
  case NoOrigin::recursiveCall:
    return "the callee calls itself";
  case NoOrigin::opaqueCall:
    return "the callee has no body of one block";
  }
  return "";
}

/// What an op of the chain is called, with what happens inside of it.
std::string Provenance::printStep(Operation op, int64_t result) const {
  std::string name(shortName(op));
  if (op.is("func.call"))
    return name + " @" + op.attribute("callee").asSymbol().value_or("");
  if (op.is("stablehlo.composite"))
    return name + " @" + op.attribute("decomposition").asSymbol().value_or("");
  bool isLoop = op.is("stablehlo.while");
  if (!isLoop && !op.is("stablehlo.if") && !op.is("stablehlo.case"))
    return name;
  std::vector<std::string> parts;
  std::vector<Region> regions = op.regions();
  for (size_t i = isLoop ? 1 : 0; i < regions.size(); ++i) {
    Block block = regions[i].firstBlock();
    std::string part = printChain(block.terminator().operand(result), block);
    parts.push_back(part.empty() ? "unchanged" : part);
  }
  return name + "(" + join(parts, " | ") + ")";
}

/// The chain as far as it lies in `block`.
std::string Provenance::printChain(Value value, Block block) const {
  std::vector<std::string> steps;
  for (Operation op = value.definingOp(); op && op.block() == block;
       op = value.definingOp()) {
    auto entry = indexOf.find(value.raw.ptr);
    if (entry == indexOf.end())
      break;
    steps.push_back(printStep(op, value.resultNumber()));
    value = origins[entry->second].from;
  }
  return join(steps, " <- ");
}

std::string Provenance::print(Value value) const {
  if (const Origin *found = storage(value)) {
    std::string chain = printChain(value, function.body());
    std::string text = chain.empty() ? "" : chain + " <- ";
    text += "argument " + quote(argumentName(function, found->argument));
    if (!found->hasView)
      return text + " in another layout";
    if (found->view.empty())
      return text;
    std::vector<std::string> dims;
    for (int64_t dim : found->view)
      dims.push_back(std::to_string(dim));
    return text + " with dims [" + join(dims, ", ") + "]";
  }
  if (const NoOrigin *why = noOrigin(value))
    return "no tie: " + explain(*why);
  Operation maker = value.definingOp();
  return "no tie: " + (maker ? quote(maker.name()) + " computes it"
                             : std::string("it is no tensor"));
}
