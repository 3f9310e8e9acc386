"""Samplers choose the tokens that their description says, on every runtime."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import interpreter
import kvlift
import sampling_reference as reference
from kvlift import LiftError, Sampler

SAMPLERS = {
    "hot": Sampler.random(2**64 - 1, temperature=3.5),
    "cold": Sampler.random(5, temperature=1e-30),
    "k": Sampler.random(2**32, top_k=3),
    "p": Sampler.random(7, temperature=0.7, top_p=0.8),
    "k and p": Sampler.random(8, top_k=20, top_p=0.95),
    "too many": Sampler.random(9, top_k=10**6, top_p=1.0),
}
BATCH, VOCABULARY = 4, 301


def source(sampler: Sampler, batch: int, vocabulary: int) -> str:
    return sampler.function(batch, vocabulary).replace("private @kvlift.sampler", "@main")


@functools.cache
def session(sampler: Sampler, target: str, batch: int, vocabulary: int) -> kvlift.Session:
    lifted = kvlift.lift(source(sampler, batch, vocabulary), lost_updates="ignore")
    return kvlift.compile(lifted, target).session()


def odd_logits() -> np.ndarray:
    """Rows with ties, infinities, NaNs, zeros of both signs and numbers below the normal ones."""
    rng = np.random.default_rng(3)
    logits = rng.standard_normal((BATCH, VOCABULARY)).astype(np.float32) * 4
    logits[0] = np.round(logits[0])
    logits[1, [7, 90, 200]] = np.nan, np.inf, -np.nan
    logits[2] = np.where(logits[2] > 0, -0.0, 0.0)
    logits[2, 50:60] = np.float32(1e-42)
    logits[3] = -np.inf
    logits[3, 40:43] = 1, np.inf, np.inf
    return logits


@pytest.mark.parametrize("name", SAMPLERS)
def test_runtimes_and_interpreter_equal_the_reference(name):
    sampler = SAMPLERS[name]
    # One that has everything in it goes to all of them; IREE takes seconds to compile it.
    targets = ["pjrt:cpu", "iree:cpu"] if name in ("cold", "k and p") else ["pjrt:cpu"]
    rng = np.random.default_rng(1)
    usual = rng.standard_normal((BATCH, VOCABULARY)).astype(np.float32) * 3
    (state,) = sampler.initial().values()
    for step, logits in enumerate((usual, odd_logits(), -np.abs(usual))):
        state[2] = step
        want = reference.sample(logits, sampler, step)
        after = [*state[:2], step + 1]
        program = source(sampler, BATCH, VOCABULARY)
        runs = [interpreter.evaluate(program, [[logits, state]])[0]] if step == 1 else []
        for target in targets:
            runs.append(session(sampler, target, BATCH, VOCABULARY)(logits, state))
        for tokens, new in runs:
            assert tokens.tolist() == want
            assert new.tolist() == after


@settings(max_examples=60, deadline=None)
@given(arrays(np.float32, (2, 17), elements=st.floats(width=32)))
def test_greedy_equals_torch_argmax(logits):
    torch = pytest.importorskip("torch")
    want = torch.from_numpy(logits).argmax(-1).tolist()
    for target in ("pjrt:cpu", "iree:cpu"):
        assert session(Sampler.greedy(), target, 2, 17)(logits).tolist() == want


def test_threefry_equals_the_authors_answers():
    # Of Random123's kat_vectors: threefry2x32 with 20 rounds.
    ones = 0xFFFFFFFF
    assert reference.threefry((0, 0), (0, 0)) == (0x6B200159, 0x99BA4EFE)
    assert reference.threefry((ones, ones), (ones, ones)) == (0x1CB996FC, 0xBB002BE7)
    pi = (0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3)
    assert reference.threefry(*pi) == (0xC4923A9C, 0x483DF7A0)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_weights_are_the_softmax(temperature):
    logits = np.random.default_rng(2).standard_normal(4000).astype(np.float32) * 3
    found = np.array(reference.weights(logits, temperature), np.float64)
    exact = np.exp((logits.astype(np.float64) - logits.max()) / temperature)
    # A weight is an integer, and its distance a f32.
    np.testing.assert_allclose(found / 2**30, exact, rtol=4e-6, atol=2**-30)


def test_what_is_kept_is_what_transformers_keep():
    pytest.importorskip("transformers")
    import torch
    from transformers import TopKLogitsWarper, TopPLogitsWarper

    rng = np.random.default_rng(4)
    for top_k, top_p in ((5, None), (None, 0.6), (30, 0.9), (1, None), (None, 0.01)):
        logits = rng.standard_normal((6, 200)).astype(np.float32) * 2
        scores = torch.from_numpy(logits)
        for warper in (
            *([TopKLogitsWarper(top_k)] if top_k else []),
            *([TopPLogitsWarper(top_p)] if top_p else []),
        ):
            scores = warper(None, scores)
        sampler = Sampler.random(0, top_k=top_k, top_p=top_p)
        found = np.array([reference.kept(row, sampler) for row in logits])
        np.testing.assert_array_equal(found > 0, torch.isfinite(scores).numpy())


def test_draws_follow_the_softmax():
    rows, chances = 4000, np.array([0.5, 0.25, 0.15, 0.08, 0.02])
    logits = np.tile(np.log(chances).astype(np.float32), (rows, 1))
    sampler = Sampler.random(11)
    run = session(sampler, "pjrt:cpu", rows, len(chances))
    tokens, _ = run(logits, *sampler.initial().values())
    expected = chances * rows
    counts = np.bincount(tokens, minlength=len(chances))
    # The 99.9th percentile of chi squared with 4 degrees of freedom.
    assert ((counts - expected) ** 2 / expected).sum() < 18.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed -1 must be an integer from 0"),
        ({"seed": 2**64}, "must be an integer from 0"),
        ({"seed": 0.5}, "seed 0.5 must be"),
        ({"seed": 0, "temperature": 0}, r"temperature 0 must be a positive number; Sampler.greedy"),
        ({"seed": 0, "temperature": math.nan}, "temperature nan must be"),
        ({"seed": 0, "temperature": math.inf}, "temperature inf must be"),
        ({"seed": 0, "temperature": "1"}, "temperature '1' must be"),
        ({"seed": 0, "top_p": "1"}, "top_p '1' must be"),
        ({"seed": 0, "top_k": 0}, "top_k 0 must be an integer of at least 1"),
        ({"seed": 0, "top_k": 1.5}, "top_k 1.5 must be"),
        ({"seed": 0, "top_p": 0}, "top_p 0 must be above 0 and at most 1"),
        ({"seed": 0, "top_p": 1.1}, "top_p 1.1 must be"),
    ],
)
def test_numbers_out_of_range_are_refused(options, message):
    with pytest.raises(LiftError, match=message):
        Sampler(**options)
    with pytest.raises(LiftError, match=message):
        Sampler.random(options.pop("seed"), **options)


def test_what_a_greedy_sampler_would_ignore_is_refused():
    for options in ({"temperature": 0.5}, {"top_k": 5}, {"top_p": 0.5}):
        with pytest.raises(LiftError, match=r"need a seed: Sampler\.random\(seed"):
            Sampler(**options)
    with pytest.raises(LiftError, match="seed None must be an integer"):
        Sampler.random(None)
    assert Sampler.random(np.int64(7), top_k=np.int32(5)).initial()["sampler"].tolist() == [7, 0, 0]
