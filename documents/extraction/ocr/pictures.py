"""Renders the pages of a PDF, and opens picture files."""

from __future__ import annotations

import warnings
from io import BytesIO

import pypdfium2
from PIL import Image, ImageOps, UnidentifiedImageError

from documents.extraction.failures import Unreadable
from documents.extraction.ocr.picture_types import PICTURES

DOTS_PER_INCH = 200  # below 150 small print is lost; above 250 nothing is gained
PIXELS_MAX = 12_000_000  # a sheet of A3 at 200 dpi has 7.7 million
_PIXELS_REFUSED = 200_000_000  # of a picture file: it would be unpacked to that
_POINTS_PER_INCH = 72
_FORMATS = ("PNG", "JPEG", "TIFF", "MPO")


def picture_of_page(data: bytes, media_type: str, page: int) -> Image.Image:
    """Return page `page` (1, 2, ...) of a PDF or a picture file in RGB, upright, with at most PIXELS_MAX pixels.

    Raises Unreadable: broken, too_complex.
    """
    picture = _of_file(data, page) if media_type in PICTURES else _of_pdf(data, page)
    return _small_enough(picture)


def count_pages(data: bytes, media_type: str) -> int:
    """Return how many pages a PDF or a picture file has. Raises Unreadable: broken, too_complex."""
    if media_type in PICTURES:
        with _opened(data) as picture:
            return int(getattr(picture, "n_frames", 1)) if picture.format == "TIFF" else 1
    try:
        with pypdfium2.PdfDocument(data) as document:
            return len(document)
    except pypdfium2.PdfiumError:
        raise Unreadable("broken") from None


def _of_pdf(data: bytes, page: int) -> Image.Image:
    try:
        with pypdfium2.PdfDocument(data) as document:
            drawn = document[page - 1]
            width, height = drawn.get_size()
            scale = min(DOTS_PER_INCH / _POINTS_PER_INCH, (PIXELS_MAX / max(1.0, width * height)) ** 0.5)
            picture: Image.Image = drawn.render(scale=scale, may_draw_forms=True).to_pil().convert("RGB")
    except (pypdfium2.PdfiumError, IndexError, ValueError):
        raise Unreadable("broken") from None
    picture.info["dpi"] = (scale * _POINTS_PER_INCH,) * 2
    return picture


def _of_file(data: bytes, page: int) -> Image.Image:
    with _opened(data) as picture:
        try:
            picture.seek(page - 1)
            upright = ImageOps.exif_transpose(picture)
            if upright.mode in {"RGBA", "LA", "PA"} or "transparency" in upright.info:
                clear = upright.convert("RGBA")
                upright = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
            return upright.convert("RGB")
        except (OSError, ValueError, EOFError, SyntaxError, Image.DecompressionBombError):
            raise Unreadable("broken") from None


def _opened(data: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(BytesIO(data), formats=_FORMATS)
    except Image.DecompressionBombError:
        raise Unreadable("too_complex") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise Unreadable("broken") from None
    if picture.width * picture.height > _PIXELS_REFUSED:
        raise Unreadable("too_complex")
    return picture


def _small_enough(picture: Image.Image) -> Image.Image:
    pixels = picture.width * picture.height
    if pixels <= PIXELS_MAX:
        return picture
    factor = (PIXELS_MAX / pixels) ** 0.5
    smaller = picture.resize((max(1, int(picture.width * factor)), max(1, int(picture.height * factor))))
    smaller.info = dict(picture.info)
    return smaller
