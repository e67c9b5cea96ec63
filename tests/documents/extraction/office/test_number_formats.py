"""Numbers of spreadsheets as the sheet shows them."""

from __future__ import annotations

import pytest

from documents.extraction.office.number_formats import BUILT_IN, formatter_of, plain_number


@pytest.mark.parametrize(
    ("code", "value", "shown"),
    [
        ("General", "123456789.55", "123456789.55"),
        ("General", "98765432109.25", "98765432109.25"),
        ("General", "0.30000000000000004", "0.3"),
        ("General", "1.5E-7", "0.00000015"),
        ("General", "1.2E+20", "120000000000000000000"),
        ("General", "1234567890123", "1234567890123"),
        ("0.00", "-3.005", "-3.01"),
        ("0.0%", "7.4999999999999997E-2", "7.5%"),
        ("0.00%", "0.0425", "4.25%"),
        ("0%", "1", "100%"),
        ("#,##0", "1234567.8", "1,234,568"),
        ("#,##0.00", "1234.5", "1,234.50"),
        ("#,##0.00", "-0.004", "0.00"),
        ("$#,##0.00", "1234.5", "$1,234.50"),
        ('#,##0.00\\ "€"', "1234.5", "1,234.50 €"),
        ("#,##0.00\\ [$€-407]", "-1234.5", "-1,234.50 €"),
        ("[$¥-411]#,##0", "1500", "¥1,500"),
        ('_-* #,##0.00 "kr"_-;-* #,##0.00 "kr"_-;_-* "-"?? "kr"_-', "12", "12.00 kr"),
        ("#,##0;(#,##0)", "-12", "(12)"),
        ("#,##0;[Red]-#,##0", "-12", "-12"),
        ("00000", "1234", "01234"),
        ("000-00-0000", "123456789", "123-45-6789"),
        ("(000) 000-0000", "5551234567", "(555) 123-4567"),
        ("0.00E+00", "123456", "123456"),
        ('0.0,,"M"', "12345678", "12.3M"),
        ("# ?/?", "1.5", "1 1/2"),
        ("# ?/?", "0.25", "1/4"),
        ("#.##", "0.5", ".5"),
        ('0 "days"', "3", "3 days"),
        ('General" kg"', "2.5", "2.5 kg"),
        ("[>=1000]#,##0;0.0", "12.34", "12.3"),
        ('0.0;;"none"', "0", "none"),
        ("yyyy\\-mm\\-dd", "45418", "2024-05-06"),
        ("dd/mm/yyyy hh:mm", "45418.604166666664", "2024-05-06 14:30"),
        ("d. mmmm yyyy", "45418", "2024-05-06"),
        ("mmm-yy", "45418", "2024-05"),
        ("yyyy", "45418", "2024"),
        ("h:mm", "0.375", "09:00"),
        ("h:mm AM/PM", "0.75", "18:00"),
        ("[h]:mm", "1.2604166666666667", "30:15"),
        ("[mm]:ss", "0.0625", "90:00"),
        ("[Red]0", "5", "5"),  # a colour is no date
        ("yyyy-mm-dd", "-5", "-5"),
        ("0", "many", "many"),
    ],
)
def test_a_number_is_written_as_the_sheet_shows_it(code: str, value: str, shown: str) -> None:
    assert formatter_of(code)(value) == shown


def test_dates_may_count_from_1904() -> None:
    assert formatter_of("yyyy-mm-dd", is_1904=True)("43984") == "2024-06-03"
    assert formatter_of("yyyy-mm-dd")("59") == "1900-02-28"


@pytest.mark.parametrize("code", BUILT_IN.values())
@pytest.mark.parametrize("value", ["0", "-1.5", "12345678.9", "1E+250", "1E-200", "NaN", ""])
def test_no_number_is_written_with_an_exponent_or_breaks_a_format(code: str, value: str) -> None:
    assert "E+" not in formatter_of(code)(value) or value.startswith("1E")
    assert plain_number("x") == "x"
