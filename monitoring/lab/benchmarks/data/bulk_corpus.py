"""Loads a corpus of any size in seconds: artificial texts, copied into the tables as if they had been indexed.

Terms, counts and vectors are what indexing would have stored (tests compare them). Postgres stems the vocabulary once
instead of every passage, and a passage's vector is the sum of its words' vectors, as WordLlama has it. There is no
DocumentText, so no window around a quote. Only for a database of one's own: triggers are off meanwhile.
"""

from __future__ import annotations

import hashlib
import math
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction
from django.db.models import F

from documents.keywords.terms import recount
from documents.models import Chunk, Corpus, Document, EmbeddingSpace, Tenant
from documents.storage.bulk_insert import lock_corpus
from documents.text.chunking import Piece, embedded_text
from documents.vectors.spaces import WORDLLAMA, WORDLLAMA_DIMENSIONS, ensure_index
from monitoring.lab.benchmarks.data.artificial_language import Language
from monitoring.lab.benchmarks.data.bulk_terms import Terms
from monitoring.lab.benchmarks.data.bulk_vectors import WordVectors

SHARES = (0.0001, 0.001, 0.01, 0.1, 0.5, 1.0)  # of the passages: what filters of each share leave
PASSAGES_PER_DOCUMENT = 20
SINGLE_SHARE = 0.01  # up to this share, a document has one passage, so that small shares are exact
PASSAGES_PER_COPY = 4000
REBUILD_FROM = 20_000  # passages; for fewer, dropping and rebuilding the index does not pay
BUILD_MEMORY = "1500MB"
TENANT = "benchmark"


@dataclass(frozen=True)
class Plan:
    """How many passages each document has, and the smallest of SHARES that it is in."""

    lengths: Sequence[int]
    shares: Sequence[float]

    def passages_in(self, share: float) -> int:
        """Return how many passages a filter of that share leaves."""
        return sum(length for length, own in zip(self.lengths, self.shares, strict=True) if own <= share)


def plan_of(size: int, *, seed: int = 0) -> Plan:
    """Return the plan of a corpus of `size` passages; which documents are in which share is up to chance."""
    lengths: list[int] = []
    shares: list[float] = []
    filled = 0
    for share in SHARES:
        until = max(1, math.ceil(size * share)) if share < 1 else size
        while filled < until:
            length = 1 if share <= SINGLE_SHARE else min(PASSAGES_PER_DOCUMENT, until - filled)
            lengths.append(length)
            shares.append(share)
            filled += length
    order = np.random.default_rng([seed, size]).permutation(len(lengths)).tolist()
    return Plan([lengths[place] for place in order], [shares[place] for place in order])


def filter_of(share: float) -> dict[str, object]:
    """Return the filter of a question that leaves this share of the passages."""
    return {"metadata": {_key(share): True}}


def load(slug: str, size: int, *, seed: int = 0, language_seed: int = 7, tenant_slug: str = TENANT) -> dict[str, float]:
    """Make a public corpus of `size` passages with its indexes, and return how many seconds each part took."""
    tenant, _ = Tenant.objects.get_or_create(slug=tenant_slug, defaults={"name": tenant_slug})
    corpus = Corpus.objects.create(tenant=tenant, name=slug, slug=slug, language="en", is_public=True)
    space = EmbeddingSpace.objects.create(
        corpus=corpus,
        provider=EmbeddingSpace.Provider.EMBEDDED,
        model=WORDLLAMA,
        dimensions=WORDLLAMA_DIMENSIONS,
        status=EmbeddingSpace.Status.LIVE,
    )
    seconds: dict[str, float] = {}
    started = time.monotonic()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"SET LOCAL session_replication_role = replica; SET LOCAL maintenance_work_mem = '{BUILD_MEMORY}'"
        )
        rebuilt = _take_off_index() if size >= REBUILD_FROM else ""
        _fill(corpus, space, plan_of(size, seed=seed), _language_of(language_seed), seed)
        seconds["rows"] = time.monotonic() - started
        if rebuilt:
            cursor.execute(rebuilt)
        recount(lock_corpus(corpus.pk))
        Corpus.objects.filter(pk=corpus.pk).update(epoch=F("epoch") + 1)
    seconds["words"] = time.monotonic() - started - seconds["rows"]
    with connection.cursor() as cursor:
        cursor.execute(
            "VACUUM ANALYZE documents_chunk, documents_embedding, documents_document, documents_termfrequency"
        )
        cursor.execute(f"SET maintenance_work_mem = '{BUILD_MEMORY}'")
        ensure_index(space)
        cursor.execute("RESET maintenance_work_mem")
    seconds["all"] = time.monotonic() - started
    return seconds


@lru_cache(maxsize=1)  # made once for all corpora that a process loads: each takes a second or two
def _language_of(seed: int) -> Language:
    return Language(seed)


@lru_cache(maxsize=1)
def _vectors_of(language_seed: int) -> WordVectors:
    return WordVectors(_language_of(language_seed).words)


