"""E-mail, mailboxes and saved web pages: all that a person would read in them."""

from __future__ import annotations

import base64
from email.message import EmailMessage

import pytest

from documents.extraction import media_types
from documents.extraction.mail.calendars import read_calendar
from documents.extraction.mail.headers import decoded
from documents.text.extraction_notes import Note
from tests.documents.extraction import making
from tests.documents.extraction.reading import read_here, read_in_child

CALENDAR = """BEGIN:VCALENDAR
BEGIN:VEVENT
SUMMARY:Lift check\\, east wing
DTSTART;TZID="Europe/Vienna":20260504T143000
DTEND:20260504T150000Z
LOCATION:Machine
  room 4
ORGANIZER;CN=Eva Holm:mailto:eva@example.org
DESCRIPTION:Bring the keys.\\nNo parking.
BEGIN:VALARM
DESCRIPTION:Reminder
END:VALARM
END:VEVENT
END:VCALENDAR
"""


def letter(subject: str = "Keys") -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "Eva Holm <eva@example.org>", "all@example.org"
    message["Date"] = "Mon, 4 May 2026 09:00:00 +0200"
    return message


def test_a_stub_does_not_hide_the_body() -> None:
    message = letter()
    message.set_content("This mail needs a program that shows HTML.")
    message.add_alternative("<p>The cellar is locked from Monday on; keys are with the porter in hall two.</p>", "html")

    text = read_here(message.as_bytes()).text

    assert "keys are with the porter in hall two" in text
    assert "needs a program" not in text


def test_the_same_body_in_two_forms_is_read_once() -> None:
    message = letter()
    message.set_content("The cellar is locked.")
    message.add_alternative("<p>The cellar is <b>locked</b>.</p>", "html")

    assert read_here(message.as_bytes()).text.count("The cellar is locked.") == 1


def test_text_around_an_attachment_is_read_in_order() -> None:
    raw = (
        b"From: a@example.org\nSubject: Plan\nDate: Mon, 4 May 2026 09:00:00 +0200\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/mixed; boundary="x"\n\n'
        b"--x\nContent-Type: text/html\n\n<p>Before the plan.</p>\n"
        b"--x\nContent-Type: application/pdf\n"
        b'Content-Disposition: inline; filename="plan.pdf"\n\n%PDF\n'
        b"--x\nContent-Type: text/plain\n\nAfter the plan.\n--x--\n"
    )

    text = read_here(raw).text

    assert text.index("Before the plan.") < text.index("After the plan.")
    assert text.endswith("Attachments: plan.pdf")


def test_an_attached_mail_is_read_below_the_one_around_it() -> None:
    inner = letter("Offer 12")
    inner.set_content("We ask for 310 euros.")
    message = letter("Decision")
    message.set_content("<p>I take the offer below.</p>", subtype="html")
    message.add_attachment(inner)

    text = read_here(message.as_bytes()).text

    assert text.index("I take the offer") < text.index("Subject: Offer 12") < text.index("We ask for 310 euros.")


def test_attachments_are_read_or_named_as_not_read() -> None:
    message = letter()
    message.set_content("See the files.")
    office = "vnd.openxmlformats-officedocument.wordprocessingml.document"
    message.add_attachment(making.word_document(), maintype="application", subtype=office, filename="rules.docx")
    message.add_attachment(b"\x00\x01\x02", maintype="application", subtype="octet-stream", filename="tool.bin")

    read = read_in_child(message.as_bytes())

    assert "Attachment rules.docx:" in read.text
    assert "Everybody has thirty days." in read.text
    assert read.text.endswith("Attachments: rules.docx, tool.bin")
    assert read.notes == (Note("attachment_not_read", 1),)


def test_a_picture_in_a_signature_is_no_attachment_that_was_not_read() -> None:
    message = letter()
    message.set_content("<p>Hello</p><img src='cid:logo'>", subtype="html")
    message.add_related(making.png(), "image", "png", cid="<logo>", filename="logo.png", disposition="inline")

    assert read_in_child(message.as_bytes()).notes == ()


