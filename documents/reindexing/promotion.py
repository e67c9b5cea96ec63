"""Makes another space of a corpus live in one short transaction, once it has every vector; drops spaces."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import psycopg
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from procrastinate.contrib.django import connector_params

from documents.indexing.crash_points import checkpoint
from documents.models import Corpus, Embedding, EmbeddingSpace
from documents.reindexing.backfill import Count, KeepGoing, SpaceGone, fill
from documents.reindexing.coverage import missing_chunks
from documents.vectors.spaces import ensure_index
from ragsite.errors import InvalidInput
from ragsite.postgres.limits import statements_may_take_any_time

CATCH_UPS_MAX = 100  # each adds what arrived during the previous one, so they soon become short
DELETED_PER_BATCH = 20_000
_LOCK = 0x7261_6773_0000_0000  # of Postgres' advisory locks; the corpus' id is added

Status = EmbeddingSpace.Status


class AloneWith:
    """Locks the spaces of a corpus against changes by other processes; documents can still be changed.

    The advisory lock belongs to a separate connection, so it ends with this process.
    Raises InvalidInput when another process holds it.
    """

    def __init__(self, corpus: Corpus) -> None:
        self.key = _LOCK + corpus.pk
        self.name = str(corpus)

    def __enter__(self) -> None:
        self.connection = psycopg.connect(**connector_params(), autocommit=True)
        row = self.connection.execute("SELECT pg_try_advisory_lock(%s)", [self.key]).fetchone()
        if row is None or not row[0]:
            self.connection.close()
            raise InvalidInput(f"The spaces of {self.name} are being changed by another process; wait until it ends.")

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(psycopg.Error):  # a broken connection has lost its lock already
            self.connection.execute("SELECT pg_advisory_unlock(%s)", [self.key])
        self.connection.close()


def switch(
    space: EmbeddingSpace, *, keep_going: KeepGoing = lambda: True, count: Count = lambda added: None
) -> EmbeddingSpace | None:
    """Make a space the one that questions search, and return the previous one.

    First the vectors of documents that were indexed meanwhile are added: without a lock while the model works, then
    checked under the corpus' lock, which publishing a document takes, too. For a document that is being embedded for
    the old space, publishing raises SpaceChanged, and it is embedded again.

    Raises what `fill` raises, and InvalidInput when documents arrive faster than they can be embedded.
    """
    for _ in range(CATCH_UPS_MAX):
        while fill(space, keep_going=keep_going, count=count):
            pass
        checkpoint("caught_up")
        done, before = _switch_if_complete(space)
        if done:
            space.refresh_from_db()
            return before
    raise InvalidInput("Documents arrive faster than they can be embedded for the new space; try again later.")


def _switch_if_complete(space: EmbeddingSpace) -> tuple[bool, EmbeddingSpace | None]:
    with transaction.atomic():
        corpus = Corpus.objects.select_for_update().filter(pk=space.corpus_id).first()
        if corpus is None or not EmbeddingSpace.objects.filter(pk=space.pk).exists():
            raise SpaceGone
        if missing_chunks(space).exists():
            return False, None
        before = corpus.live_space
        if before == space:
            return True, None
        now = timezone.now()
        corpus.spaces.filter(status=Status.LIVE).update(status=Status.RETIRED, switched_at=now)
        corpus.spaces.filter(pk=space.pk).update(status=Status.LIVE, switched_at=now)
        Corpus.objects.filter(pk=corpus.pk).update(epoch=F("epoch") + 1)
        checkpoint("switching")
    return True, before


def space_to_roll_back_to(corpus: Corpus) -> EmbeddingSpace | None:
    """Return the space that was live before the current one; None: there is none."""
    retired = corpus.spaces.filter(status=Status.RETIRED)
    return retired.order_by(F("switched_at").desc(nulls_last=True), "-pk").first()


def drop_space(space: EmbeddingSpace, *, keep_going: Callable[[], bool] = lambda: True) -> bool:
    """Delete a space that isn't live, its index first, its vectors batch by batch; return False when stopped before."""
    if not EmbeddingSpace.objects.filter(pk=space.pk).exclude(status=Status.LIVE).exists():
        raise InvalidInput("The live space can't be dropped.")
    space.status = Status.RETIRED  # so that ensure_index drops its index
    EmbeddingSpace.objects.filter(pk=space.pk).exclude(status=Status.LIVE).update(status=Status.RETIRED)
    ensure_index(space)
    while keep_going():
        batch = Embedding.objects.filter(space=space).values("pk")[:DELETED_PER_BATCH]
        with statements_may_take_any_time():
            deleted = Embedding.objects.filter(pk__in=batch)._raw_delete(connection.alias)
        if not deleted:
            space.delete()
            return True
    return False
