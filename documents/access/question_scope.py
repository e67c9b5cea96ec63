"""Which corpora somebody may ask right now, and what their answers depend on: all of it from one short read."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cachetools import LRUCache
from django.conf import settings
from django.db import connection
from django.db.models import Exists, FilteredRelation, Model, OuterRef, Q, QuerySet

from documents.access.fingerprint import EVERYBODY, Standing, rights_of
from documents.access.policy import Principal, choose_among, everything_of, readable_corpora, slugs_of
from documents.models import Corpus, Document, EmbeddingSpace, Tenant
from ragsite.postgres.base import raise_if_exhausted
from ragsite.postgres.compiled_queries import Compiled, compiled, rows_of
from ragsite.postgres.connections import reachability
from ragsite.postgres.losing import has_waited
from ragsite.postgres.shared_reads import SharedReads
from ragsite.postgres.thread_connection import release_connection

STATEMENTS_KEPT = 500
SCOPES_KEPT = 10  # of one state: the same corpora, in other words or another order


@dataclass(frozen=True)
class Scope:
    """The corpora that a question is for, with their live spaces; and what a cached answer from them depends on."""

    corpora: tuple[Corpus, ...]
    standing: Standing


@dataclass(frozen=True)
class _State:
    corpora: tuple[Corpus, ...]
    rights: Any
    scopes: dict[tuple[str, ...], Scope] = field(default_factory=dict)  # by the names that were asked for


_reads: SharedReads[_State] = SharedReads(
    is_shared_failure=has_waited,
    check_before_own=raise_if_exhausted,
)
_lock = threading.Lock()
_statements: LRUCache[Any, Compiled] = LRUCache(STATEMENTS_KEPT)
# What was read last by a statement, while it says nothing of anybody's rights: the same rows mean the same again.
_open_states: LRUCache[Compiled, tuple[list[tuple[Any, ...]], _State]] = LRUCache(STATEMENTS_KEPT)
_corpora: LRUCache[int, tuple[tuple[Any, ...], Corpus]] = LRUCache(STATEMENTS_KEPT)
_PARTS: tuple[tuple[type[Model], str], ...] = ((Corpus, ""), (Tenant, "tenant__"), (EmbeddingSpace, "live__"))


def scope_of(principal: Principal, names: Sequence[str], *, patience_seconds: float = math.inf) -> Scope:
    """Return the corpora with these names (none: `access.everything_of` them) that the principal may ask.

    As they are stored now.

    Raises CorpusNotFound and InvalidInput as `access.choose_corpora` does. Questions of one asker that come at the same
    time share the read, and wait for another thread's no longer than `patience_seconds`; the corpora are shared between
    threads, so nobody changes them.
    """
    slugs = tuple(slugs_of(names))
    state = _read_together(principal, slugs, patience_seconds)
    asked_for = tuple(names)
    scope = state.scopes.get(asked_for)
    if scope is None:
        corpora = tuple(choose_among(names, state.corpora) if names else everything_of(state.corpora))
        scope = Scope(corpora, _standing(corpora, state))
        if len(state.scopes) < SCOPES_KEPT:
            state.scopes[asked_for] = scope
    return scope


def standing_of(principal: Principal, corpora: Sequence[Corpus]) -> Standing:
    """Return what the principal's answers from these corpora depend on, as it is stored now.

    The rights name everything that `access.readable_documents` looks at: change both together. Never less, or one
    reader would be given what another may read.
    """
    # Not together with others: whoever waits for them with a connection in hand may wait for a thread that waits for
    # a connection.
    state = _read(principal, tuple(sorted({corpus.slug for corpus in corpora})))
    found = {corpus.pk: corpus for corpus in state.corpora}
    return _standing([found[corpus.pk] for corpus in corpora if corpus.pk in found], state)


def epochs_of(corpora: Sequence[int]) -> dict[int, int]:
    """Return the epochs of corpora by id, as they are stored now; a corpus that is gone is left out."""
    return dict(rows_of(("SELECT id, epoch FROM documents_corpus WHERE id = ANY (%s)", (list(corpora),))))


def _standing(corpora: Sequence[Corpus], state: _State) -> Standing:
    has_closed = any(corpus.has_closed_documents for corpus in corpora)
    spaces = [(corpus, corpus.live_space) for corpus in corpora]
    return Standing(
        tuple((corpus.pk, corpus.epoch, None if space is None else space.pk) for corpus, space in spaces),
        state.rights if has_closed else EVERYBODY,
    )


def _read_together(principal: Principal, slugs: tuple[str, ...], patience_seconds: float) -> _State:
    if connection.in_atomic_block or reachability.is_down:  # then each is told at once, instead of waiting in turn
        return _read(principal, slugs)
    release_connection()  # a thread that waits here must not keep one from the thread that it waits for
    key = (_asker(principal), principal.may_ask, slugs)
    patience_seconds = min(patience_seconds, settings.DATABASE_POOL_TIMEOUT_SECONDS)
    return _reads.read(key, lambda: _read(principal, slugs), patience_seconds=patience_seconds)


def _asker(principal: Principal) -> tuple[int | None, bool]:
    user = principal.user
    return (None, False) if user is None else (user.pk, user.is_superuser)


def _read(principal: Principal, slugs: tuple[str, ...]) -> _State:
    statement = _statement_for(principal, slugs)
    rows = rows_of(statement)
    with _lock:
        known = _open_states.get(statement)
    if known is not None and known[0] == rows:
        return known[1]
    corpora = tuple(map(_corpus_of, rows))
    if any(corpus.has_closed_documents for corpus in corpora):
        return _State(corpora, rights_of(principal))  # rights are not among the rows
    state = _State(corpora, EVERYBODY)
    with _lock:
        _open_states[statement] = rows, state
    return state


def _statement_for(principal: Principal, slugs: tuple[str, ...]) -> Compiled:
    """Return the statement that reads the state, written once: Django takes longer for that than Postgres to answer."""
    key = (_asker(principal), principal.may_ask, slugs)
    with _lock:
        known = _statements.get(key)
    if known is None:
        known = compiled(_states(readable_corpora(principal), slugs))
        with _lock:
            _statements[key] = known
    return known


def _states(corpora: QuerySet[Corpus], slugs: tuple[str, ...]) -> QuerySet[Corpus, Any]:
    found = corpora.filter(slug__in=slugs) if slugs else corpora
    found = found.annotate(
        live=FilteredRelation("spaces", condition=Q(spaces__status=EmbeddingSpace.Status.LIVE)),
        has_closed=Exists(Document.readers.through.objects.filter(document__corpus=OuterRef("pk"))),
    )
    columns = [f"{prefix}{field.attname}" for model, prefix in _PARTS for field in model._meta.concrete_fields]
    return found.values_list(*columns, "has_closed")


def _corpus_of(row: tuple[Any, ...]) -> Corpus:
    """Return a corpus with its tenant and its live space, as the columns of `_states` have them.

    The same objects as before, while nothing has changed.
    """
    with _lock:
        known = _corpora.get(row[0])
    if known is not None and known[0] == row:
        return known[1]
    corpus = _made_of(row)
    with _lock:
        _corpora[row[0]] = row, corpus
    return corpus


def _made_of(row: tuple[Any, ...]) -> Corpus:
    start = 0
    made: list[Any] = []
    for model, _ in _PARTS:
        fields = model._meta.concrete_fields
        values = [_converted(field, value) for field, value in zip(fields, row[start:], strict=False)]
        made.append(None if values[0] is None else model.from_db("default", [each.attname for each in fields], values))
        start += len(fields)
    corpus, corpus.tenant, space = made
    corpus.was_read_with(space, has_closed_documents=bool(row[-1]))
    found: Corpus = corpus
    return found


def _converted(field: Any, value: Any) -> Any:
    convert = getattr(field, "from_db_value", None)
    return value if convert is None else convert(value, None, connection)
