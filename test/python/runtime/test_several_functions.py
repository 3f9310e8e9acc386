"""Functions that share slots and weights by name: one state, one set of buffers, no copies."""

from __future__ import annotations

import numpy as np
import pytest
import small_programs as programs

import kvlift
from kvlift.errors import LiftError, SessionError

TARGETS = ("pjrt:cpu", "iree:cpu")
C, N = "tensor<4x16x8xf32>", "tensor<4x1x8xf32>"


def sums_source(cache: str = C, name: str = "main") -> str:
    """Reads the buffer `c` and updates nothing; a private function does the work."""
    return f"""
func.func @{name}({programs.argument("c", cache, "buffer")}) -> tensor<4x8xf32> {{
  %r = func.call @sum(%c) : ({cache}) -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}}
func.func private @sum(%c: {cache}) -> tensor<4x8xf32> {{
  %z = stablehlo.constant dense<0.0> : tensor<f32>
  %r = stablehlo.reduce(%c init: %z) applies stablehlo.add across dimensions = [1]
      : ({cache}, tensor<f32>) -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}}"""


def rows_source(rows: int) -> str:
    """Writes `x` times the parameter `w` into the first rows of the slot `c`."""
    x = f"tensor<4x{rows}x8xf32>"
    return f"""
func.func @main({programs.argument("w", N, "parameter")}, {programs.argument("x", x)},
                {programs.argument("c", C, "buffer", 0)}) -> {C} {{
  %z = stablehlo.constant dense<0> : tensor<i32>
  %f = stablehlo.reshape %w : ({N}) -> tensor<4x8xf32>
  %b = stablehlo.broadcast_in_dim %f, dims = [0, 2] : (tensor<4x8xf32>) -> {x}
  %y = stablehlo.multiply %x, %b : {x}
  %u = stablehlo.dynamic_update_slice %c, %y, %z, %z, %z
      : ({C}, {x}, tensor<i32>, tensor<i32>, tensor<i32>) -> {C}
  return %u : {C}
}}"""


def zeros() -> np.ndarray:
    return np.zeros((4, 16, 8), np.float32)


@pytest.fixture(scope="module")
def lifted() -> kvlift.LiftedModule:
    return kvlift.lift(
        {"prefill": rows_source(5), "decode": programs.weighted_source(), "sums": sums_source()}
    )


@pytest.fixture(scope="module", params=TARGETS)
def program(request, lifted) -> kvlift.Program:
    return kvlift.compile(lifted, request.param)


@pytest.fixture
def session(program):
    weights = {"w": np.full((4, 1, 8), 3, np.float32)}
    with program.session(weights=weights, state={"c": zeros()}) as opened:
        yield opened


def test_the_manifest_lists_all_and_a_reader_passes_the_slot_through(lifted):
    functions = {f.name: f for f in lifted.manifest.functions}
    assert list(functions) == ["prefill", "decode", "sums"]
    assert [(s.name, s.update) for f in functions.values() for s in f.slots] == [
        ("c", "dynamic_update_slice"),
        ("c", "dynamic_update_slice"),
        ("c", "none"),
    ]
    assert kvlift.Manifest.from_json(lifted.manifest.to_json()) == lifted.manifest


def test_every_function_works_on_the_same_buffer(program, session):
    assert program.audit().is_in_place, program.audit()
    before = session.addresses()
    x = np.arange(160, dtype=np.float32).reshape(4, 5, 8)
    expected = zeros()
    assert session.prefill(x) is None
    expected[:, :5] = 3 * x
    for step in range(5, 9):
        row = np.full((4, 1, 8), step, np.float32)
        session.decode(row, p=step)
        expected[:, step] = 3 * step
        np.testing.assert_array_equal(session.sums(), expected.sum(1))
    np.testing.assert_array_equal(session.state["c"], expected)
    assert session.addresses() == before
    assert session.calls == 9


def test_weights_are_put_once(program, session):
    first, second = session.prefill, session.decode
    shared = first._template[0]
    assert shared is not None
    assert any(buffer is shared for buffer in second._template)


