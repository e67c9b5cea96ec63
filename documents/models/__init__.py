"""Defines the tables: tenants, corpora, documents, chunks, terms, embedding spaces and vectors."""

from documents.models.abbreviation import Abbreviation
from documents.models.api_key import ApiKey
from documents.models.chunk import Chunk, TermFrequency
from documents.models.corpus import Corpus
from documents.models.document import Document, DocumentText
from documents.models.login_attempts import LoginAttempts
from documents.models.reader_group import ReaderGroup
from documents.models.space import INDEX_PREFIX, Embedding, EmbeddingSpace
from documents.models.tenant import Membership, Tenant
from documents.models.word import Word

__all__ = [
    "INDEX_PREFIX",
    "Abbreviation",
    "ApiKey",
    "Chunk",
    "Corpus",
    "Document",
    "DocumentText",
    "Embedding",
    "EmbeddingSpace",
    "LoginAttempts",
    "Membership",
    "ReaderGroup",
    "Tenant",
    "TermFrequency",
    "Word",
]
