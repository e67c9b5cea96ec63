"""The fixed sentences of answers, in the languages of the corpora. Pure: no Django."""

from __future__ import annotations

from collections.abc import Sequence

from querying.passages import Passage, name_of

NEAREST_MAX = 3  # passages named when none answers

_NOT_FOUND = {
    "en": "I couldn't find an answer to this in these documents.",
    "de": "In diesen Dokumenten steht dazu keine Antwort.",
    "es": "No he encontrado una respuesta a esto en estos documentos.",
    "fr": "Je n'ai pas trouvé de réponse à cette question dans ces documents.",
    "vi": "Tôi không tìm thấy câu trả lời cho câu hỏi này trong các tài liệu.",
    "zh": "在这些文档中没有找到这个问题的答案。",
}
_NEAREST = {
    "en": "What comes nearest:",
    "de": "Am nächsten kommt:",
    "es": "Lo más cercano:",
    "fr": "Ce qui s'en approche le plus :",
    "vi": "Gần nhất là:",
    "zh": "最接近的内容：",
}
_FOUND = {
    "en": "These passages may answer it:",
    "de": "Diese Stellen könnten die Antwort enthalten:",
    "es": "Estos pasajes pueden contener la respuesta:",
    "fr": "Ces passages peuvent contenir la réponse :",
    "vi": "Các đoạn sau có thể trả lời câu hỏi:",
    "zh": "以下段落可能包含答案：",
}
_ABOUT_ANOTHER = {
    "en": "These documents don't name {}; what follows is about another one.",
    "de": "{} kommt in diesen Dokumenten nicht vor; was folgt, handelt von etwas anderem.",
    "es": "Estos documentos no nombran {}; lo que sigue trata de otra cosa.",
    "fr": "Ces documents ne nomment pas {} ; ce qui suit parle d'autre chose.",
    "vi": "Các tài liệu này không nhắc đến {}; phần sau nói về nội dung khác.",
    "zh": "这些文档没有提到 {}；以下内容与此不同。",
}


def about_another(identifiers: Sequence[str], language: str) -> str:
    """Return the warning that no passage names an identifier of the question."""
    return _in(language, _ABOUT_ANOTHER).format(", ".join(identifiers))


def not_in_these_documents(passages: Sequence[Passage], language: str) -> str:
    """Return the sentence that says so, with the names of the nearest passages.

    Without [n]: what is near is no source of an answer.
    """
    sentence = _in(language, _NOT_FOUND)
    if not passages:
        return sentence
    return f"{sentence} {_in(language, _NEAREST)} {_named(passages)}."


def see_these_passages(passages: Sequence[Passage], language: str) -> str:
    """Return a sentence that names the passages, if none of their sentences can be quoted."""
    return f"{_in(language, _FOUND)} {_named(passages)}."


def _in(language: str, texts: dict[str, str]) -> str:
    return texts.get(language.partition("-")[0].lower(), texts["en"])


def _named(passages: Sequence[Passage]) -> str:
    """Return the names of the best passages' documents, each once: '“Handbook”, “Rules”'."""
    named: dict[object, str] = {}
    for passage in passages:
        name = " ".join(name_of(passage).replace("[", "(").replace("]", ")").split())
        named.setdefault(passage.document_id, f"“{name}”")
    return ", ".join(list(dict.fromkeys(named.values()))[:NEAREST_MAX])
