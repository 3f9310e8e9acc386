"""A decode step that feeds itself gives the tokens of one that a host feeds."""

from __future__ import annotations

import numpy as np
import pytest

import kvlift
import sampling_reference as reference
from kvlift import LiftError, Sampler, SessionError
from kvlift.audit.replay import hlo_obstacles

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
        ({"tokens": "token", "positions": "pos"}, "positions='pos' must be a list of arguments'"),
        ({"tokens": "token", "positions": None}, "positions=None must be a list of arguments'"),
        ({"tokens": "token", "positions": ["pos", "pos"]}, "'pos' is to be carried twice"),
        ({"tokens": "token", "positions": ["token"]}, "'token' is to be carried twice"),
        ({"tokens": "token", "history": "8"}, "history='8' must be a number of tokens"),
        (
            {"tokens": "token", "sampler": "greedy"},
            r"sampler='greedy' must be Sampler.greedy\(\) or",
        ),
    ],
)
def test_what_cannot_be_carried_is_refused(lifted, options, message):
    with pytest.raises(LiftError, match=message):
        lifted.carry(**options)


def test_an_unknown_function_or_a_second_carry_is_refused(lifted):
    with pytest.raises(KeyError, match="no function 'decode'; the module has: main"):
        lifted.carry(tokens="token", function="decode")
    with pytest.raises(LiftError, match="the results that are no slots: none"):
        lifted.carry(tokens="token").carry(tokens="token")


def test_obstacles_are_what_the_host_is_needed_for(lifted):
    found = lifted.manifest.function().obstacles
    assert [(o.argument, o.op) for o in found] == [(1, ""), (2, ""), (None, "")]
    assert [o.why for o in found] == [
        "argument 'token' comes from the caller",
        "argument 'pos' comes from the caller",
        "result 'result1' comes in a buffer of its own",
    ]


@pytest.fixture(scope="module", params=TARGETS)
def program(lifted, request):
    carried = lifted.carry(tokens="token", positions=["pos"], history=16)
    return kvlift.compile(carried, request.param)


FIRST = np.array([4, 9, 30], np.int32)


def values_of(session):
    return {name: session.state[name].tobytes() for name in session.state}


def test_run_equals_single_steps(program):
    want = expected(FIRST, Sampler.greedy(), 20)
    with program.session(state=first_state(FIRST)) as session:
        before = session.addresses()
        made = [session.main.run(steps) for steps in (1, np.int64(5), 14)]
        assert session.addresses() == before
        assert session.calls == 20
        np.testing.assert_array_equal(np.concatenate(made, 1), want)
        assert made[0].dtype == np.int32
        with program.session(state=first_state(FIRST)) as single:
            for _ in range(20):
                single()
            assert values_of(session) == values_of(single)


def test_restore_points_between_runs_of_many_steps(program):
    want = expected(FIRST, Sampler.greedy(), 12)
    with program.session(state=first_state(FIRST), checkpoint_every=4) as session:
        for steps in (3, 2, 5):
            session.main.run(steps)
        assert session.checkpoint.calls == 5
        assert session.restore_last().calls == session.calls == 5
        np.testing.assert_array_equal(session.main.run(7), want[:, 5:])


def test_nothing_crosses_between_steps(program, monkeypatch):
    with program.session(state=first_state(FIRST)) as session:
        counts = {"put": 0, "view": 0, "fetch": 0, "take": 0, "dispatch": 0}
        kind = type(session.main._executable)

        def counted(name):
            method = getattr(kind, name)

            def count(*args, **by_name):
                counts[name] += 1
                return method(*args, **by_name)

            return count

        for name in counts:
            monkeypatch.setattr(kind, name, counted(name))
        session.main.run(12)
        # The history and its next column, once at the end.
        assert counts == {"put": 0, "view": 2, "fetch": 0, "take": 0, "dispatch": 12}


def test_jax_sees_no_transfer(lifted):
    import jax

    carried = lifted.carry(tokens="token", positions=["pos"], history=16)
    with kvlift.compile(carried).session(state=first_state(FIRST)) as session:
        session.main.run(1)
        with jax.transfer_guard("disallow"):
            tokens = session.main.run(12)
    np.testing.assert_array_equal(tokens, expected(FIRST, Sampler.greedy(), 13)[:, 1:])


