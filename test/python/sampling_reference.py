"""The samplers once more, in NumPy and by sorting, from their description in docs/replay.md."""

from __future__ import annotations

import math

import numpy as np

from kvlift import Sampler

_ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)


def threefry(key: tuple[int, int], counter: tuple[int, int]) -> tuple[int, int]:
    """Threefry-2x32 of 20 rounds, as in Salmon et al., "Parallel random numbers", SC 2011."""
    schedule = (*key, key[0] ^ key[1] ^ 0x1BD11BDA)
    words = [(c + k) % 2**32 for c, k in zip(counter, key, strict=True)]
    for turn in range(20):
        distance = _ROTATIONS[turn % 8]
        words[0] = (words[0] + words[1]) % 2**32
        words[1] = (words[1] << distance | words[1] >> 32 - distance) % 2**32 ^ words[0]
        if turn % 4 == 3:
            group = turn // 4 + 1
            words[0] = (words[0] + schedule[group % 3]) % 2**32
            words[1] = (words[1] + schedule[(group + 1) % 3] + group) % 2**32
    return words[0], words[1]


def order(logits: np.ndarray) -> list[tuple[int, float]]:
    """What rows are sorted by: a NaN is above every number, and zeros have no sign."""
    return [(1, 0.0) if math.isnan(x) else (0, x + 0.0) for x in logits.tolist()]


def weights(logits: np.ndarray, temperature: float) -> list[int]:
    """The weight of each token of one row."""
    keys = order(logits)
    top = logits[keys.index(max(keys))]
    scale = np.float32(2**24 * math.log2(math.e) / temperature)
    with np.errstate(all="ignore"):
        distances = (top - logits) * scale
    return [
        2**30 if key == max(keys) else _weight(distance)
        for key, distance in zip(keys, distances, strict=True)
    ]


def _weight(distance: np.float32) -> int:
    if not distance < 31 * 2**24:
        return 0
    whole, fraction = divmod(int(distance), 2**24)
    value = 0
    for i in reversed(range(9)):
        value = round(2**30 * math.log(2) ** i / math.factorial(i)) - (value * fraction >> 24)
    return value >> whole


def kept(logits: np.ndarray, sampler: Sampler) -> list[int]:
    """The weights of one row after top-k and top-p."""
    keys, found = order(logits), weights(logits, sampler.temperature)
    if sampler.top_k is not None and sampler.top_k < len(found):
        border = sorted(keys)[-sampler.top_k]
        found = [w if key >= border else 0 for w, key in zip(found, keys, strict=True)]
    if sampler.top_p is not None and sampler.top_p < 1:
        enough = max(1, sum(found) * round(sampler.top_p * 2**32) >> 32)
        ranked = sorted(set(keys), reverse=True)
        mass = {k: sum(w for w, key in zip(found, keys, strict=True) if key >= k) for k in ranked}
        border = next(key for key in ranked if mass[key] >= enough)
        found = [w if key >= border else 0 for w, key in zip(found, keys, strict=True)]
    return found


def sample(logits: np.ndarray, sampler: Sampler, step: int) -> list[int]:
    """The token of each row."""
    assert sampler.seed is not None
    key = (sampler.seed % 2**32, sampler.seed >> 32)
    tokens = []
    for row, values in enumerate(logits):
        ends = np.cumsum(kept(values, sampler), dtype=object)
        where = ends[-1] * threefry(key, (step, row))[0] >> 32
        tokens.append(next(i for i, end in enumerate(ends) if end > where))
    return tokens
