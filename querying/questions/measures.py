"""Detects the unit that an answer needs: days for "how many days", kilograms for "how heavy". Pure: no Django.

Small tables for six languages, without accents because text is folded before it is looked at.
"""

from __future__ import annotations

import re
from functools import lru_cache

_NUMBER_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|[a-z]+teen|twenty|thirty|forty|fifty|sixty"
    "|seventy|eighty|ninety|hundred|thousand|million|billion|half|several"
    "|zwei|drei|vier|funf|sechs|sieben|acht|neun|zehn|elf|zwolf|[a-z]+zehn|[a-z]+zig|[a-z]*hundert"
    "|[a-z]*tausend|millionen|milliarden"
    "|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|doce|quince|veinte|treinta|cuarenta|cincuenta|cien|ciento|mil"
    "|deux|trois|quatre|cinq|sept|huit|neuf|dix|onze|douze|quinze|vingt|trente|quarante|cinquante|soixante|cent"
    "|mille|mot|hai|ba|bon|nam|sau|bay|tam|chin|muoi|tram|nghin|ngan|trieu|ty"
)
_NUMBER = rf"(?:\d[\d.,]*|(?<!\w)(?:{_NUMBER_WORDS})(?!\w)|[一二两三四五六七八九十百千万亿]+)"
_TIME_UNITS = (
    r"seconds?|minutes?|mins?|hours?|days?|weeks?|months?|years?|decades?|centur(?:y|ies)|fortnights?"
    r"|sekunden?|minuten?|stunden?|(?:\w{2,8})?tage?n?|wochen?|monate?n?|jahre?n?|jahrzehnte?n?|jahrhunderte?n?"
    r"|secondes?|heures?|jours?|semaines?|mois|ans?|annees?|siecles?"
    r"|segundos?|minutos?|horas?|dias?|semanas?|mes(?:es)?|anos?|siglos?|giay|phut|gio|ngay|tuan|thang|nam|the ky"
    r"|秒|分钟?|小时|天|日|周|星期|个?月|年"
)
_LENGTH_UNITS = (
    r"km|m|cm|mm|(?:kilo|centi|milli)?met(?:er|re)s?n?|(?:kilo|centi)?metros?|miles?|meilen?|feet|foot|ft|inch(?:es)?|yards?"
    r"|seemeilen|nautical|met|cay so|米|公里|厘米|千米|里"
)
_WEIGHT_UNITS = (
    r"kg|g|mg|t|kilo(?:gram)?s?|kilogramm|grams?|gramm|tons?|tonnes?|tonnen?|toneladas?|gramos?|grammes?|pounds?|lbs?"
    r"|pfund|ounces?|oz|tan|can|公斤|千克|克|吨"
)
_MONEY = (
    r"[$€£¥₫]|(?<!\w)(?:euros?|eur|cents?|dollars?|usd|pounds?|gbp|francs?|franken|chf|dong|vnd|yuan|rmb|yen|pesos?|mark"
    r"|reichsmark|rupees?)(?!\w)|[元圆镑]|\d ?(?:trieu|nghin|ngan) ?dong"
)
_PERCENT = r"%|(?<!\w)(?:per ?cent|percent|percentage|prozent|por ciento|pour cent|phan tram)(?!\w)|百分之|个百分点"
_CLOCK = (
    r"\d{1,2}[:.]\d\d(?!\d)|\d ?(?:uhr|o'clock|[ap]\.?m\.?(?!\w)|heures?|horas|h(?!\w)|gio)"
    r"|(?<!\w)(?:noon|midnight|mittag|mitternacht|midi|minuit|mediodia|medianoche)(?!\w)|[\d一二三四五六七八九十][点时時]"
)


def _measured(units: str) -> str:
    """Return a pattern for a number with such a unit right behind it, or after one word: '18 whole days'."""
    return rf"{_NUMBER}[\s-]{{0,2}}(?:(?!{_NUMBER})[^\W\d]+[\s-])?(?:{units})(?![^\W\u3400-\u9fff])"


def _asks(words: str, unspaced: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)|{unspaced}")


