"""All exporters by name; each is imported only when its examples are asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[1] / "corpus"))
sys.path.append(str(Path(__file__).parents[1] / "python"))
sys.path.append(str(Path(__file__).parents[1] / "python" / "frontends"))

from example import Example


def _torch_models() -> list[Example]:
    import torch_export

    return torch_export.models()


def _hugging_face() -> list[Example]:
    import torch_export

    return torch_export.hugging_face()


def _jax() -> list[Example]:
    import jax_programs

    return jax_programs.programs()


def _torchax() -> list[Example]:
    import torchax_programs

    return torchax_programs.programs()


def _torch_xla() -> list[Example]:
    import torch_xla_programs

    return torch_xla_programs.programs()


EXPORTERS: dict[str, Callable[[], list[Example]]] = {
    "torch": _torch_models,
    "huggingface": _hugging_face,
    "jax": _jax,
    "torchax": _torchax,
    "torch_xla": _torch_xla,
}
