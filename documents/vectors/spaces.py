"""Creates the live embedding space of a corpus, checks its vectors, and builds and drops HNSW indexes."""

from __future__ import annotations

import logging
import time
from typing import Any

import numpy as np
from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg import sql
from psycopg.errors import QueryCanceled

from documents.models import Corpus, Embedding, EmbeddingSpace
from documents.vectors.index_layout import shape_of
from documents.vectors.index_maintenance import owning_indexes, unneeded_indexes
from documents.vectors.index_progress import OnBuild, building, watched
from ragsite.errors import EmbeddingMismatch
from ragsite.ollama import configured
from ragsite.postgres.limits import statements_may_take_any_time

logger = logging.getLogger(__name__)
WORDLLAMA = "wordllama"
WORDLLAMA_DIMENSIONS = 256
INDEX_DEFAULTS = {"m": 16, "ef_construction": 128}  # with 64, some questions find nothing of whole subjects
HALF_MAX = 65504.0  # largest half-precision number
WAIT_FOR_BUILD_SECONDS = 1.0
SMALLEST_NORM = 1e-6  # a shorter vector has no direction: its cosine distance is NaN


def live_space_of(corpus: Corpus) -> EmbeddingSpace:
    """Return the space that questions search; create it when the corpus has none yet."""
    live = corpus.spaces.filter(status=EmbeddingSpace.Status.LIVE).first()
    if live is not None:
        return live
    with transaction.atomic():
        # Two documents may arrive at once; the lock on the corpus' row decides which one creates the space.
        Corpus.objects.select_for_update().get(pk=corpus.pk)
        return EmbeddingSpace.objects.get_or_create(
            corpus=corpus, status=EmbeddingSpace.Status.LIVE, defaults=fields_for()
        )[0]


def fields_for(provider: str | None = None) -> dict[str, Any]:
    """Return the fields of a new space of this provider; None: Ollama where it is configured, else in process."""
    if provider is None:
        provider = EmbeddingSpace.Provider.OLLAMA if configured() else EmbeddingSpace.Provider.EMBEDDED
    if provider == EmbeddingSpace.Provider.OLLAMA:
        return {"provider": EmbeddingSpace.Provider.OLLAMA, "model": settings.EMBED_MODEL}
    return {
        "provider": EmbeddingSpace.Provider.EMBEDDED,
        "model": WORDLLAMA,
        "dimensions": WORDLLAMA_DIMENSIONS,
    }


def check_vectors(space: EmbeddingSpace, vectors: np.ndarray, *, expected: int) -> None:
    """Raise EmbeddingMismatch unless these are as many vectors as expected, and each fits the space and the index."""
    if vectors.ndim != 2 or vectors.shape[0] != expected or not vectors.shape[1]:
        raise EmbeddingMismatch(f"{space.model} returned something else than {expected} vectors; nothing was stored.")
    if space.dimensions is not None and vectors.shape[1] != space.dimensions:
        raise EmbeddingMismatch(
            f"{space.model} returned vectors of {vectors.shape[1]} numbers, but this space has {space.dimensions};"
            " nothing was stored. Reindex the corpus with this model."
        )
    if not np.isfinite(vectors).all() or np.abs(vectors).max() > HALF_MAX:
        raise EmbeddingMismatch(f"{space.model} returned a vector with an impossible number; nothing was stored.")
    if np.linalg.norm(vectors, axis=1).min() < SMALLEST_NORM:
        raise EmbeddingMismatch(f"{space.model} returned a vector without a direction; nothing was stored.")


def fix_dimensions(space: EmbeddingSpace, vectors: np.ndarray, *, expected: int) -> None:
    """Check vectors, and fix the dimensions of a space that has none yet."""
    check_vectors(space, vectors, expected=expected)
    if space.dimensions is None:
        dimensions = vectors.shape[1]
        EmbeddingSpace.objects.filter(pk=space.pk, dimensions=None).update(dimensions=dimensions)
        space.refresh_from_db(fields=["dimensions"])
        check_vectors(space, vectors, expected=expected)  # another worker may have been first, with another length


def has_index(space: EmbeddingSpace) -> bool:
    """Return whether the space's index exists and is valid."""
    return _state_of(space.index_name) is True


