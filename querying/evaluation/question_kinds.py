"""Rewrites questions in other kinds: polite, as a mail, several in one, as keywords. Pure.

Judged sets mostly hold one kind, a sentence of ten words. A gate that is fitted on them alone refuses the others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

Kind = Literal["plain", "polite", "mail", "parts", "keywords"]
KINDS: tuple[Kind, ...] = ("plain", "polite", "mail", "parts", "keywords")
PARTS = 3  # questions at once, at most
_WORD = re.compile(r"\w+")
_SHORTEST_KEYWORD = 4  # letters

# Before and after a question.
_POLITE = {
    "en": (
        ("Could you please tell me: ", " Thank you very much!"),
        ("", " please"),
        ("Hello, I have a question. ", " Thanks in advance."),
    ),
    "de": (
        ("Könnten Sie mir bitte sagen: ", " Vielen Dank!"),
        ("", " bitte"),
        ("Guten Tag, ich habe eine Frage. ", " Danke im Voraus."),
    ),
    "vi": (("Xin cho tôi hỏi: ", " Cảm ơn nhiều!"), ("", " ạ"), ("Chào bạn, tôi có một câu hỏi. ", " Xin cảm ơn.")),
    "zh": (("请问一下：", "谢谢！"), ("", "谢谢"), ("您好，我有一个问题。", "先谢谢您了。")),
    "es": (("¿Me podría decir, por favor: ", " ¡Muchas gracias!"), ("", " por favor")),
    "fr": (("Pourriez-vous me dire : ", " Merci beaucoup !"), ("", " s'il vous plaît")),
}
_MAIL = {
    "en": (
        "Hello everybody,\n\nI hope that you had a good weekend and that the move went well. I was away until Monday,"
        " so I am still working through my inbox, and a colleague asked me something at lunch that I could not answer."
        " She had heard one thing from her neighbour and read another one in the newspaper, and we would both like to"
        " know what is right before our meeting on Friday.\n\n{question}\n\nThere is no hurry, but an answer this week"
        " would help us a lot. If you are not the right person, please pass this on to somebody who knows.\n\nMany"
        " thanks and kind regards,\nRobin"
    ),
    "de": (
        "Liebe Kolleginnen und Kollegen,\n\nich hoffe, das Wochenende war schön und der Umzug ist gut gelaufen. Ich war"
        " bis gestern unterwegs und arbeite mich noch durch die Post; beim Mittagessen hat mich jemand etwas gefragt,"
        " das ich nicht beantworten konnte. Wir haben Verschiedenes dazu gehört und wüssten vor der Besprechung am"
        " Donnerstag gern, was stimmt.\n\n{question}\n\nEs eilt nicht, aber eine Antwort in dieser Woche würde uns sehr"
        " helfen. Falls ihr dafür nicht zuständig seid, leitet es bitte weiter.\n\nVielen Dank und schöne Grüße\nRobin"
    ),
    "vi": (
        "Chào cả nhà,\n\nHy vọng mọi người đã có một cuối tuần vui vẻ và việc chuyển nhà diễn ra tốt đẹp. Tôi vắng mặt"
        " đến hôm qua nên vẫn đang đọc lại thư, và trong bữa trưa một đồng nghiệp hỏi tôi một điều mà tôi không trả lời"
        " được. Chúng tôi muốn biết điều gì đúng trước cuộc họp thứ năm.\n\n{question}\n\nKhông gấp, nhưng nếu có câu"
        " trả lời trong tuần này thì rất tốt. Nếu bạn không phụ trách, xin chuyển giúp cho người biết.\n\nCảm ơn và"
        " chào thân ái,\nRobin"
    ),
    "zh": (
        "大家好：\n\n希望你们周末愉快，搬家也一切顺利。我昨天才回来，还在看积压的邮件。"
        "午饭时有位同事问了我一件事，我答不上来。我们听到了不同的说法，想在星期四开会之前弄清楚哪个是对的。\n\n{question}\n\n不着急，但如果这个星期"
        "能有答案就太好了。如果不归你们管，请转给知道的人。\n\n非常感谢，祝好！\n罗宾"
    ),
}
_AND = {"en": "And also: ", "de": "Und außerdem: ", "vi": "Và còn nữa: ", "zh": "还有："}


def questions_of_kind(kind: Kind, questions: Sequence[str], language: str) -> list[tuple[tuple[int, ...], str]]:
    """Return questions of one kind, each with the places of those it was made of.

    The same questions give the same result. Languages without texts of their own are asked in English ones, as
    people do who write to a foreign office.
    """
    if kind == "parts":
        return _in_parts(questions, language)
    return [((place,), _put(kind, text, place, language)) for place, text in enumerate(questions)]


def _put(kind: Kind, question: str, place: int, language: str) -> str:
    if kind == "polite":
        forms = _POLITE.get(language, _POLITE["en"])
        before, after = forms[place % len(forms)]
        return f"{before}{question.rstrip() if before else question.rstrip().rstrip('?？')}{after}"
    if kind == "mail":
        return _MAIL.get(language, _MAIL["en"]).format(question=question)
    if kind == "keywords":
        words = [word for word in _WORD.findall(question) if len(word) >= _SHORTEST_KEYWORD]
        return " ".join(words) or question
    return question


def _in_parts(questions: Sequence[str], language: str) -> list[tuple[tuple[int, ...], str]]:
    """Return the questions in turns two and three at once."""
    found: list[tuple[tuple[int, ...], str]] = []
    place = 0
    while place < len(questions):
        places = tuple(range(place, min(len(questions), place + 2 + len(found) % (PARTS - 1))))
        parts = [questions[each].strip() for each in places]
        glue = " " if len(found) % 2 else f" {_AND.get(language, _AND['en'])}"
        found.append((places, glue.join(parts)))
        place = places[-1] + 1
    return found
