"""Which tensors share memory."""

from __future__ import annotations

import torch


def overlap(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether some element of one lies in the memory of the other; views may interleave."""
    if a.numel() == 0 or b.numel() == 0 or a.layout != b.layout != torch.strided:
        return a is b
    if a.untyped_storage().data_ptr() != b.untyped_storage().data_ptr():
        return False
    (low_a, high_a), (low_b, high_b) = _bytes(a), _bytes(b)
    if high_a <= low_b or high_b <= low_a:
        return False
    if a.element_size() != b.element_size():
        return True
    # The ranges meet, yet k = pool[:, 0] and v = pool[:, 1] do not: mark one, look for the other.
    marks = torch.zeros(a.untyped_storage().nbytes() // a.element_size(), dtype=torch.bool)
    marks.as_strided(a.shape, a.stride(), a.storage_offset()).fill_(True)
    return bool(marks.as_strided(b.shape, b.stride(), b.storage_offset()).any())


def _bytes(t: torch.Tensor) -> tuple[int, int]:
    """First byte and one past the last, counted from the start of the storage."""
    last = sum((size - 1) * stride for size, stride in zip(t.shape, t.stride(), strict=True))
    first = t.storage_offset()
    return first * t.element_size(), (first + last + 1) * t.element_size()
