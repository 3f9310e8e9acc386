"""kvlift's C++ core over the MLIR C API; see python/Bindings.cpp.

Capsules are the `_CAPIPtr` of `torch_mlir.ir` objects.
"""

from collections.abc import Sequence
from typing import Any

Capsule = Any

class SourceLocation:
    file: str
    line: int
    column: int
    name: str

class Diagnostic:
    severity: str
    message: str
    location: SourceLocation
    notes: Sequence[Diagnostic]

class Host:
    path: str
    missing_optional: list[str]
    producer: str
    stablehlo_versions: tuple[str, str]
    def canary(self) -> str: ...
    def prepare_context(self, context: Capsule) -> None: ...
    def read_module(
        self, context: Capsule, source: bytes, name: str
    ) -> tuple[Capsule | None, list[Diagnostic]]: ...
    def read_file(self, context: Capsule, path: str) -> tuple[Capsule | None, list[Diagnostic]]: ...
    def run_pipeline(self, module: Capsule, text: str) -> tuple[bool, list[Diagnostic]]: ...
    def manifest(self, module: Capsule) -> tuple[str | None, list[Diagnostic]]: ...
    def take_initial_values(self, module: Capsule) -> list[tuple[str, list[int], str, bytes]]: ...
    def chains(self, module: Capsule) -> tuple[str | None, list[Diagnostic]]: ...
    def write_artifact(
        self, module: Capsule, version: str
    ) -> tuple[bytes | None, list[Diagnostic]]: ...

def load_host(path: str) -> Host: ...
def target_facts() -> list[tuple[str, str, str, bool]]: ...
