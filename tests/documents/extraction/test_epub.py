"""Books of every age of the format."""

from __future__ import annotations

import pytest

from documents.extraction import epub
from documents.text.extraction_notes import Note
from tests.documents.extraction import making
from tests.documents.extraction.reading import read_in_child, refusal_of

CONTAINER = '<container><rootfiles><rootfile full-path="book.opf"/></rootfiles></container>'


def book(manifest: str, spine: str, pages: dict[str, str], *, metadata: str = "", container: str = CONTAINER) -> bytes:
    package = f"<package><metadata>{metadata}</metadata><manifest>{manifest}</manifest><spine>{spine}</spine></package>"
    files = {"mimetype": "application/epub+zip", "book.opf": package, **pages}
    return making.archive(files | ({"META-INF/container.xml": container} if container else {}))


def item(identity: str, href: str, media_type: str = "application/xhtml+xml") -> str:
    return f'<item id="{identity}" href="{href}" media-type="{media_type}"/>'


REFERENCE = '<itemref idref="a"/>'


@pytest.mark.parametrize("media_type", ["text/x-oeb1-document", "text/html", "application/xml", "", "Text/HTML "])
def test_pages_are_known_under_all_names_that_books_give_them(media_type: str) -> None:
    data = book(item("a", "a.html", media_type), REFERENCE, {"a.html": "<p>About ropes.</p>"})

    assert read_in_child(data).text == "About ropes."


def test_the_description_of_an_old_book_is_read() -> None:
    dublin = 'xmlns:dc="http://purl.org/dc/elements/1.0/"'
    metadata = f"<dc-metadata {dublin}><dc:Title>Ropes</dc:Title><dc:Language>en-us</dc:Language></dc-metadata>"
    content = epub.read(book(item("a", "a.html"), REFERENCE, {"a.html": "<p>x</p>"}, metadata=metadata))

    assert (content.title, content.language) == ("Ropes", "en")


def test_a_chapter_without_a_heading_gets_that_of_the_list_of_contents() -> None:
    contents = "".join(
        f'<navPoint><navLabel><text>{label}</text></navLabel><content src="{source}"/></navPoint>'
        for label, source in [
            ("Knots", "text/a.html#top"),
            ("Knots again", "text/a.html#end"),
            ("Splices", "text/b.html"),
        ]
    )
    manifest = item("a", "text/a.html") + item("b", "text/b.html") + item("n", "toc.ncx", "application/x-dtbncx+xml")
    pages = {
        "toc.ncx": f"<ncx><navMap>{contents}</navMap></ncx>",
        "text/a.html": "<p>Tie it.</p>",
        "text/b.html": "<h2>On splices</h2><p>Cut it.</p>",
    }

    read = read_in_child(book(manifest, '<itemref idref="a"/><itemref idref="b"/>', pages))
    assert read.text == "# Knots\n\nTie it.\n\n## On splices\n\nCut it."


def test_a_book_without_container_or_spine_is_read() -> None:
    assert epub.read(book(item("a", "a.html"), "", {"a.html": "<p>x</p>"}, container="")).parts == ["x"]
    assert epub.read(book(item("a", "A.HTML"), REFERENCE, {"a.html": "<p>x</p>"})).parts == ["x"]


def test_a_chapter_that_is_not_there_is_said_to_be_missing() -> None:
    data = book(item("a", "a.html") + item("b", "b.html"), REFERENCE + '<itemref idref="b"/>', {"a.html": "<p>x</p>"})

    assert read_in_child(data).notes == (Note("missing_chapters"),)


def test_a_book_without_a_list_of_parts_is_broken() -> None:
    assert refusal_of(making.archive({"mimetype": "application/epub+zip", "a.html": "<p>x</p>"})).code == "broken"


def test_a_damaged_chapter_is_read_as_far_as_it_goes() -> None:
    pages = {"a.html": "<p>About sails.</p>", "b.html": "<p>About ropes.</p>"}
    data = book(item("a", "a.html") + item("b", "b.html"), REFERENCE + '<itemref idref="b"/>', pages)
    wrong_sum = epub.read(making.with_wrong_checksum(data, "b.html"))
    unpackable = epub.read(making.with_broken_entry(data, "b.html"))

    assert list(wrong_sum.parts) == ["About sails.", "About ropes."]
    assert list(unpackable.parts) == ["About sails."]
    assert wrong_sum.notes == unpackable.notes == [Note("damaged_parts")]
    assert refusal_of(making.with_broken_entry(making.with_broken_entry(data, "b.html"), "a.html")).code == "broken"
