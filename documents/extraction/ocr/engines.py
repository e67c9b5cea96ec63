"""Finds and runs the OCR engines: RapidOCR (a Python package with its models) and Tesseract (of the system)."""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from documents.extraction.ocr.letters import code_of, is_misread, lacks

if TYPE_CHECKING:
    from PIL.Image import Image

RAPIDOCR, TESSERACT = "rapidocr", "tesseract"
_TESSDATA_FOLDERS = ("/usr/share/tessdata", "/usr/local/share/tessdata", "/opt/homebrew/share/tessdata")
_TESSDATA_OF_DEBIAN = Path("/usr/share/tesseract-ocr")
_PACKS = {  # ISO 639-1 -> Tesseract's name of its language pack
    "ar": "ara", "bg": "bul", "cs": "ces", "da": "dan", "de": "deu", "el": "ell", "en": "eng", "es": "spa",
    "et": "est", "fa": "fas", "fi": "fin", "fr": "fra", "he": "heb", "hi": "hin", "hr": "hrv", "hu": "hun",
    "id": "ind", "it": "ita", "ja": "jpn", "ko": "kor", "lt": "lit", "lv": "lav", "nb": "nor", "nl": "nld",
    "no": "nor", "pl": "pol", "pt": "por", "ro": "ron", "ru": "rus", "sk": "slk", "sl": "slv", "sr": "srp",
    "sv": "swe", "th": "tha", "tr": "tur", "uk": "ukr", "vi": "vie", "zh": "chi_sim",
}  # fmt: skip
_TSV_WORD_LEVEL = "5"
_AUTOMATIC_SEGMENTATION = 3
_WIDE_GAP = 2.0  # times the height of a word: between words of a sentence it is smaller


class Line(NamedTuple):
    """A line of a picture: its text, its box in pixels from the top left, and how sure the engine is, 0..1."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    confidence: float


class Engine(Protocol):
    """An OCR engine: one instance per process, not safe for several threads."""

    def read(self, picture: Image, language: str) -> Sequence[Line]:
        """Return the lines of an RGB picture. Raises LookupError if it can't write the language."""


def choose(wanted: str, language: str) -> str | None:
    """Return the engine for a language: "rapidocr", "tesseract", or None where none is installed that can write it.

    `wanted` is OCR_ENGINE: auto, rapidocr, tesseract or off. Tesseract goes first where it has the language's pack.
    """
    if wanted in {"auto", TESSERACT} and pack_of(language) is not None:
        return TESSERACT
    if wanted in {"auto", RAPIDOCR} and has_rapidocr():
        return RAPIDOCR
    return None


def has_rapidocr() -> bool:
    """Return whether RapidOCR is installed with what it needs."""
    return all(importlib.util.find_spec(name) is not None for name in ("rapidocr", "onnxruntime"))


@lru_cache(maxsize=64)
def pack_of(language: str) -> Path | None:
    """Return the file of Tesseract's pack for a language; None: it, or the library, isn't installed."""
    name = _PACKS.get(code_of(language))
    if name is None or ctypes.util.find_library("tesseract") is None:
        return None
    return next((path for path in (folder / f"{name}.traineddata" for folder in tessdata()) if path.is_file()), None)


def tessdata() -> list[Path]:
    """Return the folders that Tesseract's language packs may be in."""
    return [*sorted(_TESSDATA_OF_DEBIAN.glob("*/tessdata"), reverse=True), *map(Path, _TESSDATA_FOLDERS)]


def make(name: str) -> Engine:
    """Return an engine by its name, with its models loaded."""
    return RapidOcr() if name == RAPIDOCR else Tesseract()


