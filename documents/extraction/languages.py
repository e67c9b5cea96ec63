"""Which old encoding a text is in, by the letters that languages use.

Statistical detectors need more text than many a file has: a page of French in Windows-1252 comes out as Latvian. Here
every pair of encoding and language is scored by how probable the characters above ASCII are in that language, and where
they stand (an upper-case letter after a lower-case one, a quotation mark inside a word, a Greek letter next to a Latin
one are signs of a wrong guess).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

_SAMPLE_CHARS = 3000  # above ASCII
_WESTERN = ("fr", "de", "es", "pt", "it", "nordic", "nl", "is", "en")
_CENTRAL = ("pl", "cs", "hu", "ro", "hr", "de")
_CYRILLIC = ("ru", "uk", "bg", "sr")
_LANGUAGES_OF = {
    "cp1252": _WESTERN,
    "iso8859-15": _WESTERN,
    "mac_roman": _WESTERN,
    "cp850": _WESTERN,
    "cp437": _WESTERN,
    "cp1250": _CENTRAL,
    "iso8859-2": _CENTRAL,
    "cp852": _CENTRAL,
    "cp1254": ("tr",),
    "cp1257": ("lt", "lv", "et"),
    "cp1251": _CYRILLIC,
    "koi8-u": _CYRILLIC,
    "cp866": _CYRILLIC,
    "iso8859-5": _CYRILLIC,
    "mac_cyrillic": _CYRILLIC,
    "cp1253": ("el",),
    "iso8859-7": ("el",),
    "cp1255": ("he",),
    "cp1256": ("ar", "fa"),
    "iso8859-6": ("ar",),
    "cp874": ("th",),
    "cp1258": ("vi",),
    "gb18030": ("zh",),
    "big5": ("zh",),
    "cp932": ("ja",),
    "euc_jp": ("ja",),
    "cp949": ("ko",),
}
# Letters above ASCII, the most frequent first.
_LETTERS = {
    "fr": "éèàêçùôîâûëïœ",
    "de": "üäöß",
    "es": "óíáéñúü¿¡",
    "pt": "ãçéáóíêõúâàô",
    "it": "èàùòéì",
    "nordic": "äåöøæé",
    "nl": "ëéïóè",
    "is": "íáðéöþúæóý",
    "en": "éïèöç",
    "pl": "łąężśóćńź",
    "cs": "íáěéřýžčšůúťňďóľôäĺŕ",
    "hu": "áéőöóüíűú",
    "ro": "ăîâşţșț",
    "hr": "čžšćđ",
    "tr": "ıüşçğöâî",
    "lt": "ėšųžįčūąę",
    "lv": "āīēšūņļģķžč",
    "et": "äõüöšž",
    "ru": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
    "uk": "оаинітерсвлкудмпяьзгбчхцїжюєйшщфґ",
    "bg": "аоиетнрсвлкдпмзъугбчяйщжхцшюфь",
    "sr": "аоиенртсјвкудпмлзгбшцчћжљњхђфџ",
    "el": "αοιετνσςρηπκμυλίόάέγήδωχθύφβώξζψϊ",
    "he": "יוהלאתרבמשנדעחקפכםטגסןזצךףץ",
    "ar": "اليمنوترةبعسدفهكحقجأشصىطزخضغءذثإئظآؤ",
    "fa": "ایرندمهوتبسشکزگفخچپقعحجلآصطغضثظذئژ",
    "th": "านรอกเงมยลวดท่้สตะปบคหแจพชขใไโผซถธณฐฎศษญุูิีึืัำ็์ๆฯ",
    "vi": "đàáâãèéêìíòóôõùúăĩũơưý\u0300\u0301\u0303\u0309\u0323",
    "zh": (
        "的一是不了人在有我他这为之大来以个中上们到说国和地也子时道出而要于就下得可你年生"
        "自会那后能对着事其里所去行过家十用发天如然作方成者多日都三小军二无同么经法当起与"
        "好看学进种将还分此心前面又定见只主没公从這個來為們說國時會後對著裡過發當與學進種"
        "將還見沒從"
    ),
    "ja": (
        "のにはをたがでてとしれさいるなっんかもらすりこまうけ、。ーくあきンストルイラアッ"
        "クドシレプそせどよめつわえおじリタロテムフ"
    ),
    "ko": ("이다는의에을가고를한지은로하기사도자있대인나것시어해리그들부정아주서게전장수제일보여과으"),
}
_QUOTES = "“”‘’„–—…•«»°§€£©®™·\u00a0"
_QUOTE_COST = 4.5
_INSIDE_A_WORD_COST = 4.0  # a quotation mark between two letters
_CASE_COST = 4.0  # an upper-case letter after a lower-case one
_NEIGHBOUR_COST = 3.0  # a letter of another script beside it
_OTHER_LETTER_COST = 9.0
_OTHER_SIGN_COST = 10.0
_NOTHING_COST = 13.0  # undefined in the encoding, or a control character
_UPPER_COST = 1.0
_PLAUSIBLE_COST = 7.0  # per byte; above it, it is none of the languages here
_RUN = re.compile(rb"[\x80-\xff]")


def guess_encoding(data: bytes) -> str:
    """Return the Python name of the most plausible encoding of `data`, which is neither UTF-8 nor marked."""
    sample = b"\n".join(_lines_to_judge(data))
    scores = {encoding: _cost(sample, encoding) for encoding in _LANGUAGES_OF}
    best = min(scores, key=lambda encoding: scores[encoding])
    if scores[best] > _PLAUSIBLE_COST:
        import charset_normalizer  # here: hardly any file needs it, and every child process would load it

        other = charset_normalizer.from_bytes(sample).best()
        return other.encoding if other else best
    return best


def _lines_to_judge(data: bytes) -> Iterator[bytes]:
    """Yield lines with bytes above ASCII, until there are enough of them."""
    seen = 0
    for line in data[: 1 << 20].splitlines():
        if high := len(_RUN.findall(line)):
            yield line[:_SAMPLE_CHARS]
            seen += high
            if seen >= _SAMPLE_CHARS:
                return


def _cost(sample: bytes, encoding: str) -> float:
    """Return the lowest cost over the encoding's languages: -log of the probability, per byte above ASCII."""
    text = sample.decode(encoding, "replace")
    placed = 0.0
    letters: Counter[str] = Counter()
    for found in re.finditer(r"[^\x00-\x7f]", text):
        character = found[0]
        letters[character] += 1
        placed += _place_cost(text, found.start(), character)
    high = len(_RUN.findall(sample)) or 1
    cheapest = min(
        sum(count * _letter_cost(character, language) for character, count in letters.items())
        for language in _LANGUAGES_OF[encoding]
    )
    return (placed + cheapest) / high


