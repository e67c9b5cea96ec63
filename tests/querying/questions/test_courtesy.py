from __future__ import annotations

import pytest

from querying.evaluation.question_kinds import questions_of_kind
from querying.questions.asking_part import asking_part
from querying.questions.courtesy import without_courtesy


@pytest.mark.parametrize(
    ("asked", "bare"),
    [
        ("Who pays for lunch please", "Who pays for lunch"),
        ("Could you please tell me: Who pays for lunch? Thank you very much!", "Who pays for lunch?"),
        ("Hello, I have a question. Who pays for lunch? Thanks in advance.", "Who pays for lunch?"),
        ("hi there, can you tell me who pays for lunch, please?", "who pays for lunch"),
        ("I'd like to know who pays for lunch.", "who pays for lunch."),
        ("Guten Tag, ich habe eine Frage. Wer zahlt das Essen? Danke im Voraus.", "Wer zahlt das Essen?"),
        ("Könnten Sie mir bitte sagen: Wer zahlt das Essen? Vielen Dank!", "Wer zahlt das Essen?"),
        ("Wer zahlt das Essen bitte", "Wer zahlt das Essen"),
        ("Xin cho tôi hỏi: Ai trả tiền ăn trưa? Cảm ơn nhiều!", "Ai trả tiền ăn trưa?"),
        ("Chào bạn, tôi có một câu hỏi. Ai trả tiền ăn trưa? Xin cảm ơn.", "Ai trả tiền ăn trưa?"),
        ("请问一下：谁付午饭的钱？谢谢！", "谁付午饭的钱？"),
        ("您好，我有一个问题。谁付午饭的钱？先谢谢您了。", "谁付午饭的钱？"),
        ("¿Me podría decir, por favor: quién paga? ¡Muchas gracias!", "quién paga?"),
        ("Pourriez-vous me dire : qui paie ? Merci beaucoup !", "qui paie ?"),
    ],
)
def test_politeness_is_taken_off(asked: str, bare: str) -> None:
    assert without_courtesy(asked) == bare
    assert asking_part(asked) == bare


@pytest.mark.parametrize(
    "question",
    [
        "Who thanks the host of a dinner?",
        "What does the form say about regards?",
        "Can you park behind the building?",
        "Would you need a visa for Hanoi?",
        "Was steht auf der Dankeskarte?",
        "Hi-Fi systems: who may use them?",
        "Please",
        "Thank you!",
        "谢谢",
        "How do I answer a customer's question?",
        "Danke",
        "",
    ],
)
def test_what_is_asked_stays(question: str) -> None:
    assert without_courtesy(question) == question


@pytest.mark.parametrize("language", ["en", "de", "vi", "zh", "es", "fr"])
def test_every_polite_form_comes_down_to_its_question(language: str) -> None:
    questions = [f"Wann kommt Nummer {number}" for number in range(6)]
    for (place,), text in questions_of_kind("polite", questions, language):
        assert without_courtesy(text) == questions[place]


@pytest.mark.parametrize("language", ["en", "de", "vi", "zh"])
def test_of_a_mail_the_question_is_what_asks(language: str) -> None:
    question = {"en": "Who pays for lunch?", "de": "Wer zahlt das Essen?", "vi": "Ai trả tiền ăn trưa?"}
    asked = question.get(language, "谁付午饭的钱？")
    [(_, mail)] = questions_of_kind("mail", [asked], language)
    assert asking_part(mail) == asked
