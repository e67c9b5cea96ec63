"""Decodes Vietnamese text from before Unicode: TCVN3 (fonts named .Vn..., "ABC") and VNI (fonts named VNI-...).

Both draw Vietnamese letters at the places of Western ones. A file that only says Windows-1252, or names the font and no
encoding at all, gives Western letters: "Thêi h¹n" for "Thời hạn". What is expected here is that text, one character per
byte, as Windows-1252 decodes it; symbol fonts shift the same bytes to U+F000, which is undone. Pure: no Django.
"""

from __future__ import annotations

import re
import unicodedata

_SHIFTED = re.compile("[\uf0a1-\uf0ff]")
# Letters that neither encoding can give before it is converted: text with one of them is Unicode already.
_UNICODE = re.compile("[\u0102\u0103\u0110\u0111\u0128\u0129\u0168\u0169\u01a0\u01a1\u01af\u01b0\u1ea0-\u1ef9]")

# TCVN 5712: the letters from byte A1 on, five of them marks that are put on the letter before.
_TCVN3 = dict(
    zip(
        range(0xA1, 0x100),
        "ĂÂÊÔƠƯĐăâêôơưđẰ\u0300\u0309\u0303\u0301\u0323àảãáạẲằẳẵắẴẮẦẨẪẤỀặầẩẫấậèỂẻẽéẹềểễếệìỉỄẾỒĩíịòỔỏõóọồổỗốộờởỡớợùỖủũúụừửữứự"
        "ỳỷỹýỵỐ",
        strict=True,
    )
)

_GRAVE, _ACUTE, _HOOK, _TILDE, _DOT, _CIRCUMFLEX, _BREVE = (
    "\u0300",
    "\u0301",
    "\u0309",
    "\u0303",
    "\u0323",
    "\u0302",
    "\u0306",
)
# VNI: a letter, then one that stands for its marks.
_TONES = {"ø": _GRAVE, "ù": _ACUTE, "û": _HOOK, "õ": _TILDE, "ï": _DOT}
_CIRCUMFLEXES = dict(
    zip("âàáåãä", ("", _GRAVE, _ACUTE, _HOOK, _TILDE, _DOT), strict=True),
)
_BREVES = dict(zip("êèéúüë", ("", _GRAVE, _ACUTE, _HOOK, _TILDE, _DOT), strict=True))
_VNI_LETTERS = str.maketrans("æóòîñôöÆÓÒÎÑÔÖ", "ỉĩịỵđơưỈĨỊỴĐƠƯ")
_VNI_PAIR = re.compile("([aeouyôö])([øùûõï])|([aeo])([âàáåãä])|(a)([êèéúüë])|[æóòîñôö]", re.IGNORECASE)


def from_tcvn3(text: str) -> str:
    """Return TCVN3 text in Unicode (NFC). Text that is Unicode already is returned as it is.

    Fonts whose name ends in "H" (.VnTimeH) draw small letters as capitals; that is for the caller to undo.
    """
    text = _unshifted(text)
    if _UNICODE.search(text):
        return text
    return unicodedata.normalize("NFC", text.translate(_TCVN3))


def from_vni(text: str) -> str:
    """Return VNI text in Unicode (NFC). Text that is Unicode already is returned as it is."""
    text = _unshifted(text)
    if _UNICODE.search(text):
        return text
    return unicodedata.normalize("NFC", _VNI_PAIR.sub(_vni_letter, text))


def _vni_letter(found: re.Match[str]) -> str:
    letter, marks = found[0][0].translate(_VNI_LETTERS), found[0][1:].lower()
    if found[3]:
        return letter + _CIRCUMFLEX + _CIRCUMFLEXES[marks]
    if found[5]:
        return letter + _BREVE + _BREVES[marks]
    return letter + _TONES.get(marks, "")


def _unshifted(text: str) -> str:
    """Return text with the letters of symbol fonts at their own places."""
    return _SHIFTED.sub(lambda found: chr(ord(found[0]) - 0xF000), text)
