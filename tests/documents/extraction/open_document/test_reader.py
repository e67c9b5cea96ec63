"""OpenDocument texts, sheets and slides."""

from __future__ import annotations

import pytest

from documents.extraction import media_types
from documents.extraction.content import Content
from documents.extraction.media_types import recognise
from documents.extraction.open_document import reader
from documents.text.extraction_notes import Note
from tests.documents.extraction import making
from tests.documents.extraction.reading import read_in_child, refusal_of

_KINDS = ("office", "text", "table", "drawing", "style", "presentation", "svg-compatible", "chart")
_SHORT = {"drawing": "draw", "svg-compatible": "svg"}
NAMES = " ".join(
    f'xmlns:{_SHORT.get(kind, kind)}="urn:oasis:names:tc:opendocument:xmlns:{kind}:1.0"' for kind in _KINDS
)
NAMES += ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dc="http://purl.org/dc/elements/1.1/"'


def tag(name: str, *inner: str, **attributes: str) -> str:
    """Return an element; in names of attributes "_" stands for the colon, "__" for a hyphen."""
    named = (f'{key.replace("__", "-").replace("_", ":", 1)}="{value}"' for key, value in attributes.items())
    return f"<{name} {' '.join(named)}>{''.join(inner)}</{name}>"


def p(words: str, **attributes: str) -> str:
    return tag("text:p", words, **attributes)


def cell(words: str, **attributes: str) -> str:
    return tag("table:table-cell", p(words), **attributes)


def row(*cells: str, **attributes: str) -> str:
    return tag("table:table-row", *cells, **attributes)


HIDING = (
    tag("style:style", "<style:text-properties text:display='none'/>", style_name="gone"),
    tag("style:style", "<style:table-properties table:display='false'/>", style_name="nosheet"),
    tag("style:style", "<style:drawing-page-properties presentation:visibility='hidden'/>", style_name="noslide"),
)
META = tag("office:meta", tag("dc:title", "House rules"), tag("dc:language", "de-AT"))


def root(name: str, *inner: str, more: str = "") -> str:
    return f"<office:{name} {NAMES} {more}>{''.join(inner)}</office:{name}>"


def content(kind: str, body: str) -> str:
    document = tag("office:body", tag(f"office:{kind}", body))
    return root("document-content", tag("office:automatic-styles", *HIDING), document)


def package(kind: str, body: str, **parts: str) -> bytes:
    files = {"mimetype": f"application/vnd.oasis.opendocument.{kind}", "content.xml": content(kind, body)}
    return making.archive(files | {name.replace("__", "/").replace("_", "."): part for name, part in parts.items()})


def read(kind: str, body: str, **parts: str) -> Content:
    return reader.read(package(kind, body, **parts))


def text(body: str, **parts: str) -> list[str]:
    (part,) = read("text", body, **parts).parts
    return part.split("\n\n")


def test_headings_paragraphs_and_lists_are_read_in_order() -> None:
    body = tag("text:h", "Pay", text_outline__level="2")
    body += p('It comes<text:s text:c="2"/>monthly<text:tab/>,<text:line-break/># always.')
    body += tag("text:list", *(tag("text:list-item", p(words)) for words in ("one", "two")))
    extracted = read_in_child(package("text", body, meta_xml=root("document-meta", META)))

    assert extracted.text == "## Pay\n\nIt comes monthly\t,\n\\# always.\n\n- one\n- two"
    assert (extracted.media_type, extracted.title, extracted.language) == (media_types.ODT, "House rules", "de")


def test_a_cell_of_a_table_stays_in_its_column_and_reaches_over_those_it_covers() -> None:
    covered, empty = "<table:covered-table-cell/>", "<table:table-cell/>"
    rows = row(cell("Team"), cell("Day"), cell("Fax"))
    rows += row(cell("Heron", table_number__rows__spanned="2"), cell("Monday"), cell("555"))
    rows += row(covered, cell("Friday"), empty) + row(cell("Wren"), empty, cell("777"))

    assert text(tag("table:table", rows))[0].split("\n")[1:] == [
        "Team: Heron; Day: Monday; Fax: 555",
        "Team: Heron; Day: Friday",
        "Team: Wren; Fax: 777",
    ]


