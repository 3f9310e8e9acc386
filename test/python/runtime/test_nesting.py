"""Arguments and results are nested as they were in the source, without what the session holds."""

from __future__ import annotations

import collections
from typing import NamedTuple

import numpy as np
import pytest

import kvlift
from kvlift.errors import LiftError, SessionError
from kvlift.structure import Fixed, Leaf, describe, is_call_description, is_description

torch = pytest.importorskip("torch")


class Pair(NamedTuple):
    first: object
    second: object


def test_containers_have_a_neutral_form():
    nested = ([Leaf(0), (Leaf(1), None)], {"k": Pair(Leaf(2), Fixed(3)), "d": {}})
    text = describe(nested)
    assert text == (
        '{"tuple":[{"list":[0,{"tuple":[1,{"value":null}]}]},{"dict":{"k":{"record":"Pair",'
        '"fields":{"first":2,"second":{"value":3}}},"d":{"dict":{}}}}]}'
    )
    assert is_description(text, 3)
    assert not is_description(text, 2)
    assert not is_call_description(text, 3)
    assert is_call_description(describe(((Leaf(0),), {})), 1)
    ordered = collections.OrderedDict(a=Leaf(0))
    assert describe(ordered) == '{"dict":{"a":0}}'
    for opaque in (object(), {1: Leaf(0)}, {Leaf(0)}, Fixed(float("nan")), Fixed(1j)):
        assert describe(opaque) is None


@pytest.mark.parametrize(
    "text",
    ["", "[]", "true", "-1", "1.5", '"x"', "{}", '{"list":3}', '{"list":[],"x":1}', '{"value":[]}',
     '{"record":"A"}', '{"dict":[]}', '{"tuple":[7]}', "[" * 100_000],
)  # fmt: skip
def test_other_texts_describe_nothing(text):
    assert not is_description(text, 7)
    source = f"""
func.func @main(%a: tensor<f32>) -> tensor<f32>
    attributes {{kvlift.inputs = "{text.replace('"', chr(92) + '"')}"}} {{
  return %a : tensor<f32>
}}"""
    with pytest.raises(LiftError, match="the module's marks are wrong: damaged manifest"):
        kvlift.lift(source)