def test_functions_are_found_by_name(program, session):
    assert session.function("decode") is session.decode
    assert session.decode.signature.name == "decode"
    with pytest.raises(SessionError, match="has several functions; call one of them: 'prefill'"):
        session(zeros())
    with pytest.raises(AttributeError, match="no attribute and no function 'encode'; its func"):
        session.encode  # noqa: B018
    with pytest.raises(KeyError, match="no function 'encode'; the session has: prefill, decode"):
        session.function("encode")
    with program.session(state={"c": zeros() + 2}, function="sums") as only:
        assert only().tolist() == np.full((4, 8), 32).tolist()


def test_a_joined_module_survives_a_package(lifted, tmp_path):
    lifted.save(tmp_path / "model.kvl")
    loaded = kvlift.load(tmp_path / "model.kvl")
    assert loaded.manifest == lifted.manifest


def test_the_threads_of_iree_are_those_of_the_program(monkeypatch, lifted):
    from kvlift.runtime import iree

    monkeypatch.setattr(iree, "_BYTES_WORTH_THREADS", 100)
    drivers = {e.driver for e in kvlift.compile(lifted, "iree:cpu")._executables.values()}
    assert drivers == {"local-task"}


def test_jax_programs_share_slots():
    jax = pytest.importorskip("jax")
    jnp = jax.numpy

    def prefill(cache, x):
        return cache.at[:, :3].set(x)

    def decode(cache, x, p):
        cache = jax.lax.dynamic_update_slice(cache, x, (0, p, 0))
        return cache, cache.sum(1)

    cache, position = jnp.zeros((4, 16, 8)), jnp.int32(0)
    lifted = kvlift.lift(
        {
            "prefill": jax.jit(prefill).lower(cache, jnp.zeros((4, 3, 8))),
            "decode": jax.jit(decode).lower(cache, jnp.zeros((4, 1, 8)), position),
        }
    )
    with kvlift.compile(lifted).session(state={"cache": zeros()}) as session:
        session.prefill(np.ones((4, 3, 8), np.float32))
        sums = session.decode(np.full((4, 1, 8), 5, np.float32), 3)
        assert (sums == 8).all()


def test_state_is_told_per_function():
    t = "tensor<4xf32>"
    source = f"""
func.func @main(%a: {t} {{kvlift.name = "a"}}, %b: {t} {{kvlift.name = "b"}}) -> ({t}, {t}) {{
  %n = stablehlo.add %a, %b : {t}
  %m = stablehlo.multiply %a, %b : {t}
  return %m, %n : {t}, {t}
}}"""
    lifted = kvlift.lift(
        {"one": source, "two": source}, state={"one": {"s": (0, 1)}, "two": {"s": (1, 1)}}
    )
    with kvlift.compile(lifted).session(state={"s": np.ones(4, np.float32)}) as session:
        assert session.one(np.full(4, 2, np.float32)).tolist() == [2] * 4
        assert session.two(np.full(4, 4, np.float32)).tolist() == [12] * 4
        assert session.state["s"].tolist() == [7] * 4
    with pytest.raises(LiftError, match="state names the function 's'; the functions are: one"):
        kvlift.lift({"one": source}, state={"s": (0, 1)})


def test_slots_without_names_are_not_shared():
    """`%c` is no name in MLIR: that both caches are argument 0 says nothing."""
    slot = "tensor<4x8xf32>"
    body = f"""(%c: {slot}, %x: tensor<1x8xf32>, %p: tensor<i32>) -> {slot} {{
  %z = stablehlo.constant dense<0> : tensor<i32>
  %u = stablehlo.dynamic_update_slice %c, %x, %p, %z
      : ({slot}, tensor<1x8xf32>, tensor<i32>, tensor<i32>) -> {slot}
  return %u : {slot}
}}"""
    joined = kvlift.lift({"one": "func.func @main" + body, "two": "func.func @main" + body})
    whole = kvlift.lift("func.func @one" + body + "\nfunc.func @two" + body)
    for lifted in (joined, whole):
        assert [slot.name for slot in lifted.slots] == ["one.arg0", "two.arg0"]
    state = {name: np.zeros((4, 8), np.float32) for name in ("one.arg0", "two.arg0")}
    with kvlift.compile(joined).session(state=state) as session:
        session.one(np.ones((1, 8), np.float32), np.int32(2))
        assert session.state["one.arg0"].sum() == 8
        assert session.state["two.arg0"].sum() == 0


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(
        LiftError, match=r"'c' is 4x16x8xf32 in function 'a' and 4x3x8xf32 in function 'b'; .* name"
    ):
        kvlift.lift({"a": programs.weighted_source(), "b": sums_source("tensor<4x3x8xf32>")})
    with pytest.raises(LiftError, match="source of 'a' must have one public function; it has 'm"):
        kvlift.lift({"a": programs.weighted_source() + sums_source(name="other")})
    for sources in ({}, {1: programs.weighted_source()}, {"": programs.weighted_source()}):
        with pytest.raises(LiftError, match="several sources must be named"):
            kvlift.lift(sources)
    with pytest.raises(LiftError, match=r"(?s)the program 'b' cannot be lifted.*lost update"):
        kvlift.lift(
            {
                "a": sums_source(),
                "b": programs.weighted_source()
                .replace(", tf.aliasing_output = 0 : i32", "")
                .replace(', kvlift.kind = "buffer"', "")
                .replace("return %u", "return %c"),
            }
        )


def test_a_slot_is_sliced_in_all_functions_or_in_none():
    sources = {"decode": programs.weighted_source(), "sums": sums_source()}
    program = kvlift.compile(kvlift.lift(sources).slice_results())
    state = {"c": zeros()}
    with pytest.raises(SessionError, match="'c' is sliced in function 'decode' and tied in 'sums'"):
        program.session(state=state)
    with program.session(state=state, function="sums") as session:
        assert not session().any()


class Scaled:
    """torch sources over one module: they share its buffers and parameters."""

    @staticmethod
    def exported(scale: float, constant: float):
        torch = pytest.importorskip("torch")

        class Adder(torch.nn.Module):
            def __init__(self, cache, weight):
                super().__init__()
                self.register_buffer("cache", cache)
                self.weight = torch.nn.Parameter(weight)
                self.offset = torch.tensor([constant])

            def forward(self, x):
                self.cache.add_(x * self.weight)
                return self.cache * scale + self.offset

        return Adder, (torch.ones(4),)


@pytest.mark.parametrize("target", TARGETS)
def test_torch_programs_share_buffers_and_keep_their_own_constants(target):
    torch = pytest.importorskip("torch")
    cache, weight = torch.arange(4.0), torch.full((4,), 2.0)
    sources = {}
    for name, constant in (("one", 10.0), ("two", 20.0)):
        module, args = Scaled.exported(1.0, constant)
        sources[name] = kvlift.export(module(cache, weight), args)
    lifted = kvlift.lift(sources)
    with kvlift.compile(lifted, target).session() as session:
        assert session.one(np.ones(4, np.float32)).tolist() == [12, 13, 14, 15]
        assert session.two(np.ones(4, np.float32)).tolist() == [24, 25, 26, 27]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("cache", "'cache' starts with other values"),
        ("weight", "'weight' starts with other values"),
    ],
)
def test_values_of_one_name_must_be_the_same(what, message):
    torch = pytest.importorskip("torch")
    given = {"cache": torch.zeros(4), "weight": torch.ones(4)}
    sources = {}
    for name in ("one", "two"):
        module, args = Scaled.exported(1.0, 0.0)
        sources[name] = kvlift.export(module(**given), args)
        given = {**given, what: torch.full((4,), -0.0)}
    with pytest.raises(LiftError, match=f"{message} in function 'two' than in 'one'; export both"):
        kvlift.lift(sources)