def test_notes_boxes_and_comments_are_read_and_deleted_text_is_not() -> None:
    note = tag("text:note", tag("text:note-citation", "1"), tag("text:note-body", p("See law 5.")))
    comment = tag("office:annotation", tag("dc:creator", "Ada"), p("Why?"))
    box = tag("draw:frame", tag("draw:text-box", p("In a box.")))
    deleted = tag("text:tracked-changes", tag("text:changed-region", tag("text:deletion", p("Deleted."))))
    master = tag("office:master-styles", tag("style:master-page", tag("style:header", p("Internal"))))
    parts = {"styles_xml": root("document-styles", master)}

    assert text(deleted + p(f"It is so{note}, is it{comment}?{box}"), **parts) == [
        "Internal",
        "It is so, is it?",
        "In a box.",
        "See law 5.",
        "Comment: Why?",
    ]


def test_hidden_text_is_kept_apart() -> None:
    gone = tag("text:span", "Say no.", text_style__name="gone")
    found = read("text", p(f"Shown.{gone}") + p("Say yes.", text_style__name="gone"))

    assert (found.parts, found.hidden, found.notes) == (["Shown."], "Say no.\n\nSay yes.", [Note("hidden_text", 2)])


def test_pictures_and_embedded_files_are_counted() -> None:
    described = tag("draw:frame", "<draw:image/>", tag("svg:desc", "Ada at the crane"))
    others = "<draw:frame><draw:image/></draw:frame><draw:frame><draw:object-ole/></draw:frame>"
    found = read("text", p(others + described))

    assert found.parts == ["Picture: Ada at the crane"]
    assert set(found.notes) == {Note("pictures"), Note("files_inside")}


def test_a_chart_is_read() -> None:
    table = tag(
        "table:table", *(row(*map(cell, each)) for each in [("Month", "Tonnes"), ("May", "138"), ("June", "9")])
    )
    chart = content("chart", tag("chart:chart", tag("chart:title", p("Moved")), table))
    frame = tag("draw:frame", '<draw:object xlink:href="./Object1"/>')

    assert text(p(frame), Object1__content_xml=chart) == [
        "Moved",
        "Month | Tonnes\nMonth: May; Tonnes: 138\nMonth: June; Tonnes: 9",
    ]


SHEET = tag(
    "table:table",
    '<table:table-column/><table:table-column table:visibility="collapse"/>',
    row(cell("Name"), cell("Pay"), cell("Share"), '<table:table-cell table:number-columns-repeated="16381"/>'),
    row(cell("Ada"), cell("9"), cell("50 %", office_value="0.5"), table_number__rows__repeated="2"),
    row(cell("Eve"), table_visibility="collapse"),
    row(cell("Sum"), "<table:table-cell/>", '<table:table-cell table:formula="of:=SUM([.C2:.C3])"/>'),
    row('<table:table-cell table:number-columns-repeated="16384"/>', table_number__rows__repeated="1048000"),
    table_name="Staff",
)


def test_a_sheet_shows_its_cells_as_they_are_shown_without_what_is_hidden() -> None:
    secret = tag("table:table", row(cell("hush")), table_name="Secret", table_style__name="nosheet")
    extracted = read_in_child(package("spreadsheet", SHEET + secret))

    assert extracted.text == (
        "# Staff\n\nName | Share\nName: Ada; Share: 50 %\nName: Ada; Share: 50 %\nName: Sum; Share: =SUM([.C2:.C3])"
    )
    assert "hush" in extracted.hidden
    assert extracted.notes == (Note("hidden_sheets"), Note("hidden_rows", 2))
    assert extracted.media_type == media_types.ODS


