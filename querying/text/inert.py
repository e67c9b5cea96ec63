"""Escapes quotes for markdown, so that it shows exactly their characters, without links or markup. Pure: no Django.

What a document says is shown as it stands. Whatever a renderer of markdown could take for markup or for an address
goes into a code span: its text is shown character by character, in every renderer, and nothing in it is a link.
"""

from __future__ import annotations

import re

# Taken as one word although they may hold spaces: `a b`, <img src=x>, [a link](...), [1, 2].
_CODE = r"(?<!`)(?P<fence>`+)(?!`)(?:(?!(?P=fence)(?!`)).)+?(?<!`)(?P=fence)(?!`)"
_TAG = r"<[a-zA-Z/!?][^<>]{0,400}>"
_LINK = r"!?\[[^\[\]]{0,300}\](?:\([^()]{0,500}\)|\[[^\[\]]{0,100}\])"
_NUMBERS = r"[\[【][\d\s,;–-]{1,30}[\]】]"
_PIECE = re.compile(rf"(?:{_CODE}|{_TAG}|{_LINK}|{_NUMBERS}|[^\s`]|`+)+")
_OWN_CODE = re.compile(rf"[\"'“„(]*{_CODE}[\"'”).,;:!?]*")
# "press *Ask again* above": emphasis of the document's own, over several words, in running text.
_EMPHASIS = re.compile(r"(?<![^\s(\"“„])\*(?P<words>[^\W_][^*_`<>\[\]\\]{0,80}(?<=\w))\*(?=[\s)\"”.,;:!?]|\Z)")
_LEADING = re.compile(r"[\"'“„(]*")
_TRAILING = re.compile(r"[\"'”.,:!?]*\Z")
_ACTIVE = re.compile(
    r"""
      [`\\]
    | <[a-zA-Z/!?]                                         # a tag, an autolink
    | \]\s?[(\[:] | !\[                                    # a link, a reference, an image
    | [\[【][\d\s,;–-]+[\]】]                               # would pass for a citation
    | &(?:\#|[a-zA-Z]\w{1,31};)                            # an entity
    | [a-zA-Z][a-zA-Z0-9+.-]*:[/\\]{2} | (?<!\w)(?:javascript|vbscript|data|mailto|tel|file|blob):\S
    | www\d*\.\w | [\w.+-]+@[\w-]+\.\w           # addresses
    | [\w-]\.(?:xn--[\w-]+|[^\W\d_]{2,24})(?![^\W_])      # host.tld
    | (?<![\w])[/\\]{2}[\w.-]+\.\w
    | \w[*~]+\w | \b__?\w+__?\b | \$\S+\$                  # a*b*c, __init__
    | ^\*(?!\*)\S*[^*]$ | ^[*~]{3,}
    """,
    re.VERBOSE,
)


def inert(text: str) -> str:
    """Return one line of text as markdown; as it is, unless some of it would not be shown as it is.

    'See https://x.example now' -> 'See `https://x.example` now'; bold and code of the document's own stay.
    """
    pieces: list[str] = []
    end = 0
    for found in _EMPHASIS.finditer(text):
        if found.start() >= end and not _ACTIVE.search(found["words"]):
            pieces += [_inert_words(text[end : found.start()]), found.group()]
            end = found.end()
    return "".join([*pieces, _inert_words(text[end:])])


def _inert_words(text: str) -> str:
    return _PIECE.sub(lambda found: _shown(found.group()), text)


def _shown(piece: str) -> str:
    if not _ACTIVE.search(piece) or _OWN_CODE.fullmatch(piece):
        return piece
    begin = _LEADING.match(piece).end()  # type: ignore[union-attr]  # it matches nothing, too
    end = _TRAILING.search(piece, begin).start()  # type: ignore[union-attr]
    if begin >= end:
        begin, end = 0, len(piece)
    return f"{piece[:begin]}{_as_code(piece[begin:end])}{piece[end:]}"


def _as_code(text: str) -> str:
    """Return a code span: its fence is longer than any run of backticks in the text."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"
