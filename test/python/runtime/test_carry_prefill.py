"""A prefill hands token and positions on to a step that feeds itself, with no host between them."""

from __future__ import annotations

import numpy as np
import pytest

import kvlift
import sampling_reference as reference
from kvlift import LiftError, Sampler
from kvlift.filling import values_for
from kvlift.measuring import measure

TARGETS = ("pjrt:cpu", "iree:cpu")
BATCH, VOCABULARY, CAPACITY, WIDTH, ROWS, STEPS = 3, 50, 24, 8, 5, 9
LENGTH = 3
SAMPLERS = (Sampler.greedy(), Sampler.random(3, temperature=2.0, top_k=9, top_p=0.9))


def table():
    import jax.numpy as jnp

    return jnp.sin(jnp.arange(VOCABULARY * WIDTH) * 1.7).reshape(VOCABULARY, WIDTH)


def logits_of(cache):
    import jax.numpy as jnp

    return (cache.sum(1) @ table().T * 0.7).astype(jnp.bfloat16)


def step(cache, token, pos):
    """(cache, logits) of two rows, of which the last one counts."""
    import jax
    import jax.numpy as jnp

    row = table()[token] * (1 + pos % 5)
    cache = jax.lax.dynamic_update_slice(cache, row[:, None], (0, pos, 0))
    logits = logits_of(cache)
    return cache, jnp.stack([-logits, logits], 1)


def appended(cache, token, pos, length):
    import jax
    import jax.numpy as jnp

    at = jnp.arange(ROWS)
    rows = table()[token] * (1 + (pos + at) % 5)[:, None] * (at < length)[:, None]
    cache = jax.lax.dynamic_update_slice(cache, rows, (0, pos, 0))
    return cache, logits_of(cache)


def whole(cache, token, pos):
    """All rows of `token` i32[batch, rows]; `pos` is what a step calls so."""
    return appended(cache, token, pos, ROWS)


def padded(cache, token, pos, length):
    """Only the first `length`, i32[1]."""
    return appended(cache, token, pos, length)


def placed(cache, token, pos, length):
    """Under the name of the step's position the caller passes one for each row."""
    return appended(cache, token, pos[0], length)


def lowered(function, *others):
    import jax
    import jax.numpy as jnp

    integers = [jax.ShapeDtypeStruct(shape, jnp.int32) for shape in others]
    cache = jax.ShapeDtypeStruct((BATCH, CAPACITY, WIDTH), jnp.float32)
    return jax.jit(function).lower(cache, *integers)


@pytest.fixture(scope="module")
def lifted():
    return kvlift.lift(
        {
            "whole": lowered(whole, (BATCH, ROWS), ()),
            "padded": lowered(padded, (BATCH, ROWS), (), (1,)),
            "placed": lowered(placed, (BATCH, ROWS), (ROWS,), (1,)),
            "step": lowered(step, (BATCH,), ()),
        }
    )


def prompts(count):
    return (np.arange(count * BATCH * ROWS).reshape(count, BATCH, ROWS) * 7 % VOCABULARY).astype(
        np.int32
    )


def expected(sampler, lengths):
    """Tokens i32[batch, 1 + STEPS] after prompts of these lengths, fed by this host."""
    import jax

    cache, position, made = np.zeros((BATCH, CAPACITY, WIDTH), np.float32), 0, []

    def chosen(logits, index):
        last = np.asarray(logits).astype(np.float32)
        if sampler.seed is None:
            return last.argmax(-1).astype(np.int32)
        return np.array(reference.sample(last, sampler, index), np.int32)

    for prompt, length in zip(prompts(len(lengths)), lengths, strict=True):
        cache, logits = jax.jit(appended)(cache, prompt, position, length)
        position += length
    made.append(chosen(logits, len(lengths) - 1))
    for index in range(STEPS):
        cache, logits = jax.jit(step)(cache, made[-1], position)
        made.append(chosen(logits[:, -1], len(lengths) + index))
        position += 1
    return np.stack(made, 1), position


def carried(lifted, sampler, prefill):
    return lifted.carry(
        tokens="token",
        positions=["pos"],
        sampler=sampler,
        history=STEPS + 2,
        function="step",
        prefill=prefill,
        length=None if prefill == "whole" else "length",
    )


CACHE = {"cache": np.zeros((BATCH, CAPACITY, WIDTH), np.float32)}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("sampler", SAMPLERS, ids=["greedy", "random"])
def test_a_prefill_and_steps_equal_those_of_a_host(lifted, target, sampler):
    program = kvlift.compile(carried(lifted, sampler, "whole"), target)
    want, position = expected(sampler, [ROWS])
    with program.session(state=CACHE) as session:
        before = session.addresses()
        for _ in range(2):
            assert session.whole(prompts(1)[0]) is None
            np.testing.assert_array_equal(session.step.run(STEPS), want[:, 1:])
            np.testing.assert_array_equal(session.state["history"][:, : STEPS + 1], want)
            assert session.state["pos"] == position
            assert session.addresses() == before
            session.reset()
            before = session.addresses()