def _take_off_index() -> str:
    """Drop the index of the terms, and return the statement that makes it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef('idx_chunks_terms'::regclass)")
        (statement,) = cursor.fetchone()
        cursor.execute("DROP INDEX idx_chunks_terms")
    return str(statement)


def _fill(corpus: Corpus, space: EmbeddingSpace, plan: Plan, language: Language, seed: int) -> None:
    rows = [
        Document(
            tenant_id=corpus.tenant_id,
            corpus=corpus,
            source=f"{corpus.slug}/{number}.txt",
            sha256=hashlib.sha256(f"{corpus.slug} {number}".encode()).hexdigest(),
            status=Document.Status.READY,
            version=1,
            chunks_total=length,
            chunks_done=length,
            metadata={_key(share): True for share in SHARES if share >= own},
        )
        for number, (length, own) in enumerate(zip(plan.lengths, plan.shares, strict=True))
    ]
    terms, vectors = Terms(corpus, language.words), _vectors_of(language.seed)
    passages = _passages(rows, plan, language, seed)
    first_id = (Chunk.objects.order_by("-pk").values_list("pk", flat=True).first() or 0) + 1
    last_id = first_id
    while batch := [passage for passage, _ in zip(passages, range(PASSAGES_PER_COPY), strict=False)]:
        _copy_chunks(batch, first_id, terms)
        _copy_vectors(batch, first_id, space, vectors)
        first_id += len(batch)
        last_id = first_id - 1
    Document.objects.bulk_create(rows, batch_size=2000)
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('documents_chunk', 'id'), %s)", [last_id])


@dataclass(frozen=True)
class _Passage:
    document_id: uuid.UUID
    ordinal: int
    title: str
    text: str
    searched: npt.NDArray[np.int64]  # words of the title, twice, and of the text: what the keyword leg counts
    embedded: npt.NDArray[np.int64]  # ... of the title and of the text


def _passages(rows: Sequence[Document], plan: Plan, language: Language, seed: int) -> Iterator[_Passage]:
    """Yield all passages, and give each document its title on the way."""
    for row, made in zip(rows, language.documents(plan.lengths, seed=seed), strict=True):
        row.title = language.text_of(made.title)
        for ordinal, words in enumerate(made.passages):
            yield _Passage(
                row.pk,
                ordinal,
                row.title,
                language.text_of(words),
                np.concatenate([made.title, made.title, words]),
                np.concatenate([made.title, words]),
            )


def _copy_chunks(batch: Sequence[_Passage], first_id: int, terms: Terms) -> None:
    columns = (
        'id, document_id, version, ordinal, text, heading, start, "end", content_hash, terms, term_counts, lexeme_count'
    )
    lines = []
    for chunk_id, passage in enumerate(batch, first_id):
        embedded = embedded_text(passage.title, Piece(passage.ordinal, passage.text, "", None, 0, len(passage.text)))
        digest = hashlib.sha256(embedded.encode()).hexdigest()
        words, counts, length = terms.of(passage.searched)
        lines.append(
            f"{chunk_id}\t{passage.document_id}\t1\t{passage.ordinal}\t{passage.text}\t\t0\t{len(passage.text)}"
            f"\t{digest}\t{words}\t{counts}\t{length}\n"
        )
    with connection.cursor() as cursor, cursor.copy(f"COPY documents_chunk ({columns}) FROM STDIN") as copy:
        copy.write("".join(lines))


# A row of COPY's binary form: the number of columns, then each column's length and bytes, most significant first.
_ROW = np.dtype(
    [
        ("columns", ">i2"),
        *[(f"{name}{part}", kind) for name, kind_of in (
            ("space", ">i8"), ("chunk", ">i8"), ("document", "V16"),
        ) for part, kind in (("_bytes", ">i4"), ("", kind_of))],
        ("vector_bytes", ">i4"), ("dimensions", ">u2"), ("unused", ">u2"),
        ("vector", ">f2", (WORDLLAMA_DIMENSIONS,)),
    ]
)  # fmt: skip
_HEAD, _END = b"PGCOPY\n\xff\r\n\x00" + bytes(8), b"\xff\xff"


def _copy_vectors(batch: Sequence[_Passage], first_id: int, space: EmbeddingSpace, vectors: WordVectors) -> None:
    rows = np.zeros(len(batch), dtype=_ROW)
    rows["columns"], rows["dimensions"] = 4, WORDLLAMA_DIMENSIONS
    rows["space_bytes"], rows["chunk_bytes"], rows["document_bytes"] = 8, 8, 16
    rows["vector_bytes"] = 4 + 2 * WORDLLAMA_DIMENSIONS
    rows["space"] = space.pk
    rows["chunk"] = np.arange(first_id, first_id + len(batch))
    rows["document"] = np.frombuffer(b"".join(each.document_id.bytes for each in batch), dtype="V16")
    rows["vector"] = vectors.of([each.embedded for each in batch])
    statement = "COPY documents_embedding (space_id, chunk_id, document_id, vector) FROM STDIN (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(_HEAD + rows.tobytes() + _END)


def _key(share: float) -> str:
    return f"within_{share:g}"
