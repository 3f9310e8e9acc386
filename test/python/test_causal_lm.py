"""`kvlift.export_causal_lm`: prefill and decode on one cache give what transformers generates."""

from __future__ import annotations

import functools
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

import kvlift
from kvlift.errors import ExportError

sys.path.insert(0, str(Path(__file__).parents[1] / "exporters"))
sys.path.insert(0, str(Path(__file__).parent / "frontends"))

import huggingface

BATCH, CAPACITY, PREFILL, PROMPT, TOKENS = 2, 40, 12, 9, 16
# One layer says as much as two, but for the order of the slots.
FAMILIES = {
    "llama": {},
    "gemma": {"num_hidden_layers": 1},
    "qwen2": {"num_hidden_layers": 1},
    "qwen3": {"num_hidden_layers": 1},
    # The window is full before the prompt ends.
    "mistral": {"num_hidden_layers": 1, "sliding_window": 8},
}


def build(family: str) -> torch.nn.Module:
    torch.manual_seed(0)
    config, kind = huggingface._config(family, **FAMILIES[family])
    return kind(config).eval()


@functools.cache
def lifted_model(family: str) -> tuple[torch.nn.Module, kvlift.LiftedModule]:
    model = build(family)
    return model, kvlift.lift(kvlift.export_causal_lm(model, BATCH, CAPACITY, PREFILL))


def generated(model: torch.nn.Module, ids: torch.Tensor, count: int) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tokens = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=count,
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
        )
    return tokens[:, ids.shape[1] :].numpy()


def padded(ids: torch.Tensor) -> torch.Tensor:
    """At the end, by a token that would change the results if it were seen."""
    tokens = torch.full((BATCH, PREFILL), 7)
    tokens[:, : ids.shape[1]] = ids
    return tokens


def generate(session: kvlift.Session, ids: torch.Tensor, count: int) -> np.ndarray:
    logits = session.prefill(padded(ids), torch.tensor([ids.shape[1]]))
    tokens = [logits.argmax(-1)]
    while len(tokens) < count:
        tokens.append(session.decode(tokens[-1][:, None]).argmax(-1))
    return np.stack(tokens, 1)


def test_decode_feeds_itself_after_a_prefill():
    """Positions are slots already: the token goes from one to the other."""
    model, lifted = lifted_model("llama")
    prompt = torch.randint(96, (BATCH, PROMPT))
    carried = lifted.carry(
        tokens="input_ids", function="decode", prefill="prefill", length="length", history=TOKENS
    )
    program = kvlift.compile(carried)
    assert program.audit().is_in_place, program.audit()
    with program.session() as session:
        before = session.addresses()
        assert session.prefill(padded(prompt), torch.tensor([PROMPT])) is None
        first = session.state["input_ids"]
        made = [session.decode.run(1), session.decode.run(TOKENS - 2)]
        assert session.addresses() == before
        assert session.decode.replayable
    np.testing.assert_array_equal(
        np.concatenate([first, *made], 1), generated(model, prompt, TOKENS)
    )


