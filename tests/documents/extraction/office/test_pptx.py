"""Slides: charts, diagrams, groups, notes; what is hidden; and shapes in the order of their places."""

from __future__ import annotations

import copy
import zipfile
from io import BytesIO
from typing import Any

import pptx
import pytest
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI
from pptx.util import Inches

from documents.extraction import media_types
from documents.extraction.archives import parse_xml
from documents.extraction.office import pptx as pptx_reader
from documents.extraction.office.charts import as_shown, diagram_lines
from documents.extraction.office.pptx_order import Box, in_reading_order
from documents.extraction.office.pptx_text import A
from documents.text.extraction_notes import Note
from tests.documents.extraction import making
from tests.documents.extraction.reading import read_here, read_in_child

BLANK, TITLE_ONLY = 6, 5
_CATEGORIES: Any = CategoryChartData
_POINTS: Any = XyChartData
_COLOUR: Any = RGBColor


def deck() -> Any:
    return pptx.Presentation()


def slide_of(presentation: Any, title: str = "") -> Any:
    slide = presentation.slides.add_slide(presentation.slide_layouts[TITLE_ONLY if title else BLANK])
    if title:
        slide.shapes.title.text = title
    return slide


def box(shapes: Any, text: str, left: float = 0, top: float = 0, width: float = 3, height: float = 1) -> Any:
    shape = shapes.add_textbox(Inches(left), Inches(top), Inches(width), Inches(height))
    shape.text_frame.text = text
    return shape


def saved(presentation: Any, **renamed: str) -> bytes:
    """Return the file; `main` is the content type of its main part."""
    out = BytesIO()
    presentation.save(out)
    if "main" not in renamed:
        return out.getvalue()
    with zipfile.ZipFile(out) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    usual = b"application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(usual, renamed["main"].encode())
    return making.archive(parts)


def blocks(presentation: Any) -> list[str]:
    return read_here(saved(presentation)).text.split("\n\n")


@pytest.mark.parametrize(
    "main",
    [
        "application/vnd.openxmlformats-officedocument.presentationml.slideshow.main+xml",
        "application/vnd.openxmlformats-officedocument.presentationml.template.main+xml",
        "application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml",
        "application/vnd.ms-powerpoint.slideshow.macroEnabled.main+xml",
        "application/vnd.ms-powerpoint.template.macroEnabled.main+xml",
    ],
)
def test_shows_templates_and_files_with_macros_are_read(main: str) -> None:
    presentation = deck()
    box(slide_of(presentation, "Safety").shapes, "Wear a helmet.")
    read = read_in_child(saved(presentation, main=main), "talk.ppsx")

    assert (read.media_type, read.text) == (media_types.PPTX, "# Safety\n\nWear a helmet.")


def test_a_chart_says_its_numbers_by_category() -> None:
    presentation, data = deck(), _CATEGORIES(number_format="0%")
    data.categories = ["May", "June"]
    data.add_series("Used", (0.25, 0.5))
    data.add_series("Lost", (0.125, None))
    shape = slide_of(presentation, "Pallets").shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, 0, 0, 99, 99, data)
    shape.chart.has_title = True
    shape.chart.chart_title.text_frame.text = "Pallets moved"

    assert blocks(presentation)[1].split("\n") == [
        "Pallets moved",
        "Category | Used | Lost",
        "Category: May; Used: 25%; Lost: 12.5%",
        "Category: June; Used: 50%",
    ]


def test_a_chart_of_points_says_both_numbers() -> None:
    presentation, data = deck(), _POINTS()
    series = data.add_series("Weight")
    series.add_data_point(1.5, 70.1)
    series.add_data_point(1.75, 80)
    slide_of(presentation).shapes.add_chart(XL_CHART_TYPE.XY_SCATTER, 0, 0, 99, 99, data)

    assert "Category: 1.75; Weight: 80" in blocks(presentation)[1]


NUMBERS = [
    ("0.30000000000000004", "General", "0.3"),
    ("1385", "", "1385"),
    ("1234567.5", "", "1234567.5"),
    ("0.07", "0.0%", "7%"),
    ("n/a", "", "n/a"),
]


@pytest.mark.parametrize(("value", "code", "shown"), NUMBERS)
def test_a_number_of_a_chart_is_shown_without_noise(value: str, code: str, shown: str) -> None:
    assert as_shown(value, code) == shown


DIAGRAM = """<dgm:dataModel xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram"
 xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><dgm:ptLst><dgm:pt modelId="0" type="doc"/>{points}
 <dgm:pt modelId="9" type="pres"/></dgm:ptLst><dgm:cxnLst>{links}</dgm:cxnLst></dgm:dataModel>"""


