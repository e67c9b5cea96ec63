"""Reads the lists of words when a web process starts, beside it, so that no question waits for them."""

from __future__ import annotations

import threading

from django.db import DatabaseError, connections

from documents.keywords.dictionary import ALSO, load_words
from documents.models import Corpus

LISTS_MAX = 4  # 1 to 3 MB each, and about as much again while they are read; others are read when they are needed


def read_word_lists() -> None:
    """Read the words of English and of the languages that corpora are in; its connection is given back."""
    try:
        languages = sorted(set(Corpus.objects.values_list("language", flat=True)))
    except DatabaseError:  # there is none yet
        languages = []
    finally:
        connections.close_all()
    for language in [ALSO, *languages][:LISTS_MAX]:
        load_words(language)


def read_word_lists_soon() -> threading.Thread:
    """Do it in a thread: a process starts without its database too."""
    thread = threading.Thread(target=read_word_lists, name="word-lists", daemon=True)
    thread.start()
    return thread
