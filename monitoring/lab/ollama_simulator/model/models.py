"""Models of the stand-in: names, sizes, and the replies of `/api/tags`, `/api/show` and `/api/ps` about them."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from monitoring.lab.ollama_simulator.http.durations import rfc3339
from monitoring.lab.ollama_simulator.http.refusals import Refusal, cloud_is_off, invalid_model_name

PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}\Z")
DEFAULT_CONTEXT_TOKENS = 4096  # what a CPU server gives a model when nobody asks for more


@dataclass(frozen=True)
class Model:
    """One model: an embedding model has `dimensions`, a generation model has not."""

    name: str
    context_tokens: int
    dimensions: int | None = None
    hidden_size: int = 2048  # the `embedding_length` of a generation model
    family: str = ""
    parameters: str = "1.2B"
    capabilities: tuple[str, ...] = ()
    modified_at: float = field(default=0.0, compare=False)

    @property
    def embeds(self) -> bool:
        """True when the model makes vectors."""
        return self.dimensions is not None

    @property
    def abilities(self) -> list[str]:
        """What the model can do, in Ollama's words."""
        return list(self.capabilities) or (["embedding"] if self.embeds else ["completion"])

    @property
    def architecture(self) -> str:
        """The family's name in the model file."""
        return self.family or ("bert" if self.embeds else "llama")

    @property
    def digest(self) -> str:
        """64 hexadecimal digits, the same for the same model."""
        return hashlib.sha256(f"{self.name}|{self.context_tokens}|{self.dimensions}".encode()).hexdigest()

    @property
    def size_bytes(self) -> int:
        """Bytes on disk, as listed."""
        return 90_000 + 4 * 30_000 * (self.dimensions or self.hidden_size)

    def details(self, quantization: str) -> dict[str, Any]:
        """Return the `details` object of tags, ps and show."""
        return {
            "parent_model": "",
            "format": "gguf",
            "family": self.architecture,
            "families": [self.architecture],
            "parameter_size": self.parameters,
            "quantization_level": quantization,
        }


KNOWN = {
    model.name: model
    for model in (
        Model("nomic-embed-text", 2048, 768, family="nomic-bert", parameters="137M"),
        Model("all-minilm", 256, 384, parameters="23M"),
        Model("llama3.2:1b", 131072, parameters="1.2B"),
        Model("nano-bert", 64, 32, parameters="22K"),
        Model("nano-llama", 256, hidden_size=32, parameters="39K"),
        Model("mxbai-embed-large", 512, 1024, parameters="334M"),
        Model("bge-m3", 8192, 1024, parameters="567M"),
        Model("embeddinggemma", 2048, 768, family="gemma3", parameters="308M"),
        Model("qwen3-embedding:0.6b", 32768, 1024, family="qwen3", parameters="596M"),
        Model("snowflake-arctic-embed2", 8192, 1024, parameters="567M"),
        Model("qwen2.5:3b", 32768, family="qwen2", parameters="3.1B"),
    )
}
DEFAULT_MODELS = ("nomic-embed-text", "all-minilm", "llama3.2:1b", "nano-bert", "nano-llama")


def full_name(name: str) -> str:
    """Return `library/model:tag` for a name as a client writes it; case is kept.

    Raises Refusal (400) for a name that can't be a model's.
    """
    path, _, tag = name.strip().rpartition(":") if ":" in name.rsplit("/", 1)[-1] else (name.strip(), "", "latest")
    parts = path.split("/")
    if not 1 <= len(parts) <= 3 or not PART.match(tag) or not all(PART.match(part) for part in parts):
        raise invalid_model_name()
    if parts[0].lower() == "registry.ollama.ai" and len(parts) == 3:
        parts = parts[1:]
    if len(parts) == 1:
        parts = ["library", *parts]
    return "/".join(parts) + ":" + tag


def tagged(name: str) -> str:
    """Return the name as `/api/tags` shows it: short, always with a tag."""
    return full_name(name).removeprefix("library/")


def model_from(description: str | Model) -> Model:
    """Return a model from its name, or from `name=dimensions@context` (0 dimensions: it generates).

    Raises ValueError for a name that is not known.
    """
    if isinstance(description, Model):
        return description
    name, _, numbers = description.partition("=")
    if numbers:
        dimensions, _, context = numbers.partition("@")
        return Model(name, int(context or 2048), int(dimensions) or None)
    if name in KNOWN:
        return KNOWN[name]
    raise ValueError(f"the stand-in knows no model {name!r}; describe it as {name}=DIMENSIONS@CONTEXT, or pass a Model")


class Catalogue:
    """The models that are installed, by name."""

    def __init__(self, models: Iterable[str | Model]) -> None:
        self._models: dict[str, Model] = {}
        for description in models:
            self.add(model_from(description))

    def add(self, model: Model) -> None:
        """Install a model under its name."""
        self._models[tagged(model.name)] = Model(**{**vars(model), "modified_at": time.time()})

    def remove(self, name: str) -> bool:
        """Delete a model; False when there is none of this name."""
        found = self.find(name)
        return found is not None and self._models.pop(tagged(found.name), None) is not None

    def find(self, name: str, *, any_case: bool = True) -> Model | None:
        """Return the model that a client calls `name`, or None.

        Raises Refusal: 400 for a malformed name, 403 for one of Ollama's cloud.
        """
        wanted = tagged(name)
        if wanted in self._models:
            return self._models[wanted]
        if wanted.endswith((":cloud", "-cloud")):
            raise cloud_is_off()
        if not any_case:
            return None
        return next((model for key, model in self._models.items() if key.lower() == wanted.lower()), None)

    def newest_first(self) -> list[Model]:
        """Return all models, by whole seconds of their last change."""
        return sorted(self._models.values(), key=lambda model: -int(model.modified_at))


def tags_entry(model: Model) -> dict[str, Any]:
    """Return a model's entry in `/api/tags`."""
    shape = {"context_length": model.context_tokens, "embedding_length": model.dimensions or model.hidden_size}
    return {
        "name": tagged(model.name),
        "model": tagged(model.name),
        "modified_at": rfc3339(model.modified_at),
        "size": model.size_bytes,
        "digest": model.digest,
        "details": {**model.details("F32"), **shape},
        "capabilities": model.abilities,
    }


def known_or_refused(name: str) -> Model:
    """Return the model that a pull of `name` brings. Raises Refusal as the registry does for an unknown one."""
    wanted = tagged(name).lower()
    for model in KNOWN.values():
        if tagged(model.name) == wanted:
            return model
    raise Refusal(500, "pull model manifest: file does not exist")
