"""`kvlift inspect` and `kvlift audit`: what people see of the chains."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import kvlift
from kvlift.inspect import as_dot, as_html, as_tree, chains_of

KVLIFT = Path(sys.executable).with_name("kvlift")

# The old version is read below the update, and the update needs what is read: no order helps.
CONFLICT = """
func.func @main(%c: tensor<8x4xf32> {kvlift.name = "c"}, %u: tensor<1x4xf32>, %i: tensor<i32>,
    %x: tensor<4x2xf32>) -> (tensor<8x2xf32>, tensor<8x4xf32>) {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %new = stablehlo.dynamic_update_slice %c, %u, %i, %zero
      : (tensor<8x4xf32>, tensor<1x4xf32>, tensor<i32>, tensor<i32>) -> tensor<8x4xf32>
  %read = stablehlo.dot_general %new, %x, contracting_dims = [1] x [0]
      : (tensor<8x4xf32>, tensor<4x2xf32>) -> tensor<8x2xf32>
  return %read, %new : tensor<8x2xf32>, tensor<8x4xf32>
}"""


def test_a_chain_has_its_versions_and_readers() -> None:
    (function,) = chains_of(kvlift.lift(CONFLICT))
    (chain,) = function.chains
    assert (function.name, chain.slot, chain.verdict) == ("main", "c", "in_place")
    assert [(v.id, v.parent, v.op) for v in chain.versions] == [
        (0, None, "argument"),
        (1, 0, "dynamic_update_slice"),
    ]
    assert chain.last == 1
    # The update and the return go on with the chain; only the dot looks at a version.
    assert [(r.version, r.op, r.is_conflict) for r in chain.reads] == [(1, "dot_general", False)]


def test_tree_dot_and_page_name_the_same_things() -> None:
    from rich.console import Console

    lifted = kvlift.lift(CONFLICT)
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(as_tree(lifted))
    tree = console.export_text()
    for text in (tree, as_dot(lifted), as_html(lifted, "a title")):
        for word in ("main", "dynamic_update_slice", "dot_general", "in_place"):
            assert word in text
    assert as_dot(lifted).count(" -> ") == 2
    assert "<title>a title</title>" in as_html(lifted, "a title")


def test_tree_shows_sliced_slots() -> None:
    from rich.console import Console

    lifted = kvlift.lift(CONFLICT).slice_results()
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(as_tree(lifted))
    tree = console.export_text()
    assert "sliced slot c 8x4xf32, inferred, argument 0" in tree
    assert "rows in result 1, start in result 2" in tree


def test_page_escapes_names() -> None:
    lifted = kvlift.lift(CONFLICT.replace('kvlift.name = "c"', 'kvlift.name = "<b>c</b>"'))
    page = as_html(lifted, "x")
    assert "&lt;b&gt;c&lt;/b&gt;" in page
    assert "<b>c</b>" not in page


def test_commands(tmp_path: Path) -> None:
    source = tmp_path / "model.mlir"
    source.write_text(CONFLICT)
    page = tmp_path / "chains.html"
    shown = subprocess.run([KVLIFT, "inspect", source], capture_output=True, text=True, check=True)
    assert "slot c 8x4xf32" in shown.stdout
    subprocess.run([KVLIFT, "inspect", source, "--html", page], check=True)
    assert "dynamic_update_slice" in page.read_text()
    audited = subprocess.run(
        [KVLIFT, "audit", source, "--target=iree:cpu"], capture_output=True, text=True
    )
    assert (audited.returncode, audited.stdout.strip()) == (
        0,
        "iree:cpu: every slot is updated in place",
    )
