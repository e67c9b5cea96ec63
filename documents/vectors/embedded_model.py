"""The files of WordLlama's wheel: its tokenizer, and its vectors where all processes of a machine share them.

Its own loader imports 17 MB of code for training and downloading, and makes a copy of the vectors of 33 MB in each
process. Read from the file as they are (half as wide, exact in single precision), they lie in memory once.
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
    """A tokenizer, and one row of numbers for each of its tokens."""

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
    """Return a tensor of half-precision numbers in a safetensors file, mapped into memory and not to be written.

    Such a file begins with the length of its heading, 8 bytes, and the heading, JSON, that says what lies where behind
    it. Raises KeyError for a name that isn't in it, and ValueError for numbers of another kind.
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