def diagram(points: dict[str, str], links: list[tuple[str, str]]) -> str:
    return DIAGRAM.format(
        points="".join(
            f'<dgm:pt modelId="{name}"><dgm:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></dgm:t></dgm:pt>'
            for name, text in points.items()
        ),
        links="".join(
            f'<dgm:cxn modelId="c{place}" srcId="{above}" destId="{below}" srcOrd="{place}"/>'
            for place, (above, below) in enumerate(links)
        ),
    )


def test_a_diagram_is_a_list_in_its_order() -> None:
    points = {"3": "Pack", "1": "Order", "2": "Check stock", "4": "Loose"}
    lines = list(diagram_lines(parse_xml(diagram(points, [("0", "1"), ("1", "2"), ("0", "3"), ("3", "1")]).encode())))

    assert lines == ["- Order", "  - Check stock", "- Pack", "- Loose"]


def test_a_diagram_on_a_slide_is_read() -> None:
    presentation = deck()
    slide = slide_of(presentation, "How we ship")
    part = Part(
        PackURI("/ppt/diagrams/data1.xml"),
        "application/vnd.openxmlformats-officedocument.drawingml.diagramData+xml",
        presentation.part.package,
        diagram({"1": "Order"}, [("0", "1")]).encode(),
    )
    relation = slide.part.relate_to(
        part, "http://schemas.openxmlformats.org/officeDocument/2006/relationships/diagramData"
    )
    table = slide.shapes.add_table(1, 1, 0, 0, 99, 99)._element.find(".//{*}graphicData")
    names = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
    table.remove(table[0])
    child = table.makeelement(f"{{{names}}}relIds", {})
    child.set("{http://schemas.openxmlformats.org/officeDocument/2006/relationships}dm", relation)
    table.append(child)

    assert blocks(presentation) == ["# How we ship", "- Order"]


def test_groups_in_groups_are_read() -> None:
    presentation = deck()
    outer = slide_of(presentation, "Gates").shapes.add_group_shape()
    box(outer.shapes, "Gate A is for lorries.")
    box(outer.shapes.add_group_shape().shapes, "Gate B is for visitors.", top=2)

    assert blocks(presentation)[1:] == ["Gate A is for lorries.", "Gate B is for visitors."]


def test_a_shape_with_the_number_of_the_title_is_read_and_a_copy_on_top_is_not() -> None:
    presentation = deck()
    slide = slide_of(presentation, "Roster")
    shape = box(slide.shapes, "Monday: team Heron.")
    shape._element.nvSpPr.cNvPr.set("id", str(slide.shapes.title.shape_id))
    shape._element.addnext(copy.deepcopy(shape._element))

    assert blocks(presentation) == ["# Roster", "Monday: team Heron."]


def test_a_shape_that_newer_programs_draw_differently_comes_once() -> None:
    presentation = deck()
    shape = box(slide_of(presentation).shapes, "Area = ")._element
    names = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    forms = "<mc:Choice Requires='x'/><mc:Fallback/>"
    wrapper = pptx.oxml.parse_xml(f"<mc:AlternateContent {names}>{forms}</mc:AlternateContent>")
    shape.addprevious(wrapper)
    wrapper[1].append(copy.deepcopy(shape))
    math = pptx.oxml.parse_xml('<m:t xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math">a²</m:t>')
    shape.find(".//{*}p").append(math)
    wrapper[0].append(shape)

    assert blocks(presentation)[1:] == ["Area = a²"]


def test_hidden_slides_and_shapes_are_kept_apart() -> None:
    presentation = deck()
    box(slide_of(presentation, "Open").shapes, "The depot opens at six.")
    hidden = slide_of(presentation, "Draft")
    hidden._element.set("show", "0")
    box(hidden.shapes, "A merger is planned.")
    last = slide_of(presentation, "End")
    box(last.shapes, "Invisible.")._element.nvSpPr.cNvPr.set("hidden", "1")
    box(last.shapes, "Beside the slide.", left=-9)
    read = read_in_child(saved(presentation))

    assert read.text == "# Open\n\nThe depot opens at six.\n\n# End"
    assert read.page_starts == (0, 33, 33)  # an empty page: the numbers of the slides stay
    assert all(text in read.hidden for text in ("A merger is planned.", "Invisible.", "Beside the slide."))
    assert read.notes == (Note("hidden_text", 2), Note("hidden_slides", 1, (2,)))


def coloured(shape: Any, words: str, fill: str) -> None:
    """Append a run with that fill (XML, its prefix is "a") to the text of a shape or cell."""
    run = shape.text_frame.paragraphs[0].add_run()
    run.text = words
    run._r.get_or_add_rPr().insert(0, pptx.oxml.parse_xml(fill.replace(">", f' xmlns:a="{A[1:-1]}">', 1)))


def solid(kind: str, value: str, more: str = "") -> str:
    return f"<a:solidFill><a:{kind} val='{value}'>{more}</a:{kind}></a:solidFill>"


