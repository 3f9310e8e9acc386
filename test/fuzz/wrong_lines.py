"""The wrong lines that mutants.py puts into the passes, one at a time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """The text `old`, which stands once in `file`, becomes `new`."""

    what: str
    file: str
    old: str
    new: str


_GUARD = "lib/Transforms/Updates/GuardedWrite.cpp"
_FACTS = "lib/Analysis/IndexArithmetic.cpp"
_SCATTER = "lib/Transforms/Updates/SimplifyScatter.cpp"
_WINDOWS = "lib/Transforms/Updates/ScatterWindows.cpp"
_MASK = "lib/Transforms/Updates/WindowMask.cpp"
_MASKED = "lib/Transforms/Updates/MaskedWrite.cpp"
_SELECT = "lib/Transforms/Updates/SimplifySelect.cpp"
_READS = "lib/Transforms/SimplifyReads.cpp"
_RETYPE = "lib/Transforms/RetypeCarriers.cpp"
MUTANTS = (
    Mutant(
        "the range guard is dropped",
        _GUARD,
        "Value mask = inRangeMask();",
        "Value mask = inRangeMask() ? Value() : Value();",
    ),
    Mutant(
        "a body combines the old rows with themselves",
        "lib/Transforms/Updates/Combine.cpp",
        "{body.argument(1), update}",
        "{body.argument(1), old}",
    ),
    Mutant(
        "only the last of several updates of a row is combined",
        _WINDOWS,
        "if (!scatterOverwrites(map.scatter))",
        "if (map.rank() < 0)",
    ),
    Mutant(
        "row 0 is out of range",
        _GUARD,
        'build.compare("GE", value, build.splat(type, 0))',
        'build.compare("GT", value, build.splat(type, 0))',
    ),
    Mutant(
        "the row behind the last is in range",
        _GUARD,
        'build.compare("LT", value, build.splat(type, extent))',
        'build.compare("LE", value, build.splat(type, extent))',
    ),
    Mutant(
        "rows before the first are moved to it",
        _GUARD,
        "clamp(position, -count, extent)",
        "clamp(position, 0, extent)",
    ),
    Mutant(
        "the window may end one row behind",
        _GUARD,
        "clamp(row, 0, extent - count)",
        "clamp(row, 0, extent - count + 1)",
    ),
    Mutant(
        "the shift has the wrong sign",
        _GUARD,
        'build.binary("stablehlo.subtract", row, start)',
        'build.binary("stablehlo.subtract", start, row)',
    ),
    Mutant(
        "constant rows before the first are cut one short",
        _GUARD,
        "std::max<int64_t>(-start, 0)",
        "std::max<int64_t>(-start - 1, 0)",
    ),
    Mutant("every row is known to be in range", _GUARD, "if (start.isInRange)", "if (start.base)"),
    Mutant(
        "narrow index types may wrap around in the guard",
        _GUARD,
        "!canHold(index, 2 * slot[dim])",
        "!canHold(index, 1)",
    ),
    Mutant(
        "the interval of a sum is too small",
        _FACTS,
        "checkedAdd(a.range.high, b.range.high)",
        "checkedAdd(a.range.high, b.range.low)",
    ),
    Mutant(
        "overflow is not looked for",
        _FACTS,
        "*low < all.low || *high > all.high",
        "*low > *high || all.low > all.high",
    ),
    Mutant(
        "facts survive a conversion that wraps around",
        _FACTS,
        "if (a.isAffine && !holds)",
        "if (a.isAffine && !holds && a.wrap)",
    ),
    Mutant(
        "the interval of a minimum is one too small",
        _FACTS,
        "std::min(a.range.high, b.range.high)}",
        "std::min(a.range.high, b.range.high) - 1}",
    ),
    Mutant(
        "the interval of a maximum is one too small",
        _FACTS,
        "{std::max(a.range.low, b.range.low),",
        "{std::max(a.range.low, b.range.low) + 1,",
    ),
    Mutant(
        "a remainder by what it can be is taken for none",
        _FACTS,
        "a.range.isWithin(0, *divisor)",
        "a.range.isWithin(0, *divisor + 1)",
    ),
    Mutant("overlapping rows in another order", _WINDOWS, "if (!keepsOrder())", "if (!rowLimit)"),
    Mutant(
        "of repeated rows the first counts",
        _WINDOWS,
        "part.low[u] = part.high[u] - 1;",
        "part.high[u] = part.low[u] + 1;",
    ),
    Mutant(
        "two dims of the update change places",
        _SCATTER,
        "build.transpose(build.reshape(update, shape), order)",
        "build.reshape(build.transpose(build.reshape(update, shape), "
        "invertPermutation(order)), turned)",
    ),
    Mutant(
        "negative rows wrap around at the wrong extent",
        _WINDOWS,
        "*start.wrap < map.extent(dim)",
        "*start.wrap < 0",
    ),
    Mutant(
        "windows across the edge are written in part",
        _WINDOWS,
        "if (mayCrossEdge(facts, map, dim, part))",
        "if (mayCrossEdge(facts, map, dim, part) && !rowLimit)",
    ),
    Mutant(
        "the row behind the last is known to be in range",
        _SCATTER,
        "fact.range.isWithin(0, plan.map.extent(dim))",
        "fact.range.isWithin(0, plan.map.extent(dim) + 1)",
    ),
    Mutant("an offset is lost", _SCATTER, "start.offset = fact.offset;", "start.offset = 0;"),
    Mutant(
        "a comparison is not turned with its operands",
        _MASK,
        'direction[0] == \'L\' ? "G" : "L"',
        'direction[0] == \'L\' ? "L" : "G"',
    ),
    Mutant(
        "greater is taken for greater or equal",
        _MASK,
        "bound.offset += isNext;",
        "bound.offset += isNext && isLow && isHigh;",
    ),
    Mutant(
        "the branches of an if are exchanged",
        "lib/Transforms/Updates/SimplifyBranch.cpp",
        "data = isSwapped ? build.select",
        "data = !isSwapped ? build.select",
    ),
    Mutant(
        "the sides of a select are exchanged",
        _SELECT,
        "data = masked.chosen ? build.select",
        "data = !masked.chosen ? build.select",
    ),
    Mutant(
        "any transpose undoes a transpose",
        "lib/Transforms/Updates/SimplifyViews.cpp",
        'return !op.is("stablehlo.transpose") ||',
        "return op ||",
    ),
    Mutant(
        "rows that stand elsewhere count as kept",
        "lib/Transforms/Updates/SimplifyConcatenate.cpp",
        "slice.starts[i].number != (i == dim ? begin : 0)",
        "!slice.starts[i].number || (i != dim && *slice.starts[i].number != 0 * begin)",
    ),
    Mutant("the window of a single row is empty", _MASK, "++high->offset;", "high->offset += 0;"),
    Mutant(
        "any two bounds are of one position",
        _MASK,
        "!isSameInteger(a.value, b.value)",
        "!isSameInteger(a.value, a.value)",
    ),
    Mutant(
        "positions may differ along their own dim",
        _MASK,
        "if (window.varies(dim) && !isWhole)",
        "if (window.varies(dim) && isWhole && !hasRows)",
    ),
    Mutant(
        "what is added to a bound is taken off",
        _MASK,
        "bound.offset += *number;",
        "bound.offset -= *number;",
    ),
    Mutant(
        "no one-hot row is a one-hot row",
        _MASK,
        'chosen = chosen == (direction == "NE");',
        'chosen = chosen == (direction == "EQ");',
    ),
    Mutant(
        "a flag that does not hold writes",
        _MASKED,
        "place = flag.wanted ? build.select",
        "place = !flag.wanted ? build.select",
    ),
    Mutant(
        "what a flag drops goes to the first row",
        _MASKED,
        "build.splat(place.type(), -window.dims[dim].count)",
        "build.splat(place.type(), 1 - window.dims[dim].count)",
    ),
    Mutant(
        "a pad that put the rows elsewhere is taken off",
        _MASKED,
        'pad.attribute("edge_padding_low").asI64Array() == low &&',
        'pad.attribute("edge_padding_low").asI64Array() &&',
    ),
    Mutant(
        "a box with holes is a box",
        "lib/Transforms/Updates/ConstantMask.cpp",
        "box.elementCount() == count",
        "box.elementCount() >= count",
    ),
    Mutant(
        "a mask may be padded with anything",
        "lib/Transforms/Updates/ConstantMask.cpp",
        "splatOf(pad.operand(1)) != !chosen",
        "!splatOf(pad.operand(1))",
    ),
    Mutant(
        "a transpose is turned the wrong way round",
        "lib/Transforms/Updates/Spread.cpp",
        "places = invertPermutation(permutationOf(op));",
        "places = permutationOf(op);",
    ),
    Mutant(
        "the flags of an update are read at the first row",
        _SELECT,
        "isAlong ? starts[mask.dims[i]]",
        "isAlong && starts.empty() ? starts[mask.dims[i]]",
    ),
    Mutant(
        "what counts from a row on counts from the first",
        "lib/Transforms/Updates/LeadingScatter.cpp",
        "fact.wrap || fact.offset != 0 ||",
        "fact.wrap ||",
    ),
    Mutant(
        "the inputs of a scatter share one update",
        "lib/Transforms/Updates/SplitScatter.cpp",
        "scatter.operand(inputs + 1 + i)",
        "scatter.operand(inputs + 1)",
    ),
    Mutant(
        "adjacent updates change places",
        "lib/Transforms/Updates/MergeUpdates.cpp",
        "data = joint->isBehind ?",
        "data = !joint->isBehind ?",
    ),
    Mutant(
        "the index behind the last is in range on IREE",
        "lib/Transforms/Guards/PlanGuard.cpp",
        "isWithin(0, plan.last[c] + 1)",
        "isWithin(0, plan.last[c] + 2)",
    ),
    Mutant(
        "a product that has changed sides is not turned back",
        _READS,
        "if (!isIdentity(permutation))",
        "if (permutation.empty())",
    ),
    Mutant(
        "no weight is kept from being turned around again",
        _READS,
        "if (read.isKeptFromTurning)",
        "if (read.isKeptFromTurning && labels.empty())",
    ),
    Mutant(
        "weights come first for one row only",
        _READS,
        "rows > 1 &&",
        "rows == 1 &&",
    ),
    Mutant(
        "dims are stored in the inverse order",
        _RETYPE,
        "each = build.transpose(each, storage.order);",
        "each = build.transpose(each, invertPermutation(storage.order));",
    ),
    Mutant(
        "dims are read in the order in which they lie",
        _RETYPE,
        "return build.transpose(build.reshape(value, lies),\n"
        "                         invertPermutation(storage.order));",
        "return build.transpose(build.reshape(value, lies), storage.order);",
    ),
    Mutant(
        "starts stay in the program's order",
        "include/kvlift/Carriers.h",
        "for (int64_t dim : keptDims(logical))\n      kept.push_back(perDim[dim]);",
        "for (int64_t dim : Storage{foldsUnitDims, asBits, {}}.keptDims(logical))\n"
        "      kept.push_back(perDim[dim]);",
    ),
    Mutant(
        "an unrolled loop counts from one",
        "lib/Transforms/UnrollLoops.cpp",
        "counters[i]->first + counters[i]->step * done)",
        "counters[i]->first + counters[i]->step * (done + 1))",
    ),
    Mutant(
        "an unrolled loop loses its last iteration",
        "lib/Transforms/UnrollLoops.cpp",
        "done <= plan.iterations",
        "done < plan.iterations",
    ),
    Mutant(
        "the body of a scan may read what it has stacked",
        "lib/Transforms/Updates/SimplifyScan.cpp",
        "write.result().uses().size() != 1 ||",
        "write.result().uses().empty() ||",
    ),
    Mutant(
        "a narrow counter counts all layers",
        "lib/Transforms/Updates/SimplifyScan.cpp",
        "element.bitWidth() < 32",
        "element.bitWidth() < 8",
    ),
    Mutant(
        "a number that wraps around is exact",
        _FACTS,
        "isExact &= product && checkedAdd(a, *product) == held;",
        "isExact &= product || checkedAdd(a, b) == held;",
    ),
    Mutant(
        "a run in a narrow type goes on behind its end",
        _WINDOWS,
        "return !start.base &&",
        "return !start.base && count < 0 &&",
    ),
    Mutant(
        "the sign of another width says what is negative",
        "lib/Analysis/IndexFacts.cpp",
        "compared.width != onFalse.width ||",
        "compared.width == 0 ||",
    ),
    Mutant(
        "a call hands one argument on twice",
        "lib/Transforms/InlineCalls.cpp",
        "replaceAllUsesWith(call.operand(i))",
        "replaceAllUsesWith(call.operand(i > 1 && call.operand(1).type() == "
        "call.operand(i).type() ? 1 : i))",
    ),
)
