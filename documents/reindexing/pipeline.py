"""Reindexes a corpus: builds another embedding space, compares it with the live one, and promotes it.

Questions are answered from the live space meanwhile. After an interruption, another run continues.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from documents.indexing.attempts import Interrupted
from documents.indexing.crash_points import checkpoint
from documents.models import Corpus, EmbeddingSpace
from documents.reindexing.backfill import copy_vectors, fill
from documents.reindexing.closeness import keep_closeness
from documents.reindexing.comparison import MARGIN, QUESTIONS, Comparison, compare
from documents.reindexing.coverage import live_chunks, missing_chunks
from documents.reindexing.index_recall import measure_recall
from documents.reindexing.promotion import AloneWith, drop_space, space_to_roll_back_to, switch
from documents.reindexing.target import SpaceRequest, Target, target_of, unfinished
from documents.vectors.index_progress import Build, BuildStopped
from documents.vectors.spaces import ensure_index
from ragsite.errors import InvalidInput, RagError

Status = EmbeddingSpace.Status


class Watching:
    """Receives the progress, and decides whether to go on. This base class ignores it, and goes on."""

    def stage(self, name: str, total: int = 0) -> None:
        """Note that a stage begins; `total` is the number of vectors that it adds."""

    def count(self, added: int) -> None:
        """Note that so many more vectors are stored."""

    def built(self, build: Build) -> None:
        """Note how far the index is built."""

    def keep_going(self) -> bool:
        """Return whether to go on; False stops as soon as possible."""
        return True

    def on_build(self, build: Build) -> bool:
        """Take the progress of an index, and return whether to go on."""
        self.built(build)
        return self.keep_going()


@dataclass(frozen=True)
class Plan:
    """What to build, and whether and when to promote it."""

    request: SpaceRequest = field(default_factory=SpaceRequest)
    promote: bool = False
    force: bool = False  # build when nothing would change, and promote a worse space
    questions: int = QUESTIONS
    margin: float = MARGIN


@dataclass(frozen=True)
class Outcome:
    """The result: unchanged, shadow, promoted, refused, rolled_back or measured."""

    result: str
    space: EmbeddingSpace
    comparison: Comparison | None = None
    why: str = ""

    @property
    def is_good(self) -> bool:
        """Return whether everything that was requested was done."""
        return self.result != "refused"


def reindex(corpus: Corpus, plan: Plan, watching: Watching | None = None) -> Outcome:
    """Build the requested space, compare it, and promote it if the plan says so and it is not worse.

    Raises InvalidInput, Interrupted when told to stop, and the errors of the model's server.
    """
    watching = watching or Watching()
    with AloneWith(corpus):
        space = _unfinished_space(corpus, plan)
        if space is None:
            target = target_of(corpus, plan.request)
            live = corpus.live_space
            is_same = live is not None and target.is_met_by(live)
            if live is not None and is_same and not plan.force:
                return Outcome("unchanged", live)
            # With force, the same space is built again: the model may have changed under its name.
            space = _make(corpus, target, copies=not is_same)
        _build(space, watching)
        return _compare_and_promote(space, plan, watching)


def begin(corpus: Corpus, request: SpaceRequest) -> EmbeddingSpace:
    """Return the requested space, new or as far as it was built; nothing is computed yet.

    Raises InvalidInput for a model that is live already, and for an impossible request.
    """
    with AloneWith(corpus):
        target = target_of(corpus, request)
        live = corpus.live_space
        if live is not None and target.is_met_by(live):
            raise InvalidInput(f"The corpus is searched with {target.model} already.")
        found = next((space for space in unfinished(corpus) if target.is_met_by(space)), None)
        return found or _make(corpus, target, copies=True)


def promote(space: EmbeddingSpace, plan: Plan, watching: Watching | None = None) -> Outcome:
    """Finish a space, compare it, and promote it if it is not worse."""
    watching = watching or Watching()
    with AloneWith(space.corpus):
        space.refresh_from_db()
        if space.status not in {Status.BUILDING, Status.SHADOW}:
            raise InvalidInput("Only a space that was never live can be promoted; to go back, roll back.")
        _build(space, watching)
        return _compare_and_promote(space, plan, watching)


def roll_back(corpus: Corpus, watching: Watching | None = None, *, to: EmbeddingSpace | None = None) -> Outcome:
    """Make a retired space live again, by default the last one, after adding the vectors that it lacks.

    Raises InvalidInput when there is none.
    """
    watching = watching or Watching()
    with AloneWith(corpus):
        space = space_to_roll_back_to(corpus) if to is None else to
        if space is None or not corpus.spaces.filter(pk=space.pk, status=Status.RETIRED).exists():
            raise InvalidInput("There is no retired space to go back to.")
        _fill(space, watching)
        space.status = Status.SHADOW  # in memory only: for a retired space no index is built
        _index(space, watching)
        switch(space, keep_going=watching.keep_going, count=watching.count)
        return Outcome("rolled_back", space)


def measure(corpus: Corpus, watching: Watching | None = None) -> list[EmbeddingSpace]:
    """Measure the recall of every space of a corpus that is complete, store it, and return the spaces."""
    watching = watching or Watching()
    spaces = list(corpus.spaces.exclude(status=Status.BUILDING).order_by("pk"))
    for space in spaces:
        measure_space(space, watching)
    return spaces


def measure_space(space: EmbeddingSpace, watching: Watching) -> None:
    """Measure the recall of a space's index on its corpus, and store it."""
    watching.stage("measuring recall")
    if space.dimensions is not None:
        note(space, recall=measure_recall(space, keep_going=watching.keep_going))