def test_slides_are_pages_read_by_position_with_their_notes() -> None:
    def box(words: str, y: int, **attributes: str) -> str:
        place = {"svg_x": "1cm", "svg_y": f"{y}cm", "svg_width": "9cm", "svg_height": "2cm"}
        return tag("draw:frame", tag("draw:text-box", p(words)), **place, **attributes)

    notes = tag("presentation:notes", box("Mention the drill.", 1))
    shapes = box("Second.", 9) + box("First.", 4) + box("Safety", 1, presentation_class="title")
    pages = tag("draw:page", shapes, notes)
    pages += tag("draw:page", box("A merger is planned.", 1), draw_style__name="noslide")
    pages += tag("draw:page", tag("draw:g", tag("draw:custom-shape", p("In a group."))))
    extracted = read_in_child(package("presentation", pages))

    assert extracted.text == "# Safety\n\nFirst.\n\nSecond.\n\nNotes: Mention the drill.\n\n# Slide 3\n\nIn a group."
    assert [extracted.text[start:][:9] for start in extracted.page_starts] == ["# Safety\n", "# Slide 3", "# Slide 3"]
    assert "merger" in extracted.hidden
    assert extracted.notes == (Note("hidden_slides"),)


@pytest.mark.parametrize(
    ("declared", "media_type"),
    [
        ("application/vnd.oasis.opendocument.text-template", media_types.ODT),
        ("application/vnd.oasis.opendocument.spreadsheet", media_types.ODS),
        ("application/vnd.oasis.opendocument.graphics", media_types.ODP),
    ],
)
def test_the_kinds_are_told_apart(declared: str, media_type: str) -> None:
    assert recognise(making.archive({"mimetype": declared})) == media_type
    manifest = f'<manifest:file-entry manifest:media-type="{declared}" manifest:full-path="/"/>'
    assert recognise(making.archive({"content.xml": "<x/>", "META-INF/manifest.xml": manifest})) == media_type


def test_a_file_of_one_part_is_read() -> None:
    body = tag("office:body", tag("office:text", p("Here.")))
    kind = 'office:mimetype="application/vnd.oasis.opendocument.text"'
    extracted = read_in_child(f"<?xml version='1.0'?>{root('document', META, body, more=kind)}".encode(), "a.fodt")

    assert (extracted.media_type, extracted.title, extracted.text) == (media_types.ODT, "House rules", "Here.")


def test_a_locked_file_is_encrypted_and_one_without_content_broken() -> None:
    locked = '<manifest:manifest xmlns:manifest="urn:x"><manifest:encryption-data/></manifest:manifest>'
    named = {"mimetype": media_types.ODT}

    assert refusal_of(making.archive(named | {"META-INF/manifest.xml": locked})).code == "encrypted"
    assert refusal_of(making.archive(named)).code == "broken"
    assert refusal_of(making.archive({"mimetype": "application/vnd.oasis.opendocument.formula"})).code == "unknown_type"


LISTS = tag(
    "text:list-style",
    tag("text:list-level-style-number", text_level="1", style_num__format="1", style_num__suffix="."),
    tag("text:list-level-style-number", text_level="2", style_num__format="a", style_num__prefix="("),
    style_name="L1",
)
FONTS = (
    tag("style:style", tag("style:text-properties", style_font__name=".VnTime"), style_name="Old"),
    tag("style:style", style_name="Older", style_parent__style__name="Old"),
    tag("style:style", tag("style:text-properties", style_font__name="F1"), style_name="Vni"),
)
FACES = tag("office:font-face-decls", tag("style:font-face", style_name="F1", svg_font__family="'VNI-Times'"))


