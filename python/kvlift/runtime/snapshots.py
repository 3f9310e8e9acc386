"""What a session's slots held at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvlift.runtime.values import Host


@dataclass(frozen=True)
class Snapshot:
    """Copies of all slots of a session, for any session of a program with the same slots.

    Attributes:
        calls: how many calls the session had made since its initial values.
        slots: host arrays by slot name, in the logical types; so the target may be another one.
    """

    calls: int
    slots: Mapping[str, Host] = field(repr=False)
