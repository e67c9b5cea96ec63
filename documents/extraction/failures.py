"""Maps each reason why a file cannot be read to an error code and a sentence for the person who uploaded it.

The child process only names a reason; the sentence is looked up here, so no text of a parser or a file reaches a user.
"""

from __future__ import annotations

from ragsite.errors import RagError

FORMATS = (
    "PDF, Word (.docx), PowerPoint (.pptx), Excel (.xlsx), OpenDocument (.odt, .ods, .odp), Rich Text (.rtf), HTML, "
    "Markdown, plain text, CSV, XML, e-mail (.eml) and EPUB"
)

# reason -> (code, sentence)
REASONS = {
    "password": (
        "encrypted",
        "This file needs a password to open. Save a copy without the password and upload that.",
    ),
    "scan": (
        "no_text",
        "This PDF has no text layer, it is probably a scan. Run OCR (text recognition) over it and upload the result, "
        "or ask the operator of this server to switch OCR on (docs/operations.md).",
    ),
    "ocr_language": (
        "no_text",
        "The text of this scan was not recognised: no text recognition (OCR) that can write its language is installed "
        "here. Ask the operator to install Tesseract with the language's pack, or upload the file with its text.",
    ),
    "ocr_empty": (
        "no_text",
        "No text was recognised in this scan. Check that it is the right one and sharp, or upload a better scan.",
    ),
    "no_letters": (
        "no_text",
        "The fonts of this PDF don't say which letters they show, so its text can be printed and not read. Run OCR "
        "(text recognition) over it, or export it again with its fonts embedded, and upload the result.",
    ),
    "empty": ("empty", "There is no text in this file. Check that it is the right one, and upload it again."),
    "broken": (
        "broken",
        "This file is damaged and can't be read. Open it in the program it was made with, save it again, upload that.",
    ),
    "cut_off": (
        "broken",
        "This file is damaged or its transfer was cut off. Check that it opens on your computer and upload it again.",
    ),
    "crashed": (
        "broken",
        "This file is damaged in a way that stopped the reader. Save it again with the program it was made with, or as "
        "PDF, and upload that.",
    ),
    "too_much_text": (
        "too_large",
        "This file has more text than one document may have here. Split it into several files and upload those.",
    ),
    "file_too_large": (
        "too_large",
        "This file is too large to be read here. Split it into several files and upload those.",
    ),
    "unpacks_too_large": (
        "too_large",
        "This file unpacks to far more data than a document may have. Split it, or save it as PDF, and upload that.",
    ),
    "too_complex": (
        "too_complex",
        "This file's structure is too complex to be read safely. Save it as PDF or plain text and upload that.",
    ),
    "too_much_memory": (
        "too_complex",
        "Reading this file takes more memory than one document may have. Split it, or save it as plain text, and "
        "upload that.",
    ),
    "timed_out": (
        "timed_out",
        "Reading this file took too long and was stopped. Split it into several files, or save it in another format, "
        "and upload those.",
    ),
    "unknown": (
        "unknown_type",
        f"This kind of file can't be read. Accepted are {FORMATS}. Save it in one of these formats and upload that.",
    ),
    "picture": (
        "unknown_type",
        "This is a picture, and text in pictures is not read. Run OCR (text recognition) over it, save the result as "
        f"PDF or text and upload that. Accepted are {FORMATS}.",
    ),
    "postscript": (
        "unknown_type",
        "This is a PostScript file, a description of printed pages, which is not read. Convert it to PDF and upload "
        f"that. Accepted are {FORMATS}.",
    ),
    "word_xml": (
        "unknown_type",
        "This is a Word document saved as XML, which is not read. Save it as .docx or PDF and upload that.",
    ),
    "recording": (
        "unknown_type",
        f"This is a sound or video file, which is not read. Upload a transcript of it. Accepted are {FORMATS}.",
    ),
    "archive": (
        "unknown_type",
        f"This is an archive. Unpack it and upload the documents in it. Accepted are {FORMATS}.",
    ),
    "old_office": (
        "unknown_type",
        "This is a file of an older Office program (.doc, .xls, .ppt, .msg), which is not read. Save it as .docx, "
        ".xlsx, .pptx or PDF and upload that.",
    ),
    "unknown_encoding": (
        "unknown_encoding",
        "The characters of this text are stored in an encoding that could not be told for sure, and wrong letters are "
        "worse than none. Open it in the program it was made with, save it as UTF-8, and upload that.",
    ),
}


class ExtractionFailed(RagError):
    """The text of this file could not be read."""

    status_code = 422

    def __init__(self, code: str, message: str, *, detail: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason  # a key of REASONS; several have one code
        self.detail = detail  # for logs: kind and place of the exception, nothing of the file

    @classmethod
    def because(cls, reason: str, *, detail: str = "") -> ExtractionFailed:
        """Return the failure for a reason, the one for "broken" if the reason is unknown."""
        code, message = REASONS.get(reason, REASONS["broken"])
        return cls(code, message, detail=detail, reason=reason)


class Unreadable(Exception):
    """Raised by readers, in the child process: `reason` is a key of REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
