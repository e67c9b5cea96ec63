"""Reads e-mail (.eml), mailboxes of several mails (.mbox), and web pages saved as a mail (.mht)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

from documents.extraction.content import Content
from documents.extraction.encodings.decoding import decode, decode_counted
from documents.extraction.html import page as html_page
from documents.extraction.mail.attachments import NOT_READ, read_attachment
from documents.extraction.mail.calendars import looks_like_calendar, read_calendar
from documents.extraction.mail.headers import decoded, header
from documents.text.extraction_notes import Note, repaired

_HEADERS = ("Subject", "From", "To", "Cc", "Date")
_MAIL_START = re.compile(rb"(?m)^From [^\r\n]{0,300}\d{4}[^\r\n]{0,20}\r?\n(?=[A-Za-z][A-Za-z-]*:|>From )")
_DEPTH_MAX = 8
_NO_ATTACHMENT = frozenset(
    {
        *("application/pkcs7-signature", "application/x-pkcs7-signature"),
        *("application/pgp-signature", "application/pgp-keys"),
    }
)
_PACKED = frozenset({"base64"})
_HTML = re.compile(r"\s*<(?:!doctype html|html|body|head)\b", re.IGNORECASE)
_RICH_SHARE = 0.8  # of the characters of the plain form that the HTML must have to be the better one


def read(data: bytes) -> Content:
    """Return the headers that people read, the richest form of the body, attached mails and texts of attachments.

    A mailbox gives all of its mails. Raises Unreadable: unknown_encoding.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = decode(data).encode("utf-8", "surrogateescape")
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    starts = [found.start() for found in _MAIL_START.finditer(data)]
    if len(starts) > 1 and starts[0] == 0:
        mails = [data[start:end] for start, end in zip(starts, [*starts[1:], len(data)], strict=True)]
        letters = [_letter(_parsed(re.sub(rb"(?m)^>(>*From )", rb"\1", mail))) for mail in mails]
        title = None
    else:
        message = _parsed(data)
        letters = [_saved_page(message) if _is_saved_page(message) else _letter(message)]
        title = header(message, "Subject") or None
    return Content(
        ["\n\n".join(letter.blocks) for letter in letters],
        title=title,
        markdown=any(letter.markdown for letter in letters) and len(letters) == 1,
        notes=[note for letter in letters for note in letter.notes],
        hidden="\n\n".join(text for letter in letters for text in letter.hidden),
    )


@dataclass
class _MailContent:
    """The parts of one mail that were read so far."""

    blocks: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    attachments: list[str] = field(default_factory=list)
    markdown: bool = False

    def add(self, other: _MailContent) -> None:
        """Add the content of a part."""
        self.blocks += other.blocks
        self.notes += other.notes
        self.hidden += other.hidden
        self.attachments += other.attachments

    def size(self) -> int:
        """Return how many characters of text there are, blanks aside."""
        return sum(len("".join(block.split())) for block in self.blocks)


def _parsed(data: bytes) -> EmailMessage:
    return BytesParser(policy=policy.default).parsebytes(data)


def _letter(message: EmailMessage, depth: int = 0) -> _MailContent:
    """Return a mail with its headers and the names of its attachments."""
    letter = _MailContent()
    headers = [f"{name}: {value}" for name in _HEADERS if (value := header(message, name))]
    if headers:
        letter.blocks.append("\n".join(headers))
    body = _part(message, depth)
    letter.add(body)
    if letter.attachments:
        letter.blocks.append("Attachments: " + ", ".join(letter.attachments))
        letter.attachments = []
    return letter


def _part(part: EmailMessage, depth: int) -> _MailContent:
    """Return the content of one part of a mail, its own parts included."""
    kind = part.get_content_type()
    if depth > _DEPTH_MAX:
        return _unread(_name_of(part) or "mail")
    if kind == "message/rfc822":
        return _attached_mail(part, depth)
    if part.is_multipart():
        children = [child for child in part.iter_parts() if isinstance(child, EmailMessage)]
        if kind == "multipart/alternative":
            return _richest([_part(child, depth + 1) for child in children], children)
        return _joined(_part(child, depth + 1) for child in children)
    is_inline = part.get_content_disposition() != "attachment"
    name = _name_of(part)
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    if kind.startswith("multipart/"):  # without parts: the line between them is not the one that was announced
        return _text(part, data, is_html=False)
    if kind in {"text/calendar", "application/ics"} or name.lower().endswith(".ics"):
        return _calendar(part, data, name)
    if is_inline and kind in {"text/plain", "text/html"} and not (name and kind == "text/plain"):
        return _text(part, data, is_html=kind == "text/html")
    if kind in _NO_ATTACHMENT or (is_inline and (kind.startswith("image/") or not name)):
        return _MailContent(attachments=[name] if name and kind.startswith("image/") else [])
    return _attachment(data, name or "unnamed", depth)


