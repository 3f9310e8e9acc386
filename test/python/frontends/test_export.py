"""Every trap of torch.export around state is reported, and harmless models pass."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from stateful_models import CASES, Case
from torch import nn
from torch.export.graph_signature import OutputKind

from kvlift.errors import ExportError
from kvlift.frontends import export as module_under_test
from kvlift.frontends.export import export

MUTATIONS = {
    OutputKind.BUFFER_MUTATION,
    OutputKind.PARAMETER_MUTATION,
    OutputKind.USER_INPUT_MUTATION,
}


def mutated(exported: torch.export.ExportedProgram) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        specs = exported.run_decompositions({}).graph_signature.output_specs
    return sorted(s.target for s in specs if s.kind in MUTATIONS)


def state_of(model: nn.Module) -> dict[str, Any]:
    return dict(model.named_buffers()) | dict(model.named_parameters())


class Model(nn.Module):
    """Built by one function, called by another."""

    def __init__(self, build: Callable[[nn.Module], None], body: Callable[..., Any]) -> None:
        super().__init__()
        self.body = body
        build(self)

    def forward(self, *args, **kwargs):
        return self.body(self, *args, **kwargs)


def zeros(self: nn.Module) -> None:
    self.register_buffer("k", torch.zeros(4, 3))


def add(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
    self.k.add_(x)
    return self.k * 1


def assign(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
    self.k = self.k + x
    return self.k * 2


X = torch.ones(4, 3)


@pytest.mark.parametrize("name", CASES)
def test_every_stateful_model_keeps_its_state(name: str, capfd) -> None:
    case: Case = CASES[name]
    torch.manual_seed(3)
    model, args = case.build(), case.steps()[0]
    before = {n: (t, t.clone()) for n, t in state_of(model).items()}
    args_before, random = copy.deepcopy(args), torch.get_rng_state()
    capfd.readouterr()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exported = export(model, args, dynamic_shapes=case.dynamic_shapes)
    assert capfd.readouterr() == ("", "")
    # A user input has the name of its placeholder, which may be a buffer's name too.
    assert mutated(exported) == sorted("k" if s == "k_1" else s for s in case.slots)
    after = state_of(model)
    assert list(after) == list(before)
    for key, (tensor, value) in before.items():
        assert after[key] is tensor, f"{key} was replaced"
        assert torch.equal(tensor, value), f"{key} was written"
    assert str(args) == str(args_before)
    assert torch.equal(torch.get_rng_state(), random)


def test_state_that_strict_mode_loses_is_kept() -> None:
    model = Model(zeros, assign)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        strict = torch.export.export(model, (X,), strict=True)
    assert mutated(strict) == []
    assert mutated(export(model, (X,))) == ["k"]


def test_keyword_inputs_and_a_dynamic_shape() -> None:
    class Cached(nn.Module):
        def forward(self, x, *, cache):
            cache.add_(x)
            return x * 2

    rows = torch.export.Dim("rows")
    shapes = {"x": {0: rows}, "cache": {0: rows}}
    cache = torch.zeros(4, 3)
    assert mutated(export(Cached(), (X,), {"cache": cache}, dynamic_shapes=shapes)) == ["cache"]
    assert torch.equal(cache, torch.zeros(4, 3))


def test_state_lost_by_both_modes_is_named(monkeypatch) -> None:
    # No model is known that both modes lose, so each attempt is made to lose one of two.
    real = module_under_test._attempt

    def attempt(model, args, kwargs, dynamic_shapes, strict, inputs):
        found = real(model, args, kwargs, dynamic_shapes, strict, inputs)
        kept = found.mutated - {"k" if strict else "v"}
        return module_under_test.Attempt(strict, found.program, kept)

    monkeypatch.setattr(module_under_test, "_attempt", attempt)
    case = CASES["swapped"]
    with pytest.raises(ExportError, match=r"strict=False loses v; strict=True loses k; update it"):
        export(case.build(), case.steps()[0])


def test_modes_are_compared_when_the_model_cannot_be_copied() -> None:
    class NoCopy:
        def __deepcopy__(self, memo):
            raise TypeError("no")

    def build(self):
        zeros(self)
        self.handle = NoCopy()

    assert mutated(export(Model(build, assign), (X,))) == ["k"]


@pytest.mark.parametrize("body", [add, assign])
def test_forward_that_closes_over_the_model_leaves_it_as_it_was(body) -> None:
    def build(self):
        zeros(self)
        self.forward = lambda x: body(self, x)

    model = Model(build, add)
    k = model.k
    assert mutated(export(model, (X,))) == ["k"]
    assert model.k is k
    assert torch.equal(k, torch.zeros(4, 3))


def test_one_tensor_as_two_inputs() -> None:
    model = Model(zeros, lambda self, a, b: self.k + a * b)
    with pytest.raises(ExportError, match=r"args\[0\] and args\[1\] are the same tensor.*clone"):
        export(model, (X, X))
    with pytest.raises(ExportError, match=r"args\[0\] and kwargs\['b'\]\[0\] are the same tensor"):
        export(Model(zeros, lambda self, a, b: self.k + a * b[0]), (X,), {"b": [X]})


def test_models_own_buffer_as_input() -> None:
    model = Model(zeros, add)
    with pytest.raises(ExportError, match=r"args\[0\] is the model's own 'k'; pass a copy"):
        export(model, (model.k,))


def exact_alias(self: nn.Module) -> None:
    zeros(self)
    self.register_buffer("v", self.k)


def overlapping_view(self: nn.Module) -> None:
    pool = torch.zeros(6, 3)
    self.register_buffer("k", pool[:4])
    self.register_buffer("v", pool[3:])


def interleaved_overlap(self: nn.Module) -> None:
    pool = torch.zeros(4, 5)
    self.register_buffer("k", pool[:, :3])
    self.register_buffer("v", pool[:, 2:])


def test_a_buffer_that_the_call_makes_is_told() -> None:
    def build(model: nn.Module) -> None:
        model.register_buffer("k", None)

    def body(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
        model.k = x if model.k is None else model.k + x
        return model.k * 1

    with pytest.raises(ExportError, match="the call makes the buffer 'k', which has no tensor bef"):
        export(Model(build, body), (torch.ones(3),))


@pytest.mark.parametrize("build", [exact_alias, overlapping_view, interleaved_overlap])
def test_buffers_that_share_memory(build) -> None:
    model = Model(build, lambda self, x: (self.k.add_(x), self.v * 1)[1])
    with pytest.raises(ExportError, match=r"'k' and 'v' share memory, and the call writes 'k'"):
        export(model, (X,))


def test_inputs_that_share_memory_with_a_written_one() -> None:
    pool = torch.zeros(6, 3)
    model = Model(zeros, lambda self, a, b: (a.add_(1), b * 1)[1])
    with pytest.raises(ExportError, match=r"'args\[0\]' and 'args\[1\]' share memory"):
        export(model, (pool[:4], pool[2:]))


def disjoint_rows(self: nn.Module) -> None:
    pool = torch.zeros(2, 4, 3)
    self.register_buffer("k", pool[0])
    self.register_buffer("v", pool[1])


def interleaved_columns(self: nn.Module) -> None:
    pool = torch.zeros(4, 2, 3)
    self.register_buffer("k", pool[:, 0])
    self.register_buffer("v", pool[:, 1])


@pytest.mark.parametrize("build", [disjoint_rows, interleaved_columns])
def test_views_of_one_pool_that_do_not_overlap_are_fine(build) -> None:
    model = Model(build, lambda self, x: (self.k.add_(x), self.v * 1)[1])
    assert mutated(export(model, (X,))) == ["k"]


def test_tied_weights_that_nobody_writes_are_fine() -> None:
    def build(self):
        self.embed = nn.Embedding(4, 3)
        self.head = nn.Linear(3, 4, bias=False)
        self.head.weight = self.embed.weight
        self.register_buffer("count", torch.tensor(0))

    def body(self, ids):
        self.count.add_(1)
        return self.head(self.embed(ids))

    assert mutated(export(Model(build, body), (torch.tensor([1, 2]),))) == ["count"]


def plain_attribute(self: nn.Module) -> None:
    self.k = torch.zeros(4, 3)


def in_a_list(self: nn.Module) -> None:
    self.caches = [torch.zeros(4, 3)]


class Layer:
    def __init__(self) -> None:
        self.keys = torch.zeros(4, 3)


def in_an_object(self: nn.Module) -> None:
    self.layers = [Layer()]


def built_on_the_first_call(self: nn.Module) -> None:
    self.k = None


def assign_lazily(self, x):
    self.k = x if self.k is None else self.k + x
    return self.k * 2


@pytest.mark.parametrize(
    ("build", "body", "path", "name"),
    [
        (plain_attribute, add, "k", "k"),
        (in_a_list, lambda s, x: s.caches[0].add_(x) * 1, "caches[0]", "caches_0"),
        (in_an_object, lambda s, x: s.layers[0].keys.add_(x) * 1, "layers[0].keys", "keys"),
        (built_on_the_first_call, assign_lazily, "k", "k"),
    ],
)
def test_state_that_is_no_buffer(build, body, path, name) -> None:
    model = Model(build, body)
    with pytest.raises(ExportError) as error:
        export(model, (X,))
    assert f"the call changes {path!r}, a tensor that is no buffer" in str(error.value)
    assert f"self.register_buffer({name!r}, tensor, persistent=False)" in str(error.value)


def test_state_that_is_no_buffer_in_a_submodule() -> None:
    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([Model(plain_attribute, add)])

        def forward(self, x):
            return self.layers[0](x)

    with pytest.raises(ExportError, match=r"the call changes 'layers.0.k'"):
        export(Outer(), (X,))


def test_python_number_that_changes_is_warned_about() -> None:
    def build(self):
        self.calls = 0

    def body(self, x):
        self.calls += 1
        return x * self.calls

    model = Model(build, body)
    with pytest.warns(UserWarning, match=r"the python number 'calls' from 0 to 1; the exported"):
        export(model, (X,))
    assert model.calls == 0


def test_model_that_fails_by_itself() -> None:
    with pytest.raises(ExportError, match=r"fails on these inputs before any export: RuntimeError"):
        export(Model(zeros, add), (torch.ones(5, 7),))


def test_scalar_tensor_as_index_says_what_to_do(capfd) -> None:
    def body(self, x, row):
        self.k[row] = x
        return self.k * 1

    with pytest.raises(ExportError) as error:
        export(Model(zeros, body), (torch.ones(3), torch.tensor(1)))
    line = body.__code__.co_firstlineno + 1
    assert str(error.value).startswith(f"{__file__}:{line}: torch.export cannot export the model")
    assert "index with a 1-D tensor (shape [1])" in str(error.value)
    assert capfd.readouterr() == ("", "")


def test_dynamic_number_as_index_says_what_to_do() -> None:
    def body(self, x, column):
        self.k[:, column] = x
        return self.k * 1

    shapes = {"args": (None, torch.export.Dim.DYNAMIC)}
    with pytest.raises(ExportError, match=r"was to vary, but the model's code fixes it to 1"):
        export(Model(zeros, body), (torch.ones(4), 1), dynamic_shapes=shapes)


def test_not_a_module() -> None:
    with pytest.raises(ExportError, match=r"expected a torch.nn.Module, got function"):
        export(zeros, ())
