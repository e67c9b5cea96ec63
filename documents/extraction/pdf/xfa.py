"""Reads forms that a PDF describes in XML (XFA), whose pages only say that another program is needed."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import pypdfium2.raw as pdfium

from documents.extraction.archives import parse_xml
from documents.extraction.failures import Unreadable

_PACKETS_MAX = 100
_PACKET_MAX_BYTES = 50 * 1024 * 1024


def form_lines(document: Any) -> list[str]:
    """Return the texts of the form in its order, each field with what was filled in; [] if there is none."""
    packets = dict(_packets(document))
    template, values = packets.get("template"), dict[str, str]()
    for element in packets["datasets"].iter() if "datasets" in packets else ():
        if not len(element) and isinstance(element.tag, str) and (element.text or "").strip():
            values.setdefault(element.tag.rsplit("}")[-1], " ".join(element.text.split()))
    if template is None:
        return [f"{name}: {value}" for name, value in values.items()]
    lines: list[str] = []
    for element in template.iter("{*}draw", "{*}field"):
        if element.tag.endswith("}draw"):
            lines.append(_words(element.find("{*}value")))
            continue
        caption, value = _words(element.find("{*}caption")), values.pop(element.get("name") or "", "")
        lines.append(f"{caption.rstrip(':')}: {value}" if caption and value else caption or value)
    return [line for line in lines if line]


def _packets(document: Any) -> Iterator[tuple[str, Any]]:
    """Yield the name and root of each readable part of the form."""
    for number in range(min(max(0, pdfium.FPDF_GetXFAPacketCount(document)), _PACKETS_MAX)):
        size = pdfium.FPDF_GetXFAPacketName(document, number, None, 0)
        name = ctypes.create_string_buffer(max(1, size))
        pdfium.FPDF_GetXFAPacketName(document, number, name, size)
        if name.value not in (b"template", b"datasets"):
            continue
        needed = ctypes.c_ulong()
        pdfium.FPDF_GetXFAPacketContent(document, number, None, 0, ctypes.byref(needed))
        if not 0 < needed.value <= _PACKET_MAX_BYTES:
            continue
        content = ctypes.create_string_buffer(needed.value)
        pdfium.FPDF_GetXFAPacketContent(document, number, content, needed.value, ctypes.byref(needed))
        try:
            yield name.value.decode(), parse_xml(content.raw[: needed.value].strip(b"\x00"))
        except Unreadable:
            continue


def _words(element: Any) -> str:
    return "" if element is None else " ".join("".join(element.itertext()).split())
