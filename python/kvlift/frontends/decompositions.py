"""Decompositions that give torch-mlir updates it lowers, exactly and as window scatters.

torch-mlir 20261001 (measured) lowers an indexed update to an element-wise scatter unless its
index is on the leading dims, refuses a slice update whose start is not constant, and drops
(write) or clamps (read) a negative index where PyTorch counts from the end. So:

    index_copy(x, d, i, v)       ->  permute(index_put(permute(x), [i], permute(v)))
    index_put(x, [.., i, ..], v) ->  the same, with i + size where i < 0
    index_put(x, [mask], scalar) ->  where(mask, scalar, x)
    index(x, [.., i, ..])        ->  the same, with i + size where i < 0
    slice_scatter, select_scatter with a step, or a start or length that is not a constant
                                 ->  index_put of start + step * iota
    scaled_dot_product_attention ->  see attention.py
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, TypeAlias

import torch
from torch.fx.experimental.symbolic_shapes import statically_known_true

from kvlift.frontends.attention import attention

aten = torch.ops.aten
Index: TypeAlias = "torch.Tensor | None"


class UpdateDecompositions:
    """The table's entries; they share one switch that lets a finished op through.

    PyTorch applies the table again to what an entry emits, so an entry that emits its own op
    would never end. The switch is per table, and a table serves one `run_decompositions`.
    """

    def __init__(self) -> None:
        """Starts with every entry active."""
        self._finished = False

    def table(self) -> dict[Any, Callable[..., Any]]:
        """The entries, to be laid over torch-mlir's own table."""
        return {
            aten.index.Tensor: self.index,
            aten.index_copy.default: self.index_copy,
            aten.index_put.default: self.index_put,
            aten._unsafe_index.Tensor: self.unsafe_index,
            aten._unsafe_index_put.default: self.unsafe_index_put,
            aten.scaled_dot_product_attention.default: attention,
            aten.select_scatter.default: self.select_scatter,
            aten.slice_scatter.default: self.slice_scatter,
        }

    def index(self, x: torch.Tensor, indices: Sequence[Index]) -> Any:
        """`x[indices]` with negative indices counted from the end, as PyTorch does."""
        if self._finished or any(_is_mask(i) for i in indices):
            return NotImplemented
        return self._emit(aten.index.Tensor, x, _wrapped(x, indices))

    def index_copy(
        self, x: torch.Tensor, dim: int, index: torch.Tensor, source: torch.Tensor
    ) -> Any:
        """Rows of `source` into `x`; PyTorch refuses negative indices here, so no wrap."""
        if x.dim() == 0:
            return self.index_copy(x.unsqueeze(0), 0, index.reshape(1), source.reshape(1)).squeeze(
                0
            )
        dim %= x.dim()
        if index.dim() == 0:
            index = index.unsqueeze(0)
        return self._put(x, [None] * dim + [index], source, False)

    def index_put(
        self,
        x: torch.Tensor,
        indices: Sequence[Index],
        values: torch.Tensor,
        accumulate: bool = False,
    ) -> Any:
        """`x[indices] = values` (or `+=`) as an update of leading dims."""
        if self._finished:
            return NotImplemented
        if any(_is_mask(i) for i in indices):
            return _masked(x, indices, values, accumulate)
        return self._put(x, _wrapped(x, indices), values, accumulate)

    def unsafe_index(self, x: torch.Tensor, indices: Sequence[Index]) -> Any:
        """`index` where PyTorch itself made the indices, never negative."""
        return self._emit(aten.index.Tensor, x, indices)

    def unsafe_index_put(
        self,
        x: torch.Tensor,
        indices: Sequence[Index],
        values: torch.Tensor,
        accumulate: bool = False,
    ) -> Any:
        """`index_put` where PyTorch itself made the indices, never negative."""
        return self._put(x, indices, values, accumulate)

    def select_scatter(self, x: torch.Tensor, src: torch.Tensor, dim: int, index: Any) -> Any:
        """`x[..., index] = src`, as the slice update of length one."""
        dim %= x.dim()
        start = index
        if isinstance(index, int) and index < 0:
            start = index + x.shape[dim]
        row = src.unsqueeze(dim)
        if isinstance(start, int):
            return aten.slice_scatter.default(x, row, dim, start, start + 1)
        return self.slice_scatter(x, row, dim, start)

    def slice_scatter(
        self,
        x: torch.Tensor,
        src: torch.Tensor,
        dim: int = 0,
        start: Any = None,
        end: Any = None,
        step: int = 1,
    ) -> Any:
        """`x[..., start:end:step] = src`; torch-mlir lowers static slices of step 1."""
        if self._finished:
            return NotImplemented
        dim %= x.dim()
        size, rows = x.shape[dim], src.shape[dim]
        start = 0 if start is None else start
        if all(isinstance(n, int) for n in (start, size, rows)):
            start = min(max(start + size if start < 0 else start, 0), size)
            if step == 1:
                return self._emit(aten.slice_scatter.default, x, src, dim, start, start + rows, 1)
        index = torch.arange(rows, device=x.device)
        index = (index if step == 1 else index * step) + start
        indices: list[Index] = [None] * dim + [index]
        if not statically_known_true(start >= 0):
            indices = _wrapped(x, indices)
        return self._put(x, indices, src, False)

    def _put(
        self, x: torch.Tensor, indices: Sequence[Index], values: torch.Tensor, accumulate: bool
    ) -> torch.Tensor:
        """Moves the indexed dims to the front, where torch-mlir makes a window scatter.

        x[:, i] = v   with x: AxB, v: AxN   ->   permute(index_put(permute(x), [i], permute(v)))
        """
        dims = [d for d, i in enumerate(indices) if i is not None]
        index = torch.broadcast_tensors(*(i for i in indices if i is not None))
        rank, rest = index[0].dim(), [d for d in range(x.dim()) if d not in dims]
        # NumPy's rule: the index's dims stand where the indexed dims stood if those are
        # neighbours, else in front.
        first = dims[0] if dims == list(range(dims[0], dims[0] + len(dims))) else 0
        shape = [x.shape[d] for d in rest]
        shape[first:first] = index[0].shape
        values = values.expand(shape).movedim(list(range(first, first + rank)), list(range(rank)))
        count = reduce(operator.mul, index[0].shape, 1)
        values = values.reshape([count, *(x.shape[d] for d in rest)])
        order = dims + rest
        flat = [i.reshape([count]) for i in index]
        put = self._emit(aten.index_put.default, _permuted(x, order), flat, values, accumulate)
        return _permuted(put, [order.index(d) for d in range(x.dim())])

    def _emit(self, op: Any, *args: Any) -> Any:
        """Emits an op that the table leaves as it is."""
        self._finished = True
        try:
            return op(*args)
        finally:
            self._finished = False


def _permuted(x: torch.Tensor, order: list[int]) -> torch.Tensor:
    return x if order == sorted(order) else x.permute(order)


def _is_mask(index: Index) -> bool:
    return index is not None and index.dtype in (torch.bool, torch.uint8)


def _wrapped(x: torch.Tensor, indices: Sequence[Index]) -> list[Index]:
    """Adds the size where an index is negative."""
    return [
        None if i is None else torch.where(i < 0, i + x.shape[d], i) for d, i in enumerate(indices)
    ]


def _masked(
    x: torch.Tensor, indices: Sequence[Index], values: torch.Tensor, accumulate: bool
) -> Any:
    """`x[mask] = scalar` keeps every shape static; other masks are left to torch-mlir."""
    mask = indices[0]
    if len(indices) != 1 or mask is None or values.numel() != 1 or mask.dtype != torch.bool:
        return NotImplemented
    mask = mask.reshape([*mask.shape, *[1] * (x.dim() - mask.dim())])
    values = values.reshape([])
    return torch.where(mask, x + values if accumulate else values, x)
