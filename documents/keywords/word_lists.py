"""Loads the word lists in a thread when a web process starts, so that no question waits for them."""

from __future__ import annotations

import threading

from django.db import DatabaseError, connections

from documents.keywords.dictionary import ALSO, load_words
from documents.models import Corpus

LISTS_MAX = 4  # 1 to 3 MB each, twice that while they are loaded; others are loaded when they are needed


def read_word_lists() -> None:
    """Load the word lists of English and of the corpora's languages. Closes this thread's connection."""
    try:
        languages = sorted(set(Corpus.objects.values_list("language", flat=True)))
    except DatabaseError:  # the database is not up yet
        languages = []
    finally:
        connections.close_all()
    for language in [ALSO, *languages][:LISTS_MAX]:
        load_words(language)


def read_word_lists_soon() -> threading.Thread:
    """Start `read_word_lists` in a thread and return it: a process must start without its database, too."""
    thread = threading.Thread(target=read_word_lists, name="word-lists", daemon=True)
    thread.start()
    return thread
