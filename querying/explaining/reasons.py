"""Why a question can't find a document, whatever its passages say: its state, corpus, filters, readers and language."""

from __future__ import annotations

from django.db.models import Q

from documents.access.policy import Principal, readable_corpora, readable_documents
from documents.models import Document, EmbeddingSpace
from documents.search.filters import condition_of
from documents.vectors.embedding import bare_name
from querying.questions.function_words import probable_language
from querying.retrieval.fusion import knows_language
from querying.text.sentences import words_of
from querying.types import Question, Reason

# Reasons for which the search never meets the document.
UNSEARCHED = ("other_corpus", "filtered")


def reasons_before_searching(question: Question, document: Document, asker: Principal | None) -> list[Reason]:
    """Return why the search can't find the document, or finds less of it than there is."""
    return [*_state(document), *_scope(question, document), *([] if asker is None else _rights(document, asker))]


def _state(document: Document) -> list[Reason]:
    is_failed, is_searched = document.status == Document.Status.FAILED, document.version > 0
    is_waiting = document.status == Document.Status.PROCESSING
    why = document.error_detail or "the reason is not known"
    reasons = []
    if is_failed:
        what = "an older version of it is searched" if is_searched else "nothing of it can be found"
        reasons.append(Reason("failed", f"Its indexing failed, and {what}: {why}"))
    if is_waiting and is_searched:
        reasons.append(
            Reason("not_indexed", "It is being indexed again: an older version of it is searched until then.")
        )
    if is_waiting and not is_searched:
        done, total = document.chunks_done, document.chunks_total
        how_far = f"{done:,} of {total:,} passages are done" if total else "no passage is done"
        reasons.append(Reason("not_indexed", f"It is not indexed yet: {how_far}."))
    if document.is_partial:
        left_out = " ".join(document.notes_in_words())
        reasons.append(Reason("partial", f"Text of its file is missing from the index. {left_out}".strip()))
    return reasons


def _scope(question: Question, document: Document) -> list[Reason]:
    reasons = []
    if document.corpus_id not in {corpus.pk for corpus in question.corpora}:
        reasons.append(Reason("other_corpus", f"It is in the corpus {document.corpus.slug}, which was not asked."))
    filters = question.filters or {}
    kept = Document.objects.filter(pk=document.pk)
    removing = [name for name in filters if not kept.filter(condition_of({name: filters[name]}) or Q()).exists()]
    if removing:
        reasons.append(Reason("filtered", f"The question's filters leave it out: {', '.join(sorted(removing))}."))
    return reasons


def _rights(document: Document, asker: Principal) -> list[Reason]:
    if readable_documents(asker).filter(pk=document.pk).exists():
        return []
    who = "A visitor who isn't signed in" if asker.user is None else asker.user.get_username()
    if not readable_corpora(asker).filter(pk=document.corpus_id).exists():
        return [Reason("not_readable", f"{who} may not read the corpus {document.corpus.slug}.")]
    groups = ", ".join(document.readers.order_by("name").values_list("name", flat=True))
    return [Reason("not_readable", f"{who} may not read this document; its readers: {groups}.")]


def reason_of_language(question: Question, document: Document) -> list[Reason]:
    """Return that the question is in another language than the corpus, should it look like it."""
    spoken = document.corpus.language
    asked = probable_language(words_of(question.text))
    if asked is None or asked == spoken.partition("-")[0].lower():
        return []
    space = document.corpus.live_space
    is_embedded = space is not None and space.provider == EmbeddingSpace.Provider.EMBEDDED
    message = f"The question seems to be in {asked}, the corpus is in {spoken}: few words can be the same."
    if space is not None and not knows_language(bare_name(space.model), asked, is_embedded=is_embedded):
        message += f" Its embedding model, {bare_name(space.model)}, does not know {asked} either."
    return [Reason("other_language", message)]
