"""ONNX Runtime with GroupQueryAttention: present caches bound to the buffers of the past ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from decoders import model
from decoders.model import HEAD_DIM, HEADS, Array, Shape
from decoders.peer import Peer


class OnnxRuntime(Peer):
    """A fused attention op that writes one row and reads the rows that are there."""

    name = "ONNX Runtime, shared buffers"
    packages = ("onnx", "onnxruntime")
    cache_copies = 1.2

    def prepare(self) -> None:
        """Makes the graph and a session of it."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        graph = Graph(self.shape).build()
        self._session = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
        )

    def start(self) -> None:
        """Binds each cache as input and as output."""
        from onnxruntime import OrtValue

        self._binding = self._session.io_binding()
        for index in range(2 * model.LAYERS):
            value = OrtValue.ortvalue_from_numpy(model.cache(index, self.shape))
            self._binding.bind_ortvalue_input(f"past.{index}", value)
            self._binding.bind_ortvalue_output(f"present.{index}", value)
        self._binding.bind_output("logits")

    def step(self, tokens: Array, position: int) -> Array:
        """One run with bound buffers."""
        last = np.full(self.shape.batch, position, np.int32)
        self._binding.bind_cpu_input("tokens", tokens)
        self._binding.bind_cpu_input("last_position", last)
        self._binding.bind_cpu_input("length", np.array(position + 1, np.int32))
        self._session.run_with_iobinding(self._binding)
        outputs = self._binding.get_outputs()
        logits: Array = outputs[-1].numpy()
        return logits[:, 0]

    def stop(self) -> None:
        """Drops the binding with its buffers."""
        del self._binding


class Graph:
    """The decoder as an ONNX model, node by node."""

    def __init__(self, shape: Shape) -> None:
        """Nothing is built yet."""
        self._shape = shape
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def build(self) -> bytes:
        """The serialized model."""
        from onnx import TensorProto, helper

        weights = model.weights()
        x = self._add("Gather", [self._constant("embedding", weights["embedding"]), "tokens"])
        for index, layer in enumerate(weights["layers"]):
            x = self._layer(index, layer, x)
        self._matmul("head", self._norm("norm", x, weights["norm"]), weights["head"], "logits")
        batch, caches = self._shape.batch, range(2 * model.LAYERS)
        tensor = helper.make_tensor_value_info
        inputs = [
            tensor("tokens", TensorProto.INT64, [batch, 1]),
            tensor("last_position", TensorProto.INT32, [batch]),
            tensor("length", TensorProto.INT32, []),
            *(tensor(f"past.{i}", TensorProto.FLOAT, self._shape.cache) for i in caches),
        ]
        outputs = [
            *(tensor(f"present.{i}", TensorProto.FLOAT, self._shape.cache) for i in caches),
            tensor("logits", TensorProto.FLOAT, [batch, 1, model.VOCABULARY]),
        ]
        graph = helper.make_graph(self._nodes, "decoder", inputs, outputs, self._constants)
        versions = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
        made = helper.make_model(graph, opset_imports=versions)
        made.ir_version = 10
        serialized: bytes = made.SerializeToString()
        return serialized

    def _layer(self, index: int, layer: dict[str, Array], x: str) -> str:
        h = self._norm(f"{index}.attention_norm", x, layer["attention_norm"])
        query, key, value = (
            self._matmul(f"{index}.{name}", h, layer[name]) for name in ("query", "key", "value")
        )
        attended = self._attention(index, [query, key, value])
        x = self._add("Add", [x, self._matmul(f"{index}.output", attended, layer["output"])])
        h = self._norm(f"{index}.feed_forward_norm", x, layer["feed_forward_norm"])
        gate = self._matmul(f"{index}.gate", h, layer["gate"])
        gate = self._add("Mul", [gate, self._add("Sigmoid", [gate])])
        h = self._add("Mul", [gate, self._matmul(f"{index}.up", h, layer["up"])])
        return self._add("Add", [x, self._matmul(f"{index}.down", h, layer["down"])])

    def _attention(self, index: int, rows: list[str]) -> str:
        angles = np.arange(self._shape.capacity)[:, None] * model.frequencies()
        rotary = [
            self._constant("cosine", np.cos(angles).astype(np.float32)),
            self._constant("sine", np.sin(angles).astype(np.float32)),
        ]
        caches = [f"past.{2 * index}", f"past.{2 * index + 1}"]
        return self._add(
            "GroupQueryAttention",
            [*rows, *caches, "last_position", "length", *rotary],
            others=[f"present.{2 * index}", f"present.{2 * index + 1}"],
            domain="com.microsoft",
            num_heads=HEADS,
            kv_num_heads=HEADS,
            scale=HEAD_DIM**-0.5,
            do_rotary=1,
        )

    def _norm(self, name: str, x: str, gain: Array) -> str:
        inputs = [x, self._constant(name, gain)]
        return self._add("SimplifiedLayerNormalization", inputs, axis=-1, epsilon=model.EPSILON)

    def _matmul(self, name: str, x: str, weight: Array, result: str | None = None) -> str:
        return self._add("MatMul", [x, self._constant(name, weight)], result)

    def _add(
        self,
        op: str,
        inputs: list[str],
        result: str | None = None,
        others: list[str] | None = None,
        domain: str = "",
        **attributes: Any,
    ) -> str:
        from onnx import helper

        result = result or f"value.{len(self._nodes)}"
        outputs = [result, *(others or [])]
        node = helper.make_node(op, inputs, outputs, domain=domain, **attributes)
        self._nodes.append(node)
        return result

    def _constant(self, name: str, value: Array) -> str:
        from onnx import numpy_helper

        if name not in {constant.name for constant in self._constants}:
            self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name
