//===- IndexReshape.cpp - Facts through a reshape -------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kvlift/IndexArithmetic.h"
#include "kvlift/IndexFacts.h"

#include <algorithm>

using namespace kvlift;

namespace {

/// Dims of a reshape's operand and result that hold the same elements.
struct Group {
  std::vector<size_t> from, to;
};

/// Unit dims belong to no group.
std::vector<Group> groupsOf(const Dims &from, const Dims &to) {
  std::vector<Group> groups;
  size_t i = 0, j = 0;
  while (i < from.size() || j < to.size()) {
    Group group;
    int64_t left = 1, right = 1;
    auto takeLeft = [&] {
      left *= from[i];
      if (from[i] != 1)
        group.from.push_back(i);
      ++i;
    };
    auto takeRight = [&] {
      right *= to[j];
      if (to[j] != 1)
        group.to.push_back(j);
      ++j;
    };
    if (i < from.size())
      takeLeft();
    while (left != right)
      left < right ? takeLeft() : takeRight();
    // Unit dims at the end of one side.
    if (i == from.size() && group.from.empty() && j < to.size())
      takeRight();
    if (!group.from.empty())
      groups.push_back(group);
  }
  return groups;
}

/// The window of a group's dims as numbers of elements in row-major order;
/// nothing when they are not consecutive.
std::optional<Interval> linearWindow(const std::vector<size_t> &dims,
                                     const Dims &shape, const Window &window) {
  int64_t first = 0, last = 0;
  bool isWhole = true;
  // From the fastest dim on: whole ones, then a part of one, then points.
  for (size_t k = dims.size(); k-- > 0;) {
    size_t d = dims[k];
    if (!isWhole && window.extent(d) != 1)
      return std::nullopt;
    isWhole = isWhole && window.extent(d) == shape[d];
  }
  for (size_t d : dims) {
    first = first * shape[d] + window.low[d];
    last = last * shape[d] + window.high[d] - 1;
  }
  return Interval{first, last};
}

/// Maps one group's window and says how the result's steps come about.
class GroupMap {
public:
  GroupMap(const Group &group, const Dims &from, const Dims &to)
      : group(group), from(from), to(to) {}

  void mapWindow(const Window &window, Window &inner) {
    linear = linearWindow(group.to, to, window);
    bool isPoint = linear && linear->low == linear->high;
    bool fits = linear && (isPoint || group.from.size() == 1);
    int64_t first = fits ? linear->low : 0, stride = 1;
    for (size_t k = group.from.size(); k-- > 0;) {
      size_t d = group.from[k];
      int64_t at = first / stride % from[d];
      inner.low[d] = fits ? at : 0;
      inner.high[d] = !fits ? from[d] : isPoint ? at + 1 : linear->high + 1;
      stride *= from[d];
    }
    isHull = !fits && !isWholeOf(window);
  }

  /// Whether the fact is affine in the result's dims, too.
  bool mapSteps(const IndexFact &inner, IndexFact &result) {
    bool isConstant = true, varies = false;
    for (size_t d : group.from) {
      isConstant &= inner.steps[d] == 0;
      varies |= inner.varies[d];
    }
    for (size_t d : group.to)
      result.varies[d] = varies;
    if (isConstant)
      return true;
    auto step = linearStep(inner, result.isExact);
    if (!step || isHull)
      return false;
    int64_t stride = 1;
    for (size_t k = group.to.size(); k-- > 0;) {
      size_t d = group.to[k];
      result.steps[d] =
          addScaled(inner.width, 0, *step, stride, result.isExact);
      stride *= to[d];
    }
    return true;
  }

private:
  bool isWholeOf(const Window &window) const {
    for (size_t d : group.to)
      if (window.extent(d) != to[d])
        return false;
    return true;
  }

  /// The step from one element to the next in row-major order, which may wrap
  /// around where the dims' own steps do not.
  std::optional<int64_t> linearStep(const IndexFact &inner,
                                    bool &isExact) const {
    int64_t step = inner.steps[group.from.back()], stride = 1;
    for (size_t k = group.from.size(); k-- > 0;) {
      size_t d = group.from[k];
      if (inner.steps[d] != addScaled(inner.width, 0, step, stride, isExact))
        return std::nullopt;
      stride *= from[d];
    }
    return step;
  }

  const Group &group;
  const Dims &from, &to;
  std::optional<Interval> linear;
  /// Whether more elements are looked at than the window has.
  bool isHull = false;
};

} // namespace

std::optional<IndexFact> IndexFacts::ofReshape(Operation op,
                                               const Window &window) {
  Value source = op.operand(0);
  Dims from = source.type().shape(), to = op.result().type().shape();
  std::vector<Group> groups = groupsOf(from, to);
  std::vector<GroupMap> maps;
  Window inner{Dims(from.size(), 0), Dims(from.size(), 1)};
  for (const Group &group : groups)
    maps.emplace_back(group, from, to).mapWindow(window, inner);
  IndexFact fact = visit(source, inner);
  IndexFact result = fact;
  result.steps.assign(to.size(), 0);
  result.varies.assign(to.size(), false);
  bool isAffine = fact.isAffine;
  for (GroupMap &map : maps)
    isAffine &= map.mapSteps(fact, result);
  for (size_t d = 0; d < to.size(); ++d)
    if (window.extent(d) == 1) {
      result.steps[d] = 0;
      result.varies[d] = false;
    }
  if (!isAffine)
    return unknownFact(result.width, result.range, result.varies);
  return result;
}
