"""Runs in a child process that has several devices; see `test_sharding.py`.

Each function is a check of its own: `python sharded_programs.py NAME`.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

import kvlift
from kvlift import CompileError

# Two heads on each device: XLA:CPU copies a part that has a dim of extent 1.
HEADS, ROWS, WIDTH, VOCABULARY = 8, 16, 8, 32
STEPS = 12
CACHE_BYTES = 2 * HEADS * ROWS * WIDTH * 4


def step(k, v, w, token, pos):
    """One attention layer over two caches, with the last token of two sequences."""
    x = jnp.sin(jnp.arange(VOCABULARY * 16) * 0.7).reshape(VOCABULARY, 16)[token]
    q = (x @ w).reshape(2, HEADS, WIDTH)
    k = jax.lax.dynamic_update_slice(k, q[:, :, None] * 2, (0, 0, pos, 0))
    v = jax.lax.dynamic_update_slice(v, q[:, :, None] + 1, (0, 0, pos, 0))
    scores = jnp.einsum("bhsd,bhd->bhs", k, q)
    scores = jnp.where(jnp.arange(ROWS) <= pos, scores, -1e9)
    out = jnp.einsum("bhs,bhsd->bhd", jax.nn.softmax(scores, -1), v)
    return k, v, out.reshape(2, HEADS * WIDTH) @ w.T @ jnp.cos(jnp.arange(512.0)).reshape(16, 32)


def lowered(devices):
    """The step for that many devices, each with its heads; None is a program without a mesh."""
    shape = jax.ShapeDtypeStruct
    cache = shape((2, HEADS, ROWS, WIDTH), jnp.float32)
    args = cache, cache, shape((16, HEADS * WIDTH), jnp.float32), shape((2,), jnp.int32)
    args = (*args, shape((), jnp.int32))
    if devices is None:
        return jax.jit(step).lower(*args)
    mesh = Mesh(np.array(jax.devices()[:devices]), ("heads",))
    heads = NamedSharding(mesh, PartitionSpec(None, "heads"))
    whole = NamedSharding(mesh, PartitionSpec())
    ways_in, ways_out = (heads, heads, heads, whole, whole), (heads, heads, whole)
    return jax.jit(step, in_shardings=ways_in, out_shardings=ways_out).lower(*args)


def given():
    cache = np.zeros((2, HEADS, ROWS, WIDTH), np.float32)
    weights = np.random.default_rng(0).standard_normal((16, HEADS * WIDTH)).astype(np.float32)
    return {"state": {"k": cache, "v": cache}, "weights": {"w": weights / 4}}


def generate(session):
    tokens, logits = np.array([3, 9], np.int32), []
    for position in range(STEPS):
        logits.append(session(token=tokens, pos=position))
        tokens = logits[-1].argmax(-1).astype(np.int32)
    return np.stack(logits)


def check_equal_and_stable(source):
    """Logits and caches of the partitioned program, whose caches stay where they are."""
    with kvlift.compile(kvlift.lift(lowered(None))).session(**given()) as session:
        want, caches = generate(session), {name: session.state[name] for name in session.state}
    lifted = kvlift.lift(source)
    assert lifted.partitions == 4
    assert [slot.name for slot in lifted.slots] == ["k", "v"]
    program = kvlift.compile(lifted, require="in_place")
    check_collectives(program.compiled_text())
    with program.session(**given()) as session:
        before = session.addresses()
        assert all(len(set(pointers)) == 4 for pointers in before.values())
        np.testing.assert_allclose(generate(session), want, rtol=1e-5, atol=1e-5)
        assert session.addresses() == before
        for name, cache in caches.items():
            np.testing.assert_allclose(session.state[name], cache, rtol=1e-5, atol=1e-6)
        kept = {name: session.state[name] for name in caches}
        session.main.warm_up(token=np.array([1, 2], np.int32), pos=2)
        assert session.addresses() == before
        for name, cache in kept.items():
            np.testing.assert_array_equal(session.state[name], cache)
        session.state["k"] = caches["k"]
        with session.fork() as other:
            np.testing.assert_array_equal(other.state["k"], caches["k"])


def check_collectives(text):
    """Nothing as large as a device's part of a cache goes from one device to another."""
    found = re.findall(r"= (\w+)\[([\d,]*)\]\S* (all-\w+|collective-\w+|reduce-scatter)", text)
    assert found
    for _, extents, op in found:
        size = 4 * int(np.prod([int(e) for e in extents.split(",") if e]))
        assert size < CACHE_BYTES / 4, f"{op} of {size} bytes"


