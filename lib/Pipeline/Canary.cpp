//===- Canary.cpp - Does this library do what we think it does? -----------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/Canary.h"
#include "kvlift/Pipeline.h"

using namespace kvlift;

constexpr std::string_view source = R"(
func.func @main(%slot: tensor<4xf32>, %at: tensor<i32>, %new: tensor<1xf32>)
    -> tensor<4xf32> {
  %next = stablehlo.dynamic_update_slice %slot, %new, %at
      : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
  return %next : tensor<4xf32>
})";

std::string kvlift::runCanary() {
  OwnedContext context;
  DiagnosticLog log;
  HostDiagnosticScope diagnostics(context.get(), log);
  OwnedModule module = OwnedModule::parse(context.get(), source);
  if (!module)
    return "it cannot parse a tiny StableHLO module";
  auto steps = parsePipeline(
      context.get(),
      "builtin.module(kvlift-find-state,kvlift-tie-state,canonicalize)", log);
  if (!steps || runPipeline(module.operation(), *steps, log).failed())
    return "it cannot lift a tiny StableHLO module: " +
           (log.all().empty() ? "no reason given" : log.all()[0].message);
  if (module.operation().print().find("tf.aliasing_output = 0 : i32") ==
      std::string::npos)
    return "it loses attributes of function arguments";
  return "";
}
