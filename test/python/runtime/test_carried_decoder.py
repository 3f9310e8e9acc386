"""The demo's Llama feeds itself, and gives the greedy tokens of eager."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest

import kvlift

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

STEPS, CAPACITY = 64, 80
FIRST = np.array([[1], [7]])


def eager_generation(model):
    """Tokens [batch, steps], and the logits of the last step."""
    from transformers import StaticCache

    cache, tokens = StaticCache(config=model.config, max_cache_len=CAPACITY), torch.tensor(FIRST)
    made = []
    for position in range(STEPS):
        inputs = {"input_ids": tokens, "cache_position": torch.tensor([position])}
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            logits = model(past_key_values=cache, use_cache=True, **inputs).logits
        tokens = logits[:, -1:].argmax(-1)
        made.append(tokens)
    return torch.cat(made, 1).numpy(), logits.numpy()


@pytest.fixture(scope="module")
def decoder():
    """The decode step, and what eager generates."""
    from kvlift.demo import build_decoder

    model, exported = build_decoder(len(FIRST), CAPACITY)
    expected = eager_generation(model)
    carried = kvlift.lift(exported).carry(
        tokens="input_ids", positions=["cache_position"], history=STEPS
    )
    return carried, expected


@pytest.mark.parametrize("target", ["pjrt:cpu", "iree:cpu"])
def test_llama_equals_eager_over_64_tokens(decoder, target):
    carried, (tokens, logits) = decoder
    program = kvlift.compile(carried, target)
    with program.session(state={"input_ids": FIRST, "cache_position": [0]}) as session:
        before = session.addresses()
        np.testing.assert_array_equal(session.main.run(STEPS), tokens)
        assert session.addresses() == before
        if target == "pjrt:cpu":
            assert program.audit().is_in_place
            assert session.main.replayable
        np.testing.assert_allclose(session.state["output"], logits, rtol=1e-4, atol=1e-4)


# Weights must outlive the module that brought them: what is freed is written over.
RELOADED = """
import gc, sys
import numpy as np
import kvlift

path, tokens = sys.argv[1], np.load(sys.argv[2])
program = kvlift.compile(kvlift.load(path), "iree:cpu", cache=path + ".cache")
session = program.session(state={"input_ids": tokens[:, :1], "cache_position": [0]})
del program
gc.collect()
junk = [np.full(256 * n, np.nan, np.float32) for n in (128, 256, 512, 688) * 20]
for _ in range(2):
    np.testing.assert_array_equal(session.main.run(24), tokens[:, 1:])
    session.reset()
"""


def test_a_reloaded_llama_has_these_tokens_in_every_process(decoder, tmp_path):
    carried, (tokens, _) = decoder
    carried.save(tmp_path / "llama.kvl")
    np.save(tmp_path / "tokens.npy", np.concatenate([FIRST, tokens[:, :24]], 1))
    for _ in range(3):
        child = subprocess.run(
            [sys.executable, "-c", RELOADED, tmp_path / "llama.kvl", tmp_path / "tokens.npy"],
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert child.returncode == 0, child.stderr[-4000:]
