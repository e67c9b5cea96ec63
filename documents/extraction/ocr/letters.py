"""Lists the letters of each language beyond a to z: an engine that lacks one of them misreads that language.

PP-OCR, for one, reads Vietnamese with most of its accents gone, and is sure of it: its confidence says nothing there.
"""

from __future__ import annotations

import re
from collections.abc import Collection

LETTERS = {
    "ar": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "bg": "абвгдежзийклмнопрстуфхцчшщъьюя",
    "cs": "áčďéěíňóřšťúůýž",
    "da": "æøå",
    "de": "äöüß",
    "el": "αβγδεζηθικλμνξοπρστυφχψωάέήίόύώ",
    "en": "",
    "es": "áéíñóúü¿¡",
    "et": "äõöüšž",
    "fa": "ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی",
    "fi": "äö",
    "fr": "àâçéèêëîïôùûœ",
    "he": "אבגדהוזחטיכלמנסעפצקרשת",
    "hi": "अआइईउऊएऐओऔकखगघचछजझटठडढणतथदधनपफबभमयरलवशषसह",
    "hr": "čćđšž",
    "hu": "áéíóöőúüű",
    "id": "",
    "it": "àèéìòù",
    "ja": "あいうえおかきくけこアイウエオカキクケコ日本",
    "ko": "가나다라마바사아자차카타파하한국",
    "lt": "ąčęėįšųūž",
    "lv": "āčēģīķļņšūž",
    "nb": "æøå",
    "nl": "ëï",
    "no": "æøå",
    "pl": "ąćęłńóśźż",
    "pt": "àáâãçéêíóôõú",
    "ro": "ăâîșț",
    "ru": "абвгдежзийклмнопрстуфхцчшщъыьэюя",
    "sk": "áäčďéíĺľňóôŕšťúýž",
    "sl": "čšž",
    "sr": "абвгдђежзијклљмнњопрстћуфхцчџш",
    "sv": "äöå",
    "th": "กขคงจชซดตถทนบปผพฟมยรลวสหอ",
    "tr": "çğıöşü",
    "uk": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    "vi": "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ",
    "zh": "的一是不了人我在有他这中大来上国",
}
# Letters that no other language has: a text with several words of them is in this one, whatever was said of it.
_TELLING = {"vi": re.compile(r"[đơưảạắằẳẵặấầẩẫậẻẽẹếềểễệỉĩịỏọốồổỗộớờởỡợủũụứừửữựỳỷỹỵ]", re.IGNORECASE)}
_TELLING_SHARE = 0.1  # of the words


def code_of(language: str) -> str:
    """Return the ISO 639-1 code of a language tag: `pt` of `pt-BR`."""
    return language.lower().replace("_", "-").partition("-")[0]


def lacks(charset: Collection[str], language: str) -> bool:
    """Return whether an engine with this character set can't write a language; an unknown one is given a try."""
    return any(letter not in charset for letter in LETTERS.get(code_of(language), ""))


def is_misread(text: str, charset: Collection[str]) -> bool:
    """Return whether a recognised text is in a language that its engine can't write, by the letters that it has."""
    words = text.split()
    for language, telling in _TELLING.items():
        if lacks(charset, language) and sum(map(bool, map(telling.search, words))) > _TELLING_SHARE * len(words):
            return True
    return False
