"""Slots that are stored as another type than the model means: on both runtimes, and in packages.

What a step should give is asked of the StableHLO interpreter, with the module as it was lifted.
"""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
import small_programs as programs

import kvlift
from interpreter import evaluate
from kvlift.runtime.values import numpy_dtype, to_logical, to_store
from kvlift.slots import Slot, TensorType

TARGETS = ("pjrt:cpu", "iree:cpu")
ROWS, DEPTH = 16, 8
SHAPES = {"[1,H,S,D]": (1, 2), "[B,1,S,D]": (2, 1), "[1,1,S,D]": (1, 1), "[B,H,S,D]": (2, 2)}
# Each shape, and each element type.
CASES = [*((shape, "f32") for shape in SHAPES), *(("[1,H,S,D]", d) for d in ("bf16", "f8E4M3FN"))]


def attention(lead: tuple[int, int], dtype: str) -> str:
    """Writes a row of the cache, out of range included, and scores all rows against `q`."""
    b, h = lead
    c, n = f"tensor<{b}x{h}x{ROWS}x{DEPTH}x{dtype}>", f"tensor<{b}x{h}x1x{DEPTH}x{dtype}>"
    s, i = f"tensor<{b}x{h}x{ROWS}x1x{dtype}>", "tensor<i32>"
    argument = programs.argument
    return f"""
func.func @main({argument("c", c, result=1)}, {argument("x", n)}, {argument("q", n)},
                {argument("p", i)}) -> ({s}, {c}) {{
  %z = stablehlo.constant dense<0> : {i}
  %last = stablehlo.constant dense<{ROWS - 1}> : {i}
  %old = stablehlo.dynamic_slice %c, %z, %z, %p, %z, sizes = [{b}, {h}, 1, {DEPTH}]
      : ({c}, {i}, {i}, {i}, {i}) -> {n}
  %ok = stablehlo.compare LE, %p, %last : ({i}, {i}) -> tensor<i1>
  %row = stablehlo.select %ok, %x, %old : tensor<i1>, {n}
  %u = stablehlo.dynamic_update_slice %c, %row, %z, %z, %p, %z
      : ({c}, {n}, {i}, {i}, {i}, {i}) -> {c}
  %s = stablehlo.dot_general %u, %q, batching_dims = [0, 1] x [0, 1],
      contracting_dims = [3] x [3] : ({c}, {n}) -> {s}
  return %s, %u : {s}, {c}
}}"""


def bits(array: np.ndarray) -> np.ndarray:
    """What the interpreter takes for types that numpy lacks."""
    is_narrow = array.dtype in (ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn)
    return array.view(f"u{array.dtype.itemsize}") if is_narrow else array


