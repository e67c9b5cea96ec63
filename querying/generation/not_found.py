"""Recognises that a model finds no answer in its passages, by a mark or by what it says. Pure: no Django.

Small models seldom keep to a mark, so what they say instead is read: in English, German, Spanish, French, Vietnamese
and Chinese, the languages of `querying.generation.phrases`.
"""

from __future__ import annotations

import re

from querying.text.code_spans import Place
from querying.text.sentences import sentences_of

NOT_FOUND_MARK = "NOT-IN-PASSAGES"  # nothing that a markdown writer would escape, or that a sentence holds
MAX_LEAD_IN_CHARS = 40  # "I'm sorry.", before the sentence that counts
MAX_UNCITED_CHARS = 400  # of what may stand behind it; a longer text is an answer, though it begins with a reservation

MAX_DECORATION_CHARS = 60  # before a mark: "\n> **"

_CITATION = re.compile(r"\[\d{1,9}\]")
_DECORATION = " \t\r\n*_`\"'“”‘’«»#>-:"
_MARK = re.compile(re.escape(NOT_FOUND_MARK), re.IGNORECASE)
# At the end of a text: N, NO, NOT, NOT-, ...
_BEGUN_MARK = re.compile(
    "(?:".join(map(re.escape, NOT_FOUND_MARK[:-1])) + ")?" * (len(NOT_FOUND_MARK) - 2) + r"\Z", re.I
)
_LOOSE_MARK = re.compile(r"not[\W_]{0,3}in[\W_]{0,3}passages\b", re.IGNORECASE)

_SORRY = re.compile(
    r"sorry|apologi|entschuldig|tut mir leid|désolé|excuse|lo siento|perdón|disculp|xin lỗi|抱歉|对不起|對不起",
    re.IGNORECASE,
)