_PRICE = (
    r"costs?|price|prices|fee|fees|fine|fines|pay|paid|charged?|salary|wages?|allowance|budget|rent|spen[dt]|worth|earn\w*"
    r"|euros?|dollars?|money|refund\w*|kosten|kostet|gekostet|preise?|\w*gebuhr(?:en)?|\w*beitrag|\w*pauschale|\w*miete"
    r"|\w*gehalt|\w*lohn|geld|bezahl\w*|verdien\w*|cuestan?|costo|costaron|precio|tarifa|pagar?|cobra\w*|sueldo|salario"
    r"|coute(?:nt)?|prix|tarif|payer|salaire|gia|phi|tien|luong|phu cap"
)
# The form of a question, and what an answering sentence must contain. Tried in this order.
_MEASURES = [
    (_asks(r"(?:what|which) (?:percentage|percent|share|proportion)"
           r"|wie ?viel prozent|welche[rn]? (?:prozentsatz|anteil)|(?:que|quel) (?:porcentaje|pourcentage)"
           r"|bao nhieu phan tram", "百分之几|百分之多少"), _PERCENT),
    (_asks(r"(?:what|which) time|wie ?viel uhr|wie spat|(?:a )?que hora|quelle heure|may gio", "几点"), _CLOCK),
    (_asks(r"how heavy|(?:how much|what) .*\bweigh(?:s|t)?|wie schwer|wie ?viel wieg\w*|wiegt|cuanto pesan?"
           r"|combien pese\w*|nang bao nhieu", "多重"), _measured(_WEIGHT_UNITS)),
    (_asks(r"how (?:far|tall|wide|deep|high)|wie (?:weit|breit|tief)|que (?:altura|distancia)|cao bao nhieu|bao xa"
           , "多[高远深宽]"), _measured(_LENGTH_UNITS)),
    (_asks(r"how (?:many years|long)|wie lang\w*|cuanto (?:tiempo|dura\w*)|combien de temps|bao lau", "多久|多长时间"),
     _measured(f"{_TIME_UNITS}|{_LENGTH_UNITS}")),
    (_asks(rf"(?:how (?:much|high|expensive)|what(?:'s| is| are| was| were| does| did| do)?) .*\b(?:{_PRICE})"
           rf"|was (?:kostet|kosten)|(?:wie ?viel|wie hoch|wie teuer) .*\b(?:{_PRICE})"
           rf"|(?:cuanto|cual|combien|quel(?:le)?) .*\b(?:{_PRICE})|(?:{_PRICE}) .*bao nhieu|bao nhieu tien"
           , "多少钱|多少元|价格|费用"), _MONEY),
]  # fmt: skip
# "How many vacant rooms are there?": a number before "rooms".
_COUNTED = re.compile(
    r"(?:how many|wie ?viele?|cuant[oa]s|combien (?:de|d')|bao nhieu"
    r"|(?<!\w)may(?= (?:nguoi|ngay|cai|lan|nam|tuan|thang|tuoi|con|phong|dem|chiec)))\s+(?:more |other |mehr )?"
    r"([^\W\d]+)(?:\s+([^\W\d]+))?"
)
_COUNTED_UNSPACED = re.compile("(?:多少|几)([个名次天种位岁年月件本人元])")
_ENDINGS = r"\w{0,3}"


@lru_cache(maxsize=1000)
def measure_of(asked: str) -> re.Pattern[str] | None:
    """Return what a sentence has that gives the amount that a folded question asks for; None: any number may be it."""
    for question, answer in _MEASURES:
        if question.search(asked):
            return re.compile(answer)
    if found := _COUNTED_UNSPACED.search(asked):
        return re.compile(rf"(?:\d|[一二两三四五六七八九十百千万亿]){re.escape(found[1])}")
    if found := _COUNTED.search(asked):
        things = "|".join(
            re.escape(each.removesuffix("s")) + _ENDINGS for each in found.groups() if each and len(each) > 2
        )
        return re.compile(_measured(rf"\w*(?:{things})")) if things else None
    return None
