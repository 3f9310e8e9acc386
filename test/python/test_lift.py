"""`kvlift.lift` for each kind of source, its options, and what a LiftedModule keeps and saves."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import kvlift
from interpreter import evaluate
from kvlift.host import host, new_context

# A row of `cache` is replaced and all of it read; `%count` is raised by one.
SOURCE = """
module @step {
  func.func @main(%cache: tensor<4x8xf32> {kvlift.name = "cache"},
                  %row: tensor<1x8xf32>, %p: tensor<i32>,
                  %count: tensor<i64> {kvlift.name = "count", tf.aliasing_output = 2 : i32})
      -> (tensor<8xf32>, tensor<4x8xf32>, tensor<i64>) {
    %z = stablehlo.constant dense<0> : tensor<i32>
    %f = stablehlo.constant dense<0.0> : tensor<f32>
    %one = stablehlo.constant dense<1> : tensor<i64>
    %new = stablehlo.dynamic_update_slice %cache, %row, %p, %z
        : (tensor<4x8xf32>, tensor<1x8xf32>, tensor<i32>, tensor<i32>) -> tensor<4x8xf32>
    %sum = stablehlo.reduce(%new init: %f) applies stablehlo.add across dimensions = [0]
        : (tensor<4x8xf32>, tensor<f32>) -> tensor<8xf32>
    %next = stablehlo.add %count, %one : tensor<i64>
    return %sum, %new, %next : tensor<8xf32>, tensor<4x8xf32>, tensor<i64>
  }
}
"""
LOST = """
func.func @main(%cache: tensor<4x8xf32>, %row: tensor<1x8xf32>, %p: tensor<i32>) -> tensor<8xf32> {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %new = stablehlo.dynamic_update_slice %cache, %row, %p, %z
      : (tensor<4x8xf32>, tensor<1x8xf32>, tensor<i32>, tensor<i32>) -> tensor<4x8xf32>
  %sum = stablehlo.reduce(%new init: %f) applies stablehlo.add across dimensions = [0]
      : (tensor<4x8xf32>, tensor<f32>) -> tensor<8xf32>
  return %sum : tensor<8xf32>
}
"""
DTYPES = {
    "bf16": ml_dtypes.bfloat16,
    "f8E4M3FN": ml_dtypes.float8_e4m3fn,
    "f8E5M2": ml_dtypes.float8_e5m2,
    "i1": np.bool_,
    "i64": np.int64,
    "ui8": np.uint8,
    "f64": np.float64,
}


def parse(text: str) -> Any:
    """A module in a context that the caller made, as a compiler engineer has it."""
    from torch_mlir import ir

    return ir.Module.parse(text, new_context())


def bytecode(text: str) -> bytes:
    buffer = io.BytesIO()
    parse(text).operation.write_bytecode(buffer)
    return buffer.getvalue()


def artifact(text: str) -> bytes:
    module = parse(text)
    data, problems = host().write_artifact(module._CAPIPtr, "1.9.0")
    assert problems == []
    return bytes(data)


def pairs(lifted: kvlift.LiftedModule) -> list[tuple[str, int, int]]:
    return [(slot.name, slot.argument, slot.result) for slot in lifted.slots]


FORMS = {"text": str.encode, "bytecode": bytecode, "artifact": artifact}


@pytest.mark.parametrize("kind", ["bytes", "str path", "Path"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_stablehlo_gives_the_same_lift(tmp_path: Path, form: str, kind: str) -> None:
    data = FORMS[form](SOURCE)
    path = tmp_path / "model"
    path.write_bytes(data)
    lifted = kvlift.lift({"bytes": data, "str path": str(path), "Path": path}[kind])
    assert pairs(lifted) == [("cache", 0, 1), ("count", 3, 2)]
    assert lifted.text() == kvlift.lift(SOURCE).text()
    assert [s.update for s in lifted.slots] == ["dynamic_update_slice", "value"]
    assert lifted.values == {}
    assert path.read_bytes() == data


def test_manifest_and_marks_agree() -> None:
    lifted = kvlift.lift(SOURCE)
    function = lifted.manifest.function("main")
    assert lifted.manifest.function() is function
    assert [(a.name, str(a.type), a.kind) for a in function.arguments] == [
        ("cache", "4x8xf32", "inferred"),
        # The parser keeps no names of values.
        ("arg1", "1x8xf32", "user_input"),
        ("arg2", "i32", "user_input"),
        ("count", "i64", "inferred"),
    ]
    assert [(r.index, str(r.type), r.slot) for r in function.results] == [
        (0, "8xf32", None),
        (1, "4x8xf32", "cache"),
        (2, "i64", "count"),
    ]
    assert "tf.aliasing_output = 1 : i32" in lifted.text()
    with pytest.raises(KeyError, match="no function 'decode'; the module has: main"):
        lifted.manifest.function("decode")


def test_lifted_module_computes_the_same() -> None:
    rng = np.random.default_rng(0)
    arguments = [
        rng.standard_normal((4, 8)).astype(np.float32),
        rng.standard_normal((1, 8)).astype(np.float32),
        np.array(2, np.int32),
        np.array(41, np.int64),
    ]
    ((total, cache, count),) = evaluate(SOURCE, [arguments])
    lifted = kvlift.lift(SOURCE)
    got = evaluate(lifted.text(), [arguments])[0]
    for value, want in zip(got, (total, cache, count), strict=True):
        np.testing.assert_array_equal(value, want)
    state = {"cache": arguments[0], "count": 41}
    for target in ("pjrt:cpu", "iree:cpu"):
        with kvlift.compile(lifted, target).session(state=state) as session:
            np.testing.assert_allclose(session(arguments[1], 2), total, rtol=1e-6)
            np.testing.assert_array_equal(session.state["cache"], cache)
            assert session.state["count"] == count == 42


def test_a_module_is_changed_in_place() -> None:
    module = parse(SOURCE)
    operation = module.operation
    lifted = kvlift.lift(module)
    assert lifted.module is module
    assert "kvlift.slot" in str(operation)
    # Lifting again changes nothing.
    before = str(module)
    again = kvlift.lift(module)
    assert again.module is module
    assert str(module) == before
    assert again.slots == lifted.slots


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (LOST, {}, r"lost update of argument .*: no result carries what"),
        (SOURCE, {"state": {"p": (2, 0)}}, r"argument is tensor<i32>, the result is tensor<8xf32>"),
        (SOURCE, {"state": {"p": (9, 0)}}, r"the function has 4 arguments and 3 results"),
        (SOURCE, {"state": {"p": (-1, 0)}}, r"cannot tie argument #-1 to result #0"),
        (SOURCE, {"lost_updates": "maybe"}, r"lost-updates=maybe is not one of error, return"),
        (SOURCE, {"state": {"p": 3}}, r"state=\{'p': 3\} must map names to pairs of indices"),
        (SOURCE, {"state": {"p": ("a", 1)}}, r"must map names to pairs of indices"),
        (SOURCE, {"state": [(0, 0)]}, r"must map names to pairs of indices"),
        ("module {}", {}, r"the module has no public function, so nothing can be lifted"),
        (
            "func.func @main(%a: tensor<f32>, %b: i32) -> tensor<f32> { return %a : tensor<f32> }",
            {},
            r"argument #1 of function 'main' is i32; lift takes StableHLO on ranked tensors",
        ),
    ],
)
def test_a_refused_lift_leaves_the_module_as_it_was(source, options, message) -> None:
    module = parse(source)
    before = str(module), module.operation.get_asm(enable_debug_info=True)
    with pytest.raises(kvlift.LiftError, match=message):
        kvlift.lift(module, **options)
    assert (str(module), module.operation.get_asm(enable_debug_info=True)) == before


def test_lost_update_diagnostic_says_where_and_how_to_go_on(tmp_path: Path) -> None:
    path = tmp_path / "lost.mlir"
    path.write_text(LOST)
    with pytest.raises(kvlift.LiftError) as error:
        kvlift.lift(path)
    (diagnostic,) = error.value.diagnostics
    line = next(n for n, text in enumerate(LOST.splitlines(), 1) if "update_slice" in text)
    assert (diagnostic.severity, diagnostic.location.file) == ("error", str(path))
    assert diagnostic.location.line == line
    assert [n.severity for n in diagnostic.notes] == ["note", "note"]
    assert "lost-updates=return" in diagnostic.notes[1].message
    assert str(diagnostic) in str(error.value)


def test_lost_updates_return_and_ignore() -> None:
    returned = kvlift.lift(LOST, lost_updates="return")
    ((_, argument, result),) = pairs(returned)
    assert (argument, result) == (0, 1)
    ignored = kvlift.lift(LOST, lost_updates="ignore")
    assert ignored.slots == ()
    assert [d.severity for d in ignored.diagnostics] == ["remark"]
    cache, row = np.ones((4, 8), np.float32), np.full((1, 8), 5, np.float32)
    call = [cache, row, np.array(3, np.int32)]
    ((want,),) = evaluate(LOST, [call])
    ((total, new),) = evaluate(returned.text(), [call])
    np.testing.assert_array_equal(total, want)
    np.testing.assert_array_equal(new, np.concatenate([cache[:3], row]))
    assert len(evaluate(ignored.text(), [call])[0]) == 1


def test_state_option_ties_what_provenance_cannot() -> None:
    source = """func.func @main(%a: tensor<2xf32>, %b: tensor<2xf32>) -> (tensor<2xf32>) {
      %0 = stablehlo.multiply %a, %b : tensor<2xf32>
      return %0 : tensor<2xf32>
    }"""
    assert kvlift.lift(source).slots == ()
    lifted = kvlift.lift(source, state={"b": (1, 0)})
    (slot,) = lifted.slots
    assert (slot.argument, slot.result, slot.update) == (1, 0, "value")
    with kvlift.compile(lifted).session(state={slot.name: np.full(2, 3, np.float32)}) as session:
        for power in (6, 12, 24):
            assert session(np.full(2, 2, np.float32)) is None
            np.testing.assert_array_equal(session.state[slot.name], np.full(2, power))


def test_where_of_an_updated_value_and_the_old_one_is_state() -> None:
    """JAX puts each `where` into a private function, which knows nothing of its parameters."""
    import jax
    import jax.numpy as jnp

    def step(cache, row, position, active):
        return jnp.where(active, jax.lax.dynamic_update_slice(cache, row, (position, 0)), cache)

    zeros = jnp.zeros((8, 4))
    program = jax.jit(step).lower(zeros, zeros[:1], jnp.int32(0), jnp.bool_(False))
    lifted = kvlift.lift(program, target="pjrt:cpu", require="in_place")
    (slot,) = lifted.slots
    assert (slot.argument, slot.result) == (0, 0)
    cache = np.full((8, 4), -1, np.float32)
    with kvlift.compile(lifted).session(state={slot.name: cache}) as session:
        for i, (position, active) in enumerate([(2, True), (3, False), (9, True), (2, True)]):
            row = np.full((1, 4), i, np.float32)
            session(row, np.int32(position), np.bool_(active))
            cache = np.asarray(step(cache, row, position, active))
            np.testing.assert_array_equal(session.state[slot.name], cache)


def swapped_caches() -> tuple[Any, list[Any]]:
    """JAX pairs donated buffers with results of their shape: k with the new v."""
    import jax
    import jax.numpy as jnp

    def step(k, v, x, y, position):
        k = jax.lax.dynamic_update_slice(k, x, (0, position, 0))
        v = jax.lax.dynamic_update_slice(v, y, (0, position, 0))
        return v, k, jnp.sinh(x) + y

    cache = jax.ShapeDtypeStruct((4, 16, 8), jnp.float32)
    row = jax.ShapeDtypeStruct((4, 1, 8), jnp.float32)
    shapes = [cache, cache, row, row, jax.ShapeDtypeStruct((), jnp.int32)]
    return jax.jit(step, donate_argnums=(0, 1)), shapes


@pytest.mark.parametrize("kind", ["Lowered", "Exported"])
@pytest.mark.parametrize("target", ["pjrt:cpu", "iree:cpu"])
def test_jax_programs_with_misleading_aliasing(kind: str, target: str) -> None:
    import jax

    jitted, shapes = swapped_caches()
    make = {"Lowered": jitted.lower, "Exported": jax.export.export(jitted)}[kind]
    source = make(*shapes)
    assert type(source).__name__ == kind
    lifted = kvlift.lift(source)
    assert pairs(lifted) == [("k", 0, 1), ("v", 1, 0)]
    dropped = [d.message for d in lifted.diagnostics if d.severity == "remark"]
    assert dropped[0].startswith("tf.aliasing_output pairs argument #0 with result #0")
    rng = np.random.default_rng(1)
    k, v = rng.standard_normal((2, 4, 16, 8)).astype(np.float32)
    with kvlift.compile(lifted, target).session(state={"k": k, "v": v}) as session:
        for position in range(3):
            x, y = rng.standard_normal((2, 4, 1, 8)).astype(np.float32)
            # Copies: jitted donates what it is given.
            v, k, out = (
                np.array(a) for a in jitted(*map(jax.numpy.array, (k, v, x, y)), np.int32(position))
            )
            np.testing.assert_allclose(session(x, y, position), out, rtol=1e-5, atol=1e-6)
            np.testing.assert_array_equal(session.state["k"], k)
            np.testing.assert_array_equal(session.state["v"], v)


def test_chlo_is_taken_in() -> None:
    import jax
    import jax.numpy as jnp

    def step(cache, x):
        best = jax.lax.top_k(x, 2)[0] + jnp.arctanh(x[:, :2]) + jax.scipy.special.erfinv(x[:, 2:])
        return jax.lax.dynamic_update_slice(cache, best, (1, 0))

    shapes = [jax.ShapeDtypeStruct(s, jnp.float32) for s in ((4, 2), (1, 4))]
    lowered = jax.jit(step).lower(*shapes)
    assert "chlo." in lowered.as_text()
    lifted = kvlift.lift(lowered)
    assert pairs(lifted) == [("cache", 0, 0)]
    x = np.array([[0.1, -0.4, 0.3, 0.25]], np.float32)
    with kvlift.compile(lifted, "pjrt:cpu").session(
        state={"cache": np.zeros((4, 2), np.float32)}
    ) as session:
        session(x)
        want = np.asarray(step(jnp.zeros((4, 2)), x))
        np.testing.assert_allclose(session.state["cache"], want, rtol=1e-5, atol=1e-6)


def test_exported_program_and_its_import_lift_alike() -> None:
    from running import export
    from stateful_models import CASES

    from kvlift.frontends.torch_export import import_exported_program

    exported = export(CASES["index_copy"])
    lifted = kvlift.lift(exported)
    imported = import_exported_program(exported)
    in_memory = kvlift.lift(imported.module)
    assert in_memory.text() == lifted.text()
    assert set(lifted.values) == {"k"}
    assert in_memory.values == {}
    # The exported program keeps its own buffer.
    assert lifted.values["k"].data_ptr() != exported.state_dict["k"].data_ptr()


def typed_program(dtype: str, shape: str) -> str:
    t = f"tensor<{shape}{dtype}>"
    return f"""func.func @main(%c: {t} {{kvlift.name = "c", tf.aliasing_output = 1 : i32}},
        %x: {t}) -> ({t}, {t}) {{ return %x, %x : {t}, {t} }}"""


@pytest.mark.parametrize("shape", [(), (3, 2), (0, 4)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_saved_values_come_back_bit_for_bit(tmp_path: Path, dtype: str, shape) -> None:
    rng = np.random.default_rng(2)
    size = np.dtype(DTYPES[dtype]).itemsize
    raw = rng.integers(0, 2 if dtype == "i1" else 256, (*shape, size), np.uint8)
    value = raw.view(DTYPES[dtype])[..., 0]
    source = typed_program(dtype, "".join(f"{n}x" for n in shape))
    lifted = dataclasses.replace(
        kvlift.lift(source), values={"c": value, "other": value[..., None]}
    )
    lifted.save(tmp_path / "model.kvl")
    loaded = kvlift.load(tmp_path / "model.kvl")
    assert sorted(loaded.values) == ["c", "other"]
    for name, want in lifted.values.items():
        got = loaded.values[name]
        assert (got.dtype, got.shape) == (want.dtype, want.shape)
        assert got.tobytes() == want.tobytes()
    assert (loaded.text(), loaded.manifest) == (lifted.text(), lifted.manifest)


@pytest.mark.parametrize("target", ["pjrt:cpu", "iree:cpu"])
@pytest.mark.parametrize("name", ["bf16", "int8_scale", "bool_state", "nested_attention"])
def test_a_loaded_model_gives_the_same_session(tmp_path: Path, name: str, target: str) -> None:
    from running import export, steps_of
    from stateful_models import CASES

    lifted = kvlift.lift(export(CASES[name]))
    lifted.save(tmp_path / "model.kvl")
    loaded = kvlift.load(str(tmp_path / "model.kvl"))
    assert loaded.slots == lifted.slots
    assert loaded.values.keys() == lifted.values.keys()
    with (
        kvlift.compile(lifted, target).session() as first,
        kvlift.compile(loaded, target).session() as second,
    ):
        for leaves in steps_of(CASES[name]):
            np.testing.assert_array_equal(first(*leaves), second(*leaves))
            for slot in lifted.slots:
                np.testing.assert_array_equal(first.state[slot.name], second.state[slot.name])


def test_save_replaces_a_file_whole_and_obeys_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "model.kvl"
    path.write_text("old")
    lifted = kvlift.lift(SOURCE)
    before = os.umask(0o027)
    try:
        lifted.save(tmp_path / "new.kvl")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new.kvl").stat().st_mode) == 0o640
    lifted.save(path)
    assert path.read_bytes() == (tmp_path / "new.kvl").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["model.kvl", "new.kvl"]


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "model.kvl"
    lifted = kvlift.lift(SOURCE)
    lifted.save(path)
    before = path.read_bytes()
    odd = dataclasses.replace(lifted, values={"c": np.zeros(3, np.complex128)})
    with pytest.raises(kvlift.LiftError, match=r"cannot hold the value of 'c': .* is complex128"):
        odd.save(path)
    with pytest.raises(FileNotFoundError, match=rf"directory: '{tmp_path}/none/model.kvl'"):
        lifted.save(tmp_path / "none" / "model.kvl")
    with pytest.raises(IsADirectoryError, match=rf"directory: '{tmp_path}'"):
        lifted.save(tmp_path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model.kvl"]


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("abc", "Invalid target version argument 'abc'"),
        ("0.1.0", "target version 0.1.0 is less than minimum supported"),
        ("99.0.0", "target version 99.0.0 is greater than current version"),
    ],
)
def test_wrong_artifact_versions(version: str, message: str) -> None:
    lifted = kvlift.lift(SOURCE)
    before = lifted.text()
    with pytest.raises(kvlift.LiftError, match=f"of StableHLO {version}\n.*{message}"):
        lifted.artifact(version)
    assert lifted.text() == before
    assert kvlift.lift(lifted.artifact("1.9.0")).slots == lifted.slots


DETERMINISM = """
import hashlib, io, sys, warnings
sys.path[:0] = sys.argv[2:]
warnings.simplefilter("ignore")
import kvlift
from running import export
from stateful_models import CASES
from test_lift import SOURCE
path = sys.argv[1] + "/model.kvl"
for source in (SOURCE, *(export(CASES[n]) for n in ("nested_attention", "list_of_caches"))):
    lifted = kvlift.lift(source)
    lifted.save(path)
    for data in (lifted.text().encode(), lifted.artifact(), lifted.artifact("1.9.0"),
                 lifted.manifest.to_json().encode(), open(path, "rb").read(),
                 repr(lifted.diagnostics).encode()):
        print(len(data), hashlib.sha256(data).hexdigest())