def _state_of(name: str) -> bool | None:
    """Return whether an index is valid; None: there is none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [name])
        row = cursor.fetchone()
    return None if row is None else bool(row[0])


def index_bytes(space: EmbeddingSpace) -> int:
    """Return the size of the space's index on disk; 0: there is none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(pg_relation_size(to_regclass(%s)), 0)", [space.index_name])
        return int(cursor.fetchone()[0])


def ensure_index(space: EmbeddingSpace, *, on_build: OnBuild = lambda build: True) -> None:
    """Make the space's HNSW index agree with its size and status.

    A live, shadow or building space above EXACT_SCAN_MAX_CHUNKS has one; a retired one has none. It is built
    CONCURRENTLY, so searches and inserts go on; call it outside of a transaction. An invalid index, which a stopped
    build left, is built again: no search uses it, and `IF NOT EXISTS` would keep it. While another process works on
    indexes, this waits. `on_build` gets the progress, and may return False to stop the build: then BuildStopped is
    raised. A space that is deleted meanwhile leaves no index.
    """
    assert not connection.in_atomic_block, "CREATE INDEX CONCURRENTLY can't run in a transaction"
    with owning_indexes():
        try:
            _make_agree(space, on_build)
        except OperationalError as exc:
            if not isinstance(exc.__cause__, QueryCanceled) or _is_there(space):
                raise  # else the deletion of the corpus cancelled it
        if space.status != EmbeddingSpace.Status.RETIRED and not _is_there(space):
            _drop(space.index_name)  # the corpus was deleted meanwhile


def sweep_indexes() -> list[str]:
    """Drop the indexes that are not needed, unless a process works on indexes now; return their names."""
    with owning_indexes(wait=False) as owned:
        names = unneeded_indexes() if owned else []
        for name in names:
            _drop(name)
    if names:
        logger.warning("indexes that nobody needed were dropped: %s", ", ".join(names))
    return names


def _make_agree(space: EmbeddingSpace, on_build: OnBuild) -> None:
    name = space.index_name
    wanted = wants_index(space)
    while wanted and building(name) is not None:
        time.sleep(WAIT_FOR_BUILD_SECONDS)
    valid = _state_of(name)
    if valid is not None and not (valid and wanted):
        _drop(name)
        valid = None
    if wanted and valid is None:
        with watched(name, on_build):
            _run_alone(_create_statement(space))
        if _state_of(name) is not True and _is_there(space):
            raise RuntimeError(f"index {name} was built and is not valid")


def _is_there(space: EmbeddingSpace) -> bool:
    return EmbeddingSpace.objects.filter(pk=space.pk).exists()


def _drop(name: str) -> None:
    _run_alone(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(name)))


def wants_index(space: EmbeddingSpace) -> bool:
    """Return whether the space should have an index: it is in use, large, and its vectors can be indexed."""
    if space.status == EmbeddingSpace.Status.RETIRED or space.dimensions is None:
        return False
    if not shape_of(space).is_indexable:
        return False
    above = Embedding.objects.filter(space=space)[settings.EXACT_SCAN_MAX_CHUNKS : settings.EXACT_SCAN_MAX_CHUNKS + 1]
    return above.exists()


def _create_statement(space: EmbeddingSpace) -> sql.Composed:
    chosen = INDEX_DEFAULTS | {key: space.index_settings[key] for key in INDEX_DEFAULTS if key in space.index_settings}
    return sql.SQL(
        "CREATE INDEX CONCURRENTLY {name} ON documents_embedding"
        " USING hnsw ({column})"
        " WITH (m = {m}, ef_construction = {ef}) WHERE space_id = {space}"
    ).format(
        name=sql.Identifier(space.index_name),
        column=shape_of(space).index_column(),
        m=sql.Literal(int(chosen["m"])),
        ef=sql.Literal(int(chosen["ef_construction"])),
        space=sql.Literal(space.pk),
    )


def _run_alone(statement: sql.Composed) -> None:
    """Run a statement that may take minutes, then restore the connection's limits."""
    with statements_may_take_any_time(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', '0', false), set_config('lock_timeout', '30s', false)")
        try:
            cursor.execute(statement.as_string(cursor.cursor))
        finally:
            cursor.execute("RESET statement_timeout")
            cursor.execute("RESET lock_timeout")
