"""The answer types of questions, in the languages of the tables."""

from __future__ import annotations

import pytest

from querying.questions.answer_type import AnswerType, has_wanted, wanted_by

N, T, NAME, WHY, WAY = AnswerType.NUMBER, AnswerType.TIME, AnswerType.NAME, AnswerType.REASON, AnswerType.WAY


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("How many days are there?", N), ("When does it open?", T), ("In what year was it built?", T),
        ("Who signs it?", NAME), ("Where is it?", NAME), ("Why is it closed?", WHY), ("What is a quay?", None),
        ("What may I bring?", None), ("What time is it?", N), ("What is the fee?", N), ("Was kostet es?", N),
        ("Wie viele Tage?", N), ("Wann öffnet es?", T), ("In welchem Jahr?", T), ("Wer bezahlt?", NAME),
        ("¿Cuántos días?", N), ("¿Cuándo abre?", T), ("¿Quién firma?", NAME), ("¿Por qué?", WHY),
        ("Combien de jours ?", N), ("Quand ouvre-t-il ?", T), ("Où est-ce ?", NAME), ("Pourquoi ?", WHY),
        ("Có bao nhiêu ngày?", N), ("Khi nào mở cửa?", T), ("Ai đã ký?", NAME), ("Tại sao đóng cửa?", WHY),
        ("有多少天？", N), ("什么时候开门？", T), ("谁签字？", NAME), ("为什么？", WHY),
        ("How do I start it?", WAY), ("How can one pay?", WAY), ("How to pay?", WAY), ("How is it made?", None),
        ("Wie starte ich es?", WAY), ("Wie kann man zahlen?", WAY), ("Comment peut-on payer ?", WAY),
        ("¿Cómo puedo pagar?", WAY), ("Làm thế nào để trả tiền?", WAY), ("怎么付款？", WAY), ("How long do I wait?", N),
    ],
)  # fmt: skip
def test_a_question_word_tells_what_is_wanted(question: str, wanted: AnswerType | None) -> None:
    assert wanted_by(question) is wanted


@pytest.mark.parametrize(
    ("sentence", "wanted", "question", "expected"),
    [
        ("It has 28 days.", N, "How many days?", True),
        ("It has two days.", N, "How many days?", True),
        ("It has days.", N, "How many days?", False),
        ("In 2019 it had days.", N, "How many days did it have in 2019?", False),  # that number is the question's
        ("It opened in 1902.", T, "When did it open?", True),
        ("It opens in March.", T, "When does it open?", True),
        ("It has 40 beds.", T, "When did it open?", False),
        ("It was built by Anne Morel.", NAME, "Who built it?", True),
        ("It was built with care.", NAME, "Who built it?", False),
        ("The hall in Oslo is old.", NAME, "Who built the hall in Oslo?", False),
        ("Ask four weeks before.", T, "When must I ask?", True),
        ("Fragen Sie innerhalb von 30 Tagen.", T, "Wann muss ich fragen?", True),
        ("Years before his death he came.", T, "In what year did he come?", False),
        ("Units may differ.", T, "When do they differ?", False),  # not the month
        ("It opens on 2 May.", T, "When does it open?", True),
        ("It is shut because of snow.", WHY, "Why is it shut?", True),
        ("To pay, go to the desk.", WAY, "How do I pay?", True),
        ("You can pay at the desk.", WAY, "How do I pay?", True),
        ("`pay 5` does it.", WAY, "How do I pay?", True),
        ("The fee was paid in May.", WAY, "How do I pay?", False),
    ],
)
def test_a_sentence_has_it_or_not(sentence: str, wanted: AnswerType, question: str, *, expected: bool) -> None:
    assert has_wanted(sentence, wanted, question) is expected