"""


def test_same_input_gives_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    here = Path(__file__).parent
    outputs = []
    for seed in ("0", "4242"):
        folder = tmp_path / seed
        folder.mkdir()
        child = subprocess.run(
            [sys.executable, "-c", DETERMINISM, str(folder), str(here), str(here / "frontends")],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        outputs.append(child.stdout)
    assert len(outputs[0].splitlines()) == 18
    assert outputs[0] == outputs[1]


def test_manifest_round_trip_and_errors() -> None:
    manifest = kvlift.lift(SOURCE).manifest
    text = manifest.to_json()
    assert kvlift.Manifest.from_json(text) == manifest
    assert kvlift.Manifest.from_json(text).to_json() == text
    data = json.loads(text)
    argument = data["functions"][0]["arguments"][0]
    wrong = {
        "": "not a kvlift manifest",
        "{": "not a kvlift manifest",
        "[]": "not a kvlift manifest",
        "{}": "not a kvlift manifest: 'version'",
        json.dumps({**data, "version": 1}): "manifest version 1, this kvlift reads 2; lift again",
        json.dumps({"version": 2}): "damaged manifest: KeyError.'functions'",
        json.dumps({**data, "functions": 3}): "damaged manifest",
        json.dumps({**data, "functions": [{"name": "f"}]}): "damaged manifest: .*'arguments'",
        json.dumps(
            {**data, "functions": [{**data["functions"][0], "arguments": [{**argument, "x": 1}]}]}
        ): "damaged manifest: .*unexpected keyword argument 'x'",
    }
    for bad, message in wrong.items():
        with pytest.raises(ValueError, match=message):
            kvlift.Manifest.from_json(bad)


def test_dynamic_extents_are_none_in_the_manifest() -> None:
    source = "func.func @f(%a: tensor<?x3xf32>) -> tensor<?x3xf32> { return %a : tensor<?x3xf32> }"
    function = kvlift.lift(source).manifest.function("f")
    assert function.arguments[0].type == kvlift.TensorType((None, 3), "f32")
    assert str(function.results[0].type) == "?x3xf32"


def test_state_is_called_what_the_user_calls_it() -> None:
    source = """func.func @main(%a: tensor<2xf32>, %b: tensor<2xf32>) -> tensor<2xf32> {
        %0 = stablehlo.multiply %a, %b : tensor<2xf32>
        return %0 : tensor<2xf32> }"""
    (slot,) = kvlift.lift(source, state={"pos": (1, 0)}).slots
    assert (slot.name, slot.argument, slot.result) == ("pos", 1, 0)
    with pytest.raises(kvlift.LiftError, match="without spaces, commas or braces"):
        kvlift.lift(source, state={"a b": (1, 0)})


def test_require_in_place_refuses_what_the_target_copies() -> None:
    source = """func.func @main(%c: tensor<64x16xf32>) -> tensor<64x16xf32> {
        %0 = stablehlo.add %c, %c : tensor<64x16xf32>
        return %0 : tensor<64x16xf32> }"""
    tie = {"c": (0, 0)}
    (slot,) = kvlift.lift(source, state=tie, target="pjrt:cpu", require="in_place").slots
    assert slot.verdict == "in_place"
    with pytest.raises(kvlift.LiftError, match="slot 'c' is copied"):
        kvlift.lift(source, state=tie, target="iree:cpu", require="in_place")


def test_compile_judges_for_its_own_target_and_leaves_the_lifted_module_alone() -> None:
    source = """func.func @main(%c: tensor<64x16xf32>, %u: tensor<1x16xf32>, %p: tensor<i1>)
        -> tensor<64x16xf32> {
        %0 = stablehlo.add %c, %c : tensor<64x16xf32>
        return %0 : tensor<64x16xf32> }"""
    lifted = kvlift.lift(source, state={"c": (0, 0)})
    before = lifted.text()
    verdicts = {
        t: kvlift.compile(lifted, t).manifest.function().slots[0].verdict
        for t in ("pjrt:cpu", "iree:cpu")
    }
    assert verdicts["pjrt:cpu"] == "in_place"
    assert verdicts["iree:cpu"].startswith("copied: ")
    assert lifted.text() == before
    assert kvlift.compile(lifted, "pjrt:cpu", require="in_place").audit().is_in_place
    with pytest.raises(kvlift.LiftError, match="slot 'c' is copied"):
        kvlift.compile(lifted, "iree:cpu", require="in_place")


def test_a_module_made_for_a_target_is_made_for_it_once() -> None:
    source = """func.func @main(%c: tensor<64x16xf32>, %u: tensor<1x16xf32>, %i: tensor<i32>)
        -> (tensor<64x16xf32>, tensor<1x16xf32>) {
        %z = stablehlo.constant dense<0> : tensor<i32>
        %0 = stablehlo.dynamic_update_slice %c, %u, %i, %z : (tensor<64x16xf32>,
          tensor<1x16xf32>, tensor<i32>, tensor<i32>) -> tensor<64x16xf32>
        %s = stablehlo.dynamic_slice %c, %i, %z, sizes = [1, 16] : (tensor<64x16xf32>,
          tensor<i32>, tensor<i32>) -> tensor<1x16xf32>
        return %0, %s : tensor<64x16xf32>, tensor<1x16xf32> }"""
    for target in ("pjrt:cpu", "iree:cpu"):
        once = kvlift.lift(source, target=target)
        assert once.for_target(target).text() == once.text()


def test_on_conflict_copy_keeps_an_old_version_that_is_returned() -> None:
    source = """func.func @main(%c: tensor<64x16xf32>, %u: tensor<1x16xf32>, %i: tensor<i32>)
        -> (tensor<64x16xf32>, tensor<64x16xf32>) {
        %z = stablehlo.constant dense<0> : tensor<i32>
        %0 = stablehlo.dynamic_update_slice %c, %u, %i, %z : (tensor<64x16xf32>,
          tensor<1x16xf32>, tensor<i32>, tensor<i32>) -> tensor<64x16xf32>
        return %0, %c : tensor<64x16xf32>, tensor<64x16xf32> }"""
    tie = {"c": (0, 0)}
    with pytest.raises(kvlift.LiftError, match="old"):
        kvlift.lift(source, state=tie)
    lifted = kvlift.lift(source, state=tie, on_conflict="copy")
    row = np.ones((1, 16), np.float32)
    for target in ("pjrt:cpu", "iree:cpu"):
        program = kvlift.compile(lifted, target)
        with program.session(state={"c": np.zeros((64, 16), np.float32)}) as session:
            for step in range(3):
                expected = session.state["c"]
                assert np.array_equal(session(row, np.int32(step)), expected)
                expected[step] = 1
                assert np.array_equal(session.state["c"], expected)