def test_a_host_hands_the_first_token_on():
    model, lifted = lifted_model("llama")
    prompt = torch.randint(96, (BATCH, PROMPT))
    program = kvlift.compile(lifted.carry(tokens="input_ids", function="decode", history=TOKENS))
    with program.session(state={"input_ids": np.zeros((BATCH, 1), np.int64)}) as session:
        first = session.prefill(padded(prompt), torch.tensor([PROMPT])).argmax(-1)[:, None]
        session.state["input_ids"] = first
        made = session.decode.run(TOKENS - 1)
    np.testing.assert_array_equal(
        np.concatenate([first, made], 1), generated(model, prompt, TOKENS)
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_tokens_are_those_of_eager_generation(family):
    model, lifted = lifted_model(family)
    assert [f.name for f in lifted.manifest.functions] == ["prefill", "decode"]
    prompt = torch.randint(96, (BATCH, PROMPT))
    expected = generated(model, prompt, TOKENS)
    for target in ("pjrt:cpu", "iree:cpu"):
        program = kvlift.compile(lifted, target)
        assert program.audit().is_in_place, program.audit()
        with program.session() as session:
            before = session.addresses()
            np.testing.assert_array_equal(generate(session, prompt, TOKENS), expected)
            # The caches go from prefill to decode where they are.
            assert session.addresses() == before
            session.reset()
            other = torch.randint(96, (BATCH, 3))
            np.testing.assert_array_equal(generate(session, other, 4), generated(model, other, 4))


def test_a_long_prompt_is_several_prefills():
    model, lifted = lifted_model("llama")
    prompt = torch.randint(96, (BATCH, PREFILL + 5))
    with kvlift.compile(lifted).session() as session:
        session.prefill(prompt[:, :PREFILL], torch.tensor([PREFILL]))
        found = generate(session, prompt[:, PREFILL:], 6)
    np.testing.assert_array_equal(found, generated(model, prompt, 6))


@pytest.mark.parametrize("target", ["pjrt:cpu", "iree:cpu"])
def test_what_no_longer_fits_gives_no_logits(target):
    """Up to the last row all is as in eager mode, also where the padding no longer fits."""
    model, lifted = lifted_model("llama")
    prompt = torch.randint(96, (BATCH, CAPACITY))
    with torch.no_grad():
        expected = model(prompt).logits
    with kvlift.compile(lifted, target).session() as session:
        parts = [*prompt[:, : CAPACITY - 1].split(PREFILL, 1)]
        assert 3 * PREFILL + parts[-1].shape[1] < CAPACITY < len(parts) * PREFILL
        for part in parts:
            logits = session.prefill(padded(part), torch.tensor([part.shape[1]]))
        np.testing.assert_allclose(logits, expected[:, -2], rtol=1e-4, atol=1e-4)
        logits = session.decode(prompt[:, -1:])
        np.testing.assert_allclose(logits, expected[:, -1], rtol=1e-4, atol=1e-4)
        assert session.state["cumulative_length_0"] == CAPACITY
        full = session.snapshot()
        assert np.isnan(session.decode(prompt[:, :1])).all()
        assert np.isnan(session.decode(prompt[:, :1])).all()
        session.restore(full)
        assert np.isnan(session.prefill(padded(prompt[:, :1]), torch.tensor([1]))).all()
        session.reset()
        logits = session.prefill(padded(prompt[:, :3]), torch.tensor([3]))
        np.testing.assert_allclose(logits, expected[:, 2], rtol=1e-4, atol=1e-4)


def test_the_model_is_as_it_was():
    model = build("gemma").train()
    model.config._attn_implementation = "sdpa"
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    kvlift.export_causal_lm(model, 1, 8, 4)
    assert model.training
    assert model.config._attn_implementation == "sdpa"
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_what_is_no_such_model_is_refused():
    import transformers

    with pytest.raises(
        ExportError, match=r"expected a causal language model .* got Linear; kvlift"
    ):
        kvlift.export_causal_lm(torch.nn.Linear(2, 2))
    model = build("gemma")
    for sizes in ((0, 8, 4), (1, 8, 9), (1, 8, 0)):
        with pytest.raises(ExportError, match="batch and prefill are at least 1, and a prefill"):
            kvlift.export_causal_lm(model, *sizes)
    with pytest.raises(ExportError, match="capacity=65, but GemmaForCausalLM knows only 64 posit"):
        kvlift.export_causal_lm(model, 1, 65, 4)
    sizes = {"vocab_size": 96, "hidden_size": 32, "num_hidden_layers": 1}
    mamba = transformers.MambaForCausalLM(transformers.MambaConfig(**sizes, state_size=8))
    with pytest.raises(ExportError, match=r"MambaForCausalLM keeps .* beside keys and values"):
        kvlift.export_causal_lm(mamba, 1, 8, 4)
