from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.keywords.definitions import LONG_MAX_CHARS, abbreviations_in


@pytest.mark.parametrize(
    ("text", "short", "long"),
    [
        ("The Virtual Private Network (VPN) is needed.", "vpn", "virtual private network"),
        ("All prices include VAT (value added tax).", "vat", "value added tax"),
        ("Paid time off (PTO) is", "pto", "paid time off"),
        ("the Multi-factor authentication (MFA)", "mfa", "multi factor authentication"),
        ("Several Service Level Agreements (SLAs)", "sla", "service level agreements"),
        ("the Department of Defense (DoD)", "dod", "department of defense"),
        ("Die Datenschutzbeauftragte (DSB) ist neu", "dsb", "datenschutzbeauftragte"),
        ("Allgemeine Geschäftsbedingungen („AGB“)", "agb", "allgemeine geschäftsbedingungen"),
        ("## Công nghệ thông tin (CNTT)", "cntt", "công nghệ thông tin"),
        ("Bộ Giáo dục và Đào tạo (BGDĐT)", "bgddt", "bộ giáo dục và đào tạo"),
    ],
)
def test_an_abbreviation_is_known_by_the_initials_of_what_it_stands_for(text: str, short: str, long: str) -> None:
    assert abbreviations_in(text) == {(short, long)}


@pytest.mark.parametrize(
    "text",
    [
        "The scanner (BX440) is heavy.",
        "Ask the service desk (VPN).",  # other initials
        "Rooms (see page 4) are let.",
        "It ends. Virtual (VP) Private",
        "a list (of words)",
        "()",
        "(VPN)",
        "The virtual. Private network (VPN)",  # not in one sentence
    ],
)
def test_other_brackets_explain_nothing(text: str) -> None:
    assert not abbreviations_in(text)


@given(st.text(alphabet="aAbB ()-\n.Đđ1", max_size=200))
def test_no_text_is_an_error(text: str) -> None:
    assert all(each.short and len(each.long) <= LONG_MAX_CHARS for each in abbreviations_in(text))