def styled(body: str) -> list[str]:
    document = tag("office:body", tag("office:text", body))
    styles = tag("office:automatic-styles", LISTS, *FONTS)
    data = making.archive(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": root("document-content", FACES, styles, document),
        }
    )
    (part,) = reader.read(data).parts
    return part.split("\n\n")


def entry(*inner: str, **attributes: str) -> str:
    return tag("text:list-item", *inner, **attributes)


def test_items_of_numbered_lists_have_their_numbers() -> None:
    inner = tag("text:list", entry(p("firmly")), entry(p("twice")))
    first = tag("text:list", entry(p("Press."), inner), entry(p("Wait."), p("Patiently.")), text_style__name="L1")
    second = tag("text:list", entry(p("Go on.")), text_style__name="L1", text_continue__numbering="true")
    third = tag("text:list", entry(p("New."), text_start__value="7"), text_style__name="L1")

    numbered = ["1. Press.", "(a firmly", "(b twice", "2. Wait.", "Patiently.", "3. Go on.", "7. New."]
    assert styled(first + second + third) == numbered


def test_letters_of_old_vietnamese_fonts_are_unicode() -> None:
    body = p("Thêi h¹n", text_style__name="Older")
    body += p(
        f"Ngày: {tag('text:span', 'Thoâng ', text_style__name='Vni')}{tag('text:span', 'baùo', text_style__name='Vni')}"
    )

    assert styled(body) == ["Thời hạn", "Ngày: Thông báo"]


def test_formulas_are_written_once_and_keep_their_fractions() -> None:
    inner = '<math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mrow><mi>y</mi><mo>=</mo><mfrac><mi>a</mi>'
    inner += "<mrow><mi>b</mi><mo>+</mo><mn>1</mn></mrow></mfrac></mrow><annotation>y = {a} over {b+1}</annotation>"
    body = p(tag("draw:frame", tag("draw:object", f"{inner}</semantics></math>")))

    assert text(body) == ["y=a/(b+1)"]


def test_a_note_on_a_cell_stands_below_its_sheet_and_values_without_text_are_read() -> None:
    number = tag("table:table-cell", tag("office:annotation", p("Ask Ada")), p("5"))
    bare = tag("table:table-cell", office_value__type="percentage", office_value="0.075")
    sheet = tag("table:table", row(cell("Item"), cell("Fee")), row(cell("Pool"), number), row(cell("Gym"), bare))
    (part,) = read("spreadsheet", sheet).parts

    assert part == "# Sheet\n\nItem | Fee\nItem: Pool; Fee: 5\nItem: Gym; Fee: 7.5%\n\nNote on 5: Ask Ada"


def test_rows_that_are_said_to_be_the_header_are_it() -> None:
    head = tag("table:table-header-rows", row(cell("Grade"), cell("Text")))
    body = tag("table:table", head, row(cell("A"), cell("gold")), row(cell("Grade"), cell("A")))

    assert text(body) == ["Grade | Text\nGrade: A; Text: gold\nGrade: Grade; Text: A"]


def test_a_group_of_shapes_stands_where_its_first_shape_does() -> None:
    def box(words: str, top: str) -> str:
        return tag(
            "draw:frame", tag("draw:text-box", p(words)), svg_x="1cm", svg_y=top, svg_width="4cm", svg_height="1cm"
        )

    page = tag("draw:page", tag("draw:g", box("Last.", "9cm")), box("Second.", "6cm"), box("First.", "3cm"))
    (slide,) = read("presentation", page).parts

    assert slide == "# Slide 1\n\nFirst.\n\nSecond.\n\nLast."


def test_a_damaged_part_is_read_as_far_as_it_goes() -> None:
    whole = package("text", p("All of it."), meta_xml=root("document-meta", META))
    content = reader.read(making.with_broken_entry(whole, "meta.xml"))

    assert (list(content.parts), list(content.notes)) == (["All of it."], [Note("damaged_parts")])
    assert refusal_of(making.with_broken_entry(whole, "content.xml")).code == "broken"
