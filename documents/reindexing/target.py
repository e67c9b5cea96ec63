"""Resolves what a corpus is reindexed with: the model, the dimensions of its vectors, and the index settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from documents.models import Corpus, EmbeddingSpace
from documents.vectors.index_layout import BINARY, NONE, RERANK_MAX
from documents.vectors.spaces import WORDLLAMA, WORDLLAMA_DIMENSIONS, fields_for
from ragsite.errors import InvalidInput

Status = EmbeddingSpace.Status
OF_VECTORS = ("keep_first", "query_prefix", "passage_prefix")  # settings that change the vectors
SMALLEST = 8  # dimensions of a vector


@dataclass(frozen=True)
class SpaceRequest:
    """What the operator requested; None: not given."""

    provider: str | None = None
    model: str | None = None
    dimensions: int | None = None
    quantise: str | None = None
    shorten_to: int | None = None
    rerank: int | None = None

    @property
    def is_empty(self) -> bool:
        """Return whether nothing was requested."""
        return self == SpaceRequest()


@dataclass(frozen=True)
class Target:
    """The provider, model and settings of the space to build."""

    provider: str
    model: str
    index_settings: dict[str, Any] = field(default_factory=dict)

    def is_met_by(self, space: EmbeddingSpace) -> bool:
        """Return whether a space has these settings already."""
        return (
            (space.provider, space.model) == (self.provider, self.model) and space.index_settings == self.index_settings
        )  # fmt: skip

    def has_the_vectors_of(self, space: EmbeddingSpace) -> bool:
        """Return whether this space has the same vectors, so that only the index differs."""
        return (space.provider, space.model) == (self.provider, self.model) and all(
            space.index_settings.get(name) == self.index_settings.get(name) for name in OF_VECTORS
        )

    @property
    def dimensions(self) -> int | None:
        """Return how many dimensions the vectors will have; None: not known yet."""
        if self.provider == EmbeddingSpace.Provider.EMBEDDED:
            return min(WORDLLAMA_DIMENSIONS, int(self.index_settings.get("keep_first", WORDLLAMA_DIMENSIONS)))
        keep_first: int | None = self.index_settings.get("keep_first")
        return keep_first


def target_of(corpus: Corpus, request: SpaceRequest) -> Target:
    """Return the target of a request. Raises InvalidInput for an impossible one.

    Without a model it is the live space's, when vectors or index settings are requested, else the configured one. For
    the same model, the settings of the live space's index are kept.
    """
    live = corpus.live_space
    provider, model = _model(live, request)
    settings: dict[str, Any] = {}
    if live is not None and (live.provider, live.model) == (provider, model):
        settings = dict(live.index_settings)
    requested = {
        "keep_first": request.dimensions,
        "quantise": request.quantise,
        "shorten_to": request.shorten_to,
        "rerank": request.rerank,
    }
    settings |= {name: value for name, value in requested.items() if value is not None}
    settings = {name: value for name, value in settings.items() if value not in (0, NONE)}
    if "quantise" not in settings and "shorten_to" not in settings:
        settings.pop("rerank", None)
    target = Target(provider, model, settings)
    _check(target)
    return target


def _model(live: EmbeddingSpace | None, request: SpaceRequest) -> tuple[str, str]:
    if request.provider is None and request.model is None:
        if live is not None and not request.is_empty:
            return live.provider, live.model
        found = fields_for()
        return found["provider"], found["model"]
    provider = request.provider
    if provider is None:
        provider = EmbeddingSpace.Provider.EMBEDDED if request.model == WORDLLAMA else EmbeddingSpace.Provider.OLLAMA
    model = request.model or fields_for(provider)["model"]
    if provider == EmbeddingSpace.Provider.EMBEDDED and model != WORDLLAMA:
        raise InvalidInput(f"The embedded provider has one model, {WORDLLAMA}; {model!r} needs --provider ollama.")
    return provider, model


def _check(target: Target) -> None:
    settings = target.index_settings
    if settings.get("quantise") not in (None, BINARY):
        raise InvalidInput(f"quantise is {NONE} or {BINARY}.")
    for name in ("keep_first", "shorten_to"):
        if name in settings and settings[name] < SMALLEST:
            raise InvalidInput(f"Less than {SMALLEST} numbers of a vector say nothing.")
    most = target.dimensions
    is_embedded = target.provider == EmbeddingSpace.Provider.EMBEDDED
    if is_embedded and settings.get("keep_first", 0) > WORDLLAMA_DIMENSIONS:
        raise InvalidInput(f"{WORDLLAMA} has {WORDLLAMA_DIMENSIONS} dimensions.")
    if most is not None and settings.get("shorten_to", 0) > most:
        raise InvalidInput(f"The vectors have {most} numbers; shorten to less.")
    if not 1 <= settings.get("rerank", 1) <= RERANK_MAX:
        raise InvalidInput(f"rerank is 1 to {RERANK_MAX} candidates for each row.")


def unfinished(corpus: Corpus) -> list[EmbeddingSpace]:
    """Return the spaces of a corpus that were never live."""
    return list(corpus.spaces.filter(status__in=[Status.BUILDING, Status.SHADOW]).order_by("pk"))


def retired(corpus: Corpus) -> list[EmbeddingSpace]:
    """Return the spaces of a corpus that were live once."""
    return list(corpus.spaces.filter(status=Status.RETIRED).order_by("pk"))
