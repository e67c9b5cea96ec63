"""Indexes one document: file -> text -> chunks -> vectors -> published version.

The new version is written beside the one that is searched, in batches that are each committed; the last transaction
makes it the version that is searched. So a crash loses one batch at most, and no search sees half a document. A batch
is what happens between two commits: at most two calls to a model server.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import InterfaceError, OperationalError

from documents.extraction import Extracted, ExtractionFailed
from documents.indexing.attempts import (
    Interrupted,
    Superseded,
    claim,
    count_crash,
    fail,
)
from documents.indexing.crash_points import checkpoint
from documents.indexing.file_text import text_of
from documents.indexing.versions import (
    SpaceChanged,
    embed_the_rest,
    embedding,
    keep_known_vectors,
    plan_vectors,
    publish,
    store_chunks,
    store_text,
)
from documents.models import Corpus, Document, EmbeddingSpace
from documents.models.document import INTERNAL_ERROR
from documents.text.chunking import Piece, cut, embedded_text
from documents.text.names import TITLE_MAX_CHARS, clean_text, title_of
from documents.vectors.spaces import live_space_of
from ragsite.errors import (
    CircuitOpen,
    DeadlineExceeded,
    EmbeddingMismatch,
    ModelNotFound,
    OllamaBusy,
    OllamaMisconfigured,
    OllamaUnavailable,
    RagError,
)
from ragsite.metrics import DOCUMENTS_INDEXED, INDEXING_SECONDS
from ragsite.ollama import get_client

logger = logging.getLogger(__name__)

# Errors of the model or its configuration, never of the file: retried without limit. EmbeddingMismatch is one of them:
# the server may have another model under this name for a while.
MODEL_IS_AWAY = (
    OllamaUnavailable, OllamaBusy, ModelNotFound, OllamaMisconfigured, EmbeddingMismatch, DeadlineExceeded
)  # fmt: skip


def index_document(document_id: UUID, *, keep_going: Callable[[], bool] = lambda: True) -> Document.Status | None:
    """Index a waiting document, and return its status, ready or failed; None: nothing to do, or another run took over.

    A file that can't be indexed is `failed` with its reason, and its live version stays. Raises errors that another run
    may not have: MODEL_IS_AWAY, errors of the database, Interrupted when `keep_going` says so, and unexpected errors
    until they have happened three times.
    """
    document = claim(document_id)
    return None if document is None else index_claimed(document, keep_going)


def index_claimed(document: Document, keep_going: Callable[[], bool]) -> Document.Status | None:
    """Index a document whose run has begun; see `index_document`."""
    started = time.monotonic()
    outcome = attempt(document, lambda: _index(document, keep_going))
    report(document, outcome, time.monotonic() - started)
    return outcome


def report(document: Document, outcome: Document.Status | None, seconds: float) -> None:
    """Log and count how a run ended."""
    logger.info("document %s: %s", document.pk, outcome or "overtaken", extra={"seconds": round(seconds, 3)})
    DOCUMENTS_INDEXED.labels(outcome=outcome or "overtaken").inc()
    INDEXING_SECONDS.observe(seconds)


def attempt(document: Document, action: Callable[[], None]) -> Document.Status | None:
    """Do a part of a run; return ready on success, failed when the document was given up, None if overtaken.

    Raises as `index_document` does.
    """
    try:
        return _try(document, action)
    except Superseded:
        return None


def _try(document: Document, action: Callable[[], None]) -> Document.Status:
    try:
        action()
    except MODEL_IS_AWAY as exc:
        document.wait_for_model(exc.message)
        raise
    except FileNotFoundError:
        return _failed(document, "file_missing", "The stored file is gone; upload it again.")
    except RagError as exc:
        return _failed(document, exc.code, exc.message)
    except (Superseded, Interrupted, SpaceChanged, OperationalError, InterfaceError):
        raise
    except Exception as exc:
        _log_without_text(document, exc)
        if count_crash(document, INTERNAL_ERROR):
            return Document.Status.FAILED
        raise
    return Document.Status.READY


@dataclass(frozen=True)
class ReadDocument:
    """A document of this run with its text and chunks."""

    document: Document
    extracted: Extracted
    title: str
    pieces: Sequence[Piece]

    @property
    def texts(self) -> list[str]:
        """Return what is embedded for each piece."""
        return [embedded_text(self.title, piece) for piece in self.pieces]


def read_document(
    document: Document, *, keep_going: Callable[[], bool] = lambda: True, shows_progress: bool = True
) -> ReadDocument:
    """Extract and chunk the document's text. Raises ExtractionFailed, and Interrupted between scanned pages."""
    extracted = text_of(document, keep_going=keep_going, shows_progress=shows_progress)
    checkpoint("extracted")
    return ReadDocument(document, extracted, _choose_title(document, extracted), _cut(document.corpus, extracted))


def usable_space_of(document: Document) -> EmbeddingSpace:
    """Return the space that the document is embedded for.

    Raises CircuitOpen when its model is known to be away, so that the file isn't extracted in vain.
    """
    space = live_space_of(document.corpus)
    if space.provider == EmbeddingSpace.Provider.OLLAMA and not get_client().can("embed", space.model):
        raise CircuitOpen
    return space


def _index(document: Document, keep_going: Callable[[], bool]) -> None:
    checkpoint("claimed")
    space = usable_space_of(document)
    write_document(read_document(document, keep_going=keep_going), space, keep_going)


def write_document(read: ReadDocument, space: EmbeddingSpace, keep_going: Callable[[], bool]) -> None:
    """Store text, chunks and vectors of an extracted document, and publish them as its live version."""
    document, texts = read.document, read.texts
    planned = plan_vectors(document, space, texts)
    with embedding(space, [texts[place] for place in planned.missing], keep_going) as vectors:
        store_text(document, read.extracted, len(read.pieces))
        checkpoint("stored_text")
        chunk_ids = store_chunks(document, read.pieces, read.title, keep_going)
        checkpoint("stored_chunks")
        keep_known_vectors(document, space, planned, chunk_ids)
        checkpoint("kept_vectors")
        missing = [chunk_ids[place] for place in planned.missing]
        embed_the_rest(document, space, missing, len(planned.known), vectors)
    checkpoint("embedded")
    publish(document, space, read.extracted, read.title)
    checkpoint("published")


def _cut(corpus: Corpus, extracted: Extracted) -> list[Piece]:
    pieces = cut(
        extracted.text,
        page_starts=extracted.page_starts,
        size=corpus.chunk_size,
        overlap=corpus.chunk_overlap,
        unit="tokens" if corpus.chunk_unit == Corpus.ChunkUnit.TOKENS else "chars",
        markdown=extracted.markdown,
    )
    if not pieces:
        raise ExtractionFailed.because("empty")
    return pieces


def _choose_title(document: Document, extracted: Extracted) -> str:
    """Return the title that a person gave; else the one that the file itself has; else its name's."""
    if extracted.title and document.title == title_of(document.source):
        return clean_text(extracted.title, TITLE_MAX_CHARS) or document.title
    return document.title


def _failed(document: Document, code: str, message: str) -> Document.Status:
    if not fail(document, code, message):
        raise Superseded
    return Document.Status.FAILED


def _log_without_text(document: Document, exc: Exception) -> None:
    # An exception's message may quote the document; its traceback does not.
    frames = "".join(traceback.format_tb(exc.__traceback__))
    logger.error("document %s: unexpected %s", document.pk, type(exc).__name__, extra={"traceback": frames})