@pytest.mark.parametrize("prefill", ["padded", "placed"])
def test_prompts_are_as_long_as_their_length_says(lifted, prefill):
    """And a second one goes on where the first one ended."""
    program = kvlift.compile(carried(lifted, Sampler.greedy(), prefill))
    want, position = expected(Sampler.greedy(), [LENGTH, LENGTH + 1])
    with program.session(state=CACHE) as session:
        at = 0
        for prompt, length in zip(prompts(2), (LENGTH, LENGTH + 1), strict=True):
            own = {"pos": np.arange(at, at + ROWS, dtype=np.int32)} if prefill == "placed" else {}
            session.function(prefill)(token=prompt, length=[length], **own)
            at += length
            assert session.state["pos"] == at
        np.testing.assert_array_equal(session.state["token"], want[:, 0])
        np.testing.assert_array_equal(session.step.run(STEPS), want[:, 1:])
        assert session.state["pos"] == position


def test_several_prefills_share_the_steps_slots(lifted):
    found = lifted.carry(
        tokens="token",
        positions=["pos"],
        function="step",
        prefill=["padded", "placed"],
        length="length",
    )
    roles = {
        function.name: {slot.role: slot.name for slot in function.slots if slot.role}
        for function in found.manifest.functions
    }
    shared = {"tokens": "token", "position": "pos", "history": "history", "next": "history_next"}
    assert roles == {
        "whole": {},
        "padded": {**shared, "logits": "padded.result1"},
        "placed": {**shared, "logits": "placed.result1"},
        "step": {**shared, "logits": "logits"},
    }
    assert not found.values["pos"].any()
    assert found.values["token"].shape == (BATCH,)
    # The caller of `placed` brings what its own arguments are called, as before.
    names = [a.name for a in found.manifest.function("placed").arguments if not a.is_state]
    assert names == ["token", "pos", "length"]


def test_a_command_line_names_the_prefills_own_argument(lifted):
    found = carried(lifted, Sampler.greedy(), "padded")
    signature = found.manifest.function("padded")
    given = values_for(signature, {**found.values, **CACHE}, {"token": prompts(1)[0]}, None)
    assert given.filled == ("length",)
    assert not given.state
    assert given.inputs["token"].shape == (BATCH, ROWS)
    times = measure(found, "pjrt:cpu", "padded", 2, {**CACHE, "token": prompts(1)[0]})
    assert times["lifted"].copies == 0
    assert times["unlifted"].problem == ""


def test_nothing_crosses_between_prefill_and_steps(lifted):
    import jax

    program = kvlift.compile(carried(lifted, Sampler.greedy(), "whole"))
    with program.session(state=CACHE) as session:
        session.whole(prompts(1)[0])
        session.step.run(1)
        session.reset()
        session.whole(prompts(1)[0])
        with jax.transfer_guard("disallow"):
            tokens = session.step.run(STEPS)
    np.testing.assert_array_equal(tokens, expected(Sampler.greedy(), [ROWS])[0][:, 1:])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prefill": "step"}, "function 'step' cannot be its own prefill"),
        ({"prefill": "padded", "length": "count"}, "'padded' has no argument 'count'; what"),
        (
            {"prefill": "padded", "length": "token"},
            r"argument 'token' of function 'padded' is 3x5xi32; a number of tokens is one integer",
        ),
        (
            {"prefill": "unnamed"},
            r"function 'unnamed' has no argument 'token', \[batch, tokens\], that says how many",
        ),
        (
            {"prefill": "others"},
            "logits of function 'others' are 3x49xf32, those of 'step' 3x2x50xbf16: both are for",
        ),
        (
            {"prefill": "rows", "length": "length"},
            r"logits of function 'rows' are 3x5x50xf32, so the last row is not that of token 'leng",
        ),
        (
            {"prefill": "clash"},
            "'clash' has an argument of its own that is called 'history', so it cannot share",
        ),
    ],
)
def test_prefills_that_cannot_hand_on(options, message):
    import jax.numpy as jnp

    def unnamed(cache, ids, pos):
        return whole(cache, ids, pos)

    def others(cache, token, pos):
        cache, logits = whole(cache, token, pos)
        return cache, logits[:, 1:].astype(jnp.float32)

    def rows(cache, token, pos, length):
        cache, logits = padded(cache, token, pos, length)
        return cache, jnp.zeros((1, ROWS, 1)) + logits[:, None].astype(jnp.float32)

    def clash(cache, token, pos, history):
        return padded(cache, token, pos, history)

    prompt = (BATCH, ROWS)
    sources = {
        "padded": lambda: lowered(padded, prompt, (), (1,)),
        "unnamed": lambda: lowered(unnamed, prompt, ()),
        "others": lambda: lowered(others, prompt, ()),
        "rows": lambda: lowered(rows, prompt, (), (1,)),
        "clash": lambda: lowered(clash, prompt, (), ()),
    }
    name = options["prefill"] if options["prefill"] in sources else "padded"
    lifted = kvlift.lift({name: sources[name](), "step": lowered(step, (BATCH,), ())})
    with pytest.raises(LiftError, match=message):
        lifted.carry(tokens="token", positions=["pos"], function="step", **options)
