"""Writes a StableHLO function as text, one op after the other."""

from __future__ import annotations

from dataclasses import dataclass

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Value:
    """An SSA value: its name, shape and element type as MLIR spells it."""

    name: str
    shape: Shape
    dtype: str

    @property
    def type(self) -> str:
        """`tensor<4x8xf32>`."""
        return f"tensor<{'x'.join([*map(str, self.shape), self.dtype])}>"


class Emitter:
    """The arguments and ops of one function, in order."""

    def __init__(self) -> None:
        """Starts without arguments."""
        self._arguments: list[Value] = []
        self._lines: list[str] = []

    def argument(self, name: str, shape: Shape, dtype: str) -> Value:
        """One more argument, marked with its name."""
        self._arguments.append(Value(f"%{name}", shape, dtype))
        return self._arguments[-1]

    def function(self, symbol: str, results: list[Value]) -> str:
        """The whole function as text."""
        arguments = ", ".join(
            f'{a.name}: {a.type} {{kvlift.name = "{a.name[1:]}"}}' for a in self._arguments
        )
        types = ", ".join(r.type for r in results)
        names = ", ".join(r.name for r in results)
        body = "\n".join(f"  {line}" for line in self._lines)
        return (
            f"func.func private @{symbol}({arguments}) -> ({types}) {{\n{body}\n"
            f"  return {names} : {types}\n}}\n"
        )

    def constant(self, value: int | str, shape: Shape, dtype: str) -> Value:
        """A tensor that has this element everywhere; floats as their bits (`0x3F800000`)."""
        made = self._fresh(shape, dtype)
        return self._line(made, f"stablehlo.constant dense<{value}> : {made.type}")

    def binary(self, op: str, left: Value, right: Value | int) -> Value:
        """An element-wise op of two values of one type; a number is one everywhere."""
        other = self._like(left, right)
        made = self._fresh(left.shape, left.dtype)
        return self._line(made, f"stablehlo.{op} {left.name}, {other.name} : {left.type}")

    def invert(self, value: Value) -> Value:
        """Every bit turned over."""
        made = self._fresh(value.shape, value.dtype)
        return self._line(made, f"stablehlo.not {value.name} : {value.type}")

    def compare(self, direction: str, left: Value, right: Value | int) -> Value:
        """Booleans; `direction` is one of EQ NE GE GT LE LT."""
        other = self._like(left, right)
        made = self._fresh(left.shape, "i1")
        types = f"({left.type}, {left.type}) -> {made.type}"
        return self._line(
            made, f"stablehlo.compare {direction}, {left.name}, {other.name} : {types}"
        )

    def select(self, condition: Value, on_true: Value | int, on_false: Value) -> Value:
        """Element-wise choice."""
        chosen = self._like(on_false, on_true)
        made = self._fresh(on_false.shape, on_false.dtype)
        types = f"{condition.type}, {on_false.type}"
        operands = f"{condition.name}, {chosen.name}, {on_false.name}"
        return self._line(made, f"stablehlo.select {operands} : {types}")

    def convert(self, value: Value, dtype: str) -> Value:
        """The same numbers as another element type."""
        return self._unary("convert", value, value.shape, dtype)

    def bitcast(self, value: Value, dtype: str) -> Value:
        """The same bits as another element type of the same width."""
        return self._unary("bitcast_convert", value, value.shape, dtype)

    def reshape(self, value: Value, shape: Shape) -> Value:
        """The same elements in another shape."""
        return self._unary("reshape", value, shape, value.dtype)

    def iota(self, shape: Shape, dim: int, dtype: str) -> Value:
        """Each element's position in one dim."""
        made = self._fresh(shape, dtype)
        return self._line(made, f"stablehlo.iota dim = {dim} : {made.type}")

    def broadcast(self, value: Value, shape: Shape, dims: Shape) -> Value:
        """Dim i of the value becomes dim `dims[i]`."""
        made = self._fresh(shape, value.dtype)
        return self._line(
            made,
            f"stablehlo.broadcast_in_dim {value.name}, dims = {list(dims)} : "
            f"({value.type}) -> {made.type}",
        )

    def element(self, vector: Value, position: int) -> Value:
        """One element of a vector, as a scalar."""
        part = self._fresh((1,), vector.dtype)
        self._line(
            part,
            f"stablehlo.slice {vector.name} [{position}:{position + 1}] : "
            f"({vector.type}) -> {part.type}",
        )
        return self.reshape(part, ())

    def pad_last(self, value: Value, extent: int) -> Value:
        """Zeros behind the elements of the last dim, up to that extent."""
        zero = self.constant(0, (), value.dtype)
        zeros = [0] * len(value.shape)
        high = [*zeros[1:], extent - value.shape[-1]]
        made = self._fresh((*value.shape[:-1], extent), value.dtype)
        return self._line(
            made,
            f"stablehlo.pad {value.name}, {zero.name}, low = {zeros}, high = {high}, "
            f"interior = {zeros} : ({value.type}, {zero.type}) -> {made.type}",
        )

    def concatenate(self, scalars: list[Value]) -> Value:
        """A vector of scalars."""
        parts = [self.reshape(scalar, (1,)) for scalar in scalars]
        made = self._fresh((len(parts),), parts[0].dtype)
        names = ", ".join(p.name for p in parts)
        types = ", ".join(p.type for p in parts)
        return self._line(
            made, f"stablehlo.concatenate {names}, dim = 0 : ({types}) -> {made.type}"
        )

    def reduce(self, op: str, value: Value, dim: int, initial: int) -> Value:
        """`add`, `maximum` or `minimum` along one dim."""
        first = self.constant(initial, (), value.dtype)
        made = self._fresh(value.shape[:dim] + value.shape[dim + 1 :], value.dtype)
        return self._line(
            made,
            f"stablehlo.reduce({value.name} init: {first.name}) applies stablehlo.{op} across "
            f"dimensions = [{dim}] : ({value.type}, {first.type}) -> {made.type}",
        )

    def _unary(self, op: str, value: Value, shape: Shape, dtype: str) -> Value:
        made = self._fresh(shape, dtype)
        return self._line(made, f"stablehlo.{op} {value.name} : ({value.type}) -> {made.type}")

    def _like(self, model: Value, value: Value | int) -> Value:
        if isinstance(value, Value):
            return value
        return self.constant(value, model.shape, model.dtype)

    def _fresh(self, shape: Shape, dtype: str) -> Value:
        return Value(f"%{len(self._lines)}", shape, dtype)

    def _line(self, made: Value, text: str) -> Value:
        self._lines.append(f"{made.name} = {text}")
        return made
