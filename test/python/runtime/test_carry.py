"""A decode step that feeds itself gives the tokens of one that a host feeds."""

from __future__ import annotations

import numpy as np
import pytest

import kvlift
import sampling_reference as reference
from kvlift import LiftError, Sampler

TARGETS = ("pjrt:cpu", "iree:cpu")
BATCH, VOCABULARY, CAPACITY, WIDTH = 3, 50, 24, 8


def jax_step(cache, token, pos):
    """A recurrent decoder in JAX: (cache, logits) of two rows, of which the last one counts."""
    import jax
    import jax.numpy as jnp

    table = jnp.sin(jnp.arange(VOCABULARY * WIDTH) * 1.7).reshape(VOCABULARY, WIDTH)
    row = table[token] * (1 + pos % 5)
    cache = jax.lax.dynamic_update_slice(cache, row[:, None], (0, pos, 0))
    logits = (cache.sum(1) @ table.T * 0.7).astype(jnp.bfloat16)
    return cache, jnp.stack([-logits, logits], 1)


@pytest.fixture(scope="module")
def lifted():
    import jax
    import jax.numpy as jnp

    shapes = [
        jax.ShapeDtypeStruct((BATCH, CAPACITY, WIDTH), jnp.float32),
        jax.ShapeDtypeStruct((BATCH,), jnp.int32),
        jax.ShapeDtypeStruct((), jnp.int32),
    ]
    return kvlift.lift(jax.jit(jax_step).lower(*shapes))


def first_state(tokens):
    cache = np.zeros((BATCH, CAPACITY, WIDTH), np.float32)
    return {"cache": cache, "token": tokens, "pos": 0}


def expected(tokens, sampler, steps):
    """The tokens i32[batch, steps] that JAX and the reference sampler give, fed by this host."""
    import jax

    step = jax.jit(jax_step)
    cache, made = first_state(tokens)["cache"], []
    for position in range(steps):
        cache, logits = step(cache, tokens, position)
        last = np.asarray(logits[:, -1]).astype(np.float32)
        if sampler.seed is None:
            tokens = last.argmax(-1).astype(np.int32)
        else:
            tokens = np.array(reference.sample(last, sampler, position), np.int32)
        made.append(tokens)
    return np.stack(made, 1)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "sampler",
    [Sampler.greedy(), Sampler.random(3, temperature=2.0, top_k=9, top_p=0.9)],
    ids=["greedy", "random"],
)
def test_carried_steps_equal_steps_from_the_host(lifted, target, sampler):
    carried = lifted.carry(tokens="token", positions=["pos"], history=8, sampler=sampler)
    first = np.array([4, 9, 30], np.int32)
    want = expected(first, sampler, 20)
    with kvlift.compile(carried, target).session(state=first_state(first)) as session:
        before = session.addresses()
        for step in range(20):
            assert session() is None
            np.testing.assert_array_equal(session.state["token"], want[:, step])
        assert session.addresses() == before
        assert session.state["pos"] == 20
        # The last eight, in a ring of eight columns.
        np.testing.assert_array_equal(np.roll(session.state["history"], 4, 1), want[:, 12:])
        assert session.state["history_next"] == 20 % 8


def test_slots_and_first_values(lifted):
    carried = lifted.carry(tokens="token", positions=["pos"], sampler=Sampler.random(2**33 + 5))
    slots = {slot.name: slot for slot in carried.slots}
    assert {name: slot.role for name, slot in slots.items()} == {
        "cache": None,
        "token": "tokens",
        "pos": "position",
        "sampler": "sampler",
        "history": "history",
        "history_next": "next",
        "logits": "logits",
    }
    assert str(slots["history"].logical) == f"{BATCH}x1024xi32"
    assert str(slots["logits"].logical) == f"{BATCH}x2x{VOCABULARY}xbf16"
    assert carried.values["sampler"].tolist() == [5, 2, 0]
    assert not carried.values["history"].any()
    assert carried.manifest.function().obstacles == ()
    assert all(slot.verdict == "in_place" for slot in carried.slots)
    # The module that was carried is as it was.
    assert [slot.name for slot in lifted.slots] == ["cache"]


def test_a_carried_module_goes_through_a_file(lifted, tmp_path):
    carried = lifted.carry(tokens="token", positions=["pos"], sampler=Sampler.random(1))
    carried.save(tmp_path / "carried.kvl")
    loaded = kvlift.load(tmp_path / "carried.kvl")
    assert loaded.manifest == carried.manifest
    assert loaded.values["sampler"].tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tokens": "ids"}, "has no argument 'ids'; what callers pass: token, pos"),
        ({"tokens": "cache"}, "argument 'cache' is a slot already"),
        ({"tokens": "token", "positions": ["at"]}, "has no argument 'at'"),
        ({"tokens": "token", "logits": "scores"}, "no result 'scores'; .* no slots: result1"),
        ({"tokens": "token", "history": 0}, "history=0 must be at least 1"),
        ({"tokens": "pos"}, r"argument 'pos' is i32 .* a sampler needs to know batch"),
    ],
)
def test_what_cannot_be_carried_is_refused(lifted, options, message):
    with pytest.raises(LiftError, match=message):
        lifted.carry(**options)


def test_obstacles_are_what_the_host_is_needed_for(lifted):
    found = lifted.manifest.function().obstacles
    assert [(o.argument, o.op) for o in found] == [(1, ""), (2, ""), (None, "")]
    assert [o.why for o in found] == [
        "argument 'token' comes from the caller",
        "argument 'pos' comes from the caller",
        "result 'result1' comes in a buffer of its own",
    ]
