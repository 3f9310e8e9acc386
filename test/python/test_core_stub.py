"""The hand-written stub of the core names what the core has."""

from __future__ import annotations

import ast
from pathlib import Path

import kvlift
from kvlift import _core

STUB = Path(kvlift.__file__).with_name("_core.pyi")


def public(names: object) -> set[str]:
    return {name for name in vars(names) if not name.startswith("_")}


def declared(body: list[ast.stmt]) -> set[str]:
    named = {n.name for n in body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    fields = {n.target.id for n in body if isinstance(n, ast.AnnAssign)}
    return named | fields


def test_stub_declares_the_core() -> None:
    tree = ast.parse(STUB.read_text())
    assert declared(tree.body) == public(_core)
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    assert classes
    for node in classes:
        assert declared(node.body) == public(getattr(_core, node.name)), node.name
