"""The units that a number must have to be the requested amount."""

from __future__ import annotations

import pytest

from querying.questions.answer_type import fold
from querying.questions.measures import measure_of


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("How long is the probation period?", "It lasts four months.", "It costs 25 euros."),
        ("How heavy is the scanner?", "Weight | 38 kg", "It cools down for 20 minutes."),
        ("How tall is the tower?", "It is 67 metres tall.", "It has 67 rooms."),
        ("How much does the ticket cost?", "It is 4 euros.", "It is valid for 4 days."),
        ("What is the late fee?", "Pay £2 a day.", "Two days later it ends."),
        ("What time does it open?", "It opens at 9:30.", "It opened in 1930."),
        ("What percentage of members voted?", "It was 40 % of them.", "It was 40 of them."),
        ("How many days of holiday do we have?", "You have 27 working days.", "You have 3 weeks."),
        ("How many vacant rooms are there?", "There are 12 rooms.", "There are 12 beds."),
        ("Wie lange dauert die Probezeit?", "Sie dauert sechs Monate.", "Sie kostet 6 Euro."),
        ("Wie schwer ist das Gerät?", "Es wiegt 12 kg.", "Es ist 12 Jahre alt."),
        ("Was kostet der Stellplatz?", "Er kostet 55 Euro.", "Er ist 55 Meter weit weg."),
        ("Wie viele Urlaubstage gibt es?", "Es gibt 29 Urlaubstage.", "Es gibt 29 Euro."),
        ("Um wie viel Uhr beginnt die Ruhe?", "Ab 22 Uhr.", "Seit 22 Jahren."),
        ("¿Cuánto cuesta la entrada?", "Son 4 euros.", "Son 4 salas."),
        ("¿Cuántas camas tiene?", "Tiene cuarenta camas.", "Tiene cuarenta mesas."),
        ("Combien de temps dure le stage ?", "Il dure six mois.", "Il coûte six euros."),
        ("Combien de jours ?", "Ce sont 25 jours.", "Ce sont 25 euros."),
        ("Được nghỉ thai sản bao lâu?", "Được nghỉ sáu tháng.", "Được 6 triệu đồng."),
        ("Có bao nhiêu ngày nghỉ?", "Có 14 ngày nghỉ.", "Có 14 người."),
        ("有多少天？", "有十天。", "有十人。"),
    ],
)
def test_an_amount_is_of_what_was_asked_for(question: str, right: str, wrong: str) -> None:
    measure = measure_of(fold(question))
    assert measure is not None
    assert measure.search(fold(right))
    assert not measure.search(fold(wrong))


@pytest.mark.parametrize("question", ["Who signs it?", "What may I bring?", "When may it open?", "How often?", ""])
def test_other_questions_ask_for_no_amount_of_something(question: str) -> None:
    assert measure_of(fold(question)) is None
