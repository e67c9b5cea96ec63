"""Pages that lie on their side, or upside down, are turned before they are read."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from PIL import Image

from documents.extraction.ocr.child import _read_upright
from documents.extraction.ocr.engines import Line


class Reader:
    """Reads the one upright way round of a picture whose first pixel is red; the others badly."""

    def __init__(self) -> None:
        self.calls = 0

    def read(self, picture: Image.Image, language: str) -> Sequence[Line]:
        self.calls += 1
        is_upright = picture.getpixel((0, 0)) == (255, 0, 0)
        if picture.width > picture.height:  # on its side
            return [Line("abcd efgh", 0, 0, 20, 200, 0.9)]
        return [Line("Right way up", 0, 0, 200, 20, 0.95)] if is_upright else [Line("dn Aem", 0, 0, 200, 20, 0.4)]


@pytest.mark.parametrize(("angle", "calls"), [(0, 1), (90, 3), (180, 2), (270, 3)])
def test_a_page_is_read_the_right_way_up(angle: int, calls: int) -> None:
    picture = Image.new("RGB", (20, 30), "white")
    picture.putpixel((0, 0), (255, 0, 0))
    reader = Reader()

    assert _read_upright(reader, picture.rotate(angle, expand=True), "en").text == "Right way up"
    assert reader.calls == calls
