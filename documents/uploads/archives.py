"""Accepts the files of a ZIP archive as if each had been uploaded alone, and refuses archive bombs."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import PurePosixPath
from typing import IO

from django.conf import settings
from django.contrib.auth.models import Group

from documents.access.policy import Principal, readable_documents
from documents.extraction.archives import open_archive
from documents.extraction.failures import Unreadable
from documents.models import Corpus, Document
from documents.uploads.acceptance import accept_upload
from ragsite.errors import InvalidInput, NotAllowed, UploadTooLarge

_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz")
NAME_MAX_CHARS = 200


@dataclass(frozen=True)
class Refused:
    """A file of the archive that was not taken, and why."""

    name: str
    why: str


@dataclass
class Unpacked:
    """The documents of an archive's files, and the files that were refused."""

    documents: list[Document] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def add_archive(principal: Principal, corpus: Corpus, file: IO[bytes], readers: Iterable[Group] = ()) -> Unpacked:
    """Accept the files of an archive, and return their documents; each is queued as soon as it is accepted.

    Files that can't be accepted (an archive in the archive, a file that is too large) are refused, the others accepted.
    Raises InvalidInput for an archive that is damaged, encrypted, or too large when unpacked, and what `accept_upload`
    raises; the files before that one are accepted then.
    """
    try:
        archive = open_archive(file.read(), dtd_allowed=True)
    except Unreadable as refusal:
        raise InvalidInput(fields={"file": _why_not(refusal.reason)}) from None
    found, readable = Unpacked(), readable_documents(principal)
    groups = list(readers)
    for entry in _files_of(archive):
        name = str(PurePosixPath(entry.filename.replace("\\", "/")))[-NAME_MAX_CHARS:]
        if name.lower().endswith(_ARCHIVES):
            found.refused.append(Refused(name, "An archive within an archive is not unpacked."))
        elif entry.file_size > settings.UPLOAD_MAX_BYTES:
            found.refused.append(Refused(name, UploadTooLarge().message))
        else:
            try:
                found.documents.append(
                    accept_upload(
                        corpus,
                        file=BytesIO(archive.read(entry)),
                        name=name.rpartition("/")[2],
                        source=name,
                        readers=groups,
                        readable=readable,
                    ).document
                )
            except (NotAllowed, UploadTooLarge) as refusal:
                found.refused.append(Refused(name, refusal.message))
    return found


def _files_of(archive: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    """Yield the entries that are visible files: no folders, no links, no hidden files."""
    for entry in archive.infolist():
        parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
        hidden = any(part == "__MACOSX" or (part.startswith(".") and part not in {".", ".."}) for part in parts)
        if parts and not entry.is_dir() and not hidden and not stat.S_ISLNK(entry.external_attr >> 16):
            yield entry


def _why_not(reason: str) -> str:
    return {
        "password": "The archive is protected by a password. Pack the files without one.",
        "unpacks_too_large": "The archive unpacks to more than this server takes. Upload it in parts.",
        "too_complex": "The archive has more files than this server takes. Upload it in parts.",
    }.get(reason, "The archive is damaged, or no ZIP archive.")
