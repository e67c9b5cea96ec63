"""Recognises full stops that end no sentence: after abbreviations, initials, ordinals. Pure: no Django."""

from __future__ import annotations

import re


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# A name, a number or the rest of the phrase follows: never the end.
_BEFORE_MORE = _words(
    """
    mr mrs ms dr prof rev gen col capt lt sgt cpl maj adm gov sen rep pres hon fr mme mlle mgr sr sra srta dña st ste mt
    ft vs cf ca approx e.g i.e viz z.b d.h u.a u.u i.d.r z.t vgl sog ggf evtl inkl exkl bspw hl hr tp ths ts gs pgs
    ks bs nxb dipl ing geb gest op cit ed eds ej bzw
    """
)
# Also the last word of many sentences: what follows tells.
_BEFORE_ANYTHING = _words(
    """
    etc al inc ltd co corp bros jr dept univ est usw usf ff mio mrd tsd std str chr ave blvd rd v.v v.chr n.chr
    uds ud vv ldg
    """
)
_BEFORE_A_NUMBER = _words(
    """
    no nos nr nrn fig figs eq art arts abs p pp s tr pág págs vol sec sect ch chap núm núms bd kap tab ziff par para
    jan feb mar apr jun jul aug sep sept oct okt nov dec dez v ver c cap
    """
)
# After an abbreviation or an initial, these words begin a sentence: "in the U.S. The law", but "the U.S. Army".
_STARTERS = _words(
    """
    the a an in on at by for from to of it its he she his her they we you this that these those there then thus if when
    while after before as since however but and or most many some all no each
    der die das den dem ein eine er sie es wir im am dieser diese dieses dies danach dort hier seit nach bei als wenn
    el la los las un una en esto este esta le les une il elle ils ce cette dans
    """
)
# A German number with a full stop before a noun is an ordinal after these; elsewhere it ends its sentence.
_BEFORE_ORDINAL = _words(
    """
    der die das den dem des am im vom zum zur beim ein eine einer eines einem einen jeder jede jedes jeden seinem seinen
    seine ihre ihrem ihren unsere diesem diesen dieser
    """
)
_AFTER_ORDINAL = re.compile(
    r"(?:Jan(?:uar|\.)|Jänner|Feb(?:ruar|\.)|März|Apr(?:il|\.)|Mai|Juni|Juli|Aug(?:ust|\.)|Sept?(?:ember|\.)|Okt(?:ober|\.)|"
    r"Nov(?:ember|\.)|Dez(?:ember|\.)|Jahrhundert|Jahrestag|Klasse|Auflage)|\d"
)
_LETTERS = re.compile(r"(?:[^\W\d_]{1,3}\.)+[^\W\d_]{1,3}|[^\W\d_]")  # U.S, z.B, EE.UU, Ph.D; J
_HALF_DAY = frozenset(["a.m", "p.m", "s.a", "s.l"])  # "at 5 p.m. Employees": a capital begins a sentence
_ROMAN = re.compile(r"[IVXL]{1,6}")  # Karl V., Ludwig XIV.
_WORD = re.compile(r"[^\W\d_]+")


def ends_no_sentence(before: str, after: str) -> bool:
    """Return whether the full stop between these two parts of a line is within a sentence.

    `before` is what the line holds before it, `after` some of the text behind it, without white space at its start.
    """
    if after[:1].islower():
        return True
    line = before.split()
    raw = line[-1].lstrip("([{\"'“„«‘") if line else ""
    word = raw.casefold()
    if word.isdigit():
        return len(word) <= 3 and _is_ordinal(line, after)
    if word in _BEFORE_MORE or (word in _BEFORE_A_NUMBER and after[:1].isdigit()):
        return True
    is_short = word in _BEFORE_ANYTHING or (_LETTERS.fullmatch(raw) and word not in _HALF_DAY) or _ROMAN.fullmatch(raw)
    following = _WORD.match(after)
    return bool(is_short) and following is not None and following.group().casefold() not in _STARTERS


def _is_ordinal(line: list[str], after: str) -> bool:
    """Return whether a number with a full stop is a list's or a German ordinal: "am 3. Oktober", "der 2. Weltkrieg"."""
    if len(line) == 1 or _AFTER_ORDINAL.match(after):
        return True
    return line[-2].lstrip("(„\"'").casefold() in _BEFORE_ORDINAL and after[:1].isalpha()
