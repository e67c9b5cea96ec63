"""Loads WordLlama from its wheel: the tokenizer, and the vectors mapped into memory that all processes share.

WordLlama's own loader imports 17 MB of code for training and downloading, and copies the vectors (33 MB) into each
process. Mapped from the file (in half precision, exact in single precision), they are in memory once.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

WEIGHTS, TOKENIZER = "weights/l2_supercat_256.safetensors", "tokenizers/l2_supercat_tokenizer_config.json"
TENSOR = "embedding.weight"


@dataclass(frozen=True)
class EmbeddedModel:
    """A tokenizer, and a matrix with the vector of each token."""

    tokenizer: Tokenizer
    embedding: np.ndarray


def load_model() -> EmbeddedModel:
    """Return the model. Raises ModuleNotFoundError without its wheel, and OSError when a file of it is missing."""
    found = find_spec("wordllama")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'wordllama'")
    folder = Path(next(iter(found.submodule_search_locations)))
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return EmbeddedModel(tokenizer, mapped_tensor(folder / WEIGHTS, TENSOR))


def mapped_tensor(path: Path, name: str) -> np.ndarray:
    """Return a half-precision tensor of a safetensors file, mapped into memory read-only.

    Such a file begins with the length of its header (8 bytes) and the header, JSON with the place of each tensor.
    Raises KeyError for an unknown name, and ValueError for a tensor that isn't half precision.
    """
    with path.open("rb") as file:
        (heading_bytes,) = struct.unpack("<Q", file.read(8))
        about = json.loads(file.read(heading_bytes))[name]
    if about["dtype"] != "F16":
        raise ValueError(f"{name} has numbers of the kind {about['dtype']}, not F16")
    mapped = np.memmap(
        path, "<f2", "r", offset=8 + heading_bytes + about["data_offsets"][0], shape=tuple(about["shape"])
    )
    return mapped.view(np.ndarray)
