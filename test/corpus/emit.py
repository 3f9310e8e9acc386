"""Writes StableHLO text, one function body at a time."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Value:
    """An SSA value: its name, extents and element type."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def type(self) -> str:
        """The tensor type."""
        return "tensor<" + "".join(f"{extent}x" for extent in self.shape) + self.dtype + ">"


@dataclass
class Body:
    """The lines of `main` so far, its arguments, and private functions beside it."""

    lines: list[str] = field(default_factory=list)
    arguments: list[Value] = field(default_factory=list)
    inputs: dict[int, tuple[int, int]] = field(default_factory=dict)
    functions: list[str] = field(default_factory=list)
    _names: itertools.count[int] = field(default_factory=itertools.count)

    def argument(self, shape: Sequence[int], dtype: str) -> Value:
        """A new argument of `main`."""
        value = Value(f"%a{len(self.arguments)}", tuple(shape), dtype)
        self.arguments.append(value)
        return value

    def let(self, shape: Sequence[int], dtype: str, text: str) -> Value:
        """A new value; `text` may say `{type}` where its type stands."""
        value = Value(f"%v{next(self._names)}", tuple(shape), dtype)
        self.lines.append(f"{value.name} = {text.replace('{type}', value.type)}")
        return value

    def op(self, name: str, operands: Sequence[Value], rest: str, result: Value | None) -> Value:
        """An op in the usual form `name operands, rest : (types) -> type`."""
        assert result is not None
        listed = ", ".join(value.name for value in operands)
        types = ", ".join(value.type for value in operands)
        text = f"stablehlo.{name} {listed}{rest} : ({types}) -> {{type}}"
        return self.let(result.shape, result.dtype, text)

    def fresh_name(self) -> str:
        """For values in regions and for functions."""
        return f"n{next(self._names)}"

    def splat(self, number: int, shape: Sequence[int], dtype: str) -> Value:
        """A constant with the same number everywhere."""
        literal = f"{number}.0" if "f" in dtype else str(number)
        return self.let(shape, dtype, f"stablehlo.constant dense<{literal}> : {{type}}")

    def binary(self, name: str, one: Value, other: Value) -> Value:
        """An element-wise op on two values of the same type."""
        text = f"stablehlo.{name} {one.name}, {other.name} : {{type}}"
        return self.let(one.shape, one.dtype, text)

    def compare(self, direction: str, one: Value, other: Value) -> Value:
        """An i1 for each element."""
        text = (
            f"stablehlo.compare {direction}, {one.name}, {other.name} "
            f": ({one.type}, {other.type}) -> {{type}}"
        )
        return self.let(one.shape, "i1", text)

    def select(self, condition: Value, one: Value, other: Value) -> Value:
        """One or the other, by element."""
        text = (
            f"stablehlo.select {condition.name}, {one.name}, {other.name} "
            f": {condition.type}, {{type}}"
        )
        return self.let(one.shape, one.dtype, text)

    def reshape(self, value: Value, shape: Sequence[int]) -> Value:
        """The same elements in another shape."""
        return self.op("reshape", [value], "", Value("", tuple(shape), value.dtype))

    def transpose(self, value: Value, order: Sequence[int]) -> Value:
        """Result dim i is the value's dim order[i]."""
        shape = tuple(value.shape[i] for i in order)
        rest = f", dims = {list(order)}"
        return self.op("transpose", [value], rest, Value("", shape, value.dtype))

    def broadcast(self, value: Value, shape: Sequence[int], dims: Sequence[int]) -> Value:
        """The value's dim i becomes the result's dim dims[i]."""
        result = Value("", tuple(shape), value.dtype)
        return self.op("broadcast_in_dim", [value], f", dims = {list(dims)}", result)

    def iota(self, shape: Sequence[int], dtype: str, dim: int) -> Value:
        """Counts along one dim."""
        return self.let(shape, dtype, f"stablehlo.iota dim = {dim} : {{type}}")

    def barrier(self, value: Value) -> Value:
        """The value behind an optimization barrier."""
        text = f"stablehlo.optimization_barrier {value.name} : {{type}}"
        return self.let(value.shape, value.dtype, text)

    def widened(self, value: Value) -> Value:
        """As f32 or i32, in which a sum over many rows is exact."""
        wide = "f32" if "f" in value.dtype else "i32"
        if value.dtype == wide:
            return value
        return self.op("convert", [value], "", Value("", value.shape, wide))

    def reduce(self, value: Value, dim: int) -> Value:
        """The sum over one dim."""
        zero = self.splat(0, (), value.dtype)
        shape = (*value.shape[:dim], *value.shape[dim + 1 :])
        text = (
            f"stablehlo.reduce({value.name} init: {zero.name}) applies stablehlo.add "
            f"across dimensions = [{dim}] : ({value.type}, {zero.type}) -> {{type}}"
        )
        return self.let(shape, value.dtype, text)

    def dot(
        self,
        one: Value,
        other: Value,
        batch: tuple[list[int], list[int]],
        contract: tuple[list[int], list[int]],
    ) -> Value:
        """A general dot product."""
        free = [e for i, e in enumerate(one.shape) if i not in (*batch[0], *contract[0])]
        free += [e for i, e in enumerate(other.shape) if i not in (*batch[1], *contract[1])]
        shape = (*(one.shape[i] for i in batch[0]), *free)
        rest = (
            f", batching_dims = {batch[0]} x {batch[1]}, "
            f"contracting_dims = {contract[0]} x {contract[1]}"
        )
        return self.op("dot_general", [one, other], rest, Value("", shape, one.dtype))

    def slice(self, value: Value, dim: int, start: int, stop: int) -> Value:
        """A range of one dim."""
        ranges = [(0, extent) for extent in value.shape]
        ranges[dim] = (start, stop)
        shape = tuple(b - a for a, b in ranges)
        rest = " [" + ", ".join(f"{a}:{b}" for a, b in ranges) + "]"
        return self.op("slice", [value], rest, Value("", shape, value.dtype))

    def concatenate(self, values: Sequence[Value], dim: int) -> Value:
        """The values one after the other."""
        shape = list(values[0].shape)
        shape[dim] = sum(value.shape[dim] for value in values)
        result = Value("", tuple(shape), values[0].dtype)
        return self.op("concatenate", values, f", dim = {dim}", result)

    def dynamic_slice(
        self, value: Value, starts: Mapping[int, Value], sizes: Sequence[int]
    ) -> Value:
        """A window; dims without a start begin at 0."""
        zero = self.splat(0, (), "i32")
        places = [starts.get(i, zero) for i in range(len(value.shape))]
        result = Value("", tuple(sizes), value.dtype)
        return self.op("dynamic_slice", [value, *places], f", sizes = {list(sizes)}", result)

    def update_slice(self, value: Value, update: Value, starts: Mapping[int, Value]) -> Value:
        """The value with a window replaced; dims without a start begin at 0."""
        zero = self.splat(0, (), "i32")
        places = [starts.get(i, zero) for i in range(len(value.shape))]
        return self.op("dynamic_update_slice", [value, update, *places], "", value)

    def module(self, returned: Sequence[Value]) -> str:
        """The module, with these results of `main`."""
        arguments = ", ".join(f"{value.name}: {value.type}" for value in self.arguments)
        names = ", ".join(value.name for value in returned)
        types = ", ".join(value.type for value in returned)
        lines = "\n  ".join([*self.lines, f"return {names} : {types}"])
        main = f"func.func @main({arguments}) -> ({types}) {{\n  {lines}\n}}"
        return "\n".join([main, *self.functions, ""])
