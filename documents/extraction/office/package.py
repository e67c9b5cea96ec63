"""Opens Office Open XML files as parts and their relations. Pure: no Django.

Damaged parts are read as far as they go and counted in `notes`; relations that lead nowhere are left out. Files in the
Strict variant of the format are given the namespaces of the usual (Transitional) one.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from documents.extraction.archives import open_archive, parse_damaged_xml, parse_xml, read_entry
from documents.extraction.failures import Unreadable
from documents.text.extraction_notes import Note

_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")
_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_DC = "{http://purl.org/dc/elements/1.1/}"


@dataclass(frozen=True)
class Relation:
    """One part's link to another: `kind` is the last word of its type, `target` the other's name in the package."""

    kind: str
    target: str


class Package:
    """The parts of an Office file. Raises Unreadable where nothing of it can be read."""

    def __init__(self, data: bytes) -> None:
        self._archive = open_archive(data, damaged_allowed=True)
        self._entries = {entry.filename.lower().lstrip("/"): entry for entry in self._archive.infolist()}
        self._damaged: set[str] = set()
        self._relations: dict[str, dict[str, Relation]] = {}

    @property
    def notes(self) -> Sequence[Note]:
        """Return how many of the parts that were asked for are damaged."""
        return [Note("damaged_parts", len(self._damaged))] if self._damaged else []

    def main(self, *names: str) -> str:
        """Return the name of the main part, the first of `names` that exists where the file doesn't tell."""
        told = [each.target for each in self.relations("").values() if each.kind == "officeDocument"]
        for name in [*told, *names]:
            if self.has(name):
                return name
        raise Unreadable("broken")

    def has(self, name: str) -> bool:
        """Return whether there is such a part."""
        return name.lower() in self._entries

    def names(self, beginning: str) -> list[str]:
        """Return the names of the parts that begin so, in the order of the numbers in them."""
        found = [name for name in self._entries if name.startswith(beginning) and name.endswith(".xml")]
        return sorted(found, key=lambda name: (len(name), name))

    def bytes_of(self, name: str) -> bytes:
        """Return what a part holds, as much of it as can be unpacked; nothing if there is none."""
        entry = self._entries.get(name.lower())
        if entry is None:
            return b""
        data, is_whole = read_entry(self._archive, entry)
        if not is_whole:
            self._damaged.add(name.lower())
        return _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/", data) if b"purl.oclc.org" in data else data

    def xml(self, name: str) -> Any:
        """Return the root of a part, None if there is none; of a damaged one what stands before the damage."""
        data = self.bytes_of(name)
        if not data.strip():
            return None
        try:
            return parse_xml(data)
        except Unreadable:
            self._damaged.add(name.lower())
            return parse_damaged_xml(data)

    def is_cut(self, name: str, root: bytes) -> bool:
        """Return whether a part that is read as a stream ends before its root element, called `root`, does."""
        tail = self.bytes_of(name)[-200:].rstrip()
        return root + b">" not in tail and b"/>" not in tail[-2:]

    def mark_damaged(self, name: str) -> None:
        """Count a part among the damaged ones."""
        self._damaged.add(name.lower())

    def relations(self, part: str) -> dict[str, Relation]:
        """Return the relations of a part by their ids, those to parts that exist. Nothing outside the file is followed.

        `part` is "" for those of the whole package.
        """
        if part not in self._relations:
            folder, name = posixpath.split(part)
            root = self.xml(posixpath.join(folder, "_rels", f"{name}.rels"))
            found = {}
            for element in root.iter(_RELATION) if root is not None else ():
                target = _resolved(folder, element.get("Target") or "")
                if element.get("TargetMode") != "External" and self.has(target):
                    kind = (element.get("Type") or "").rpartition("/")[2]
                    found[element.get("Id") or ""] = Relation(kind, target)
            self._relations[part] = found
        return self._relations[part]

    def related(self, part: str, kind: str) -> list[str]:
        """Return the names of the parts that are related to another in that way, each once."""
        return list(dict.fromkeys(each.target for each in self.relations(part).values() if each.kind == kind))

    def property_of(self, name: str) -> str | None:
        """Return what the file says of itself: its `title` or `language`."""
        for part in self.related("", "core-properties"):
            root = self.xml(part)
            text = root.findtext(f"{_DC}{name}") if root is not None else None
            if text and text.strip():
                return str(text.strip())
        return None


def _resolved(folder: str, target: str) -> str:
    path = unquote(target.replace("\\", "/"))
    return posixpath.normpath(path.lstrip("/") if path.startswith("/") else posixpath.join(folder, path))
