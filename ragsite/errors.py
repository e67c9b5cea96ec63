"""Errors that a user of the API may meet, all derived from RagError.

The docstring of a class is its default message: one sentence that says what happened and what to do.
`ragsite.web.exception_handler` turns them into RFC 9457 problem documents.
"""

from __future__ import annotations

from collections.abc import Mapping


class RagError(Exception):
    """Something went wrong on our side; try again, and tell the operator if it stays."""

    code = "internal_error"
    status_code = 500

    def __init__(
        self,
        message: str | None = None,
        *,
        retry_after_seconds: float | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        self.message = message or " ".join((type(self).__doc__ or "").split())
        self.retry_after_seconds = retry_after_seconds
        self.fields = dict(fields or {})  # field name -> what is wrong with it
        super().__init__(self.message)


class InvalidInput(RagError):
    """The request can't be understood; `errors` names each field and what to change."""

    code = "invalid_input"
    status_code = 400


class CorpusNotFound(RagError):
    """There is no such corpus, or you may not read it."""

    code = "corpus_not_found"
    status_code = 404


class DocumentNotFound(RagError):
    """There is no such document, or you may not read it."""

    code = "document_not_found"
    status_code = 404


class QueryNotFound(RagError):
    """There is no such answer, or it was given to somebody else."""

    code = "query_not_found"
    status_code = 404


class NotAllowed(RagError):
    """You may read this, but not change it; ask a manager of the tenant for the editor role."""

    code = "not_allowed"
    status_code = 403


class UploadTooLarge(RagError):
    """The upload is larger than this server accepts; split the file, or ask the operator to raise UPLOAD_MAX_BYTES."""

    code = "too_large"
    status_code = 413


class RequestTooSlow(RagError):
    """The request's body took too long to arrive."""

    code = "request_too_slow"
    status_code = 408


class StorageFull(RagError):
    """The server has no room for this upload; nothing was stored. Ask the operator to free disk space."""

    code = "storage_full"
    status_code = 507


class DeadlineExceeded(RagError):
    """The time that was given to this request is over; allow more with deadline_ms, or ask something smaller."""

    code = "deadline_exceeded"
    status_code = 504


class Overloaded(RagError):
    """The server has more to do than it can finish in time; try again after the given number of seconds."""

    code = "overloaded"
    status_code = 503


class DatabaseUnavailable(RagError):
    """The database can't be reached right now; try again after the given number of seconds."""

    code = "database_unavailable"
    status_code = 503


class ShuttingDown(RagError):
    """The server is restarting; ask again."""

    code = "shutting_down"
    status_code = 503


class QuestionsDisabled(RagError):
    """Questions are switched off on this server for the moment; uploads and the admin work. Ask again later."""

    code = "questions_disabled"
    status_code = 503


class EmbeddingMismatch(RagError):
    """The embedding model's vectors don't fit this space; nothing was stored. Reindex with the right model."""

    code = "embedding_mismatch"
    status_code = 502


class OllamaError(RagError):
    """The model server did not do what was asked."""

    code = "ollama_error"
    status_code = 502


class OllamaUnavailable(OllamaError):
    """The model server can't be reached, or fails; worth another try later."""

    code = "ollama_unavailable"
    status_code = 503


class OllamaTimeout(OllamaUnavailable):
    """The model server did not answer in time."""

    code = "ollama_timeout"


class OllamaBusy(OllamaError):
    """The model server is alive and full; it has not failed."""

    code = "ollama_busy"
    status_code = 503


class CircuitOpen(OllamaUnavailable):
    """Circuit OPEN - Service unavailable: the model server failed too often, and is left alone for a moment."""

    code = "circuit_open"


class ModelNotFound(OllamaError):
    """The model server does not have this model; run `ollama pull` with its name there."""

    code = "model_not_found"
    status_code = 503


class OllamaMisconfigured(OllamaError):
    """The model server's address or the kind of model is wrong; check OLLAMA_BASE_URL and the model's name."""

    code = "ollama_misconfigured"
    status_code = 503


class ModelInputTooLong(OllamaError):
    """The text is longer than the model can take in."""

    code = "model_input_too_long"
    status_code = 502


class BrokenReply(OllamaUnavailable):
    """The model server's reply was broken or incomplete."""

    code = "broken_reply"
