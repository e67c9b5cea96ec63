"""Recognises question words and other function words of questions in six languages. Pure: no Django."""

from __future__ import annotations

from collections.abc import Sequence

_STEM_CHARS = 6  # as `querying.text.sentences.words_of` cuts words

CODES = ("en", "de", "es", "fr", "vi", "zh")
_LANGUAGES = (  # in the order of CODES
    """
what which who whom whose where when why how did does do is are was were be been being has have had can could would
should will shall may might must the a an of in on at by to for from with and or as that this these those there it its
their his her he she they we our you your i my me than then into about many much use used please
whats whos hows get gets got
""",
    """
was welche welcher welches welchen welchem wer wen wem wessen wo wann warum wie wieso weshalb wofur woher wohin ist sind
war waren wird werden wurde wurden hat haben hatte hatten kann konnen konnte sein der die das den dem des ein eine einer
eines einem einen und oder in im an am auf von vom zu zum zur bei mit nach aus fur durch uber unter als es er sie sich
nicht auch noch viel viele wir ich man uns unser mein bitte muss mussen darf durfen soll sollen gibt kommt
kommen konnen wieviel wieviele habe
""",
    """
que cual cuales quien quienes donde cuando por como cuanto cuanta cuantos cuantas es son fue fueron ser el la los las un
una del en al con para se su sus y o lo
""",
    """
quel quelle quels quelles qui quoi ou quand pourquoi comment combien est sont etait le les une d l au aux avec par pour
sur son sa ses et il elle ils
""",
    """
gi nao ai dau khi sao bao nhieu may cua va cac nhung mot da duoc bi co cho trong tren voi tu den tai ve nay do thi ma ra
vao
""",
    """
什么 哪些 哪个 哪里 多少 何时 为什 怎么 么时 时候 是谁 是什 的是
""",
)
_STEMS_BY_LANGUAGE = tuple(frozenset(word[:_STEM_CHARS] for word in words.split()) for words in _LANGUAGES)
_STEMS = frozenset().union(*_STEMS_BY_LANGUAGE)


def is_function_word(word: str) -> bool:
    """Return whether a word, as `words_of` gives it, only says how something is asked."""
    return word in _STEMS


def function_words_among(words: Sequence[str]) -> frozenset[str]:
    """Return which words of a question only say how it is asked, in its own language: the one that has most of them.

    "war" is one in a German question, and not in "When did the war begin?". Where two languages have as many, the words
    of both.
    """
    stems = [word[:_STEM_CHARS] for word in words]
    counts = [sum(stem in language for stem in stems) for language in _STEMS_BY_LANGUAGE]
    own = [language for language, count in zip(_STEMS_BY_LANGUAGE, counts, strict=True) if count == max(counts)]
    return frozenset(word for word, stem in zip(words, stems, strict=True) if any(stem in each for each in own))


def probable_language(words: Sequence[str]) -> str | None:
    """Return the code of the language that a question's words, as `words_of` gives them, seem to be of.

    None where two languages have as many of its words, or fewer than two of them are known.
    """
    stems = [word[:_STEM_CHARS] for word in words]
    counts = [sum(stem in language for stem in stems) for language in _STEMS_BY_LANGUAGE]
    most = max(counts)
    return CODES[counts.index(most)] if most > 1 and counts.count(most) == 1 else None
