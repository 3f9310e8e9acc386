"""All peers, in the order of the tables."""

from __future__ import annotations

from decoders.iree_peers import IreeAnnotated, IreeNaive
from decoders.jax_peers import JaxBest, JaxDonated, JaxNotDonated
from decoders.kvlift_peers import (
    KvliftIree,
    KvliftPjrt,
    PackagedIree,
    PackagedPjrt,
    UnliftedPjrt,
)
from decoders.memory_peer import MemoryLimit
from decoders.onnx_peer import OnnxRuntime
from decoders.openvino_peer import OpenVino
from decoders.peer import Peer
from decoders.torch_peers import TorchCompiled, TorchFunctional, TorchGrowing, TorchInPlace
from decoders.turbine_peer import IreeTurbine

PEERS: tuple[type[Peer], ...] = (
    MemoryLimit,
    TorchInPlace,
    KvliftPjrt,
    JaxBest,
    KvliftIree,
    IreeAnnotated,
    TorchCompiled,
    JaxDonated,
    JaxNotDonated,
    IreeNaive,
    UnliftedPjrt,
    TorchFunctional,
    TorchGrowing,
    OnnxRuntime,
    OpenVino,
    IreeTurbine,
)

# The same programs in processes that only serve: as quick, with less in memory.
SERVERS: tuple[type[Peer], ...] = (PackagedPjrt, PackagedIree)

# kvlift's promise: at most so many times the time of what an expert writes by hand for the runtime.
GOAL = 1.05
GOALS = ((KvliftPjrt, JaxBest), (KvliftIree, IreeAnnotated))
