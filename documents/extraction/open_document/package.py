"""Opens the XML parts of an OpenDocument file: a ZIP archive, or one flat XML file."""

from __future__ import annotations

import zipfile
from typing import Any

from documents.extraction.archives import parse_damaged_xml, parse_xml, read_entry
from documents.extraction.failures import Unreadable
from documents.extraction.open_document.text import OFFICE


class Parts:
    """The XML parts of a file, which may be one (`flat`). Raises Unreadable: password."""

    def __init__(self, archive: zipfile.ZipFile | None, flat: Any = None) -> None:
        self._archive, self._flat = archive, flat
        self.damaged: set[str] = set()  # parts of which only a part could be read
        if archive is not None:
            manifest = self.find("META-INF/manifest.xml")
            if manifest is not None and next(manifest.iter("{*}encryption-data"), None) is not None:
                raise Unreadable("password")

    def find(self, name: str) -> Any:
        """Return the root of a part, None if it is missing; of a damaged one what stands before the damage."""
        if self._archive is None:
            return self._flat
        if name not in self._archive.NameToInfo:
            return None
        data, is_whole = read_entry(self._archive, self._archive.NameToInfo[name])
        if is_whole:
            return parse_xml(data)
        self.damaged.add(name)
        return parse_damaged_xml(data) if data.strip() else None

    def body(self) -> Any:
        """Return what holds the document. Raises Unreadable: broken."""
        root = self.find("content.xml")
        body = None if root is None else root.find(f"{OFFICE}body")
        if body is None or not len(body):
            raise Unreadable("broken")
        return body[0]
