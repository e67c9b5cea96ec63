from __future__ import annotations

import pytest

from querying.questions.identifiers import found_codes, identifiers_of, missing_identifiers


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("What does error E1299 mean?", ("E1299",)),
        ("What does E-1299 mean?", ("E-1299",)),
        ("Was gilt seit 2018?", ("2018",)),
        ("What was new in the 1950's?", ("1950",)),
        ("What does Section 14 say?", ("14",)),
        ("Was steht in § 14?", ("14",)),
        ("What changed in V2.1?", ("V2.1",)),
        ("What changed in version 2.1?", ("2.1",)),
        ("Does it follow RFC 9457?", ("9457",)),
        ("Does it follow RFC9457?", ("RFC9457",)),
        ("Who pays invoice 40711?", ("40711",)),
        ("What has the part number 88-1407?", ("88-1407",)),
        ("The display shows E 1240, what now?", ("E 1240",)),
        ("Mẫu 12 dùng để làm gì?", ("12",)),
        ("贝塔郎非在1954年出版了什么著作？", ("1954",)),
        # Amounts, times and places in an order may be said in other words.
        ("May I take more than 30 days?", ()),
        ("Is it above 12 %?", ()),
        ("Do we pay 1,000 euros or $50?", ()),
        ("What holds for 2000 employees?", ()),
        ("Wer genehmigt 15 Tage Urlaub?", ()),
        ("Who came 18th?", ()),
        ("Is there a 4-cylinder engine?", ()),
        ("Do we open at 10:30?", ()),
        ("Who is on duty in weeks 10-12?", ()),
        ("Do I 20 times a day what plan A 300 says?", ()),
        ("Is 3 enough?", ()),
        ("Is a room of 20 m2 enough?", ()),
        ("How long is the notice period?", ()),
    ],
)
def test_what_names_one_thing(question: str, named: tuple[str, ...]) -> None:
    assert identifiers_of(question) == named


@pytest.mark.parametrize(
    ("question", "text", "missing"),
    [
        ("What does E1299 mean?", "E1233: paper jam.", ("E1299",)),
        ("What does E1233 mean?", "E 1233: paper jam.", ()),
        ("What does E1233 mean?", "E-1233: paper jam.", ()),
        ("What does E123 mean?", "E1233: paper jam.", ("E123",)),
        ("The budget of 2015?", "The budget of 2018.", ("2015",)),
        ("The budget of 2018?", "Budget (as of 1.1.2018).", ()),
        ("What does section 14 say?", "Section 41 says nothing.", ("14",)),
        ("What does section 14 say?", "14. Duties", ()),
        ("What is new in V2.1?", "Version 2.2 is faster.", ("V2.1",)),
        ("What is new in V2.1?", "Version 2.1 is faster.", ()),
        ("What is new in V2.1?", "Version 2.1.3 is faster.", ("V2.1",)),
        ("What is new in V2.1?", "Version 12.1 is faster.", ("V2.1",)),
        ("Which RFC9457 fields?", "Errors follow RFC 9457.", ()),
        ("贝塔郎非在1954年出版了什么？", "他在1953年出版了", ("1954",)),
        ("用Python3写的？", "这是Python3写的", ()),
        ("E1233 and E1299?", "E1233: paper jam.", ("E1299",)),
        ("How many days?", "None.", ()),
    ],
)
def test_what_no_text_has(question: str, text: str, missing: tuple[str, ...]) -> None:
    assert missing_identifiers(question, ["Something else.", text]) == missing


def test_codes_that_a_text_has_are_found_however_they_are_joined() -> None:
    assert found_codes("What do E 1042 and E1299 mean in 2015?", ["Error E-1042: the lid is open. (2015)"]) == (
        "E 1042",
    )
    assert found_codes("What happened in 2015?", ["In 2015 the lid was open."]) == ()