def _joined(parts: Iterable[_MailContent]) -> _MailContent:
    letter = _MailContent()
    for part in parts:
        letter.add(part)
    return letter


def _richest(forms: list[_MailContent], parts: list[EmailMessage]) -> _MailContent:
    """Return the most complete form of a body: its HTML where that is not much shorter, with any invitation."""
    calendars = [form for form, part in zip(forms, parts, strict=True) if part.get_content_type() == "text/calendar"]
    bodies = [form for form in forms if form not in calendars]
    best = max(reversed(bodies), key=lambda form: form.size(), default=_MailContent())
    if bodies and bodies[-1].size() >= _RICH_SHARE * best.size():
        best = bodies[-1]
    return _joined([best, *calendars])


def _attached_mail(part: EmailMessage, depth: int) -> _MailContent:
    letter = _MailContent()
    for mail in part.iter_parts():
        if isinstance(mail, EmailMessage):
            if str(part.get("Content-Transfer-Encoding", "")).strip().lower() in _PACKED:
                mail = _unpacked(mail)
            inner = _letter(mail, depth + 1)
            if inner.blocks:
                inner.blocks[0] = "Attached mail:\n" + inner.blocks[0]
            letter.add(inner)
    return letter


def _unpacked(mail: EmailMessage) -> EmailMessage:
    """Return a mail that was attached in Base64, which some programs do although the standard forbids it."""
    written = mail.get_payload()
    try:
        return _parsed(base64.b64decode(written if isinstance(written, str) else "", validate=False))
    except ValueError:
        return mail


def _text(part: EmailMessage, data: bytes, *, is_html: bool) -> _MailContent:
    """Return the text of a part of the body."""
    if not data.strip():
        return _MailContent()
    found = decode_counted(data, declared=part.get_content_charset())
    notes = list(repaired(found.repaired))
    if is_html or _HTML.match(found.text):
        page = html_page.read_text(found.text, is_mail=True)
        blocks = [text for text in page.parts if text.strip()]
        return _MailContent(blocks, [*notes, *page.notes], [page.hidden] if page.hidden else [])
    text = found.text.replace("\r\n", "\n")
    if str(part.get_param("format", "")).lower() == "flowed":
        text = re.sub(r"(?<![\n-]) \n(?=[^\s>])", " ", text)  # the end of such a line is no end of anything
    return _MailContent([text.strip("\n")], notes)


def _calendar(part: EmailMessage, data: bytes, name: str) -> _MailContent:
    found = decode_counted(data, declared=part.get_content_charset())
    text = read_calendar(found.text) if looks_like_calendar(found.text) else ""
    if not text:
        return _unread(name or "invite.ics")
    return _MailContent(["Invitation:\n" + text], list(repaired(found.repaired)), attachments=[name] if name else [])


def _attachment(data: bytes, name: str, depth: int) -> _MailContent:
    """Return the text of an attached file below its name, or its name alone."""
    content = read_attachment(data, name) if depth < _DEPTH_MAX else None
    if content is None:
        return _unread(name)
    text = "\n\n".join(part for part in content.parts if part.strip())
    hidden = [content.hidden] if content.hidden else []
    return _MailContent([f"Attachment {name}:\n\n{text}"], list(content.notes), hidden, [name])


def _unread(name: str) -> _MailContent:
    return _MailContent(notes=[NOT_READ], attachments=[name])


def _name_of(part: EmailMessage) -> str:
    """Return the file name of a part, "" if it has none."""
    try:
        return " ".join(decoded(part.get_filename("") or "").split())
    except (ValueError, LookupError, AttributeError, TypeError):
        return ""


def _is_saved_page(message: EmailMessage) -> bool:
    """Return whether a mail is a web page that a browser or an Office program saved."""
    is_page = message.get_content_type() in {"multipart/related", "text/html"}
    is_sent = any(message.get(name) is not None for name in ("To", "Cc", "Received", "Message-ID"))
    return is_page and not is_sent


def _saved_page(message: EmailMessage) -> _MailContent:
    """Return the page, and the frames in it."""
    letter = _joined(
        _text(part, payload, is_html=True)
        for part in message.walk()
        if isinstance(part, EmailMessage) and part.get_content_type() in {"text/html", "application/xhtml+xml"}
        if isinstance(payload := part.get_payload(decode=True), bytes)
    )
    letter.markdown = True
    return letter
