"""Finds documents that contain given words, for searchable lists, through the keyword index."""

from __future__ import annotations

from uuid import UUID

from documents.access.policy import Principal, readable_corpora
from documents.keywords.terms import read_question
from documents.models import Chunk, Corpus

CORPORA_MAX = 50
PASSAGES_MAX = 2000  # per corpus: a list of more documents than these have is narrowed down by another word


def documents_with(principal: Principal, text: str) -> set[UUID]:
    """Return the documents of readable corpora that have all of the words in one passage, in any inflection.

    For very common words, only some of them. The caller checks whether each document may be read.
    """
    found: set[UUID] = set()
    for corpus in readable_corpora(principal).order_by("-chunk_count")[:CORPORA_MAX]:
        found |= _documents_of(corpus, text)
    return found


def _documents_of(corpus: Corpus, text: str) -> set[UUID]:
    wanted = []
    for term in read_question(corpus, text).terms:
        if term.is_content:
            # Kind 0 is the word as written, kind 1 without accents; the other kinds mark how often it occurs.
            kinds = 2 if term.folded else 1
            if not any(term.chunks[:kinds]):
                return set()  # a word that no passage of the corpus has
            wanted.append(list(term.terms[:kinds]))
    if not wanted:
        return set()
    # Without a join with the documents, at which Postgres would begin. Terms belong to one corpus.
    passages = Chunk.objects.order_by()
    for terms in wanted:
        passages = passages.filter(terms__overlap=terms)
    return set(passages.values_list("document_id", flat=True)[:PASSAGES_MAX])
