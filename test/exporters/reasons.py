"""Why a slot may end otherwise than as rows written in place.

`REASONS` lie in the program, `RUNTIME_REASONS` in a runtime: what these name falls short. A reason
holds for the slots whose `program:slot` it names. One that no slot needs any more is an error of
the run, so that none outlives its cause.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """One property of a program or a runtime that asks for more than rows written in place.

    Attributes:
        text: what the program or the runtime does.
        slots: patterns, one of which matches the whole of `program:slot`.
    """

    text: str
    slots: tuple[str, ...]

    def holds_for(self, program: str, slot: str) -> bool:
        """Whether it is about this slot."""
        return any(re.fullmatch(pattern, f"{program}:{slot}") for pattern in self.slots)


REASONS = (
    Reason(
        "a number or a few bytes: replaced, not updated, and no cost at any capacity",
        (
            r"\w+:cumulative_length_\d",
            r"torchtune:cache_pos",
            r"counter:count",
            r"counter_and_cache:p",
            r"batch_norm_training:bn\..*",
        ),
    ),
    Reason(
        "every element gets a new value, computed from the old ones or from none of them: a "
        "recurrent state, a sum, a trained parameter",
        (
            r"whole_value:k",
            r"parameter:w",
            r"recurrent:h",
            r"constant_lifted:k",
            r"(mamba2?|falcon_h1|bamba)_(decode|prefill):ssm_\d",
            r"mamba2?_prefill:conv_\d",
        ),
    ),
    Reason(
        "a window that slides: every row moves to another place, so every row is read and "
        "written, and of the window's size, not of the capacity; both runtimes build it beside "
        "the slot and copy it back",
        (
            r"rolled:k",
            r"conv_roll:state",
            r"cat_static:carried_0",
            r"mistral_window_full:(keys|values)_\d",
            # Its first layer slides, its second one does not.
            r"gemma3_window_full:(keys|values)_0",
            r"(mamba2?|falcon_h1|bamba)_decode:conv_\d",
            r"concatenate_roll:c",
            r"roll_and_set:c",
        ),
    ),
    Reason(
        "which elements change depends on the values of all of them, not on a position",
        (r"mask_scalar:k", r"masked_fill:k"),
    ),
    Reason(
        "a product with a one-hot row: 0 * NaN is NaN, so to leave the other rows alone would "
        "change results",
        (r"one_hot_product:c",),
    ),
    Reason(
        "the cache grows: its type changes from call to call, so it cannot be one storage",
        (r"cat_growing:argument 0", r"cat_growing:pjrt:cpu"),
    ),
    Reason(
        "the program returns the updated cache as an output as well, so it is in two places",
        (r"torchtune:[kv]_cache",),
    ),
    Reason(
        "two slots exchange their values: in place, one of them would be gone; refused",
        (r"swapped:refused",),
    ),
)


RUNTIME_REASONS = (
    Reason(
        "XLA:CPU multiplies bf16 and f16 in f32 and converts the whole operand first, whatever its "
        "options. A cache of more than 8 MiB as f32 is multiplied piece by piece instead and is in "
        "place; these are smaller: pieces would not be quicker. The update itself is in place, the "
        "proof announces the conversion, and IREE converts nothing",
        (r"llama_decode_(bf16|f16):(keys|values)_\d", r"decoder_bf16:arguments\[\d\]"),
    ),
)


def reason_for(program: str, slot: str) -> Reason | None:
    """The reason in the program that names this slot, if any; `refused` stands for a whole
    program, a target's name for its refusal."""
    return next((r for r in REASONS if r.holds_for(program, slot)), None)


def runtime_reason_for(program: str, slot: str) -> Reason | None:
    """The reason in a runtime that names this slot, if any."""
    return next((r for r in RUNTIME_REASONS if r.holds_for(program, slot)), None)
