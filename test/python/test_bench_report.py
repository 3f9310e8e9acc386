"""The benchmark's tables say what the rows say, and docs/benchmarks.md has a place for each."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

import html_page
import report
from decoder_tables import ratios, times
from decoders.measure import Row as DecoderRow
from decoders.model import Shape, held_weight_bytes
from decoders.registry import GOALS, PEERS
from peak_memory import Peak
from session_tables import peaks
from step_cost import Row as StepRow
from step_tables import step_costs

LIMIT, (OURS, BEST) = PEERS[0].name, GOALS[0]


def rows(*found: tuple[str, list[float], str]) -> list[dict]:
    return [vars(DecoderRow(peer, 1, 256, rounds, None, note)) for peer, rounds, note in found]


def test_cells_are_medians_and_multiples_of_the_limit() -> None:
    table = times(1)(rows((LIMIT, [4.0, 5.0, 9.0], ""), (OURS.name, [12.0, 10.0, 11.0], "")))
    assert f"| {LIMIT} | 5.0 |" in table
    assert f"| {OURS.name} | 11.0 (2.2) |" in table


def test_a_peer_that_was_left_out_says_why() -> None:
    table = times(1)(rows((LIMIT, [4.0], ""), (OURS.name, [], "jax not installed")))
    assert f"| {OURS.name} | - |" in table
    assert "jax not installed" in table


def test_ratios_are_taken_within_a_round() -> None:
    """The machine was slow from the second round on: the quotient of medians is 1.5."""
    table = ratios(rows((OURS.name, [3.0, 30.0, 30.0], ""), (BEST.name, [3.0, 30.0, 20.0], "")))
    assert "(1.00 to 1.50) | 1.00 | held |" in table


def test_peaks_are_compared_with_what_a_step_needs() -> None:
    """At 1.0 a process holds weights, one copy of the caches and activations before all else."""
    shape = Shape(1, 2048)
    libraries = 100_000_000
    before = libraries + held_weight_bytes()
    activations = shape.held_bytes - shape.cache_bytes - held_weight_bytes()
    assert 0 < activations < 0.01 * shape.held_bytes
    once = Peak(OURS.name, 1, 2048, before, libraries + shape.held_bytes)
    twice = Peak(BEST.name, 1, 2048, before, before + 2 * shape.cache_bytes)
    table = peaks([vars(once), vars(twice)])
    process = 1 + libraries / shape.held_bytes
    assert f"| 2048 | {OURS.name} | 1.00 | 1.00 | {process:.2f} |" in table
    assert f"| 2048 | {BEST.name} | 2.00 | 1.33 (over the goal) |" in table


def test_docs_have_a_place_for_every_table() -> None:
    found = {name: f"| {name} |\n" for name in report.TABLES}
    text = report.rewrite(report.DOCS.read_text(), found)
    assert all(table in text for table in found.values())
    assert report.rewrite(text, found) == text


def test_a_table_without_a_place_is_an_error() -> None:
    with pytest.raises(SystemExit, match="add <!-- results: calls --> <!-- end -->"):
        report.rewrite("# Benchmarks\n", {"calls": "| |\n"})


def test_the_page_has_a_heading_for_every_table() -> None:
    assert list(html_page.HEADINGS) == list(report.TABLES)


def test_html_escapes_cells() -> None:
    page = html_page.as_html("| a | b |\n|---|---|\n| <x> | 1 |\n")
    assert "<td>&lt;x&gt;</td>" in page
    assert page.count("<tr>") == 2


def test_step_costs_say_which_rows_grow() -> None:
    def step(form: str, large: float, *, is_rewrite: bool = False) -> dict:
        row = StepRow("pjrt:cpu", form, "f32", {1: 20.0, 1024: large}, {}, (), is_rewrite)
        return json.loads(json.dumps(asdict(row)))

    table = step_costs([step("row", 21.0), step("sum", 90.0), step("mask", 99.0, is_rewrite=True)])
    assert "| row | pjrt:cpu | 20 → 21 (1.05) |" in table
    assert "1 of 2 rows within 1.5; sum, f32, pjrt:cpu: 4.5. Not counted: 1 that" in table