def small_integers(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Sums of their products are exact in every type and order."""
    return rng.integers(-1, 2, shape).astype(numpy_dtype(dtype))


@pytest.mark.parametrize(("shape", "dtype"), [*CASES, ("[B,1,S,D]", "bf16")])
@pytest.mark.parametrize("target", TARGETS)
def test_chained_steps_equal_the_interpreters(target, shape, dtype):
    lead = SHAPES[shape]
    lifted = programs.lift(attention(lead, dtype))
    rng = np.random.default_rng(0)
    start = small_integers(rng, (*lead, ROWS, DEPTH), dtype)
    row = (*lead, 1, DEPTH)
    calls = [
        (small_integers(rng, row, dtype), small_integers(rng, row, dtype), np.array(p, "i4"))
        for p in (3, 0, ROWS + 5, 3)
    ]
    expected = evaluate(
        lifted.text(),
        [[bits(start) if k == 0 else None, *map(bits, call)] for k, call in enumerate(calls)],
        carry={0: 1},
    )
    with kvlift.compile(lifted, target).session(state={"c": start}) as session:
        for call, (scores, cache) in zip(calls, expected, strict=True):
            assert np.array_equal(bits(session(*call)), scores)
            shown = session.state["c"]
            assert (shown.shape, shown.dtype) == (start.shape, start.dtype)
            assert np.array_equal(bits(shown), cache)
        session.reset()
        assert session.state["c"].tobytes() == start.tobytes()


def test_the_manifest_has_both_types():
    lifted = programs.lift(attention((1, 2), "bf16"))
    (slot,) = lifted.slots
    assert slot.logical == slot.store == TensorType((1, 2, ROWS, DEPTH), "bf16")
    program = kvlift.compile(lifted, "pjrt:cpu")
    (slot,) = program.manifest.function("main").slots
    assert slot.logical == TensorType((1, 2, ROWS, DEPTH), "bf16")
    assert slot.store == TensorType((2, ROWS, DEPTH), "ui16")
    # The update is in place; the product is of f32.
    assert slot.verdict is not None
    assert "XLA:CPU converts the whole slot for 'stablehlo.dot_general'" in slot.verdict
    assert [copy.op for copy in program.audit().copies] == ["convert"]
    (slot,) = kvlift.compile(lifted, "iree:cpu").manifest.function("main").slots
    assert slot.store == slot.logical


@pytest.mark.parametrize("target", TARGETS)
def test_a_package_keeps_both_types(target, tmp_path):
    """What was lifted for one target runs on the other as well."""
    lifted = programs.lift(attention((1, 2), "bf16"), target="pjrt:cpu")
    assert lifted.slots[0].store.dtype == "ui16"
    lifted.save(tmp_path / "model.kvl")
    loaded = kvlift.load(tmp_path / "model.kvl")
    assert loaded.manifest == lifted.manifest
    rng = np.random.default_rng(0)
    start = small_integers(rng, (1, 2, ROWS, DEPTH), "bf16")
    row = small_integers(rng, (1, 2, 1, DEPTH), "bf16")
    with kvlift.compile(loaded, target).session(state={"c": start}) as session:
        session(row, row, np.array(5, "i4"))
        start[:, :, 5:6] = row
        assert session.state["c"].tobytes() == start.tobytes()


def test_values_of_a_stored_slot_are_checked_against_its_logical_type():
    program = kvlift.compile(programs.lift(attention((1, 2), "bf16")), "pjrt:cpu")
    stored = np.zeros((2, ROWS, DEPTH), np.uint16)
    with pytest.raises(
        kvlift.SessionError, match=r"slot 'c' expects 1x2x16x8xbf16, got 2x16x8xui16"
    ):
        program.session(state={"c": stored})


def test_a_torch_model_of_bf16_equals_eager():
    """A real export: its initial value is a torch tensor, its state is compared with eager's."""
    import torch

    class Cache(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("cache", torch.randn(1, 2, ROWS, DEPTH).bfloat16())

        def forward(self, row: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
            self.cache.index_copy_(2, position, row)
            return self.cache.index_select(2, position) * 2

    torch.manual_seed(0)
    model = Cache()
    row = torch.randn(1, 2, 1, DEPTH).bfloat16()
    exported = kvlift.export(model, (row, torch.tensor([0])))
    program = kvlift.compile(kvlift.lift(exported), "pjrt:cpu")
    assert program.manifest.function("main").slots[0].store == TensorType((2, ROWS, DEPTH), "ui16")
    assert program.audit().is_in_place
    with program.session() as session:
        for p in (3, 15, 0):
            got = session(row * p, torch.tensor([p]))
            expected = model(row * p, torch.tensor([p]))
            assert got.tobytes() == expected.view(torch.int16).numpy().tobytes()
        assert session.state["cache"].tobytes() == model.cache.view(torch.int16).numpy().tobytes()


def two_functions(decode_slot: str = "1x2x16x8xbf16") -> str:
    """A prefill and a decode step that share the slot `c`."""
    argument = programs.argument
    texts = []
    for name, slot, rows in (("prefill", "1x2x16x8xbf16", 4), ("decode", decode_slot, 1)):
        c, n, i = f"tensor<{slot}>", f"tensor<1x2x{rows}x8xbf16>", "tensor<i32>"
        texts.append(f"""
func.func @{name}({argument("c", c, result=0)}, {argument("x", n)}, {argument("p", i)}) -> {c} {{
  %z = stablehlo.constant dense<0> : {i}
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %z, %p, %z
      : ({c}, {n}, {i}, {i}, {i}, {i}) -> {c}
  return %u : {c}
}}""")
    return "\n".join(texts)


def test_functions_that_share_a_slot_store_it_alike():
    lifted = programs.lift(two_functions())
    stored = lifted.for_target("pjrt:cpu")
    assert [f.name for f in stored.manifest.functions] == ["prefill", "decode"]
    for function in stored.manifest.functions:
        (slot,) = function.slots
        assert (slot.name, slot.verdict) == ("c", "in_place")
        assert slot.logical == TensorType((1, 2, ROWS, DEPTH), "bf16")
        assert slot.store == TensorType((2, ROWS, DEPTH), "ui16")


def test_functions_that_mean_two_types_by_one_slot_are_refused():
    with pytest.raises(kvlift.LiftError, match="slot 'c' of function 'decode' is tensor<1x2x8x8"):
        programs.lift(two_functions("1x2x8x8xbf16"))


def test_inspect_shows_both_types():
    from rich.console import Console

    from kvlift.inspect import as_html, as_tree

    lifted = programs.lift(attention((1, 2), "bf16"), target="pjrt:cpu")
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(as_tree(lifted))
    types = "1x2x16x8xbf16 (stored as 2x16x8xui16)"
    assert types in console.export_text()
    assert types in as_html(lifted, "title")


def slot_of(logical: TensorType, store: TensorType, order: tuple[int, ...] | None = None) -> Slot:
    return Slot("c", 0, 0, logical, store, "buffer", "none", order=order)


def test_another_name_for_the_same_bits_is_a_view():
    array = np.arange(6, dtype=np.uint16).reshape(2, 3)
    slot = slot_of(TensorType((1, 2, 3), "bf16"), TensorType((2, 3), "ui16"))
    shown = to_logical(array, slot)
    assert shown.shape == (1, 2, 3)
    assert shown.dtype == ml_dtypes.bfloat16
    assert np.shares_memory(array, shown)
    assert np.shares_memory(array, to_store(shown, slot))


def test_another_order_of_dims_is_a_transpose():
    value = np.arange(24, dtype=np.uint16).view(ml_dtypes.bfloat16).reshape(1, 4, 2, 3)
    slot = slot_of(
        TensorType((1, 4, 2, 3), "bf16"), TensorType((3, 4, 2), "ui16"), order=(0, 3, 1, 2)
    )
    stored = to_store(value, slot)
    assert stored.dtype == np.uint16
    assert np.array_equal(stored, value.view(np.uint16)[0].transpose(2, 0, 1))
    assert stored.flags.c_contiguous
    shown = to_logical(stored, slot)
    assert np.shares_memory(stored, shown)
    assert shown.tobytes() == value.tobytes()


def rows_first(batch: int, dtype: str, rows: int = 1) -> str:
    """Attention over a cache [B, S, H, D], whose rows it writes and reads a part of."""
    b, h = batch, 2
    c, n = f"tensor<{b}x{ROWS}x{h}x{DEPTH}x{dtype}>", f"tensor<{b}x{rows}x{h}x{DEPTH}x{dtype}>"
    s, i = f"tensor<{b}x{h}x{ROWS}x{rows}x{dtype}>", "tensor<i32>"
    argument = programs.argument
    return f"""
func.func @main({argument("c", c, result=1)}, {argument("x", n)}, {argument("q", n)},
                {argument("p", i)}) -> ({s}, {c}, {n}) {{
  %z = stablehlo.constant dense<0> : {i}
  %u = stablehlo.dynamic_update_slice %c, %x, %z, %p, %z, %z
      : ({c}, {n}, {i}, {i}, {i}, {i}) -> {c}
  %s = stablehlo.dot_general %u, %q, batching_dims = [0, 2] x [0, 2],
      contracting_dims = [3] x [3] : ({c}, {n}) -> {s}
  %first = stablehlo.slice %u [0:{b}, 0:{rows}, 0:{h}, 0:{DEPTH}] : ({c}) -> {n}
  return %s, %u, %first : {s}, {c}, {n}
}}"""


# The element type on both targets, and the shape of the store on each.
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("batch", "dtype"), [(2, "f32"), (1, "f32"), (1, "bf16"), (3, "i8")])
@pytest.mark.parametrize("rows", [1, 3])
def test_steps_on_a_slot_whose_dims_lie_in_another_order(target, batch, dtype, rows):
    lifted = programs.lift(rows_first(batch, dtype, rows))
    program = kvlift.compile(lifted, target)
    (slot,) = program.manifest.function("main").slots
    assert slot.order == (0, 2, 1, 3)
    assert slot.logical == TensorType((batch, ROWS, 2, DEPTH), dtype)
    assert slot.store.shape[-3:] == (2, ROWS, DEPTH)
    is_converted = target == "pjrt:cpu" and dtype == "bf16"
    assert {copy.op for copy in program.audit().copies} <= ({"convert"} if is_converted else set())
    rng = np.random.default_rng(0)
    start = small_integers(rng, (batch, ROWS, 2, DEPTH), dtype)
    row = (batch, rows, 2, DEPTH)
    calls = [
        (small_integers(rng, row, dtype), small_integers(rng, row, dtype), np.array(p, "i4"))
        for p in (3, 0, ROWS + 5, -2)
    ]
    expected = evaluate(
        lifted.text(),
        [[bits(start) if k == 0 else None, *map(bits, call)] for k, call in enumerate(calls)],
        carry={0: 1},
    )
    with program.session(state={"c": start}) as session:
        for call, (scores, cache, first) in zip(calls, expected, strict=True):
            results = session(*call)
            assert np.array_equal(bits(results[0]), scores)
            assert np.array_equal(bits(results[1]), first)
            shown = session.state["c"]
            assert (shown.shape, shown.dtype) == (start.shape, start.dtype)
            assert np.array_equal(bits(shown), cache)
        session.reset()
        assert session.state["c"].tobytes() == start.tobytes()


@pytest.mark.parametrize("target", TARGETS)
def test_a_package_and_a_sliced_slot_keep_the_order(target, tmp_path):
    """What was lifted for one target runs on the other, and on the host."""
    lifted = programs.lift(rows_first(1, "bf16"), target="pjrt:cpu")
    lifted.save(tmp_path / "model.kvl")
    loaded = kvlift.load(tmp_path / "model.kvl")
    assert loaded.manifest == lifted.manifest
    assert loaded.slots[0].order == (0, 2, 1, 3)
    sliced = loaded.slice_results()
    assert sliced.manifest.function("main").sliced[0].order == (0, 2, 1, 3)
    rng = np.random.default_rng(0)
    start = small_integers(rng, (1, ROWS, 2, DEPTH), "bf16")
    row = small_integers(rng, (1, 1, 2, DEPTH), "bf16")
    expected = start.copy()
    expected[:, 5:6] = row
    for form in (loaded, sliced):
        with kvlift.compile(form, target).session(state={"c": start}) as session:
            session(row, row, np.array(5, "i4"))
            assert session.state["c"].tobytes() == expected.tobytes()


def test_inspect_shows_the_order_of_dims():
    from kvlift.inspect import as_html

    lifted = programs.lift(rows_first(1, "f32"), target="pjrt:cpu")
    assert "1x16x2x8xf32 (stored as 2x16x8xf32, dims 0, 2, 1, 3)" in as_html(lifted, "title")


def test_the_demos_decoder_is_in_place_at_batch_1():
    """Its caches are [1, H, S, D]: without another store type XLA:CPU makes 16 copies."""
    from kvlift.demo import build_decoder

    _, exported = build_decoder(1, 64)
    lifted = kvlift.lift(exported)
    assert len(kvlift.compile(programs.as_is(lifted), "pjrt:cpu").audit().copies) == 16
    program = kvlift.compile(lifted, "pjrt:cpu", require="in_place")
    assert program.audit().is_in_place
