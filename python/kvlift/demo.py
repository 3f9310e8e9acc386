"""The whole way once: a Hugging Face Llama, exported, lifted, generating on two runtimes.

Weights are random and seeded: nothing is downloaded.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from kvlift.errors import CompileError
from kvlift.host import host
from kvlift.lifted_module import LiftedModule
from kvlift.lifting import lift
from kvlift.pipelines import read_manifest
from kvlift.runtime.program import Program, compile

if TYPE_CHECKING:
    from torch.export import ExportedProgram

TARGETS = ("pjrt:cpu", "iree:cpu")
FIRST_TOKEN = 1
# Logits of the runtimes and of PyTorch differ by rounding only.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Generation:
    """What one way of running the decoder produced.

    Attributes:
        tokens: i64[steps + 1, batch], the first row given.
        logits: f32[steps, batch, vocabulary].
        milliseconds: median time of a step, the first one left out.
        is_stable: whether every slot kept its address; None where there are none.
    """

    tokens: np.ndarray[Any, Any]
    logits: np.ndarray[Any, Any]
    milliseconds: float
    is_stable: bool | None = None


@dataclass(frozen=True)
class Outcome:
    """One target's part of the report."""

    target: str
    generation: Generation
    copies: int
    unlifted: Generation | str
    from_cache: tuple[bool, ...]


@dataclass(frozen=True)
class BatchReport:
    """What was found at one batch size."""

    batch: int
    eager: Generation
    outcomes: tuple[Outcome, ...]

    @property
    def holds(self) -> bool:
        """Whether tokens equal eager's and every slot kept its address, on every target."""
        return all(_holds(outcome.generation, self.eager) for outcome in self.outcomes)

    def facts(self) -> dict[str, Any]:
        """The report as plain data."""
        targets = {
            outcome.target: {
                "tokens_equal_eager": _has_same_tokens(outcome.generation, self.eager),
                "largest_logit_difference": _difference(outcome.generation, self.eager),
                "addresses_stable": outcome.generation.is_stable,
                "copies": outcome.copies,
                "milliseconds_lifted": outcome.generation.milliseconds,
                "milliseconds_unlifted": None
                if isinstance(outcome.unlifted, str)
                else outcome.unlifted.milliseconds,
                "from_cache": list(outcome.from_cache),
            }
            for outcome in self.outcomes
        }
        return {
            "batch": self.batch,
            "holds": self.holds,
            "milliseconds_eager": self.eager.milliseconds,
            "targets": targets,
        }


def run_demo(
    batches: tuple[int, ...], capacity: int, steps: int, console: Console
) -> list[BatchReport]:
    """Runs and prints everything.

    Args:
        batches: the batch sizes to run, one after the other.
        capacity: rows of each cache.
        steps: tokens to generate, at most `capacity`.
        console: where to print.
    """
    reports = [_run_batch(batch, capacity, steps, console) for batch in batches]
    outcomes = [outcome for report in reports for outcome in report.outcomes]
    console.print(_told_of_cache([cached for o in outcomes for cached in o.from_cache]))
    console.print(
        "[bold green]all tokens equal eager, every slot kept its address[/]"
        if all(report.holds for report in reports)
        else "[bold red]tokens or addresses do not hold; see above[/]"
    )
    return reports


def _told_of_cache(from_cache: list[bool]) -> str:
    compiled = from_cache.count(False)
    if compiled == 0:
        return f"compiled nothing: all {len(from_cache)} executables came from the cache"
    return f"compiled {compiled} executables, {len(from_cache) - compiled} came from the cache"


