"""scaled_dot_product_attention in ops that read keys and values as they lie in a cache.

PyTorch's own decomposition multiplies all keys by sqrt(scale), repeats the heads of grouped
attention, and looks at every score three times to find rows that see nothing. A decode step then
works on copies of whole caches. The same attention here:

    scores  = (query * scale) @ key^T + mask        heads of one group stand in the rows of query
    weights = exp(scores - max(scores))
    result  = (weights @ value) / sum(weights)      0 for a row whose scores are all -inf

Each step rounds as PyTorch's does or less; f16 and bf16 are computed in f32, as in eager mode.
"""

from __future__ import annotations

import math
from typing import Any

import torch


def attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """`torch.nn.functional.scaled_dot_product_attention`.

    Args:
        query: [..., heads, rows, depth].
        key: [..., heads, columns, depth]; fewer heads if `enable_gqa`.
        value: [..., heads, columns, value depth].
        attn_mask: broadcast to the scores [..., heads, rows, columns]; booleans tell what is
            seen, other types are added.
        dropout_p: only zero is known here.
        is_causal: row i sees the columns up to i.
        scale: of the scores; 1 / sqrt(depth) by default.
        enable_gqa: neighbouring heads of query share one of key and value.

    Returns:
        [..., heads, rows, value depth], or NotImplemented where PyTorch's own decomposition has
        to do (dropout, complex or double operands, ranks below 3 with groups).
    """
    if dropout_p or query.dtype not in _COMPUTED_IN or key.dim() < 2:
        return NotImplemented
    if enable_gqa and (query.dim() < 3 or value.shape[-3] != key.shape[-3]):
        return NotImplemented
    result_type, shape = query.dtype, query.shape
    kind = _COMPUTED_IN[result_type]
    query, key, value = query.to(kind), key.to(kind), value.to(kind)
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    bias = _bias(query, key, attn_mask, is_causal)
    query = query * scale
    if enable_gqa:
        query = query.reshape(*shape[:-3], key.shape[-3], -1, shape[-1])
    scores = query @ key.transpose(-2, -1)
    if bias is not None:
        scores = (scores.reshape(*shape[:-1], -1) + bias).reshape(scores.shape)
    largest = scores.amax(-1, keepdim=True).clamp(min=torch.finfo(kind).min)
    weights = (scores - largest).exp()
    total = weights.sum(-1, keepdim=True)
    result = (weights @ value) / torch.where(total == 0, 1.0, total)
    return result.reshape(*shape[:-1], -1).to(result_type)


# Of these, PyTorch's eager attention computes in the type given.
_COMPUTED_IN = {
    torch.float32: torch.float32,
    torch.float16: torch.float32,
    torch.bfloat16: torch.float32,
}


def _bias(
    query: torch.Tensor, key: torch.Tensor, mask: torch.Tensor | None, is_causal: bool
) -> torch.Tensor | None:
    """What is added to the scores: 0 or -inf for a boolean mask."""
    if is_causal:
        rows = torch.arange(query.shape[-2], device=query.device)
        mask = torch.arange(key.shape[-2], device=query.device) <= rows[:, None]
    if mask is None:
        return None
    if mask.dtype == torch.bool:
        return torch.where(mask, 0.0, -torch.inf).to(query.dtype)
    return mask.to(query.dtype)
