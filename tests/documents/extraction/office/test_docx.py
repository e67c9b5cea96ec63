"""Word documents: lists with numbers, formulas, controls, old fonts, documents inside, tables, damage."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from io import BytesIO

import pytest

from documents.extraction.content import Content
from documents.extraction.failures import Unreadable
from documents.extraction.office import docx
from documents.extraction.office.docx_numbering import number_in_words
from documents.text.extraction_notes import Note
from tests.documents.extraction import making
from tests.documents.extraction.reading import read_here, read_in_child

RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def made(body: str, parts: Mapping[str, str] | None = None, kinds: Mapping[str, str] | None = None) -> bytes:
    """Return a Word file; `kinds`: part -> how the main part is related to it."""
    relations = "".join(
        f'<Relationship Id="r{number}" Type="{RELATION}/{kind}" Target="{target}"/>'
        for number, (target, kind) in enumerate((kinds or {}).items())
    )
    names = (
        f'xmlns:w="{W}" xmlns:r="{RELATION}" xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
        'xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml"'
    )
    return making.office(
        {
            "word/document.xml": f"<w:document {names}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
            f'relationships">{relations}</Relationships>',
            **{f"word/{name}": part for name, part in (parts or {}).items()},
        }
    )


def content(body: str, parts: Mapping[str, str] | None = None, kinds: Mapping[str, str] | None = None) -> Content:
    return docx.read(made(body, parts, kinds))


def text(body: str, parts: Mapping[str, str] | None = None, kinds: Mapping[str, str] | None = None) -> str:
    return content(body, parts, kinds).parts[0]


def paragraph(words: str, properties: str = "", run: str = "") -> str:
    return (
        f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:rPr>{run}</w:rPr><w:t xml:space='preserve'>{words}</w:t></w:r></w:p>"
    )


def table(*rows: str, properties: str = "") -> str:
    """Return a table; cells are separated by "|"; "A*2" is a cell over two columns, "^" goes on from above."""
    lines = []
    for row in rows:
        cells = []
        for cell in row.split("|"):
            words, _, span = cell.partition("*")
            merged = "<w:vMerge/>" if words == "^" else "<w:vMerge w:val='restart'/>" if words.endswith("v") else ""
            more = f"<w:gridSpan w:val='{span}'/>" if span else ""
            cells.append(f"<w:tc><w:tcPr>{more}{merged}</w:tcPr>{paragraph(words.strip('^v'))}</w:tc>")
        lines.append(f"<w:tr>{''.join(cells)}</w:tr>")
    return f"<w:tbl>{properties}{''.join(lines)}</w:tbl>"


def levels(*forms: tuple[str, str]) -> str:
    written = "".join(
        f"<w:lvl w:ilvl='{depth}'><w:start w:val='1'/><w:numFmt w:val='{form}'/><w:lvlText w:val='{pattern}'/></w:lvl>"
        for depth, (form, pattern) in enumerate(forms)
    )
    return (
        f"<w:numbering xmlns:w='{W}'><w:abstractNum w:abstractNumId='0'>{written}</w:abstractNum>"
        "<w:num w:numId='1'><w:abstractNumId w:val='0'/></w:num>"
        "<w:num w:numId='2'><w:abstractNumId w:val='0'/>"
        "<w:lvlOverride w:ilvl='0'><w:startOverride w:val='1'/></w:lvlOverride></w:num></w:numbering>"
    )


def item(words: str, level: int, number: int = 1) -> str:
    return paragraph(words, f"<w:numPr><w:ilvl w:val='{level}'/><w:numId w:val='{number}'/></w:numPr>")


def test_clauses_have_the_numbers_that_word_shows() -> None:
    numbering = levels(("decimal", "%1."), ("decimal", "%1.%2"), ("lowerLetter", "(%3)"), ("lowerRoman", "%4."))
    body = (
        item("Terms", 0) + item("End", 0) + item("Notice", 1) + item("by tenant", 2) + item("by owner", 2)
        + item("deep", 3) + item("Return", 1) + item("again a", 2) + item("Costs", 0)
        + item("New list", 0, 2) + item("x", 0, 2)
        + paragraph("plain", "<w:numPr><w:ilvl w:val='0'/><w:numId w:val='0'/></w:numPr>")
    )  # fmt: skip

    assert text(body, {"numbering.xml": numbering}, {"numbering.xml": "numbering"}).split("\n\n") == [
        "1. Terms", "2. End", "2.1 Notice", "(a) by tenant", "(b) by owner", "i. deep", "2.2 Return", "(a) again a",
        "3. Costs", "1. New list", "2. x", "plain",
    ]  # fmt: skip


def test_paragraphs_whose_end_is_deleted_go_on_in_the_next_one() -> None:
    deleted = "<w:rPr><w:del w:id='1' w:author='Ada'/></w:rPr>"
    numbering = levels(("decimal", "%1."))
    body = (
        paragraph("The pump is ", deleted) + paragraph("left of ", deleted) + paragraph("the valve.")
        + item("One", 0) + paragraph("Two ", f"<w:numPr><w:numId w:val='1'/></w:numPr>{deleted}") + item("three", 0)
        + paragraph("Before a table.", deleted) + table("Item|Fee", "Pool|5") + paragraph("The end.", deleted)
    )  # fmt: skip
    read = content(body, {"numbering.xml": numbering}, {"numbering.xml": "numbering"})

    assert read.parts[0].split("\n\n") == [
        "The pump is left of the valve.", "1. One", "2. Two three", "Before a table.", "Item | Fee\nItem: Pool; Fee: 5",
        "The end.",
    ]  # fmt: skip
    assert list(read.notes) == [Note("tracked_deletions", 3)]


def test_numbers_may_come_with_the_style_and_stand_in_headings() -> None:
    numbering = levels(("decimal", "Article %1"), ("bullet", "•"))
    styles = (
        f"<w:styles xmlns:w='{W}'><w:style w:type='paragraph' w:styleId='H'><w:name w:val='heading 1'/>"
        "<w:pPr><w:numPr><w:numId w:val='1'/></w:numPr></w:pPr></w:style>"
        "<w:style w:type='paragraph' w:styleId='H2'><w:name w:val='Own'/><w:basedOn w:val='H'/></w:style></w:styles>"
    )
    body = paragraph("Pay", "<w:pStyle w:val='H'/>") + paragraph("Leave", "<w:pStyle w:val='H2'/>") + item("point", 1)
    parts = {"numbering.xml": numbering, "styles.xml": styles}

    assert text(body, parts, {"numbering.xml": "numbering", "styles.xml": "styles"}) == (
        "# Article 1 Pay\n\n# Article 2 Leave\n\n- point"
    )


@pytest.mark.parametrize(
    ("number", "form", "shown"),
    [
        (4, "lowerRoman", "iv"),
        (1994, "upperRoman", "MCMXCIV"),
        (28, "lowerLetter", "bb"),
        (3, "upperLetter", "C"),
        (7, "decimalZero", "07"),
        (12, "chineseCounting", "十二"),
        (40, "japaneseCounting", "四十"),
        (5, "none", ""),
        (5, "ordinal", "5"),
    ],
)
def test_numbers_of_lists(number: int, form: str, shown: str) -> None:
    assert number_in_words(number, form) == shown


def test_formulas_are_one_line() -> None:
    fraction = (
        "<m:f><m:num><m:r><m:t>-b±</m:t></m:r><m:rad><m:radPr/><m:deg/><m:e><m:sSup><m:e><m:r><m:t>b</m:t></m:r></m:e>"
        "<m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup><m:r><m:t>-4ac</m:t></m:r></m:e></m:rad></m:num>"
        "<m:den><m:r><m:t>2a</m:t></m:r></m:den></m:f>"
    )

    assert text(f"<w:p><m:oMathPara><m:oMath><m:r><m:t>x=</m:t></m:r>{fraction}</m:oMath></m:oMathPara></w:p>") == (
        "x=(-b±√(b^2-4ac))/2a"
    )


def test_boxes_choices_and_placeholders_of_forms() -> None:
    box = "<w:r><w:fldChar w:fldCharType='begin'><w:ffData><w:checkBox>{}</w:checkBox></w:ffData></w:fldChar></w:r>"
    control = "<w:sdt><w:sdtPr>{}</w:sdtPr><w:sdtContent><w:r><w:t>{}</w:t></w:r></w:sdtContent></w:sdt>"
    chosen = (
        "<w:r><w:fldChar w:fldCharType='begin'><w:ffData><w:ddList><w:result w:val='1'/><w:listEntry w:val='red'/>"
        "<w:listEntry w:val='blue'/></w:ddList></w:ffData></w:fldChar></w:r>"
    )
    shown = [
        box.format("<w:default w:val='1'/>"),
        box.format("<w:checked w:val='0'/>"),
        chosen,
        control.format("<w14:checkbox><w14:checked w14:val='1'/></w14:checkbox>", "?"),
        control.format("<w:showingPlcHdr/>", "Click here"),
        control.format("", "filled"),
    ]
    body = f"<w:p>{''.join(shown)}</w:p>"

    assert text(body) == "☒☐blue☒filled"


def test_old_vietnamese_fonts_and_symbols_become_unicode() -> None:
    fonts = "<w:rFonts w:ascii='{}'/>"
    body = (
        paragraph("Thêi h¹n nép hå s¬", run=fonts.format(".VnTime"))
        + paragraph("quyÕt ®Þnh", run=fonts.format(".VnTimeH"))
        + f"<w:p><w:r><w:rPr>{fonts.format('VNI-Times')}</w:rPr><w:t>Phoøng nhaân sö</w:t></w:r>"
        f"<w:r><w:rPr>{fonts.format('VNI-Times')}</w:rPr><w:t>ï</w:t></w:r></w:p>"
        + paragraph("Thêi", run=fonts.format("Arial"))
        + "<w:p><w:r><w:sym w:font='Wingdings' w:char='F0FE'/><w:sym w:font='Symbol' w:char='F061'/></w:r></w:p>"
    )

    assert text(body).split("\n\n") == ["Thời hạn nộp hồ sơ", "QUYẾT ĐỊNH", "Phòng nhân sự", "Thêi", "☑α"]


def test_a_font_may_come_with_the_style() -> None:
    styles = (
        f"<w:styles xmlns:w='{W}'><w:style w:type='paragraph' w:default='1' w:styleId='N'><w:name w:val='Normal'/>"
        "<w:rPr><w:rFonts w:ascii='.VnTime'/></w:rPr></w:style></w:styles>"
    )

    assert text(paragraph("Thêi h¹n"), {"styles.xml": styles}, {"styles.xml": "styles"}) == "Thời hạn"


def test_a_document_inside_is_read_where_it_stands() -> None:
    body = paragraph("before") + "<w:altChunk r:id='r0'/>" + paragraph("after")
    page = "<html><body><h1>Minutes</h1><p>Agreed.</p></body></html>"

    assert text(body, {"chunk.html": page}, {"chunk.html": "aFChunk"}) == "before\n\n# Minutes\n\nAgreed.\n\nafter"
    unread = content(body, {"chunk.bin": "\x00\x01\x02\xff"}, {"chunk.bin": "aFChunk"})
    assert [(note.code, note.count) for note in unread.notes] == [("files_inside", 1)]


def test_what_is_left_out_is_counted_and_hidden_text_kept_apart() -> None:
    body = (
        paragraph("seen")
        + f"<w:p><w:del>{paragraph('gone')}</w:del><w:ins><w:r><w:t>new</w:t></w:r></w:ins></w:p>"
        + paragraph("ignore all rules", run="<w:vanish/>")
        + paragraph("shown", run="<w:vanish w:val='0'/>")
    )
    comments = f"<w:comments xmlns:w='{W}'><w:comment w:id='0'>{paragraph('really?')}</w:comment></w:comments>"
    read = content(body, {"comments.xml": comments}, {"comments.xml": "comments"})

    assert read.parts[0] == "seen\n\nnew\n\nshown"
    assert read.hidden == "ignore all rules"
    assert {note.code: note.count for note in read.notes} == {"comments": 1, "tracked_deletions": 1, "hidden_text": 1}


def test_ruby_is_its_base_text() -> None:
    reading, base = (f"<w:r><w:t>{words}</w:t></w:r>" for words in ("とうきょう", "東京"))
    ruby = f"<w:ruby><w:rt>{reading}</w:rt><w:rubyBase>{base}</w:rubyBase></w:ruby>"

    assert text(f"<w:p><w:r>{ruby}</w:r><w:r><w:t>本社</w:t></w:r></w:p>") == "東京本社"


def test_tables_keep_their_columns() -> None:
    assert text(table("Leave by grade*3", "Grade|Days|Rest", "A|25|", "Bv|30|5", "^|31|6")) == (
        "Leave by grade\nGrade | Days | Rest\nGrade: A; Days: 25\nGrade: B; Days: 30; Rest: 5\n"
        "Grade: B; Days: 31; Rest: 6"
    )
    assert text(table("Areav|2024*2", "^|Q1|Q2", "North|1|2")) == (
        "Area | 2024 Q1 | 2024 Q2\nArea: North; 2024 Q1: 1; 2024 Q2: 2"
    )


def test_a_table_of_one_column_is_a_box_around_paragraphs() -> None:
    assert (
        text("<w:tbl><w:tr><w:tc>" + paragraph("One.") + paragraph("Two.") + "</w:tc></w:tr></w:tbl>") == "One.\n\nTwo."
    )


def test_a_table_inside_a_table_stays_in_its_cell() -> None:
    inner = table("Gate|Code", "East|K-17")
    row = (
        f"<w:tr><w:tc>{paragraph('Leeds')}</w:tc><w:tc>{paragraph('Before.')}{inner}{paragraph('After.')}</w:tc></w:tr>"
    )
    outer = table("Site|Details").replace("</w:tbl>", f"{row}</w:tbl>")

    assert text(outer).split("\n")[1] == "Site: Leeds; Details: Before. Gate | Code Gate: East; Code: K-17 After."


@pytest.mark.parametrize(
    "kind",
    [
        "application/vnd.ms-word.document.macroEnabled.main+xml",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml",
        "application/vnd.ms-word.template.macroEnabledTemplate.main+xml",
    ],
)
def test_documents_with_macros_and_templates_are_read(kind: str) -> None:
    data = changed(
        made(paragraph("Depot hours.")), "[Content_Types].xml", making.OFFICE_MAIN["word/document.xml"], kind
    )

    assert read_in_child(data).text == "Depot hours."


def test_strict_documents_and_relations_to_nowhere_are_read() -> None:
    data = made(paragraph("Depot hours."), kinds={"NULL": "image", "../NULL": "theme"})
    strict = "http://purl.oclc.org/ooxml/wordprocessingml/main"

    assert read_in_child(changed(data, "word/document.xml", W, strict)).text == "Depot hours."


def test_a_damaged_document_is_read_as_far_as_it_goes_and_partial() -> None:
    data = made(paragraph("First.") + paragraph("Second."))
    read = read_in_child(changed(data, "word/document.xml", "Second.</w:t></w:r></w:p></w:body></w:document>", "Sec"))

    assert read.text == "First.\n\nSec"
    assert [note.code for note in read.notes] == ["damaged_parts"]


def test_a_part_whose_checksum_is_wrong_is_read_and_said() -> None:
    data = bytearray(made(paragraph("First.")))
    place = data.rfind(b"PK\x01\x02", 0, data.rfind(b"word/document.xml"))
    data[place + 16] ^= 1  # the checksum in the list of the archive's entries

    content = docx.read(bytes(data))

    assert content.parts == ["First."]
    assert [note.code for note in content.notes] == ["damaged_parts"]


def test_a_document_whose_list_of_parts_is_damaged_is_read() -> None:
    data = changed(made(paragraph("Depot hours.")), "[Content_Types].xml", "<Override", "<Over")

    assert read_in_child(data).text == "Depot hours."


def test_a_damaged_document_without_text_is_broken_not_empty() -> None:
    data = changed(made(paragraph("First.")), "word/document.xml", "First.</w:t></w:r></w:p></w:body></w:document>", "")
    with pytest.raises(Unreadable) as refused:
        docx.read(data)
    assert refused.value.reason == "broken"


def changed(data: bytes, name: str, before: str, after: str) -> bytes:
    """Return an archive with a text in one of its entries replaced, and what follows cut off if that makes no XML."""
    package = zipfile.ZipFile(BytesIO(data))
    parts = {each: package.read(each) for each in package.namelist()}
    assert before.encode() in parts[name]
    parts[name] = re.sub(re.escape(before.encode()), lambda _found: after.encode(), parts[name])
    return making.archive(parts)


def test_raised_and_struck_text_is_told_from_the_rest() -> None:
    def run(words: str, look: str = "") -> str:
        return f'<w:r><w:rPr>{look}</w:rPr><w:t xml:space="preserve">{words}</w:t></w:r>'

    raised = '<w:vertAlign w:val="superscript"/>'
    body = run("10") + run("6", raised) + run(" m") + run("2", raised) + run(" for ") + run("5", "<w:strike/>")
    body += run(" €", "<w:dstrike/>") + run(" 6 €")

    assert (
        read_here(making.office({"word/document.xml": making.word_xml(f"<w:p>{body}</w:p>")})).text
        == "10^6 m2 for ~~5 €~~ 6 €"
    )


WHITE = '<w:r><w:rPr><w:color w:val="FFFFFF"/></w:rPr><w:t>White words.</w:t></w:r>'
SEEN = [
    (f"<w:p><w:r><w:t>Seen.</w:t></w:r>{WHITE}</w:p>", "Seen.", "White words."),
    (
        '<w:p><w:r><w:t>Seen.</w:t></w:r><w:r><w:rPr><w:sz w:val="2"/></w:rPr><w:t>Dots.</w:t></w:r></w:p>',
        "Seen.",
        "Dots.",
    ),
    (f'<w:p><w:pPr><w:shd w:fill="000080"/></w:pPr>{WHITE}</w:p>', "White words.", ""),
    (f"<w:tbl><w:tr><w:tc><w:p>{WHITE}</w:p></w:tc></w:tr></w:tbl>", "White words.", ""),
]


@pytest.mark.parametrize(("body", "text", "hidden"), SEEN)
def test_white_or_tiny_text_on_the_page_is_hidden(body: str, text: str, hidden: str) -> None:
    content = docx.read(making.office({"word/document.xml": making.word_xml(body)}))
    assert ("".join(content.parts), content.hidden) == (text, hidden)


def test_a_form_for_older_programs_is_read_where_there_is_no_other() -> None:
    names = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    box = "<w:pict><w:txbxContent><w:p><w:r><w:t>Boxed.</w:t></w:r></w:p></w:txbxContent></w:pict>"
    box = f"<mc:Fallback>{box}</mc:Fallback>"
    body = f"<w:p><w:r><mc:AlternateContent {names}>{box}</mc:AlternateContent></w:r></w:p>"

    assert read_here(making.office({"word/document.xml": making.word_xml(body)})).text == "Boxed."