WHITE = solid("srgbClr", "FFFFFF")


@pytest.mark.parametrize(
    ("fill", "is_seen"),
    [
        (WHITE, False),
        (solid("srgbClr", "fefefe"), False),
        (solid("schemeClr", "bg1"), False),
        (solid("schemeClr", "bg1", "<a:lumMod val='50000'/>"), True),  # grey
        (solid("schemeClr", "tx1"), True),
        (solid("prstClr", "white"), False),
        (solid("srgbClr", "FF0000", "<a:alpha val='0'/>"), False),
        ("<a:noFill></a:noFill>", False),
    ],
)
def test_text_in_the_colour_of_the_slide_is_kept_apart(fill: str, *, is_seen: bool) -> None:
    presentation = deck()
    coloured(box(slide_of(presentation, "Rail").shapes, "Rail is preferred. "), "Say yes.", fill)
    read = read_in_child(saved(presentation))

    assert ("Say yes." in read.text, "Say yes." in read.hidden) == (is_seen, not is_seen)
    assert "Rail is preferred." in read.text
    assert read.notes == (() if is_seen else (Note("hidden_text"),))


def fill_with(thing: Any, colour: str) -> None:
    thing.fill.solid()
    thing.fill.fore_color.rgb = _COLOUR(*bytes.fromhex(colour))


def test_white_text_on_another_colour_is_seen() -> None:
    presentation = deck()
    slide = slide_of(presentation)
    own = box(slide.shapes, "")
    fill_with(own, "003366")
    coloured(own, "On a filled shape.", WHITE)
    slide.shapes.add_picture(BytesIO(making.png()), Inches(4), 0, Inches(3), Inches(1))
    coloured(box(slide.shapes, "", left=4), "On a picture.", WHITE)
    fill_with(box(slide.shapes, "", top=3), "003366")
    coloured(box(slide.shapes, "", top=3), "On another shape.", WHITE)
    table = slide.shapes.add_table(1, 1, 0, Inches(5), Inches(3), Inches(1)).table
    coloured(table.cell(0, 0), "In a table.", WHITE)
    coloured(box(slide.shapes.add_group_shape().shapes, "", top=6), "In a group.", WHITE)
    dark = slide_of(presentation)
    fill_with(dark.background, "000000")
    coloured(box(dark.shapes, ""), "On a dark slide.", WHITE)
    read = read_in_child(saved(presentation))

    assert read.hidden == ""
    assert read.text.count(".") == 6


def test_text_in_the_colour_of_its_own_shape_or_of_a_dark_slide_is_kept_apart() -> None:
    presentation = deck()
    slide = slide_of(presentation, "Open")
    fill_with(slide.background, "000000")
    coloured(box(slide.shapes, ""), "Black on black.", solid("srgbClr", "000000"))
    own = box(slide.shapes, "", top=3)
    fill_with(own, "FFFFFF")
    coloured(own, "White on white.", WHITE)
    cell = slide.shapes.add_table(1, 1, 0, Inches(5), Inches(3), Inches(1)).table.cell(0, 0)
    fill_with(cell, "FFFFFF")
    coloured(cell, "White in a cell.", WHITE)
    read = read_in_child(saved(presentation))

    assert read.text == "# Open"
    assert all(text in read.hidden for text in ("Black on black.", "White on white.", "White in a cell."))


def test_pictures_say_what_they_are_said_to_show() -> None:
    presentation = deck()
    slide = slide_of(presentation, "Team")
    named = slide.shapes.add_picture(BytesIO(making.png()), 0, 0)
    named._element.nvPicPr.cNvPr.set("descr", "Ada at the crane")
    slide.shapes.add_picture(BytesIO(making.png()), Inches(2), 0)._element.nvPicPr.cNvPr.set("descr", "image.png")
    read = read_in_child(saved(presentation))

    assert read.text == "# Team\n\nPicture: Ada at the crane"
    assert read.notes == (Note("pictures"),)


def test_videos_and_embedded_files_are_counted() -> None:
    presentation = deck()
    slide = slide_of(presentation, "Film")
    slide.shapes.add_movie(BytesIO(b"x"), 0, 0, 99, 99, mime_type="video/mp4")
    slide.shapes.add_ole_object(BytesIO(b"x"), "Package", Inches(3), 0)

    assert set(read_in_child(saved(presentation)).notes) == {Note("media"), Note("files_inside")}