# Of what was given to the model, that it doesn't hold the answer. Such a sentence counts with a citation, too.
_GIVEN = {
    "en": r"(?:passages|documents|excerpts|sources|snippets|texts|(?:provided|given|available|above|retrieved)\s+"
    r"(?:passages?|documents?|excerpts?|sources?|texts?|context|information|material|content)|context)",
    "de": r"(?:(?:passagen|dokumente|textstellen|abschnitte|quellen|auszüge|texte|unterlagen)n?"
    r"|(?:bereitgestellt|gegeben|vorliegend|verfügbar)\w*\s+\w+|kontext)",
    "es": r"(?:(?:los|las|estos|estas)\s+(?:\w+\s+)?(?:documentos|pasajes|fragmentos|fuentes|textos|extractos)"
    r"|(?:el\s+)?contexto|(?:la\s+)?información\s+(?:proporcionada|disponible))",
    "fr": r"(?:(?:les|ces|des)\s+(?:\w+\s+)?(?:documents|passages|extraits|sources|textes)"
    r"|(?:le\s+)?contexte|informations\s+(?:fournies|disponibles))",
    "vi": r"(?:(?:các|những)\s+(?:đoạn(?:\s+văn(?:\s+bản)?)?|tài\s+liệu|văn\s+bản|nguồn|trích\s+đoạn)|ngữ\s+cảnh"
    r"|tài\s+liệu\s+(?:này|đã\s+cho|được\s+cung\s+cấp)|đoạn\s+văn(?:\s+bản)?)",
    "zh": r"(?:文[档件]|文檔|段落|资料|資料|上下文|原文|材料|文本|来源|片段|提供的(?:信息|内容|資訊))",
}
_HOLDS = {
    "en": r"(?:contain|hold|mention|say|state|specify|provide|include|answer|discuss|give|address|describe|cover"
    r"|indicate|explain|have|offer|list|tell|refer|reveal|disclose|clarify|define)s?",
    "de": r"(?:enthalten|enthält|erwähn\w+|nenn\w+|sagen|sagt|beantwort\w+|angeb\w+|geben|beschreib\w+|liefern|bieten"
    r"|finde\w*|steht|stehen|erklär\w+|behandeln|hervor|machen)",
    "es": r"(?:contienen?|mencionan?|dicen?|especifican?|indican?|responden?|incluyen?|proporcionan?|dan|ofrecen?"
    r"|tratan?)",
    "fr": r"(?:conti\w+|mentionn\w+|dis\w+|précis\w+|indiqu\w+|répond\w*|fourni\w*|donn\w+|trait\w+"
    r"|permett\w+|abord\w+)",
}
_FOUND_EN = (
    r"(?:found|find|mention|mentioned|stated|specified|given|answer|answered|information|contained|included|provided"
    r"|addressed|available|covered|determined|details?)"
)
_STRONG = [
    rf"\b{_GIVEN['en']}\b[^.!?;]{{0,60}}?\b(?:do|does|did|can)(?:\s+not|n['’]t|not)\b(?:\s+\w+){{0,3}}?\s+{_HOLDS['en']}\b",
    rf"\b{_GIVEN['en']}\b\s+(?:\w+\s+)?{_HOLDS['en']}\s+no\b",
    rf"\bnone\s+of\s+(?:the|these)\s+(?:\w+\s+)?{_GIVEN['en']}\b",
    rf"\b(?:(?:not|nothing|nowhere)|(?:not|n['’]t|no)\s+(?:\w+\s+){{0,3}}?{_FOUND_EN}(?:\s+\w+){{0,6}}?)\s+"
    rf"(?:in|by|from|within)\s+(?:any\s+of\s+)?(?:the|these|this|those|any|your)?\s*(?:\w+\s+)?{_GIVEN['en']}\b",
    rf"\b{_GIVEN['de']}\b[^.!?;]{{0,80}}?\b(?:nicht|nichts|kein\w*)\b[^.!?;]{{0,60}}?\b{_HOLDS['de']}\b",
    rf"\b{_GIVEN['de']}\b[^.!?;]{{0,60}}?\b{_HOLDS['de']}\b[^.!?;]{{0,80}}?\b(?:nicht|nichts|kein\w*)\b",
    rf"\b(?:nicht|nichts|kein\w*)\b[^.!?;]{{0,80}}?\b(?:in|aus)\s+(?:den|diesen|dem|diesem)\s+(?:\w+\s+)?{_GIVEN['de']}",
    rf"\b{_GIVEN['es']}\b[^.!?;]{{0,60}}?\bno\s+(?:se\s+)?{_HOLDS['es']}\b",
    rf"\bno\b[^.!?;]{{0,80}}?\ben\s+(?:ninguno\s+de\s+)?{_GIVEN['es']}\b",
    rf"\b{_GIVEN['fr']}\b[^.!?;]{{0,60}}?\bn(?:e\s+|['’]\s*){_HOLDS['fr']}\b",
    rf"\bn(?:e\s+|['’])[^.!?;]{{0,80}}?\bdans\s+(?:aucun\s+(?:de|des)\s+)?{_GIVEN['fr']}\b",
    rf"{_GIVEN['vi']}[^.!?;]{{0,60}}?\bkhông\s+(?:hề\s+)?(?:có|chứa|đề\s+cập|nêu|nói|cung\s+cấp|trả\s+lời|cho\s+biết|quy\s+định)",
    rf"\bkhông\b[^.!?;]{{0,80}}?\b(?:trong|từ)\s+(?:\w+\s+)?{_GIVEN['vi']}",
    rf"{_GIVEN['zh']}[^。！？；]{{0,20}}?(?:没有|沒有|未|并未|並未|不)(?:\w{{0,6}}?)(?:提[到及供]|包含|包括|说明|說明|回答|给出|給出|涉及|记载|答案|信息|内容|找到)",
    rf"(?:没有|沒有|未能?|无法|無法|找不到|不)[^。！？；]{{0,12}}?(?:从|在|於|于)[^。！？；]{{0,6}}?{_GIVEN['zh']}",
    rf"(?:无法|無法|不能)(?:从|根据|根據)[^。！？；]{{0,10}}?{_GIVEN['zh']}",
]
# Of the model itself, or of nothing in particular: counts only without a citation.
_WEAK = [
    r"\bI\s+(?:do\s*n['’]?o?t|don['’]t|cannot|can\s*not|can['’]t|could\s*n['’]?o?t|couldn['’]t|am\s+(?:not\s+able|unable))"
    r"(?:\s+\w+)?\s+(?:to\s+)?(?:know|answer|find|determine|have|provide|tell|say)\b",
    r"\bno\s+(?:\w+\s+)?(?:answer|information|mention|details?)\s+(?:\w+\s+){0,3}?(?:found|available|provided|given)\b",
    r"\bthere\s+(?:is|are|was|were)\s+no\s+(?:\w+\s+)?(?:answer|information|mention|details?)\s+(?:about|on|regarding|of"
    r"|to|concerning)\b",
    r"\b(?:is|are|was|were)\s*(?:not|n['’]t)\s+(?:\w+\s+)?(?:mentioned|stated|specified|answered|addressed|documented"
    r"|indicated)\b",
    r"\b(?:not|in)\s*(?:enough|sufficient)\s+information\b",
    r"\b(?:cannot|can\s*not|can['’]t)\s+be\s+(?:answered|determined|found)\b",
    r"^\W*(?:not\s+(?:mentioned|stated|specified|found|available|given)|unknown|n/?a|no answer)\W*$",
    r"\bich\s+(?:weiß|kann)\s+(?:\w+\s+){0,6}?nicht\b",
    r"\b(?:gibt|liegen|finde\w*|habe\w*)\b[^.!?]{0,30}?\bkeine?\s+(?:angaben?|informationen|antwort|auskunft|hinweise?)\b",
    r"\bkeine?\s+(?:angaben?|informationen|antwort|auskunft|hinweise?)\s+(?:\w+\s+)?(?:vorhanden|verfügbar|gefunden)\b",
    r"\bnicht\s+(?:\w+\s+)?(?:angegeben|erwähnt|genannt|beantwortet)\b",
    r"\bno\s+(?:lo\s+sé|sé\b|puedo\s+(?:responder|encontrar)|(?:he\s+)?encontr\w+|hay\s+(?:\w+\s+)?información|"
    r"se\s+(?:\w+\s+)?(?:menciona|especifica|indica))",
    r"\bje\s+(?:ne\s+(?:sais|peux|trouve|dispose)|n['’]ai)\b[^.!?]{0,30}?\bpas\b",
    r"\b(?:n['’]est|ne\s+sont)\s+pas\s+(?:\w+\s+)?(?:mentionn|précis|indiqu|spécifi)|\baucune\s+(?:information|réponse)\b",
    r"\b(?:tôi\s+)?không\s+(?:biết|tìm\s+thấy|thể\s+trả\s+lời|có\s+(?:đủ\s+)?thông\s+tin|được\s+(?:đề\s+cập|nêu))",
    r"(?:^|我)(?:不知道|不清楚)|无法回答|無法回答|没有找到答案|(?:^|我)(?:没有找到|找不到)|没有(?:\w{0,4})(?:信息|答案|提[到及])|未(?:提[到及]|找到|说明)",
]
_STRONGLY = re.compile("|".join(_STRONG), re.IGNORECASE)
_WEAKLY = re.compile("|".join(_WEAK), re.IGNORECASE)
# What says something after all: "..., but they say that visitors pay [1]."
_BUT = re.compile(
    r"(?:\b(?:but|however|though|although|only|instead|aber|jedoch|sondern|pero|sino|mais|cependant|nhưng|tuy\s+nhiên)\b"
    r"|但|不过|然而|只)",
    re.IGNORECASE,
)


