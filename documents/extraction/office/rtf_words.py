"""Lists the control words of Rich Text by their effect, and the code pages that it names by numbers. Pure."""

from __future__ import annotations

import codecs
from collections.abc import Mapping

CHARACTERS: Mapping[str, str] = {
    "tab": "\t",
    "line": "\n",
    "lbr": "\n",
    "emdash": "—",
    "endash": "–",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
    "bullet": "•",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
    "nestcell": " ",
    "nestrow": "\n",
}
# Groups with text that stands somewhere else on the page.
SINKS: Mapping[str, str] = {
    **dict.fromkeys(("header", "headerl", "headerr", "headerf"), "header"),
    **dict.fromkeys(("footer", "footerl", "footerr", "footerf"), "footer"),
    "footnote": "note",
    "annotation": "comment",
    "title": "title",
}
# Cells that go on in the one above or beside them.
CELL_MERGES: Mapping[str, str] = {"clvmrg": "above", "clmrg": "beside"}
# Groups that older programs skip and that have text.
STARRED_AND_READ = frozenset({"shpinst", "shptxt", "shppict", "ud"})
# Groups without text, with text about the document, or with what is there in another form too.
IGNORED = frozenset(
    word
    for line in (
        "pict nonshppict objdata objclass objname colortbl fldinst datafield filetbl sp themedata datastore xmlnstbl",
        "listtable listoverridetable revtbl rsidtbl generator pgptbl background colorschememapping latentstyles",
        "author operator company category manager subject keywords comment doccomm hlinkbase userprops passwordhash",
        "creatim revtim printim buptim bkmkstart bkmkend xe tc upr mmathPr wgrffmtfilter pntxta pntxtb pnseclvl",
        "atnid atnauthor atndate atnref atnparent atntime atrfstart atrfend ftnsep ftnsepc ftncn aftnsep aftnsepc",
        "aftncn panose falt fontemb fontfile nonesttables",
    )
    for word in line.split()
)
# By the number that a font has for its letters; 0 and 1 are those of the file.
CODEC_OF_CHARSET: Mapping[int, str] = {
    2: "symbol",
    77: "mac_roman",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "gb18030",
    136: "big5",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
    254: "cp437",
    255: "cp850",
}
_NAMED = {932: "cp932", 936: "gb18030", 949: "cp949", 950: "big5", 10000: "mac_roman", 65001: "utf-8"}


def codec_of_page(number: int) -> str | None:
    """Return the codec of a Windows code page, None if there is none."""
    try:
        return codecs.lookup(_NAMED.get(number, f"cp{number}")).name
    except LookupError:
        return None
