"""Draws whole programs of updates and reads; a seed always gives the same one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import numpy as np

import scatters
from draft import FLOATS, SLOT_DTYPES, Draft, Numbers, Value
from forms import FORMS, _starts, dynamic_slice

SEVERAL = "scatter of several inputs"
CHAIN = "chain of updates"
KINDS = (*FORMS, SEVERAL, CHAIN)


@dataclass(frozen=True)
class Drawn:
    """A program: its text, who makes its arguments' values, and what its updates are."""

    kind: str
    text: str
    draft: Draft


def draw(seed: int) -> Drawn:
    rng = random.Random(seed)
    d = Draft(rng)
    kind = rng.choice((*KINDS, CHAIN, CHAIN))
    olds = [d.slot(_shape(rng, kind), rng.choice(SLOT_DTYPES))]
    if kind == SEVERAL:
        olds.append(d.slot(olds[0].shape, rng.choice(SLOT_DTYPES)))
    elif rng.random() < 0.15:
        olds.append(d.slot(_shape(rng, kind), rng.choice(SLOT_DTYPES)))
    shown: list[Value] = []
    versions = list(olds)
    if kind == SEVERAL:
        versions = scatters.several_inputs(d, versions[0], versions[1])
    for _ in range(rng.randint(2, 4) if kind == CHAIN else 1):
        for i, version in enumerate(versions):
            if rng.random() < 0.25:
                shown.append(_read(d, version))
            if kind != SEVERAL:
                form = FORMS[kind] if kind != CHAIN else rng.choice(list(FORMS.values()))
                versions[i] = form(d, version)
            if rng.random() < 0.15:
                shown.append(_read(d, version))
    shown.extend(_read(d, version) for version in versions if rng.random() < 0.3)
    finals = {version.name: f"s{i}" for i, version in enumerate(versions)}
    # An update that is no op at all, such as a branch not taken, may give the argument itself.
    results = [*versions, *(value for value in shown if value.name not in finals)]
    rng.shuffle(results)
    return Drawn(kind, d.text(results, finals), d)


def _shape(rng: random.Random, kind: str) -> list[int]:
    rank = rng.choice((1, 2, 2, 3, 3, 3, 4, 4, 5, 6))
    if kind in ("stacked layers", "scan", "scatter per batch row", "scatter with batching dims"):
        rank = max(rank, 2)
    most = {1: 9, 2: 6, 3: 4, 4: 3}.get(rank, 2)
    shape = [rng.randint(1, most) for _ in range(rank)]
    if rng.random() < 0.03:
        shape[rng.randrange(rank)] = 0
    elif rng.random() < 0.15 and rank < 3:
        shape[rng.randrange(rank)] = rng.choice((63, 64, 70, 127, 130))
    elif rng.random() < 0.5:
        shape[rng.randrange(rank)] = rng.randint(4, 9)
    return shape


def _read(d: Draft, version: Value) -> Value:
    """Something that shows a version: all of it, a window, a sum, a product."""
    rng, shape = d.rng, version.shape
    style = rng.randrange(8)
    if style == 0:
        return version
    if style == 1:
        return d.body.barrier(version)
    if style == 2:
        dim = rng.randrange(len(shape))
        start = rng.randint(0, shape[dim])
        return d.body.slice(version, dim, start, rng.randint(start, shape[dim]))
    if style in PRODUCTS and version.dtype in (*FLOATS, "i32") and 0 not in shape:
        return PRODUCTS[style](d, version)
    if style == 4:
        return d.body.transpose(version, rng.sample(range(len(shape)), len(shape)))
    sizes = [rng.randint(0 if e == 0 else 1, e) for e in shape]
    return dynamic_slice(d, version, _starts(d, version, sizes, "i32"), sizes)


def _factor(d: Draft, version: Value, shape: Sequence[int]) -> Value:
    """Finite: which NaN the product of two NaNs is, is not defined."""
    kind = np.int32 if version.dtype == "i32" else FLOATS[version.dtype]
    return d.argument(shape, version.dtype, partial(_small, shape=tuple(shape), kind=kind))


def _summed(d: Draft, version: Value) -> Value:
    dim = d.rng.randrange(len(version.shape))
    other = _factor(d, version, (version.shape[dim], 2))
    return d.body.dot(version, other, ([], []), ([dim], [0]))


def _attention(d: Draft, version: Value) -> Value:
    """Some dims batched, one summed: a slot that lies in another order is read as it lies."""
    rng, shape = d.rng, version.shape
    dims = rng.sample(range(len(shape)), rng.randint(1, len(shape)))
    *batch, summed = dims
    if rng.random() < 0.5:
        batch.sort()
    free = [rng.randint(1, 2)] if rng.random() < 0.7 else []
    other = _factor(d, version, [*(shape[i] for i in batch), shape[summed], *free])
    places = list(range(len(batch)))
    if rng.random() < 0.5:
        return d.body.dot(version, other, (batch, places), ([summed], [len(batch)]))
    return d.body.dot(other, version, (places, batch), ([len(batch)], [summed]))


def _weighted(d: Draft, version: Value) -> Value:
    """Rows meet a weight that is turned around for them, as torch's `Linear` spells it."""
    rows = prod(version.shape[:-1])
    count = d.rng.choice((1, 2, 3, rows))
    flat = d.body.reshape(version, (rows, version.shape[-1]))
    flat = d.body.slice(flat, 0, 0, min(count, rows))
    weight = _factor(d, version, (d.rng.randint(1, 3), version.shape[-1]))
    return d.body.dot(flat, d.body.transpose(weight, [1, 0]), ([], []), ([1], [0]))


PRODUCTS = {3: _summed, 6: _attention, 7: _weighted}


def _small(numbers: Numbers, shape: tuple[int, ...], kind: Any) -> np.ndarray:
    small = numbers.integers(-3, 4, shape).astype(kind)
    return small.view(np.uint16) if kind is FLOATS["bf16"] else small
