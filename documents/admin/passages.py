"""What the indexer made of documents: looked at when a search surprises, never changed by hand."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet

from documents.access.policy import Principal, readable_corpora, readable_documents
from documents.admin.scoping import CorpusFilter, ReadOnlyAdmin, manageable_corpora, readable_spaces
from documents.models import Abbreviation, Chunk, DocumentText, Embedding, TermFrequency, Word

TEXT_SHOWN_CHARS = 20_000


@admin.register(DocumentText)
class DocumentTextAdmin(ReadOnlyAdmin):
    """The text that was found in a version of a document."""

    is_internal = True
    list_display = ["document", "version"]
    search_fields = ["document__title"]
    list_select_related = ["document"]
    readonly_fields = ["document", "version", "page_starts", "beginning"]

    def readable(self, principal: Principal) -> QuerySet[DocumentText]:
        """Return the texts of readable documents; a text is loaded only where it is shown."""
        return DocumentText.objects.filter(document__in=readable_documents(principal)).defer("text")

    @admin.display(description="text")
    def beginning(self, row: DocumentText) -> str:
        """Return the text, or its beginning if it is long."""
        rest = len(row.text) - TEXT_SHOWN_CHARS
        return row.text[:TEXT_SHOWN_CHARS] + (f" ... and {rest:,} characters more" if rest > 0 else "")


@admin.register(Chunk)
class ChunkAdmin(ReadOnlyAdmin):
    """The passages that are searched."""

    list_display = ["document", "version", "ordinal", "page", "heading", "lexeme_count"]
    search_fields = ["document__title", "heading"]
    list_select_related = ["document"]
    readonly_fields = [
        "document", "version", "ordinal", "page", "heading", "text", "start", "end", "borders", "content_hash",
        "lexeme_count",
    ]  # fmt: skip
    ordering = ["document", "version", "ordinal"]

    def readable(self, principal: Principal) -> QuerySet[Chunk]:
        """Return the chunks of readable documents, without their terms."""
        return Chunk.objects.filter(document__in=readable_documents(principal)).defer("terms", "term_counts")


@admin.register(Embedding)
class EmbeddingAdmin(ReadOnlyAdmin):
    """Which chunks have a vector. The vectors themselves are numbers by the hundred and never shown."""

    is_internal = True
    list_display = ["id", "chunk", "document", "space"]
    list_filter = [("space__corpus", CorpusFilter)]
    readonly_fields = ["space", "chunk", "document"]

    def readable(self, principal: Principal) -> QuerySet[Embedding]:
        """Return the embeddings of readable documents, without their vectors."""
        rows = Embedding.objects.filter(
            document__in=readable_documents(principal), space__in=readable_spaces(principal)
        )
        related = rows.select_related("chunk", "document", "space__corpus")
        return related.defer("vector", "chunk__terms", "chunk__term_counts", "chunk__text")


@admin.register(TermFrequency)
class TermFrequencyAdmin(ReadOnlyAdmin):
    """In how many chunks a term of a corpus occurs."""

    is_internal = True
    list_display = ["term", "corpus", "chunks"]
    list_filter = [("corpus", CorpusFilter)]
    list_select_related = ["corpus"]
    readonly_fields = ["term", "corpus", "chunks"]
    ordering = ["-chunks"]

    def readable(self, principal: Principal) -> QuerySet[TermFrequency]:
        """Return the terms of the corpora that the principal may ask."""
        return TermFrequency.objects.filter(corpus__in=readable_corpora(principal))


@admin.register(Word)
class WordAdmin(ReadOnlyAdmin):
    """The words that misspelled ones are corrected to."""

    is_internal = True
    list_display = ["word", "corpus"]
    list_filter = [("corpus", CorpusFilter)]
    search_fields = ["word"]
    list_select_related = ["corpus"]
    readonly_fields = ["word", "folded", "term", "corpus"]
    ordering = ["-id"]

    def readable(self, principal: Principal) -> QuerySet[Word]:
        """Return the words of corpora that the principal manages: some are of documents that not every reader sees."""
        return Word.objects.filter(corpus__in=manageable_corpora(principal))


@admin.register(Abbreviation)
class AbbreviationAdmin(ReadOnlyAdmin):
    """The abbreviations that documents explain: who asks for one finds the other, too."""

    is_internal = True
    list_display = ["short", "long", "corpus", "document"]
    list_filter = [("corpus", CorpusFilter)]
    search_fields = ["short", "long"]
    list_select_related = ["corpus", "document"]
    readonly_fields = ["short", "long", "folded", "corpus", "document", "version"]
    ordering = ["-id"]

    def readable(self, principal: Principal) -> QuerySet[Abbreviation]:
        """Return the abbreviations of readable documents."""
        return Abbreviation.objects.filter(document__in=readable_documents(principal))
