"""Documents for tests: made the way users make them, and what the database holds of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from procrastinate.contrib.django.models import ProcrastinateJob

from documents.models import Chunk, Corpus, Document, Embedding
from documents.storage.file_store import _files
from documents.uploads.acceptance import accept_upload

# Words that don't repeat, so that no two chunks of a made text are equal.
_SYLLABLES = ["ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "xo", "zu"]


def make_text(paragraphs: int, *, seed: int = 0) -> str:
    """Return that many different paragraphs of about 60 words."""
    return "\n\n".join(f"Paragraph {number} of {seed}. " + _words(number, seed) for number in range(paragraphs))


def _words(number: int, seed: int) -> str:
    size = len(_SYLLABLES)
    words = []
    for place in range(60):
        value = (number * 7919 + place * 104_729 + seed * 1299_709) % (size**3)
        words.append(_SYLLABLES[value % size] + _SYLLABLES[value // size % size] + _SYLLABLES[value // size**2])
    return " ".join(words) + "."


def upload(corpus: Corpus, text: str = "Rail is preferred.", name: str = "policy.txt", **options: Any) -> Document:
    """Return the document of an accepted upload, which is waiting for a worker."""
    return accept_upload(corpus, file=io.BytesIO(text.encode()), name=name, **options).document


def stored_files() -> int:
    """Return how many uploads are on disk, whole or not."""
    return len(list(_files()))


def waiting_jobs() -> list[ProcrastinateJob]:
    """Return the jobs that wait, in the order in which workers take them."""
    return list(ProcrastinateJob.objects.filter(status="todo").order_by("-priority", "pk"))


def chunks_of(document: Document) -> Sequence[tuple[Any, ...]]:
    """Return all that is stored of a document's chunks, of any version, except their ids and versions."""
    return list(
        Chunk.objects.filter(document=document)
        .order_by("ordinal", "pk")
        .values_list("ordinal", "text", "heading", "start", "end", "content_hash", "terms", "term_counts")
    )


def vectors_of(document: Document) -> int:
    """Return how many vectors are stored for the document."""
    return Embedding.objects.filter(document=document).count()
