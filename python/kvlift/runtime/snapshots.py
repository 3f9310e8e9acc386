"""What a session's slots held at one moment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
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

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes it to a file, which appears whole or not at all; `load_snapshot` reads it.

        Args:
            path: where; an existing file is replaced.

        Raises:
            OSError: the file cannot be written.
            SessionError: a slot has the one name that such a file reserves, `__metadata__`.
        """
        from kvlift.snapshot_file import save_snapshot

        save_snapshot(self, Path(path))


def load_snapshot(path: str | os.PathLike[str], *, verify: bool | None = None) -> Snapshot:
    """Reads what `Snapshot.save` wrote, in any process; `Session.restore` checks that it fits.

    The slots are mapped and not read: do not write into the file while the snapshot is used.

    Args:
        path: the file.
        verify: whether to check the slots' checksum, which reads all of them; None checks up to
            1 GiB. All else is always checked.

    Raises:
        SourceError: the file is missing, truncated, edited or of another version; the message
            names the part that is wrong.
    """
    from kvlift import snapshot_file

    return snapshot_file.load_snapshot(Path(path), verify)