def _run_batch(batch: int, capacity: int, steps: int, console: Console) -> BatchReport:
    console.rule(f"Llama with StaticCache, batch {batch}, capacity {capacity}, {steps} tokens")
    with _stage(console, "building and exporting the model"):
        model, exported = build_decoder(batch, capacity)
    with _stage(console, "generating with PyTorch eager"):
        eager = _generate_eager(model, batch, capacity, steps)
    with _stage(console, "importing into StableHLO and lifting"):
        unlifted, lifted, seconds = _lift_timed(exported)
    console.print(_slot_table(lifted))
    console.print(
        f"torch-mlir imported and lowered in {seconds[0]:.2f} s, kvlift lifted in "
        f"{seconds[1] * 1e3:.0f} ms ({seconds[1] / seconds[0]:.1%})"
    )
    outcomes = []
    for target in TARGETS:
        with _stage(console, f"compiling and generating on {target}"):
            outcomes.append(_run_target(target, lifted, unlifted, batch, steps))
    console.print(_outcome_table(outcomes, eager))
    return BatchReport(batch, eager, tuple(outcomes))


def build_decoder(batch: int, capacity: int) -> tuple[Any, ExportedProgram]:
    """A small Llama with random weights, and its decode step with a StaticCache exported.

    Args:
        batch: sequences that are decoded together.
        capacity: rows of each cache.

    Returns:
        The model, and a program of `input_ids` i64[batch, 1] and `cache_position` i64[1] that
        gives logits f32[batch, 1, 512].
    """
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM
    from transformers.integrations.executorch import TorchExportableModuleWithStaticCache

    from kvlift.frontends.export import export

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=512,
        hidden_size=256,
        intermediate_size=688,
        num_hidden_layers=4,
        num_attention_heads=8,
        num_key_value_heads=4,
        head_dim=64,
        max_position_embeddings=capacity,
    )
    config._attn_implementation = "eager"
    model = LlamaForCausalLM(config).eval()
    cache = {"batch_size": batch, "max_cache_len": capacity}
    model.generation_config = GenerationConfig(
        use_cache=True, cache_implementation="static", max_length=capacity, cache_config=cache
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapped = TorchExportableModuleWithStaticCache(model, **cache)
        inputs = {
            "input_ids": torch.full((batch, 1), FIRST_TOKEN),
            "cache_position": torch.tensor([0]),
        }
        return model, export(wrapped, (), inputs)


def _generate_eager(model: Any, batch: int, capacity: int, steps: int) -> Generation:
    import torch
    from transformers import StaticCache

    cache = StaticCache(config=model.config, max_cache_len=capacity)

    def step(tokens: np.ndarray[Any, Any], position: int) -> np.ndarray[Any, Any]:
        with torch.no_grad():
            result = model(
                input_ids=torch.from_numpy(tokens),
                cache_position=torch.tensor([position]),
                past_key_values=cache,
                use_cache=True,
            )
        logits: np.ndarray[Any, Any] = result.logits.numpy()
        return logits

    with warnings.catch_warnings():
        # transformers 5.24 renames `past_key_values`; older ones know only that name.
        warnings.simplefilter("ignore", FutureWarning)
        return _generate(step, batch, steps)


def _generate(
    step: Callable[[np.ndarray[Any, Any], int], np.ndarray[Any, Any]], batch: int, steps: int
) -> Generation:
    """Greedy decoding, `steps` tokens for each sequence."""
    tokens = [np.full((batch, 1), FIRST_TOKEN, np.int64)]
    logits, seconds = [], []
    for position in range(steps):
        begin = time.perf_counter()
        last = step(tokens[-1], position)[:, -1]
        seconds.append(time.perf_counter() - begin)
        logits.append(last)
        tokens.append(last.argmax(-1)[:, None].astype(np.int64))
    return Generation(
        np.concatenate(tokens, 1).T, np.stack(logits), statistics.median(seconds[1:]) * 1e3
    )


def _lift_timed(
    exported: ExportedProgram,
) -> tuple[LiftedModule, LiftedModule, tuple[float, float]]:
    """The program as torch-mlir leaves it, the lifted one, and the seconds that each took."""
    from kvlift.frontends.torch_export import import_exported_program

    begin = time.perf_counter()
    imported = import_exported_program(exported)
    import_seconds = time.perf_counter() - begin
    plain = import_exported_program(exported)
    # The marks name the slots; without the rest of the lift nothing is tied.
    host().run_pipeline(plain.module._CAPIPtr, "builtin.module(kvlift-legalize-constants)")
    unlifted = LiftedModule(plain.module, read_manifest(plain.module), (), plain.values)

    begin = time.perf_counter()
    module = lift(imported.module)
    lift_seconds = time.perf_counter() - begin
    lifted = LiftedModule(module.module, module.manifest, module.diagnostics, imported.values)
    return unlifted, lifted, (import_seconds, lift_seconds)


def _run_target(
    target: str, lifted: LiftedModule, unlifted: LiftedModule, batch: int, steps: int
) -> Outcome:
    program = compile(lifted, target)
    generation = _generate_on(program, batch, steps)
    from_cache = (*program.from_cache.values(),)
    try:
        naive = compile(unlifted, target)
        from_cache += (*naive.from_cache.values(),)
        plain: Generation | str = _generate_on(naive, batch, steps)
    except CompileError:
        plain = "does not compile"
    return Outcome(target, generation, len(program.audit().copies), plain, from_cache)


def _generate_on(program: Program, batch: int, steps: int) -> Generation:
    with program.session() as session:
        before = session.addresses()

        def step(tokens: np.ndarray[Any, Any], position: int) -> np.ndarray[Any, Any]:
            logits: np.ndarray[Any, Any] = session(
                input_ids=tokens, cache_position=np.array([position])
            )
            return logits

        made = _generate(step, batch, steps)
        is_stable = session.addresses() == before
    return Generation(made.tokens, made.logits, made.milliseconds, is_stable)


def _holds(generation: Generation, eager: Generation) -> bool:
    return (
        bool(generation.is_stable)
        and _has_same_tokens(generation, eager)
        and _difference(generation, eager) <= TOLERANCE
    )


def _has_same_tokens(generation: Generation, eager: Generation) -> bool:
    return np.array_equal(generation.tokens, eager.tokens)


def _difference(generation: Generation, eager: Generation) -> float:
    return float(np.abs(generation.logits - eager.logits).max())


def _slot_table(lifted: LiftedModule) -> Table:
    table = Table(title="slots", title_justify="left")
    for column in ("slot", "type", "kind", "argument", "result", "update"):
        table.add_column(column, justify="right" if column in ("argument", "result") else "left")
    for slot in lifted.slots:
        table.add_row(
            slot.name,
            str(slot.logical),
            slot.kind,
            str(slot.argument),
            str(slot.result),
            slot.update,
        )
    return table


def _outcome_table(outcomes: list[Outcome], eager: Generation) -> Table:
    table = Table(title="generation", title_justify="left")
    for column in (
        "target",
        "tokens equal eager",
        "largest logit difference",
        "addresses stable",
        "slot-sized copies",
        "ms/step lifted",
        "ms/step unlifted",
    ):
        table.add_column(column, justify="left" if column == "target" else "right")
    table.add_row("PyTorch eager", "-", "-", "-", "-", "-", f"{eager.milliseconds:.1f}")
    for outcome in outcomes:
        made, plain = outcome.generation, outcome.unlifted
        table.add_row(
            outcome.target,
            _verdict(_has_same_tokens(made, eager)),
            f"{_difference(made, eager):.1e}",
            _verdict(bool(made.is_stable)),
            str(outcome.copies),
            f"{made.milliseconds:.1f}",
            plain if isinstance(plain, str) else f"{plain.milliseconds:.1f}",
        )
    return table


def _verdict(good: bool) -> str:
    return "[green]yes[/]" if good else "[bold red]NO[/]"


@contextmanager
def _stage(console: Console, what: str) -> Iterator[None]:
    """A spinner with the elapsed time, and a line with the time when it is done."""
    begin = time.perf_counter()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        progress.add_task(what)
        yield
    console.print(f"{what}: {time.perf_counter() - begin:.1f} s", style="dim")