class Nested(torch.nn.Module):
    """Takes and gives dicts, lists and tuples around a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("total", torch.zeros(4))

    def forward(self, x, options, *, pair):
        self.total.add_(x)
        return {
            "total": self.total + 0,
            "list": [x + options["a"], (options["b"][0] * 2, None)],
            "pair": pair[0] - pair[1],
        }


def vector(value: float) -> torch.Tensor:
    return torch.full((4,), float(value))


@pytest.fixture(scope="module", params=["pjrt:cpu", "iree:cpu"])
def session(request, tmp_path_factory):
    args = (vector(0), {"a": vector(0), "b": [vector(0)]})
    exported = kvlift.export(Nested(), args, {"pair": (vector(0), vector(0))})
    path = tmp_path_factory.mktemp("nested") / "model.kvl"
    kvlift.lift(exported).save(path)
    # A package keeps the nesting: it stands in the module.
    with kvlift.compile(kvlift.load(path), request.param).session() as opened:
        yield opened


def check(out: dict, total: float) -> None:
    assert list(out) == ["total", "list", "pair"]
    assert out["total"].tolist() == [total] * 4
    assert isinstance(out["list"], list)
    assert out["list"][0].tolist() == [3] * 4
    assert isinstance(out["list"][1], tuple)
    assert out["list"][1][0].tolist() == [6] * 4
    assert out["list"][1][1] is None
    assert out["pair"].tolist() == [-1] * 4


def test_a_torch_program_is_called_as_the_module_is(session):
    session.reset()
    nested = (vector(1), {"a": vector(2), "b": [vector(3)]})
    check(session(*nested, pair=(vector(4), vector(5))), 1)
    # Flat calls by position and by the manifest's names go on working.
    check(session(*(vector(i) for i in range(1, 6))), 2)
    names = [a.name for a in session.function().signature.arguments if not a.is_state]
    check(session(**{name: vector(i + 1) for i, name in enumerate(names)}), 3)


def test_numbers_are_no_containers():
    class Scaled(torch.nn.Module):
        def forward(self, factors, pair):
            return factors["a"] * 10 + factors["b"] + pair[0] * 0

    numbers = {"a": torch.tensor(1.0), "b": torch.tensor(1.0)}
    exported = kvlift.export(Scaled(), (numbers, (torch.tensor(1.0),)))
    with kvlift.compile(kvlift.lift(exported)).session() as session:
        assert session(2, 3.0, np.float32(1)) == 23
        assert session({"a": 2, "b": 3.0}, (1,)) == 23


def test_constants_of_the_export_may_be_passed_again():
    class Scaled(torch.nn.Module):
        def forward(self, x, scale=1, *, mode="up", flag=None):
            return x * scale if mode == "up" else x

    exported = kvlift.export(Scaled(), (torch.ones(2), 3), {"mode": "up", "flag": None})
    with kvlift.compile(kvlift.lift(exported)).session() as session:
        for args, by_name in (
            ((vector(1)[:2],), {}),
            ((vector(1)[:2], 3), {}),
            ((vector(1)[:2],), {"mode": "up", "flag": None}),
            ((vector(1)[:2], 3), {"mode": "up"}),
        ):
            assert session(*args, **by_name).tolist() == [3, 3]
        for args, by_name, message in (
            ((vector(1)[:2], 2), {}, r"argument\[1\] was fixed to 3 by the export"),
            (
                (vector(1)[:2],),
                {"mode": "down"},
                r"argument\['mode'\] was fixed to 'up' by the exp",
            ),
            ((vector(1)[:2], 3, 4), {}, "3 positional arguments given, the source takes 2"),
            ((vector(1)[:2],), {"other": 1}, "no argument 'other'"),
            ((), {"mode": "up"}, "missing 'x'"),
        ):
            with pytest.raises(SessionError, match=message):
                session(*args, **by_name)


def test_other_nestings_say_where(session):
    options, pair = {"a": vector(2), "b": [vector(3)]}, (vector(4), vector(5))
    before = session.calls
    for args, by_name, message in (
        ((vector(1), {"a": vector(2)}), {"pair": pair}, r"argument\[1\] expects the keys 'a', 'b'"),
        (
            (vector(1), {**options, "c": 1}),
            {"pair": pair},
            r"expects the keys .* got 'a', 'b', ",
        ),
        (
            (vector(1), {**options, "b": []}),
            {"pair": pair},
            r"argument\[1\]\['b'\] expects a s",
        ),
        ((vector(1), options), {"pair": pair[:1]}, r"\['pair'\] expects a sequence of 2, got 1"),
        ((vector(1), options), {}, "missing"),
        ((vector(1), options, vector(1)), {"pair": pair}, "3 positional arguments given"),
        ((vector(1), options), {"pair": pair, "z": 1}, "no argument 'z'"),
    ):
        with pytest.raises(SessionError, match=message):
            session(*args, **by_name)
    assert session.calls == before


def test_a_model_output_comes_back_by_name():
    transformers = pytest.importorskip("transformers")

    class Model(torch.nn.Module):
        def forward(self, x):
            return transformers.modeling_outputs.CausalLMOutput(logits=x + 1)

    with kvlift.compile(kvlift.lift(kvlift.export(Model(), (vector(0),)))).session() as session:
        out = session(vector(1))
        assert list(out) == ["logits"]
        assert out.logits.tolist() == [2] * 4
        with pytest.raises(AttributeError, match="no result 'loss'; there are: logits"):
            out.loss  # noqa: B018


def test_slots_are_left_out_of_a_jax_program():
    jax = pytest.importorskip("jax")

    def step(state, x):
        caches = {name: c.at[0].set(x["new"]) for name, c in state["caches"].items()}
        return {"out": [x["new"] * 2], "state": {"caches": caches}}

    caches = {name: jax.numpy.zeros((3, 4)) for name in "kv"}
    lowered = jax.jit(step).lower({"caches": caches}, {"new": jax.numpy.ones(4)})
    lifted = kvlift.lift(lowered)
    assert len(lifted.slots) == 2
    state = {slot.name: np.zeros((3, 4), np.float32) for slot in lifted.slots}
    with kvlift.compile(lifted).session(state=state) as session:
        out = session({"new": np.full(4, 3, np.float32)})
        assert list(out) == ["out"]
        assert out["out"][0].tolist() == [6] * 4
        assert all(session.state[name][0].tolist() == [3] * 4 for name in state)

    def pair(cache, x):
        return x + 1, cache.at[0].set(x)

    lifted = kvlift.lift(jax.jit(pair).lower(caches["k"], jax.numpy.ones(4)))
    with kvlift.compile(lifted).session(state={"cache": state[next(iter(state))]}) as session:
        assert session(np.ones(4, np.float32)).tolist() == [2] * 4
