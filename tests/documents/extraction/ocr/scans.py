"""Scans made of our own words: pages of text as pictures, in a PDF or as files."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

SIZE = (1240, 1754)  # A4 at 150 dots per inch
LINES = (
    "House rules of the rowing club",
    "Boats are back on the racks by 9 in the evening.",
    "A guest pays 12 euros for a day on the water.",
    "Lost oars are reported to the boat keeper at once.",
)


def page(lines: tuple[str, ...] = LINES, *, grey: int = 0) -> Image.Image:
    """Return a sheet with these lines, printed in a grey (0 is black), a little crooked as from a scanner."""
    sheet = Image.new("L", SIZE, 255)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=34)
    for number, line in enumerate(lines):
        draw.text((120, 150 + 80 * number), line, font=font, fill=grey)
    return sheet.rotate(0.5, fillcolor=255)


def as_file(*pages: Image.Image, kind: str = "PDF") -> bytes:
    """Return pages as the bytes of a PDF, PNG, JPEG or TIFF file."""
    file = BytesIO()
    rest = {"save_all": True, "append_images": pages[1:]} if kind in {"PDF", "TIFF"} else {}
    pages[0].save(file, format=kind, resolution=150, **rest)
    return file.getvalue()
