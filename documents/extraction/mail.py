"""E-mail (.eml)."""

from __future__ import annotations

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

from documents.extraction import html
from documents.extraction.content import Content
from documents.extraction.decoding import decode

_HEADERS = ("Subject", "From", "To", "Cc", "Date")


def read(data: bytes) -> Content:
    """Return the headers that people read, the body (its text form, else its HTML), and the names of attachments."""
    message = BytesParser(policy=policy.default).parsebytes(data.lstrip())
    headers = {name: value for name in _HEADERS if (value := _header(message, name))}
    parts = ["\n".join(f"{name}: {value}" for name, value in headers.items()), _body(message)]
    if attachments := [name for part in message.walk() if (name := _attachment_name(part))]:
        parts.append("Attachments: " + ", ".join(attachments))
    return Content(["\n\n".join(part for part in parts if part)], title=headers.get("Subject"))


def _header(message: EmailMessage, name: str) -> str:
    """Return a header's text, "" if it is absent or beyond understanding."""
    try:
        return " ".join(str(message.get(name, "")).split())
    except (ValueError, LookupError, AttributeError, TypeError):
        return ""


def _body(message: EmailMessage) -> str:
    """Return the text of the body."""
    texts: dict[str, list[str]] = {"text/plain": [], "text/html": []}
    for part in message.walk():
        kind = part.get_content_type()
        if kind in texts and not _attachment_name(part):
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes) and payload.strip():
                texts[kind].append(_text_of(payload, part.get_content_charset(), is_html=kind == "text/html"))
    return "\n\n".join(texts["text/plain"] or texts["text/html"])


def _text_of(payload: bytes, charset: str | None, *, is_html: bool) -> str:
    """Return the text of one part."""
    text = decode(payload, declared=charset)
    return "\n\n".join(html.read_text(text).parts) if is_html else text


def _attachment_name(part: EmailMessage) -> str:
    """Return the file name of an attachment, "" for a part of the body."""
    try:
        if part.get_content_disposition() == "attachment" or part.get_content_maintype() not in {"text", "multipart"}:
            return part.get_filename("") or ("unnamed" if part.get_content_disposition() == "attachment" else "")
    except (ValueError, LookupError, AttributeError, TypeError):
        pass
    return ""
