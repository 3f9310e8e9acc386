"""Runs in each of two processes that `jax.distributed` joins; see `test_sharding.py`.

`python process_programs.py PORT RANK`: each process has two of the four devices.
"""

from __future__ import annotations

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from sharded_programs import STEPS, check_collectives, generate, given, lowered

import kvlift
from kvlift import CompileError, SessionError
from kvlift.runtime.program import _backend


def unsharded():
    """Logits of the program on one device of this process."""
    with kvlift.compile(kvlift.lift(lowered(None)), cache=False).session(**given()) as session:
        return generate(session)


def check_steps(want):
    """A step over all four devices, of which each process holds the parts of two."""
    lifted = kvlift.lift(lowered(4))
    program = kvlift.compile(lifted, require="in_place")
    assert not _backend("pjrt:cpu", 4).is_kept  # Each process must compile, at the same time.
    check_collectives(program.compiled_text())
    with program.session(**given()) as session:
        before = session.addresses()
        assert {name: len(set(pointers)) for name, pointers in before.items()} == {"k": 2, "v": 2}
        np.testing.assert_allclose(generate(session), want, rtol=1e-5, atol=1e-5)
        assert session.addresses() == before
        elsewhere = "slot 'k': parts of it are on devices of other processes"
        for refused in (lambda: session.state["k"], session.snapshot, session.fork):
            with pytest.raises(SessionError, match=elsewhere):
                refused()
        with pytest.raises(SessionError, match=elsewhere):
            session.main.warm_up(token=np.array([1, 2], np.int32), pos=2)
        assert session.addresses() == before
        session.reset()
        np.testing.assert_allclose(generate(session), want, rtol=1e-5, atol=1e-5)


def check_carried(want):
    """Steps that feed themselves; tokens and logits are the same on each device."""
    lifted = kvlift.lift(lowered(4)).carry(tokens="token", positions=["pos"], history=STEPS)
    arguments = given()
    arguments["state"] |= {"token": np.array([3, 9], np.int32), "pos": 0}
    with kvlift.compile(lifted).session(**arguments) as session:
        before = session.addresses()
        np.testing.assert_array_equal(session.main.run(STEPS), want.argmax(-1).T)
        assert session.addresses() == before
        np.testing.assert_allclose(session.state["logits"], want[-1], rtol=1e-5, atol=1e-5)


def counter(spec):
    """`total + x` and `x * total`, all divided in that way over 2 processes x 2 devices."""
    mesh = Mesh(np.array(jax.devices()).reshape(2, 2), ("process", "device"))
    way = NamedSharding(mesh, PartitionSpec(spec))
    shape = jax.ShapeDtypeStruct((8,), jnp.float32)
    shared = jax.jit(
        lambda total, x: (total + x, x * total), in_shardings=(way, way), out_shardings=(way, way)
    )
    return way, kvlift.compile(kvlift.lift(shared.lower(shape, shape), state={"total": (0, 0)}))


STATE = {"total": np.ones(8, np.float32)}
X = np.arange(8, dtype=np.float32)


def check_divided_results():
    """A result in parts is refused before anything runs; as a jax array it has this process's."""
    way, program = counter(("process", "device"))
    with pytest.raises(SessionError, match=r"result '.*' of function 'main' .*returns='jax'"):
        program.session(state=STATE)
    with program.session(state=STATE, returns="jax") as session:
        for step in range(3):
            found = session(jax.device_put(X, way) if step == 1 else X)
            assert len(found.addressable_shards) == 2
            for part in found.addressable_shards:
                np.testing.assert_array_equal(part.data, (X * (1 + step * X))[part.index])


def check_parts_that_each_process_has():
    """Divided among the devices of each process, so that each has all parts."""
    _, program = counter("device")
    with program.session(state=STATE) as session:
        before = session.addresses()
        for step in range(3):
            np.testing.assert_array_equal(session(X), X * (1 + step * X))
            np.testing.assert_array_equal(session.state["total"], 1 + (step + 1) * X)
        assert session.addresses() == before
        with session.fork() as other:
            np.testing.assert_array_equal(other(X), session(X))


def check_too_many():
    text = kvlift.lift(lowered(4)).text().replace("num_partitions = 4", "num_partitions = 64")
    with pytest.raises(CompileError, match="pjrt:cpu has 2 here, 4 with all processes: XLA_FLAGS="):
        kvlift.compile(kvlift.lift(text))


if __name__ == "__main__":
    jax.distributed.initialize(f"127.0.0.1:{sys.argv[1]}", 2, int(sys.argv[2]))
    assert len(jax.devices()) == 4
    logits = unsharded()
    check_steps(logits)
    check_carried(logits)
    check_divided_results()
    check_parts_that_each_process_has()
    check_too_many()