def shardy():
    check_equal_and_stable(lowered(4))


def gspmd():
    jax.config.update("jax_use_shardy_partitioner", False)
    check_equal_and_stable(lowered(4))


def exported():
    shape = jax.ShapeDtypeStruct
    mesh = Mesh(np.array(jax.devices()), ("heads",))
    whole = NamedSharding(mesh, PartitionSpec("heads"))

    def count(total, x):
        return total + x, x * total

    twice = jax.jit(count, in_shardings=(whole, whole), out_shardings=(whole, whole))
    args = [shape((8,), jnp.float32)] * 2
    lifted = kvlift.lift(jax.export.export(twice)(*args), state={"total": (0, 0)})
    with kvlift.compile(lifted).session(state={"total": np.arange(8, dtype=np.float32)}) as session:
        x = np.ones(8, np.float32)
        np.testing.assert_array_equal(session(x), np.arange(8))
        np.testing.assert_array_equal(session(x), np.arange(8) + 1)


def carried():
    """Steps that feed themselves, on four devices."""
    with kvlift.compile(kvlift.lift(lowered(None))).session(**given()) as session:
        want = generate(session).argmax(-1).T
    lifted = kvlift.lift(lowered(4)).carry(tokens="token", positions=["pos"], history=STEPS)
    arguments = given()
    arguments["state"] |= {"token": np.array([3, 9], np.int32), "pos": 0}
    with kvlift.compile(lifted).session(**arguments) as session:
        before = session.addresses()
        np.testing.assert_array_equal(session.main.run(STEPS), want)
        assert session.addresses() == before


def cached():
    """What was compiled for four devices is read, from the cache and from a package."""
    os.environ.pop("KVLIFT_CACHE_LIMIT", None)  # The tests turn the cache off.
    lifted = kvlift.lift(lowered(4))
    with tempfile.TemporaryDirectory() as folder:
        path, kept = Path(folder, "step.kvl"), Path(folder, "cache")
        compiled = kvlift.compile(lifted, cache=kept)
        lifted.save(path, compiled=[compiled])
        loaded = kvlift.load(path)
        packed = kvlift.compile(loaded, cache=False, trust_compiled=True)
        programs = [compiled, kvlift.compile(lifted, cache=kept), packed]
        # Another number of devices is another program.
        assert kvlift.compile(kvlift.lift(lowered(2)), cache=kept).from_cache == {"main": False}
    assert [program.from_cache["main"] for program in programs] == [False, True, True]
    assert programs[0].audit() == programs[1].audit() == programs[2].audit()
    with programs[0].session(**given()) as session:
        want = generate(session)
    for program in programs[1:]:
        with program.session(**given()) as session:
            before = session.addresses()
            assert all(len(set(pointers)) == 4 for pointers in before.values())
            np.testing.assert_array_equal(generate(session), want)
            assert session.addresses() == before


def refused():
    """Too few devices, a runtime of one device, a slot that changes its sharding."""
    with pytest.raises(CompileError, match="is for 4 devices, and iree:cpu runs on one"):
        kvlift.compile(kvlift.lift(lowered(4)), "iree:cpu")
    text = kvlift.lift(lowered(4)).text().replace("num_partitions = 4", "num_partitions = 64")
    with pytest.raises(CompileError, match="is for 64 devices, pjrt:cpu has 4 here: XLA_FLAGS="):
        kvlift.compile(kvlift.lift(text))


if __name__ == "__main__":
    globals()[sys.argv[1]]()
