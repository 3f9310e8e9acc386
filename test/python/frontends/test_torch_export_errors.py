"""What the torch importer promises beside equal numbers: marks, values, places, refusals."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import torch
from running import export
from stateful_models import CASES, B, H, S
from test_torch_export import marks
from torch import nn
from torch.export.graph_signature import CustomObjArgument, InputKind, InputSpec

from kvlift.errors import SourceError
from kvlift.frontends import torch_export
from kvlift.frontends.torch_export import import_exported_program


class Cache(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("k", torch.zeros(4, 3))


class Eigenvalues(Cache):
    def forward(self, x):
        return torch.linalg.eigvals(x)


class Diagonal(Cache):
    def forward(self, x):
        self.k.diagonal().copy_(x[0])
        return self.k * 1


class Branch(Cache):
    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda x: x + 1, lambda x: x - 1, (x,))


class Loop(Cache):
    def forward(self, x):
        return torch._higher_order_ops.while_loop(
            lambda i, y: i < 3, lambda i, y: (i + 1, y * 2), (torch.tensor(0), x)
        )


class ComplexProduct(Cache):
    def forward(self, x):
        return torch.view_as_real(torch.complex(x, x) * 2)


class RowsOfAMask(Cache):
    def forward(self, x):
        self.k[:3][x > 0] = x[x > 0]
        return self.k * 1


class AsStrided(Cache):
    def forward(self, x):
        self.k.as_strided((2, 3), (6, 1)).add_(x[:2])
        return self.k * 1


class ScatterReduce(Cache):
    def forward(self, x):
        self.k.scatter_reduce_(0, torch.zeros(1, 3, dtype=torch.long), x[:1], "amax")
        return self.k * 1


class Put(Cache):
    def forward(self, x):
        self.k.put_(torch.tensor([1, 2, 3]), x[0])
        return self.k * 1


class CustomOp(Cache):
    def forward(self, x):
        return torch.ops.kvlift_test.twice(x)


class Column(Cache):
    def forward(self, x, n):
        self.k[:, n] = x
        return self.k * 1


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Eigenvalues, "torch-mlir cannot lower aten.linalg_eig to StableHLO; rewrite this line"),
        (Diagonal, "torch-mlir cannot lower aten.diagonal or aten.diagonal_scatter to StableHLO"),
        (AsStrided, "torch-mlir cannot lower aten.as_strided_scatter to StableHLO"),
        (ScatterReduce, "torch-mlir cannot lower aten.scatter_reduce.two to StableHLO"),
        (Put, "torch-mlir cannot lower aten.put to StableHLO"),
        (Branch, "torch-mlir has no form for cond: "),
        (Loop, "torch-mlir cannot lower prim.Loop or prim.Loop.condition to StableHLO"),
        (ComplexProduct, "(only floating-point or integer datatype legalization supported)"),
        (RowsOfAMask, "keep sizes independent of values: torch.where in place of x[mask]"),
    ],
)
def test_what_cannot_be_lowered_names_op_and_line(model, message, capfd) -> None:
    exported = torch.export.export(model(), (torch.ones(3, 3),))
    capfd.readouterr()
    with pytest.raises(SourceError) as error:
        import_exported_program(exported)
    assert message in str(error.value)
    lines, first = inspect.getsourcelines(model)
    file, _, rest = str(error.value).partition(".py:")
    assert f"{file}.py" == __file__
    assert int(rest.partition(":")[0]) in range(first, first + len(lines))
    assert capfd.readouterr() == ("", "")


def test_custom_op_is_named() -> None:
    with torch.library._scoped_library("kvlift_test", "FRAGMENT") as library:
        library.define("twice(Tensor x) -> Tensor")
        library.impl("twice", lambda x: x * 2, "CompositeExplicitAutograd")
        torch.library.register_fake("kvlift_test::twice", torch.empty_like, lib=library)
        exported = torch.export.export(CustomOp(), (torch.ones(3, 3),))
        with pytest.raises(SourceError, match=r"cannot lower kvlift_test.twice to StableHLO"):
            import_exported_program(exported)


def test_number_that_the_export_fixed_is_refused() -> None:
    # torch.export reports no error: it traces the row of the example and ignores the input.
    exported = torch.export.export(
        Column(), (torch.ones(4), 1), dynamic_shapes=(None, torch.export.Dim.DYNAMIC)
    )
    with pytest.raises(SourceError, match=r"input 'n' was to vary, but the export fixed it"):
        import_exported_program(exported)


def test_input_that_is_no_tensor_is_refused() -> None:
    spec = InputSpec(InputKind.CUSTOM_OBJ, CustomObjArgument("tokenizer", "Tokenizer"), None)
    with pytest.raises(SourceError, match=r"'tokenizer' is a custom obj .* pass tensors in"):
        torch_export._check_spec(spec)


def test_changed_torch_mlir_is_named(monkeypatch) -> None:
    from torch_mlir.extras.fx_importer import FxImporter

    def import_program(self, program):
        raise AssertionError

    monkeypatch.setattr(FxImporter, "import_program", import_program)
    with pytest.raises(SourceError, match=r"differs from the tested 20\d{6}: .*; install torch"):
        import_exported_program(export(CASES["index_copy"]))


@pytest.mark.parametrize("name", ["user_input_named_as_buffer", "narrow_int", "static_int"])
def test_exported_program_is_left_as_it_was(name, capfd) -> None:
    exported = export(CASES[name])
    before = str(exported), {n: t.clone() for n, t in exported.state_dict.items()}
    capfd.readouterr()
    import_exported_program(exported)
    assert capfd.readouterr() == ("", "")
    assert str(exported) == before[0]
    for name, value in exported.state_dict.items():
        assert torch.equal(value, before[1][name])


def test_slot_values_are_copies_and_weights_are_shared() -> None:
    exported = export(CASES["nested_attention"])
    program = import_exported_program(exported)
    weight, slot = "layers.0.qkv.weight", "layers.0.k"
    assert program.values[weight].data_ptr() == exported.state_dict[weight].data_ptr()
    assert program.values[slot].data_ptr() != exported.constants[slot].data_ptr()
    assert not any(value.requires_grad for value in program.values.values())


def test_names_and_kinds() -> None:
    program = import_exported_program(export(CASES["constant_lifted"]))
    arguments, results = marks(program)
    assert [(a["kvlift.name"], a["kvlift.kind"], a.get("kvlift.slot")) for a in arguments] == [
        ("k", "buffer", "k"),
        ("lifted_tensor_0", "constant", None),
        ("x", "user_input", None),
    ]
    # None in the output has no result.
    assert [r["kvlift.name"] for r in results] == ["k", "state", "twice.0"]
    assert sorted(program.values) == ["k", "lifted_tensor_0"]


def test_index_copy_of_rows_is_a_window_scatter_between_transposes() -> None:
    program = import_exported_program(export(CASES["index_copy"]))
    (func,) = list(program.module.body)
    ops = {op.name: op for op in func.regions[0].blocks[0].operations}
    names = [op.operation.name for op in func.regions[0].blocks[0].operations]
    assert names.count("stablehlo.scatter") == 1
    scatter = ops["stablehlo.scatter"]
    assert scatter.operands[0].owner.name == "stablehlo.transpose"
    assert scatter.operands[0].owner.operands[0] == func.arguments[0]
    assert [str(use.owner.name) for use in scatter.results[0].uses] == ["stablehlo.transpose"]
    assert f"tensor<{S}x{B}x{H}x4xf32>" in str(scatter.results[0].type)


def test_ops_carry_the_line_of_the_model() -> None:
    program = import_exported_program(export(CASES["index_copy"]))
    (func,) = list(program.module.body)
    (scatter,) = [o for o in func.regions[0].blocks[0].operations if o.name.endswith("scatter")]
    model = type(CASES["index_copy"].build())
    lines, first = inspect.getsourcelines(model)
    (offset,) = [i for i, line in enumerate(lines) if "index_copy_" in line]
    assert f'{inspect.getsourcefile(model)}":{first + offset}:' in str(scatter.location)


def test_import_is_deterministic_and_takes_a_context_and_a_name() -> None:
    from torch_mlir import ir

    context = ir.Context()
    exported = export(CASES["torchtune"])
    first = import_exported_program(exported, context=context, function="decode").module
    second = import_exported_program(exported, function="decode").module
    assert first.context == context
    assert "func.func @decode(" in str(first)
    assert str(first) == str(second)


def test_size_as_output_is_a_tensor() -> None:
    class Size(nn.Module):
        def forward(self, x):
            return x.shape[0], x * 1

    exported = torch.export.export(
        Size(), (torch.ones(4, 3),), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)
    )
    program = import_exported_program(exported)
    (func,) = list(program.module.body)
    assert [str(t) for t in func.type.results] == ["tensor<i64>", "tensor<?x3xf32>"]


def test_docs_list_every_model() -> None:
    page = Path(__file__).parents[3] / "docs" / "torch-models.md"
    rows = [line.split("|")[1].strip() for line in page.read_text().splitlines() if "|" in line]
    assert rows[2:] == list(CASES)
