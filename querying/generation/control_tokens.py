"""Neutralises control tokens of chat templates in untrusted text. Pure: no Django.

Model servers turn "<|im_start|>system" in a document into a real system turn. A space inside the token is enough to
make it plain text again, and it stays readable: a manual about templates can still be answered from.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

# Inside angle brackets: <s>, <start_of_turn>, <think>, <extra_id_0>, <fim_prefix>, <0x0A>, <SPECIAL_12>, ...
_ANGLE_NAMES = (
    r"s|bos|eos|pad|unk|mask|sep|cls|sop|eop|eot|eom|eod|pre|suf|mid|im_start|im_end|bot|role|image|img|audio|video"
    r"|start_of_\w+|end_of_\w+|begin_of_\w+|startof\w+|endof\w+|think\w*|tool\w*|tools|function\w*|observation|answer"
    r"|system|user|human|assistant|model|developer|documents?|instructions?|turn|channel|message|query|response"
    r"|fim[_-]\w+|extra_id_\d+|unused_?\d+|reserved\w*|special_\d+|0x[0-9a-f]{2}|seed:\w+|jupyter\w*|repo_name|reponame"
    r"|file_sep|filename|gh_stars|issue_\w+|empty_output|commit_\w+|pause|scratchpad|reasoning|x_\w+"
)
# What no element of a page, no type and no placeholder is called: <start_function_call>, <function_call:end>.
_ANGLE_CLASS = r"[a-z]\w*(?:[_:.-]\w+)+"
# Inside square brackets: [INST], [/SYSTEM_PROMPT], [TOOL_CALLS], [gMASK], [img-0], ...
_SQUARE_NAMES = (
    r"inst|system_prompt|available_tools|tool_\w+|prefix|suffix|middle|img(?:[_-]\w+)?|g?mask|smask|bos|eos|cls|sep|pad"
    r"|unk|think|args|call_id|model_settings|begin_audio|audio|e~|control_\d+|user|assistant|system"
    r"|(?:begin|start|end)_\w+|(?-i:[A-Z]{2,}(?:_[A-Z]+)+)"
)
_TOKEN = re.compile(
    rf"""
      (?P<pair> <\| | \|> | \[\| | \|\] | \]~ | ~\[ )             # <|im_start|>, [|user|], ]~b]
    | (?P<open> <<(?=/?sys) | <(?=/?(?:{_ANGLE_NAMES}|{_ANGLE_CLASS})[ ]*/?>) | \[(?=/?(?:{_SQUARE_NAMES})\]) )
    | (?P<line> (?:^|(?<=\n))[ \t]*
        (?: \#{{2,}}[ \t]*(?:instruction|input|response)s?
          | (?:\#{{2,}}[ \t]*)?(?:system|user|human|assistant)
          | gpt4\ correct\ \w+ )
        (?=:) )                                                   # "### Instruction:", "ASSISTANT:" begin a line
    """,
    re.IGNORECASE | re.VERBOSE,
)

_CONTROL_NAME = re.compile(rf"{_ANGLE_NAMES}|{_ANGLE_CLASS}", re.IGNORECASE)

# Joiners and variation selectors stay in emoji and Indic scripts, and go where they hide in ASCII.
_JOINERS = re.compile(
    r"(?<=[\x21-\x7e])[\u200c\u200d\ufe00-\ufe0f\u034f\u115f\u1160\u3164\uffa0]+|[\u200c\u200d\ufe00-\ufe0f\u034f]+(?=[\x21-\x7e])"
)
_ENTITY = re.compile(r"&(?=#|\w+;)")
MAX_ROUNDS = 4  # of entities inside entities, of tokens that overlap


def defuse(text: str) -> str:
    """Return the text with a space inside every control token; all else stays as it is.

    '<|im_start|>' -> '< |im_start| >', also where it is written in look-alikes that Unicode normalisation (NFKC) turns
    into the token, with joiners inside, or as HTML entities. Expects text without invisible characters
    (`output_filter.visible`).
    """
    text = _defuse_plain(_JOINERS.sub("", text))
    for _ in range(MAX_ROUNDS):
        if "&" not in text or not _holds_token_behind_entities(text):
            break
        text = _defuse_plain(_ENTITY.sub("& ", text))
    return text


def holds_control_token(text: str) -> bool:
    """Return whether a control token is left in the text, as it is or after Unicode normalisation."""
    return bool(_TOKEN.search(text) or _TOKEN.search(unicodedata.normalize("NFKC", text)))


def is_control_name(name: str) -> bool:
    """Return whether `<name>` is a control token of a model, or is shaped like one: `tool_call`, but not `uint8_t`."""
    return _CONTROL_NAME.fullmatch(name) is not None and not name.endswith("_t")


def _holds_token_behind_entities(text: str) -> bool:
    decoded = text
    for _ in range(MAX_ROUNDS):
        before, decoded = decoded, html.unescape(decoded)
        if decoded == before:
            return False
        if holds_control_token(decoded):
            return True
    return False


def _defuse_plain(text: str) -> str:
    for _ in range(MAX_ROUNDS):  # a second round where tokens overlap: "<|>"
        if not holds_control_token(text):
            break
        text = _with_spaces(text)
    return text


def _with_spaces(text: str) -> str:
    shadow, origin = _shadow(text)
    begin, parts = 0, []
    for match in _TOKEN.finditer(shadow):
        # Behind the bracket, or behind the whole of what must not be followed by a colon.
        place = origin[match.start() if match.lastgroup == "pair" else match.end() - 1] + 1
        parts.append(text[begin:place])
        begin = place
    return " ".join([*parts, text[begin:]])


def _shadow(text: str) -> tuple[str, list[int]]:
    """Return the text after normalisation, and for each of its characters its place in the original."""
    if text.isascii():
        return text, list(range(len(text)))
    shadow: list[str] = []
    origin: list[int] = []
    for index, char in enumerate(text):
        plain = char if char.isascii() else _plain(char)
        shadow.append(plain)
        origin += [index] * len(plain)
    return "".join(shadow), origin


@lru_cache(maxsize=5000)
def _plain(char: str) -> str:
    return unicodedata.normalize("NFKC", char)
