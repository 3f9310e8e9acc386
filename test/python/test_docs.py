"""What README and docs show is what the tools print."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"<!-- check: (?P<command>.*?) -->\n```\w+\n(?P<shown>.*?)```", re.DOTALL)


def blocks() -> list[tuple[str, str, str]]:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [
        (page.name, match["command"], match["shown"])
        for page in pages
        for match in BLOCK.finditer(page.read_text())
    ]


def printed(command: str) -> str:
    """Standard output; for a command that fails, its errors and notes without source lines."""
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    done = subprocess.run(
        command, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if done.returncode == 0:
        return done.stdout
    lines = [line for line in done.stderr.splitlines() if re.search(": (error|note): ", line)]
    return "\n".join(lines) + "\n"


def test_pages_have_checked_blocks() -> None:
    assert {page for page, _, _ in blocks()} >= {"README.md", "thread-2024.md"}


@pytest.mark.parametrize(("page", "command", "shown"), blocks())
def test_block_is_what_the_command_prints(page: str, command: str, shown: str) -> None:
    assert printed(command).strip() == shown.strip(), f"{page}: {command}"


def test_links_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []
