"""Detects the type of answer that a question asks for (number, time, name, reason, way). Pure: no Django.

Small tables for six languages, without accents because text is folded before it is looked at.
"""

from __future__ import annotations

import enum
import re
import unicodedata


class AnswerType(enum.Enum):
    """The type of answer that a question asks for."""

    NUMBER = "number"
    TIME = "time"
    NAME = "name"  # of a person, an organisation, a place
    REASON = "reason"
    WAY = "way"  # how something is done: an instruction


def _pattern(words: str, unspaced: str) -> re.Pattern[str]:
    """Return a pattern for whole words or phrases, one alternative a line, and for text that has no spaces."""
    listed = "|".join(line.strip() for line in words.strip().splitlines())
    return re.compile(rf"(?<!\w)(?:{listed})(?!\w)|{unspaced}")


# Tried in this order.
_QUESTIONS = {
    AnswerType.NUMBER: _pattern(
        r"""
        how (?:many|much|long|far|often|old|high|tall|big|large|heavy|fast|deep|wide)
        (?:what|which) time|what (?:does|do|did|is|are|was) .*\b(?:costs?|price|fee|fine|allowance)
        what (?:number|percentage|percent|share|proportion|amount|population|price|cost|fee|rate|age|size)
        what (?:is|was|are|were) the (?:\w+ )?(?:number|percentage|amount|population|price|cost|fee|rate)
        wie ?viele?|wie (?:hoch|lange?|oft|alt|weit|gross|schwer|schnell|tief|breit|teuer|spat)|was (?:kostet|kosten)
        welche[rn]? (?:anzahl|zahl|prozentsatz|anteil)
        cuant[oa]s?|que (?:cantidad|porcentaje|numero)
        combien|quel(?:le)? (?:nombre|pourcentage|montant|prix)
        (?:a )?que hora|quelle heure
        bao nhieu|may (?:gio|nguoi|ngay|cai|lan|nam|tuan|thang|tuoi|con|phong|dem|chiec)|bao (?:lau|xa|cao|lon)
        """,
        "多少|几[个名次天种位岁]|多[长大高远久]|第几",
    ),
    AnswerType.TIME: _pattern(
        r"""
        when|(?:what|which) (?:\w+ )?(?:year|years|date|day|month|century|decade|time)
        wann|welche[msrn]? (?:\w+ )?(?:jahr|jahre|jahres|datum|tag|monat|jahrhundert)
        cuando|que (?:ano|dia|fecha|mes|siglo)
        quand|quelle (?:annee|date)
        khi nao|(?:nam|ngay|thang|luc|the ky) nao
        """,
        "何时|什么时候|哪[一]?年|几[年月日号点时]|哪[一]?天|时间",
    ),
    AnswerType.REASON: _pattern("why|warum|weshalb|wieso|por que|pourquoi|tai sao|vi sao", "为什么|为何|原因"),
    AnswerType.NAME: _pattern(
        r"""
        who|whom|whose|where
        (?:what|which) (?:\w+ )?(?:city|country|state|place|person|team|company|university|school|island|river|king)
        (?:what|which) (?:\w+ )?(?:president|author|organi[sz]ation|group)
        wer|wen|wem|wessen|wo|wohin|woher|welche[rsn]? (?:stadt|land|ort|person|firma|universitat)
        quien(?:es)?|donde
        qui|ou|quelle (?:ville|personne)|quel pays
        ai|o dau|noi nao|nguoi nao
        """,
        "谁|哪里|哪儿|何处|哪[个座]?(?:城市|国家|地方|人)",
    ),
    AnswerType.WAY: _pattern(
        r"""
        how (?:do|can|should|could|must|would) (?:i|we|you|one)|how to
        wie (?:\w+ )?(?:ich|wir|man)
        como (?:\w+ )?(?:puedo|podemos|se puede|debo)|comment (?:\w+[ -])?(?:puis|peut|dois|faut|je|on)
        (?:lam )?(?:the nao|cach nao) de|lam sao(?: de)?|cach (?:nao )?de
        """,
        "怎[么样样]|如何",
    ),
}
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NUMBER_WORD = _pattern(
    r"""
    one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|twenty|thirty
    forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|millions?|billions?|half|third|quarter|once|twice|dozen
    zwei|drei|vier|funf|sechs|sieben|acht|neun|zehn|elf|zwolf|\w+zehn|zwanzig|dreissig|vierzig|funfzig|sechzig|siebzig
    achtzig|neunzig|\w*hundert|\w*tausend|millionen|milliarden|halfte|drittel|viertel
    dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|doce|quince|veinte|treinta|cuarenta|cincuenta|sesenta|setenta|ochenta
    noventa|cien|ciento|mil|millones|mitad
    deux|trois|quatre|cinq|sept|huit|neuf|dix|onze|douze|quinze|vingt|trente|quarante|cinquante|soixante|cent|mille|moitie
    hai|ba|bon|sau|bay|tam|chin|muoi|tram|nghin|trieu|ty
    """,
    "[一二两三四五六七八九十百千万亿]",
)
_YEAR = re.compile(
    r"(?<!\d)[12]\d{3}(?!\d)|\d{1,2}[:./]\d{1,2}|\d+(?:st|nd|rd|th)\b|\b\d{1,2}\b(?=\.? ?(?:[a-z]+ )?[12]\d{3})"
    r"|\b\d{1,2} ?(?:uhr|am|pm|a\.m|p\.m|h\b)|\bngay \d{1,2}\b|\b\d{1,2}\. (?:des|jedes|eines)\b"
)
_TIME_WORD = _pattern(
    r"""
    january|february|march|april|(?:in|of|since|until|by|\d{1,2}(?:st|nd|rd|th)?) may|may (?=\d)|june|july|august
    september|october|november|december|century|noon|midnight|morning|evening|spring|summer|autumn|winter|(?:mon|tues|wednes|thurs|fri|satur|sun)days?
    januar|februar|marz|mai|juni|juli|oktober|dezember|jahrhunderts?|(?:mon|diens|donners|frei|sams|sonn)tags?|mittwochs?
    enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|siglo
    janvier|fevrier|mars|avril|juin|juillet|aout|septembre|octobre|novembre|decembre|siecle
    """,
    "[年月日号時时]",
)
_DATE_ASKED = _pattern(
    "years?|date|months?|century|jahr|jahre|datum|monat|jahrhundert|ano|fecha|mes|siglo|annee|date|nam|thang|the ky",
    "哪一?[年月]|几[年月号]",
)
# "Four weeks before", "innerhalb von 30 Tagen".
_SPAN = _pattern(
    r"""
    (?:days?|weeks?|months?|hours?|minutes?|years?) (?:before|after|ahead|in advance|later|earlier)
    within (?:\w+ ){1,3}(?:days?|weeks?|months?|hours?|minutes?|years?)
    (?:tagen?|wochen?|monaten?|stunden?|minuten?|jahren?) (?:vor|nach|vorher|danach|spater)
    (?:innerhalb|binnen|vor|nach) (?:\w+ ){1,3}(?:tagen?|wochen?|monaten?|stunden?|minuten?|jahren?)
    (?:dias?|semanas?|mes(?:es)?|horas?|anos?) (?:antes|despues)|(?:dentro|antes) de (?:\w+ ){1,2}(?:dias|semanas|meses)
    (?:jours?|semaines?|mois|heures?|ans) (?:avant|apres)|(?:dans|sous) (?:\w+ ){1,3}(?:jours?|semaines?|mois)
    (?:truoc|sau|trong vong) (?:it nhat )?\w+ (?:ngay|tuan|thang|gio|phut|nam)
    """,
    "[天周月年时]之?[前后內内]",
)
_REASON_WORD = _pattern(
    r"""
    because|due to|since|so that|in order to|caused?|reasons?|therefore|as a result|to avoid|to
    weil|da|wegen|aufgrund|um|damit|deshalb|denn
    porque|debido|para|car|parce que|afin|pour
    vi|do|boi|nham|de
    """,
    "因为|由于|所以|因此|为了",
)
# What is typed or pressed, and how an instruction begins: "To start it, run", "Press", "Um ... zu".
_INSTRUCTION = re.compile(
    r"`|^\W*(?:to|run|press|click|choose|select|open|use|install|add|set|send|call|type|enter|write|copy|put|go to|sign"
    r"|log|fill|apply|ask|um|zum|zur|fuhren|drucken|klicken|wahlen|offnen|verwenden|rufen|geben|para|pour|de|hay"
    r"|haga|pulse|appuyez|cliquez|ouvrez|nhan|chon|mo)(?!\w)|(?<!\w)(?:you|one) (?:can|must|may|should)(?!\w)"
    r"|(?<!\w)(?:konnen|mussen) sie(?!\w)|[点點][击擊]|[请請]"
)
# A word with a capital that doesn't begin the sentence.
_NAME = re.compile(r"(?<=[^\s.!?:\"“(\[])\s+[\"“(]?[A-ZÀ-ÖØ-ÞĐ][\w’'.-]+|[\u3400-\u9fff]{2,}")


def wanted_by(question: str) -> AnswerType | None:
    """Return the answer type of a question in one of six languages; None: unknown."""
    folded = fold(question)
    return next((kind for kind, pattern in _QUESTIONS.items() if pattern.search(folded)), None)


def has_wanted(sentence: str, wanted: AnswerType, question: str) -> bool:
    """Return whether a sentence has something of this type that isn't in the question."""
    folded, asked = fold(sentence), fold(question)
    if wanted is AnswerType.NUMBER:
        return _has_new(_NUMBER, folded, asked) or bool(_NUMBER_WORD.search(folded))
    if wanted is AnswerType.TIME:
        return _has_new(_YEAR, folded, asked) or bool(
            _TIME_WORD.search(folded) or (_SPAN.search(folded) and not _DATE_ASKED.search(asked))
        )
    if wanted is AnswerType.REASON:
        return bool(_REASON_WORD.search(folded))
    if wanted is AnswerType.WAY:
        return bool(_INSTRUCTION.search(folded))
    return any(name.strip(' "“(') not in question for name in _NAME.findall(sentence))


def _has_new(pattern: re.Pattern[str], text: str, known: str) -> bool:
    """Return whether the pattern finds something that is not known: "in 1990" is no answer to "What was in 1990?"."""
    return not {*pattern.findall(text)} <= {*pattern.findall(known)}


def fold(text: str) -> str:
    """Return the text in lower case and without accents."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(char for char in plain if not unicodedata.combining(char))