def _place_cost(text: str, index: int, character: str) -> float:
    """Return what the neighbours of a character say against it."""
    before = text[index - 1] if index else " "
    after = text[index + 1] if index + 1 < len(text) else " "
    if not character.isalpha():
        is_inside = before.isalpha() and after.isalpha() and character not in "’·\u00ad" and ord(character) < 0x300
        return _INSIDE_A_WORD_COST if is_inside else 0.0
    cost = 0.0
    if character.isupper() and before.islower():
        cost += _CASE_COST
    if character.islower() and before.isupper() and before > "\x7f" and len(text) > 1 and after.isupper():
        cost += _CASE_COST
    if ord(character) < 0x250 and (before.isdigit() or after.isdigit()):  # "Ł4" is "£4"
        cost += _NEIGHBOUR_COST
    if ord(character) >= 0x250 and ord(character) < 0x1E00:  # neither Latin nor the scripts of East Asia
        cost += _NEIGHBOUR_COST * ((before < "\x80" and before.isalpha()) + (after < "\x80" and after.isalpha()))
    return cost


def _letter_cost(character: str, language: str) -> float:
    """Return -log of about how probable a character above ASCII is in a language."""
    usual = _LETTERS[language]
    lower = character.lower()
    rank = usual.find(lower) if len(lower) == 1 else -1
    if rank >= 0:
        return _rank_cost(rank, language) + (_UPPER_COST if character != lower else 0.0)
    if character in _QUOTES:
        return _QUOTE_COST
    if character == "\ufffd" or not (character.isprintable() or character == "\u00a0"):
        return _NOTHING_COST
    if language in {"zh", "ja", "ko"}:
        return _east_asian_cost(character, language)
    return _OTHER_LETTER_COST if character.isalpha() else _OTHER_SIGN_COST


def _rank_cost(rank: int, language: str) -> float:
    """Return the cost of the letter of that rank, as in Zipf's law."""
    spread = len(_LETTERS[language])
    return math.log(rank + 2) + math.log(math.log(spread + 2)) + (1.0 if language in {"zh", "ja", "ko"} else 0.0)


def _east_asian_cost(character: str, language: str) -> float:
    """Return the cost of a character that is not one of the most frequent."""
    code = ord(character)
    if code in range(0x3000, 0x3040) or code in range(0xFF00, 0xFF60):  # punctuation and full-width forms
        return 5.0
    if code in range(0x3040, 0x3100):
        return 6.0 if language == "ja" else 12.0
    if code in range(0xAC00, 0xD7A4):
        return 8.0 if language == "ko" else 16.0
    if code in range(0x4E00, 0x9FA6):
        return 10.0 if language == "zh" else 11.0
    return 15.0