def test_warm_up_leaves_no_trace(program):
    with program.session(state=first_state(FIRST), checkpoint_every=2) as session:
        session.main.run(3)
        before, addresses, calls = values_of(session), session.addresses(), session.calls
        for _ in range(3):
            session.main.warm_up()
            assert values_of(session) == before
            assert session.addresses() == addresses
            assert session.calls == calls
        assert session.checkpoint is None
        want = expected(FIRST, Sampler.greedy(), 8)[:, 3:]
        np.testing.assert_array_equal(session.main.run(5), want)


def test_a_failed_warm_up_or_run_is_told(program, monkeypatch):
    with program.session(state=first_state(FIRST)) as session:
        session.main.run(2)
        before = values_of(session)
        kind = type(session.main._executable)
        dispatch = kind.dispatch
        calls = []

        def fail_late(self, buffers):
            results = dispatch(self, buffers)
            calls.append(1)
            if len(calls) == 3:
                raise RuntimeError("device lost")
            return results

        with monkeypatch.context() as patched:
            patched.setattr(kind, "run", lambda self, buffers: 1 / 0)
            with pytest.raises(SessionError, match="the call failed"):
                session.main.warm_up()
            assert values_of(session) == before
        with monkeypatch.context() as patched:
            patched.setattr(kind, "dispatch", fail_late)
            with pytest.raises(SessionError, match=r"session is poisoned and .*device lost"):
                session.main.run(5)
        with pytest.raises(SessionError, match="the session is poisoned"):
            session.main.run(1)
        session.reset()
        np.testing.assert_array_equal(session.main.run(3), expected(FIRST, Sampler.greedy(), 3))


def test_runs_that_cannot_be_are_refused(program, lifted):
    with program.session(state=first_state(FIRST)) as session:
        for steps in (0, 17, 1.5):
            with pytest.raises(SessionError, match=f"{steps} steps; .* from 1 to 16"):
                session.main.run(steps)
        with pytest.raises(SessionError, match="argument 'token' is a slot"):
            session.main.run(1, token=FIRST)
    plain = kvlift.compile(lifted, program.target)
    with (
        plain.session(state={"cache": first_state(FIRST)["cache"]}) as session,
        pytest.raises(SessionError, match=r"'main' does not feed itself; lifted.carry\(tokens="),
    ):
        session.main.run(1)


def test_replayable_names_what_is_in_the_way(program, lifted):
    with program.session(state=first_state(FIRST)) as session:
        report = session.main.replayable
    if program.target == "pjrt:cpu":
        assert report
        assert str(report) == "main: calls can be replayed without the host"
    else:
        # The position of the update is read back, and whole new values are copied back.
        assert not report
        assert {o.op for o in report.obstacles} == {"stream.resource.load", ""}
        assert "slot 'token' is copied back by the host" in str(report)
    plain = kvlift.compile(lifted, program.target)
    state = {"cache": first_state(FIRST)["cache"]}
    with plain.session(state=state) as session, plain.session({"pos": 3}, state) as bound:
        assert "argument 'pos' comes from the caller" in str(session.main.replayable)
        assert "argument 'pos'" not in str(bound.main.replayable)
        assert "argument 'token' comes from the caller" in str(bound.main.replayable)


def test_xla_names_loops_and_callbacks():
    import jax
    import jax.numpy as jnp

    def step(state, limit):
        looped = jax.lax.while_loop(lambda x: x.sum() < limit, lambda x: x * 2 + 1, state)
        return jax.pure_callback(lambda x: np.asarray(x), jax.typeof(looped), looped)

    shape = jax.ShapeDtypeStruct((4,), jnp.float32), jax.ShapeDtypeStruct((), jnp.float32)
    text = jax.jit(step).lower(*shape).compile().as_text()
    found = hlo_obstacles(text)
    assert {o.op for o in found} == {"while", "custom-call"}
    assert any("calls back to the host" in o.why for o in found)