def drop(corpus: Corpus, spaces: Sequence[EmbeddingSpace], watching: Watching | None = None) -> None:
    """Delete spaces that aren't live. Raises Interrupted when told to stop; the rest is deleted next time."""
    watching = watching or Watching()
    with AloneWith(corpus):
        for space in spaces:
            watching.stage(f"dropping space {space.pk}")
            if not drop_space(space, keep_going=watching.keep_going):
                raise Interrupted


def _unfinished_space(corpus: Corpus, plan: Plan) -> EmbeddingSpace | None:
    """Return the unfinished space to continue: the requested one, or the only one when no request is made."""
    found = unfinished(corpus)
    if plan.request.is_empty:
        if len(found) > 1:
            names = "; ".join(f"{space.model} {space.index_settings or ''}".strip() for space in found)
            raise InvalidInput(f"Several spaces are unfinished ({names}): name the model, or --drop-unfinished.")
        return found[0] if found else None
    target = target_of(corpus, plan.request)
    return next((space for space in found if target.is_met_by(space)), None)


def _make(corpus: Corpus, target: Target, *, copies: bool) -> EmbeddingSpace:
    live = corpus.live_space
    same = live if live is not None and target.has_the_vectors_of(live) else None
    return EmbeddingSpace.objects.create(
        corpus=corpus,
        provider=target.provider,
        model=target.model,
        dimensions=target.dimensions if same is None or not copies else same.dimensions,
        index_settings=target.index_settings,
        lexical_weight=None if same is None else same.lexical_weight,
        measured={} if same is None or not copies else {"vectors_of": same.pk},
    )


def _build(space: EmbeddingSpace, watching: Watching) -> None:
    source = EmbeddingSpace.objects.filter(pk=space.measured.get("vectors_of"), corpus=space.corpus_id).first()
    if source is not None and space.status == Status.BUILDING:
        watching.stage("copying vectors", missing_chunks(space).count())
        copy_vectors(source, space, keep_going=watching.keep_going, count=watching.count)
    _fill(space, watching)
    _index(space, watching)
    space.corpus.refresh_from_db(fields=["chunk_count"])
    keep_closeness(space, space.corpus.chunk_count)
    EmbeddingSpace.objects.filter(pk=space.pk, status=Status.BUILDING).update(status=Status.SHADOW)
    space.refresh_from_db()
    checkpoint("built_space")


def _fill(space: EmbeddingSpace, watching: Watching) -> None:
    while missing := missing_chunks(space).count():
        watching.stage("embedding", missing)
        fill(space, keep_going=watching.keep_going, count=watching.count)
    space.refresh_from_db(fields=["dimensions"])


def _index(space: EmbeddingSpace, watching: Watching) -> None:
    watching.stage("building the index")
    try:
        ensure_index(space, on_build=watching.on_build)
    except BuildStopped:
        raise Interrupted from None


def note(space: EmbeddingSpace, **measured: Any) -> None:
    """Store measurements of a space beside its other ones."""
    space.refresh_from_db(fields=["measured"])
    space.measured = space.measured | measured
    EmbeddingSpace.objects.filter(pk=space.pk).update(measured=space.measured)


def _compare_and_promote(space: EmbeddingSpace, plan: Plan, watching: Watching) -> Outcome:
    measure_space(space, watching)
    watching.stage("comparing with the live space")
    comparison, why = _comparison(space, plan, watching)
    if comparison is not None:
        note(space, comparison=comparison.as_dict())
    if not plan.promote:
        return Outcome("shadow", space, comparison, why)
    if why and not plan.force:
        return Outcome("refused", space, comparison, why)
    watching.stage("switching")
    switch(space, keep_going=watching.keep_going, count=watching.count)
    return Outcome("promoted", space, comparison, why)


def _comparison(space: EmbeddingSpace, plan: Plan, watching: Watching) -> tuple[Comparison | None, str]:
    """Return the comparison, and why the space should not be promoted; empty: nothing speaks against it."""
    live = space.corpus.live_space
    if live is None or live.dimensions is None or not live_chunks(space.corpus).exists():
        return None, ""  # the live space finds nothing now
    try:
        comparison = compare(live, space, questions=plan.questions, margin=plan.margin, keep_going=watching.keep_going)
    except RagError as exc:
        return None, f"It could not be compared with the live space: {exc.message}"
    if comparison is not None and comparison.is_worse:
        return comparison, "It finds less than the live space."
    return comparison, ""