def test_an_invitation_says_when_and_where() -> None:
    assert read_calendar(CALENDAR) == (
        "Event: Lift check, east wing\nStart: 2026-05-04 14:30 (Europe/Vienna)\nEnd: 2026-05-04 15:00 UTC\n"
        "Location: Machine room 4\nOrganizer: Eva Holm <eva@example.org>\n"
        "Description: Bring the keys.\nNo parking."
    )
    message = letter()
    message.set_content("You are invited.")
    message.add_alternative(CALENDAR.encode(), "text", "calendar", params={"method": "REQUEST"})

    text = read_here(message.as_bytes()).text

    assert "You are invited." in text
    assert "Location: Machine room 4" in text


def test_a_mailbox_gives_all_of_its_mails() -> None:
    mails = []
    for subject in ("Roof", "Cellar", "Lift"):
        message = letter(subject)
        message.set_content(f"{subject} is checked.\n\n>From here on it is quoted.\n")
        mails.append(b"From eva@example.org Mon May  4 09:00:00 2026\n" + message.as_bytes() + b"\n")

    read = read_in_child(b"".join(mails))

    assert [read.text.count(f"{name} is checked.") for name in ("Roof", "Cellar", "Lift")] == [1, 1, 1]
    assert "\nFrom here on it is quoted." in read.text
    assert read.media_type == media_types.EMAIL


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\n\n"])
def test_what_stands_before_the_headers_does_not_hide_them(mark: bytes) -> None:
    message = letter()
    message.set_content("Hello")

    read = read_in_child(mark + message.as_bytes())

    assert (read.title, read.media_type) == ("Keys", media_types.EMAIL)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("=?gb2312?B?1uzp?= =?gb2312?B?Rrv5wrc=?=", "朱镕基路"),  # a letter is cut between the words
        ("=?utf-8?q?Pr=C3=BCfung?= am Freitag", "Prüfung am Freitag"),
        ("=?iso-8859-1?Q?8_=80?=", "8 €"),
        ("plain", "plain"),
        ("Grüße".encode("cp1252").decode("utf-8", "surrogateescape"), "Grüße"),  # never encoded at all
        ("=?no-such?b?Z3V0?=", "gut"),
    ],
)
def test_encoded_headers_come_out(raw: str, text: str) -> None:
    assert decoded(raw) == text


def test_a_saved_web_page_is_a_page() -> None:
    page = (
        b'MIME-Version: 1.0\nSubject: Fees\nContent-Type: multipart/related; type="text/html"; boundary="x"\n\n'
        b"--x\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n"
        b"Content-Location: https://example.org/fees\n\n"
        b"<html><body><nav>Home</nav><h1>Fees</h1><p>A lost key costs 20=C2=A0=E2=82=AC.</p></body></html>\n"
        b"--x\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--x--\n"
    )

    read = read_in_child(page, "fees.mht")

    assert read.text == "# Fees\n\nA lost key costs 20 €."
    assert (read.title, read.markdown, read.notes) == ("Fees", True, ())


def test_lines_that_flow_are_joined() -> None:
    raw = (
        b"From: a@example.org\nSubject: Flow\nDate: Mon, 4 May 2026 09:00:00 +0200\n"
        b"Content-Type: text/plain; format=flowed\n\nThe sentence goes \non here.\nThis is another.\n"
    )

    assert "The sentence goes on here.\nThis is another." in read_here(raw).text


HEAD = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: S\r\nMIME-Version: 1.0\r\n"


def test_an_attached_mail_in_base64_is_read() -> None:
    inner = base64.encodebytes(b"From: c@example.org\r\nSubject: Inner\r\n\r\nInner words.\r\n")
    data = HEAD + b"Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\nContent-Type: message/rfc822\r\n"
    data += b"Content-Transfer-Encoding: base64\r\n\r\n" + inner + b"\r\n--q--\r\n"
    text = read_here(data).text

    assert "Subject: Inner" in text
    assert "Inner words." in text


def test_a_body_without_the_announced_line_between_its_parts_is_read() -> None:
    data = HEAD + b"Content-Type: multipart/mixed; boundary=q\r\n\r\n--other\r\n\r\nWords.\r\n--other--\r\n"
    assert "Words." in read_here(data).text


def test_html_that_is_called_plain_text_is_read_as_html() -> None:
    data = HEAD + b"Content-Type: text/plain\r\n\r\n<html><body><p>Shown <b>words</b>.</p></body></html>\r\n"
    assert read_here(data).text.endswith("\n\nShown words.")