class RapidOcr:
    """PP-OCR in ONNX. Reads Latin scripts without rare accents, Chinese and Japanese; not Vietnamese, not Cyrillic."""

    def __init__(self) -> None:
        import cv2
        import numpy as np
        from rapidocr import RapidOCR

        cv2.setNumThreads(1)  # the process that reads may not start threads
        one = "EngineConfig.onnxruntime."
        self._engine: Any = RapidOCR(
            params={"Global.log_level": "error", one + "intra_op_num_threads": 1, one + "inter_op_num_threads": 1}
        )
        self._as_array = np.asarray
        blank = np.full((64, 256, 3), 255, dtype=np.uint8)
        self._engine(blank)  # loads the models
        self._engine.recognize_txt([blank])
        recogniser: Any = self._engine.text_rec
        self._charset = frozenset("".join(recogniser.postprocess_op.character))

    def read(self, picture: Image, language: str) -> Sequence[Line]:
        """Return the lines of an RGB picture. Raises LookupError if PP-OCR can't write the language."""
        if lacks(self._charset, language):
            raise LookupError(language)
        # Lines that are upside down are not turned one by one: the page is, which keeps their order.
        found = self._engine(self._as_array(picture), use_cls=False)
        if found is None or found.txts is None:
            return []
        if is_misread(" ".join(found.txts), self._charset):
            raise LookupError(language)
        return [
            Line(text, min(xs), min(ys), max(xs), max(ys), float(score))
            for text, score, box in zip(found.txts, found.scores, found.boxes.tolist(), strict=True)
            for xs, ys in [list(zip(*box, strict=True))]
        ]


class Tesseract:
    """Tesseract's library, called in this process: a program could not be started behind the fences."""

    def __init__(self) -> None:
        name = ctypes.util.find_library("tesseract")
        if name is None:
            raise LookupError("tesseract")
        library = ctypes.CDLL(name)
        library.TessBaseAPICreate.restype = ctypes.c_void_p
        library.TessBaseAPIGetTsvText.restype = ctypes.c_void_p
        self._library = library
        self._packs = {code: pack_of(code) for code in _PACKS}  # now: behind the fences no library can be looked for

    def load(self, language: str) -> ctypes.c_void_p:
        """Return a new handle that reads a language. Raises LookupError without its pack."""
        pack = self._packs.get(code_of(language))
        if pack is None:
            raise LookupError(language)
        handle = ctypes.c_void_p(self._library.TessBaseAPICreate())
        if self._library.TessBaseAPIInit3(handle, os.fsencode(pack.parent), pack.stem.encode()) != 0:
            raise LookupError(language)
        self._library.TessBaseAPISetPageSegMode(handle, _AUTOMATIC_SEGMENTATION)
        return handle

    def read(self, picture: Image, language: str) -> Sequence[Line]:
        """Return the lines of an RGB picture, in reading order. Raises LookupError without the language's pack."""
        handle = self.load(language)
        grey = picture.convert("L")
        pixels = grey.tobytes()
        self._library.TessBaseAPISetImage(handle, pixels, grey.width, grey.height, 1, grey.width)
        self._library.TessBaseAPISetSourceResolution(handle, int(picture.info.get("dpi", (200, 200))[0]) or 200)
        text = self._library.TessBaseAPIGetTsvText(handle, 0)
        try:
            table = ctypes.string_at(text).decode("utf-8", "replace") if text else ""
        finally:
            self._library.TessDeleteText(ctypes.c_void_p(text))
            self._library.TessBaseAPIEnd(handle)
            self._library.TessBaseAPIDelete(handle)
        return lines_of(table)


def lines_of(table: str) -> list[Line]:
    """Return the lines of Tesseract's table of words: a row for each, with its place, box and confidence in percent."""
    words: dict[tuple[str, ...], list[Line]] = {}
    for row in table.splitlines():
        cells = row.split("\t")
        if len(cells) == 12 and cells[0] == _TSV_WORD_LEVEL and cells[11].strip():
            left, top, width, height, percent = (float(cell) for cell in cells[6:11])
            word = Line(cells[11].strip(), left, top, left + width, top + height, max(0.0, percent) / 100)
            words.setdefault(tuple(cells[1:5]), []).append(word)
    return [
        Line(
            " ".join(word.text for word in line),
            min(word.left for word in line),
            min(word.top for word in line),
            max(word.right for word in line),
            max(word.bottom for word in line),
            sum(word.confidence for word in line) / len(line),
        )
        for row in words.values()
        for line in _pieces(row)
    ]


def _pieces(words: Sequence[Line]) -> Iterator[list[Line]]:
    """Yield the words of a line in pieces with wide gaps between them: cells of a table."""
    piece: list[Line] = []
    for word in words:
        if piece and word.left - piece[-1].right > _WIDE_GAP * (word.bottom - word.top):
            yield piece
            piece = []
        piece.append(word)
    yield piece
