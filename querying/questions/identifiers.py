"""Finds identifiers: words with digits that name one thing. E1299 is not E1233, 2015 is not 2018. Pure: no Django.

Amounts are none: "more than 30 days", "5 %", "1,000 euros" and "the 18th" may be said in other words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_HYPHENS = r"\u2010\u2011\-"
# Letters and digits, held together by one sign or none: E1042, E-1042, E 1042, v2.1, 2018/19; RFC 9457 is two words.
_CANDIDATE = re.compile(rf"(?:(?<![^\W_])[B-HJ-Z] (?=\d))?[^\W_]+(?:[{_HYPHENS}./:,'’][^\W_]+)*")
_PIECE = re.compile(r"\d+|[^\W\d_]+")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+")
_SQUARE = re.compile(r"[kcm]?m[23]", re.IGNORECASE)
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d(?:['’]?s)?")
_CODE = re.compile(rf"[^\W\d_]{{1,12}}[ {_HYPHENS}./]?\d[\w{_HYPHENS}./]*")  # letters before digits
_VERSION = re.compile(r"v?\d+(?:\.\d+)+", re.IGNORECASE)
_GROUPS = re.compile(rf"\d+(?:[{_HYPHENS}/]\d+)+")
_NUMBER = re.compile(r"\d{2,}")
# Words before a number that make it a name, in lower case.
_LABEL_WORDS = """
section sections article articles paragraph clause chapter form version release rfc iso din en ticket case room
error code step level appendix annex table figure part page no nr number model type line rule policy invoice order
abschnitt artikel paragraf absatz kapitel formular raum zimmer fehler fehlercode schritt stufe anhang anlage tabelle
seite nummer modell typ zeile regel rechnung bestellung vorgang ziffer
chapitre formulaire salle erreur étape annexe tableau numéro facture
sección artículo capítulo formulario sala código paso anexo tabla página número factura
điều khoản mục chương mẫu phòng lỗi bước phụ bảng trang số
"""
_LABELS = frozenset(_LABEL_WORDS.split())
_LABEL_SIGNS = re.compile(r"[§#]\s*$")
_MONEY = re.compile(r"[$€£¥₫]\s*$")
_COMPARED = re.compile(
    r"\b(?:more than|less than|over|under|at least|at most|up to|about|around"
    r"|mehr als|weniger als|über|unter|mindestens|höchstens|bis zu|etwa|rund"
    r"|plus de|moins de|más de|menos de|hơn|dưới|ít nhất)\s+$",
    re.IGNORECASE,
)
# Units and counted things, after the number.
_UNIT = re.compile(
    r"\s*(?:[%€$£¥₫°]|(?:percent|prozent|per cent|phần trăm|euros?|eur|usd|dollars?|pounds?|cents?|seconds?|secs?"
    r"|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|years?|people|persons?|employees?|members?|guests?|times|points?"
    r"|pages?|items?|copies|meters?|metres?|kilometers?|kilometres?|miles?|feet|inches|kg|g|km|m|cm|mm|mb|gb|tb|kb|l|ml"
    r"|am|pm|o['’]clock|uhr|tage?n?|wochen?|monate?n?|jahre?n?|stunden?|minuten?|sekunden?|personen|mitarbeiter\w*|mal"
    r"|seiten|stück|meter|kilometer|jours?|semaines?|mois|ans?|heures?|personnes|días?|semanas?|meses|mes|años?|horas?"
    r"|personas|ngày|tuần|tháng|năm|giờ|phút|người)(?![^\W_]))",
    re.IGNORECASE,
)


def identifiers_of(question: str) -> tuple[str, ...]:
    """Return the identifiers that a question names, as written, in their order."""
    question = _spaced(question)
    found: dict[str, None] = {}
    for match in _CANDIDATE.finditer(question):
        word = match[0]
        if any(character.isdigit() for character in word) and _names(word, question, match.start(), match.end()):
            found[re.sub(r"['’]?s$", "", word) if _YEAR.fullmatch(word) else word] = None
    return tuple(found)


def _spaced(text: str) -> str:
    """Return a text with blanks around what is written without any: 在2014年 -> 在 2014 年."""
    return text if text.isascii() else _UNSPACED.sub(r" \g<0> ", text)


def _names(word: str, question: str, start: int, end: int) -> bool:
    """Return whether a word with digits names one thing, by itself or by what stands around it."""
    before, after = question[:start], question[end:]
    if _CODE.fullmatch(word):
        return not _SQUARE.fullmatch(word)
    if _MONEY.search(before) or _COMPARED.search(before) or _UNIT.match(after):
        return False
    if _YEAR.fullmatch(word):
        return True
    previous = re.search(r"([^\W\d_]+)\.?\s*$", before)
    is_labelled = bool(_LABEL_SIGNS.search(before)) or bool(previous and previous[1].lower() in _LABELS)
    if _VERSION.fullmatch(word):
        return is_labelled or word[0] in "vV" or word.count(".") > 1
    if _GROUPS.fullmatch(word):
        return is_labelled
    if not _NUMBER.fullmatch(word):
        return False
    return is_labelled or (len(word) >= 5 and int(word) % 100 != 0)


def missing_identifiers(question: str, texts: Iterable[str]) -> tuple[str, ...]:
    """Return the identifiers of a question that none of the texts has, however they are joined: E 1042 is E1042."""
    named = identifiers_of(question)
    if not named:
        return ()
    whole = _spaced("\n".join(texts))
    return tuple(each for each in named if not _pattern(each).search(whole))


def found_codes(question: str, texts: Iterable[str]) -> tuple[str, ...]:
    """Return the codes of a question, identifiers of letters and digits, that one of the texts has."""
    codes = [each for each in identifiers_of(question) if any(map(str.isalpha, each))]
    if not codes:
        return ()
    missing = set(missing_identifiers(" ".join(codes), texts))
    return tuple(each for each in codes if each not in missing)


def _pattern(identifier: str) -> re.Pattern[str]:
    """Return what an identifier looks like in a text: within it any sign or none, but between digits that same one."""
    text = re.sub(r"^[vV](?=\d)", "", identifier)
    parts: list[str] = []
    last = 0
    for piece in _PIECE.finditer(text):
        between = text[last : piece.start()]
        if parts:
            joins_digits = text[last - 1].isdigit() and piece[0].isdigit()
            parts.append(re.escape(between) if joins_digits else rf"[\s{_HYPHENS}./_]{{0,2}}")
        parts.append(re.escape(piece[0]))
        last = piece.end()
    first, final = text[0], text[-1]
    start = (
        r"(?<!\d)(?<!\d[.,])" if first.isdigit() and "." in text else r"(?<!\d)" if first.isdigit() else r"(?<![^\W_])"
    )
    end = r"(?!\d)(?!\.\d)" if "." in text else r"(?!\d)" if final.isdigit() else r"(?![^\W_])"
    return re.compile(start + "".join(parts) + end, re.IGNORECASE)
