//===- Parse.cpp - The text of a pass pipeline ----------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   pipeline ::= `builtin.module` `(` list `)`
//   list     ::= element (`,` element)*
//   element  ::= name (`{` options `}`)? | name `(` list `)`
//
// The host parses its own passes again and knows best what is wrong with them;
// here they are only cut into single steps.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Pipeline.h"

#include <algorithm>

using namespace kvlift;

namespace {

/// A pass with the op names around it, outermost first.
struct Leaf {
  std::vector<std::string> nesting;
  std::string name;
  std::string options;
};

class Parser {
public:
  Parser(std::string_view text, DiagnosticLog &log) : text(text), log(log) {}

  bool parse(std::vector<Leaf> &leaves) {
    skipSpace();
    if (!parseElement(leaves))
      return false;
    if (at < text.size())
      return fail("end of the pipeline");
    return true;
  }

private:
  bool fail(const std::string &expected) {
    log.error({}, "pass pipeline: expected " + expected + " at " +
                      quote(text.substr(at, 20)) + " (position " +
                      std::to_string(at) + ")");
    return false;
  }

  void skipSpace() {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n'))
      ++at;
  }

  bool consume(char c) {
    if (at >= text.size() || text[at] != c)
      return false;
    ++at;
    skipSpace();
    return true;
  }

  std::string parseName() {
    size_t begin = at;
    at = std::min(text.find_first_of("(){},  \n", at), text.size());
    std::string name(text.substr(begin, at - begin));
    skipSpace();
    return name;
  }

  bool parseElement(std::vector<Leaf> &leaves) {
    std::string name = parseName();
    if (name.empty())
      return fail("a pass name");
    if (consume('(')) {
      nesting.push_back(name);
      bool parsed = consume(')') || parseList(leaves);
      nesting.pop_back();
      return parsed;
    }
    std::string options;
    if (at < text.size() && text[at] == '{' && !parseOptions(options))
      return fail("`}`");
    leaves.push_back({nesting, name, options});
    return true;
  }

  bool parseList(std::vector<Leaf> &leaves) {
    do {
      if (!parseElement(leaves))
        return false;
    } while (consume(','));
    return consume(')') || fail("`,` or `)`");
  }

  /// Reads `{...}`, inner braces included, without the outer ones.
  bool parseOptions(std::string &options) {
    size_t begin = at + 1;
    for (int depth = 0; at < text.size(); ++at) {
      depth += text[at] == '{' ? 1 : text[at] == '}' ? -1 : 0;
      if (depth > 0)
        continue;
      options = text.substr(begin, at - begin);
      ++at;
      skipSpace();
      return true;
    }
    return false;
  }

  std::string_view text;
  size_t at = 0;
  std::vector<std::string> nesting;
  DiagnosticLog &log;
};

/// Splits `a=b c=d`.
PassOptions splitOptions(std::string_view text) {
  PassOptions options;
  while (!text.empty()) {
    std::string_view item = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    if (item.empty())
      continue;
    size_t equals = item.find('=');
    bool bare = equals == std::string_view::npos;
    options[std::string(item.substr(0, equals))] =
        bare ? "true" : std::string(item.substr(equals + 1));
  }
  return options;
}

std::string didYouMean(std::string_view name,
                       const std::vector<std::string> &candidates) {
  auto near = nearestName(name, candidates);
  return near ? "; did you mean " + quote(*near) + "?" : "";
}

std::vector<std::string> allPassNames() {
  std::vector<std::string> names = knownHostPasses();
  for (const Pass &pass : allPasses())
    names.emplace_back(pass.name);
  return names;
}

bool checkOptions(const Pass &pass, const PassOptions &options,
                  DiagnosticLog &log) {
  std::vector<std::string> known;
  for (const PassOption &option : pass.options)
    known.emplace_back(option.name);
  for (const auto &[name, value] : options) {
    if (std::find(known.begin(), known.end(), name) != known.end())
      continue;
    log.error({}, "pass " + quote(pass.name) + " has no option " + quote(name) +
                      (known.empty() ? "; it has none"
                                     : "; it has: " + join(known, ", ")));
    return false;
  }
  return true;
}

std::string leafText(const Leaf &leaf) {
  std::string text = leaf.name;
  if (!leaf.options.empty())
    text += "{" + leaf.options + "}";
  // The outermost op is builtin.module and goes without saying.
  for (size_t i = leaf.nesting.size(); i-- > 1;)
    text = leaf.nesting[i] + "(" + text + ")";
  return text;
}

std::optional<Step> ownStep(const Leaf &leaf, const Pass &pass,
                            DiagnosticLog &log) {
  if (leaf.nesting.size() != 1) {
    log.error({}, "pass " + quote(leaf.name) +
                      " runs on builtin.module and cannot be nested");
    return std::nullopt;
  }
  Step step{leafText(leaf), pass.run, splitOptions(leaf.options)};
  if (!checkOptions(pass, step.options, log))
    return std::nullopt;
  return step;
}

std::optional<Step> hostStep(Context context, const Leaf &leaf,
                             DiagnosticLog &log) {
  Step step{leafText(leaf), nullptr, {}};
  std::string problem;
  if (checkHostPipeline(context, "builtin.module(" + step.text + ")", problem))
    return step;
  if (problem.find("does not refer to a registered pass") ==
      std::string::npos) {
    std::replace(problem.begin(), problem.end(), '\n', ' ');
    log.error({}, "pass pipeline: the host refuses " + quote(step.text) + ": " +
                      problem);
    return std::nullopt;
  }
  log.error({}, "unknown pass " + quote(leaf.name) +
                    didYouMean(leaf.name, allPassNames()));
  return std::nullopt;
}

} // namespace

std::optional<std::vector<Step>> kvlift::parsePipeline(Context context,
                                                       std::string_view text,
                                                       DiagnosticLog &log) {
  std::vector<Leaf> leaves;
  if (!Parser(text, log).parse(leaves))
    return std::nullopt;

  std::vector<Pass> own = allPasses();
  std::vector<Step> steps;
  for (const Leaf &leaf : leaves) {
    if (leaf.nesting.empty() || leaf.nesting.front() != "builtin.module") {
      log.error({}, "pass pipeline: must have the form "
                    "`builtin.module(pass,...)`, but is " +
                        quote(text));
      return std::nullopt;
    }
    auto pass = std::find_if(own.begin(), own.end(), [&](const Pass &each) {
      return each.name == leaf.name;
    });
    std::optional<Step> step = pass != own.end() ? ownStep(leaf, *pass, log)
                                                 : hostStep(context, leaf, log);
    if (!step)
      return std::nullopt;
    steps.push_back(*step);
  }
  return steps;
}