def test_a_cell_over_several_rows_is_in_each() -> None:
    presentation = deck()
    table = slide_of(presentation).shapes.add_table(4, 2, 0, 0, 99, 99).table
    for place, text in enumerate(["Team", "Day", "Heron", "Monday", "", "Friday", "Wren", "Sunday"]):
        table.cell(place // 2, place % 2).text = text
    table.cell(1, 0).merge(table.cell(2, 0))

    assert "Team: Heron; Day: Friday" in blocks(presentation)[1]


def test_a_damaged_slide_does_not_lose_the_others() -> None:
    presentation = deck()
    box(slide_of(presentation, "One").shapes, "First.")
    slide_of(presentation, "Two")
    presentation.slides._sldIdLst[1].set(
        "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id", "rId999"
    )
    read = read_in_child(saved(presentation))

    assert (read.text, read.notes) == ("# One\n\nFirst.", (Note("damaged_pages", 1, (2,)),))


ORDERS = [
    ("columns", [(5, 3), (0, 0), (5, 0), (0, 3)], [1, 3, 2, 0]),
    ("a line above two columns", [(0, 3), (5, 3), (0, 0, 9)], [2, 0, 1]),
    ("rows of a table", [(5, 0), (0, 0), (5, 3), (0, 3), (0, 6), (5, 6)], [1, 0, 3, 2, 4, 5]),
    ("from top to bottom", [(0, 6), (1, 3), (0, 0)], [2, 1, 0]),
    ("on top of each other", [(0, 0), (0, 0)], [0, 1]),
    ("none", [], []),
]


@pytest.mark.parametrize(("boxes", "order"), [case[1:] for case in ORDERS], ids=[case[0] for case in ORDERS])
def test_shapes_are_read_by_their_places(boxes: list[tuple[int, ...]], order: list[int]) -> None:
    assert in_reading_order([Box(each[0], each[1], each[2] if len(each) > 2 else 4, 2) for each in boxes]) == order


def test_letters_of_old_vietnamese_fonts_are_unicode() -> None:
    presentation = deck()
    paragraph = box(slide_of(presentation).shapes, "").text_frame.paragraphs[0]
    for font, words in ((".VnTime", "Thêi h¹n"), ("Arial", ": café "), ("VNI-Times", "Thoâng ba"), ("VNI-Times", "ùo")):
        run = paragraph.add_run()
        run.text, run.font.name = words, font

    assert blocks(presentation)[1:] == ["Thời hạn: café Thông báo"]


def test_raised_and_struck_text_is_told_from_the_rest() -> None:
    presentation = deck()
    paragraph = box(slide_of(presentation).shapes, "").text_frame.paragraphs[0]
    for words, look in (
        ("10", {}),
        ("6", {"baseline": "30000"}),
        (" cells for ", {}),
        ("5 €", {"strike": "sngStrike"}),
    ):
        run = paragraph.add_run()
        run.text = words
        for name, value in look.items():
            run.font._element.set(name, value)

    assert blocks(presentation)[1:] == ["10^6 cells for ~~5 €~~"]


def test_automatic_numbers_are_read() -> None:
    presentation = deck()
    frame = box(slide_of(presentation).shapes, "Press").text_frame
    for words, level in (("firmly", 1), ("twice", 1), ("Wait", 0)):
        paragraph = frame.add_paragraph()
        paragraph.text, paragraph.level = words, level
    for paragraph in frame.paragraphs:
        kind = "alphaLcParenBoth" if paragraph.level else "arabicPeriod"
        numbered = pptx.oxml.parse_xml(f'<a:buAutoNum xmlns:a="{A[1:-1]}" type="{kind}"/>')
        paragraph._p.get_or_add_pPr().append(numbered)

    assert blocks(presentation)[1:] == ["1. Press\n(a) firmly\n(b) twice\n2. Wait"]


def test_a_file_with_a_damaged_part_is_read_as_far_as_it_goes() -> None:
    presentation = deck()
    for words in ("One.", "Two."):
        box(slide_of(presentation).shapes, words)
    data = saved(presentation)
    wrong_sum = pptx_reader.read(making.with_wrong_checksum(data, "ppt/slides/slide2.xml"))
    broken = pptx_reader.read(making.with_broken_entry(data, "ppt/slides/slide2.xml"))

    assert "Two." in "".join(wrong_sum.parts)
    assert "One." in "".join(broken.parts)
    assert wrong_sum.notes == [Note("damaged_parts")]
    assert broken.notes == [Note("damaged_pages", 1, (2,)), Note("damaged_parts")]


def test_the_row_below_a_header_that_parts_its_groups_belongs_to_it() -> None:
    presentation = deck()
    rows = [("Site", "2024", ""), ("", "Q1", "Q2"), ("York", "1", "2"), ("Hull", "3", "4")]
    table = slide_of(presentation).shapes.add_table(4, 3, 0, 0, 100, 100).table
    for row, cells in zip(table.rows, rows, strict=True):
        for cell, words in zip(row.cells, cells, strict=True):
            cell.text = words
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(0, 0).merge(table.cell(1, 0))

    assert "Site: York; 2024 Q1: 1; 2024 Q2: 2" in blocks(presentation)[1]