class MarkFilter:
    """Removes the mark from a stream, and holds back only text that may become one."""

    def __init__(self) -> None:
        self.is_refusal = False  # the answer begins with the mark: the rest of it is of no use
        self.has_mark = False
        self._held = ""
        self._has_begun = False  # text other than the decoration of a mark has come
        self._place = Place()  # of what has left

    def feed(self, text: str) -> str:
        """Add a piece of the stream; return the text that can be released now."""
        if self.is_refusal:
            return ""
        self._held += text
        return self._read(ended=False)

    def finish(self) -> str:
        """Return the held text at the end of the stream."""
        return "" if self.is_refusal else self._read(ended=True)

    def _read(self, *, ended: bool) -> str:
        said = ""
        while "-" in self._held and (found := _MARK.search(self._held)) is not None:
            before, self._held = self._held[: found.start()], self._held[found.end() :]
            if not self._begins(before):
                self.is_refusal, self._held = True, ""
                return ""
            in_code = self._place.is_code_behind(before)
            self.has_mark = self.has_mark or not in_code
            said += self._say(before + (found.group() if in_code else ""))
        begun = None if ended else _BEGUN_MARK.search(self._held, max(0, len(self._held) - len(NOT_FOUND_MARK)))
        text = self._held if begun is None else self._held[: begun.start()]
        if not self._begins(text) and not ended and len(text) <= MAX_DECORATION_CHARS:
            return said  # decoration of a mark that may come
        self._held = self._held[len(text) :]
        return said + self._say(text)

    def _begins(self, text: str) -> bool:
        return self._has_begun or bool(text.strip(_DECORATION))

    def _say(self, text: str) -> str:
        self._has_begun = self._begins(text) or len(text) > MAX_DECORATION_CHARS
        self._place.move(text)
        return text


def says_not_found(answer: str) -> bool:
    """Return whether an answer says that the passages don't hold one, and says nothing else that it bears out.

    'The documents do not say [1].' does. '28 days [1]. The documents do not say who approves it.' is an answer to a
    part of the question, and so is 'The passages do not mention fees, but visitors pay two euros [1].'
    """
    if _LOOSE_MARK.match(answer.strip(_DECORATION)):
        return True
    sentences = [answer[span.start : span.end] for span in sentences_of(answer)]
    while len(sentences) > 1 and _is_lead_in(sentences[0]):
        sentences.pop(0)
    if not sentences or not _denies(sentences[0]):
        return False
    others = [sentence for sentence in sentences[1:] if not _denies(sentence)]
    return not any(map(_CITATION.search, others)) and sum(map(len, others)) <= MAX_UNCITED_CHARS


def _is_lead_in(sentence: str) -> bool:
    is_cited = _CITATION.search(sentence) is not None
    return (
        len(sentence) <= MAX_LEAD_IN_CHARS and bool(_SORRY.search(sentence)) and not is_cited and not _denies(sentence)
    )


def _denies(sentence: str) -> bool:
    """Return whether one sentence says that nothing was found."""
    strong = _STRONGLY.search(sentence)
    cited = _CITATION.search(sentence)
    but = _BUT.search(sentence, strong.end()) if strong else None
    if strong and (but is None or not _CITATION.search(sentence, but.end())):
        return True
    return cited is None and bool(_WEAKLY.search(sentence))
