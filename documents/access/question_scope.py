"""Reads which corpora a principal may ask now, and the access fingerprint of the answers, in one statement."""

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

from documents.access.fingerprint import EVERYBODY, AccessFingerprint, rights_of
from documents.access.policy import Principal, choose_among, everything_of, readable_corpora, slugs_of
from documents.models import Corpus, Document, EmbeddingSpace, Tenant
from ragsite.postgres.base import raise_if_exhausted
from ragsite.postgres.compiled_queries import Compiled, compiled, rows_of
from ragsite.postgres.connections import reachability
from ragsite.postgres.losing import has_waited
from ragsite.postgres.shared_reads import SharedReads
from ragsite.postgres.thread_connection import release_connection

STATEMENTS_KEPT = 500
SCOPES_KEPT = 10  # per state: the same corpora under other names, or in another order


@dataclass(frozen=True)
class QuestionScope:
    """The corpora that a question searches, with their live spaces, and the fingerprint of answers from them."""

    corpora: tuple[Corpus, ...]
    fingerprint: AccessFingerprint


@dataclass(frozen=True)
class _State:
    corpora: tuple[Corpus, ...]
    rights: Any
    scopes: dict[tuple[str, ...], QuestionScope] = field(default_factory=dict)  # by the names that were asked for


_reads: SharedReads[_State] = SharedReads(
    is_shared_failure=has_waited,
    check_before_own=raise_if_exhausted,
)
_lock = threading.Lock()
_statements: LRUCache[Any, Compiled] = LRUCache(STATEMENTS_KEPT)
# The last result of each statement whose rows hold no rights: equal rows mean an equal state.
_open_states: LRUCache[Compiled, tuple[list[tuple[Any, ...]], _State]] = LRUCache(STATEMENTS_KEPT)
_corpora: LRUCache[int, tuple[tuple[Any, ...], Corpus]] = LRUCache(STATEMENTS_KEPT)
_PARTS: tuple[tuple[type[Model], str], ...] = ((Corpus, ""), (Tenant, "tenant__"), (EmbeddingSpace, "live__"))


def scope_of(principal: Principal, names: Sequence[str], *, patience_seconds: float = math.inf) -> QuestionScope:
    """Return the corpora with these names that the principal may ask, as they are stored now.

    Without names it is `policy.everything_of` them. Concurrent questions of one principal share the read, and wait for
    another thread's at most `patience_seconds`. The corpora are shared between threads: don't change them.

    Raises CorpusNotFound and InvalidInput as `policy.choose_among` does.
    """
    slugs = tuple(slugs_of(names))
    state = _read_together(principal, slugs, patience_seconds)
    asked_for = tuple(names)
    scope = state.scopes.get(asked_for)
    if scope is None:
        corpora = tuple(choose_among(names, state.corpora) if names else everything_of(state.corpora))
        scope = QuestionScope(corpora, _fingerprint(corpora, state))
        if len(state.scopes) < SCOPES_KEPT:
            state.scopes[asked_for] = scope
    return scope


def fingerprint_of(principal: Principal, corpora: Sequence[Corpus]) -> AccessFingerprint:
    """Return the fingerprint of the principal's answers from these corpora, as it is stored now.

    The rights contain everything that `policy.readable_documents` depends on: change both together. With less, a cache
    would give one reader what only another may read.
    """
    # Not a shared read: a caller that holds a connection could wait for a thread that waits for a connection.
    state = _read(principal, tuple(sorted({corpus.slug for corpus in corpora})))
    found = {corpus.pk: corpus for corpus in state.corpora}
    return _fingerprint([found[corpus.pk] for corpus in corpora if corpus.pk in found], state)


def epochs_of(corpora: Sequence[int]) -> dict[int, int]:
    """Return the epochs of corpora by id, as they are stored now; a corpus that is gone is left out."""
    return dict(rows_of(("SELECT id, epoch FROM documents_corpus WHERE id = ANY (%s)", (list(corpora),))))


def _fingerprint(corpora: Sequence[Corpus], state: _State) -> AccessFingerprint:
    has_closed = any(corpus.has_closed_documents for corpus in corpora)
    spaces = [(corpus, corpus.live_space) for corpus in corpora]
    return AccessFingerprint(
        tuple((corpus.pk, corpus.epoch, None if space is None else space.pk) for corpus, space in spaces),
        state.rights if has_closed else EVERYBODY,
    )


def _read_together(principal: Principal, slugs: tuple[str, ...], patience_seconds: float) -> _State:
    if connection.in_atomic_block or reachability.is_down:  # then each fails at once, instead of one after the other
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
