"""What a handed-in file is, and why some are not kept."""

from __future__ import annotations

import struct
import zipfile
import zlib
from io import BytesIO

import pytest
from hypothesis import given, settings, strategies as st

from common.evidence import wording
from common.evidence.faults import Unfit
from common.evidence.kinds import CSV, JPEG, KINDS, LARGEST, PDF, PNG, TEXT, WEBP, Kind, check, extension_of
from common.evidence.pdf import MOST_INFLATED
from common.formats import NO_BREAK
from tests import evidence_files as files

WITHOUT_TEXT = tuple(kind for kind in KINDS if kind is not TEXT)


def refusal(content: bytes, claimed: str = "", allowed: tuple[Kind, ...] = WITHOUT_TEXT) -> str:
    with pytest.raises(Unfit) as refused:
        check(content, claimed=claimed, allowed=allowed)
    return plain(wording.sentence(refused.value))


def plain(sentence: str) -> str:
    return sentence.replace(NO_BREAK, " ")


def told(content: bytes) -> str:
    """Its kind, or why it is not kept."""
    try:
        return check(content).kind.extension
    except Unfit as refused:
        return plain(wording.sentence(refused))


def a_zip() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 1_000_000)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (files.pdf(), PDF),
        (files.pdf(files.deflated(b"BT (Invoice) Tj ET" * 100)), PDF),
        (files.png(), PNG),
        (files.JPEG, JPEG),
        (files.WEBP, WEBP),
        (files.CSV, CSV),
        (b"\xef\xbb\xbf" + files.CSV, CSV),
        (files.TEXT, TEXT),
    ],
)
def test_a_whole_file_is_kept_as_it_is(content: bytes, kind: Kind) -> None:
    checked = check(content)
    assert (checked.kind, checked.content, checked.is_stripped) == (kind, content, False)


@pytest.mark.parametrize(
    ("content", "sort"),
    [
        (a_zip(), "a ZIP archive"),
        (b"\x1f\x8b\x08" + bytes(40), "a compressed archive"),
        (b"\x7fELF" + bytes(40), "a program"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1" + bytes(40), "a document of an office program"),
        (b"GIF89a" + bytes(10), "a GIF image"),
        (b"\0\0\0\x18ftypheic" + bytes(10), "a HEIC or AVIF image"),
        (b"<!DOCTYPE html><script>alert(1)</script>", "HTML, SVG or XML"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "HTML, SVG or XML"),
        ("a;b\n1;2\n".encode("utf-16"), "text in UTF-16"),
        ("prix;été\n1;2\n".encode("latin-1"), "of a sort that is not known here"),
        (b"\0\1\2\3", "of a sort that is not known here"),
        (files.TEXT, "plain text"),
    ],
)
def test_what_is_none_of_the_sorts_is_refused_by_the_name_of_what_it_is(content: bytes, sort: str) -> None:
    assert f"This file is {sort}" in refusal(content)


@pytest.mark.parametrize(
    ("content", "claimed", "sort"),
    [
        (files.png(), "pdf", "a PNG image"),
        (files.pdf(), "csv", "a PDF"),
        (files.CSV, "pdf", "a CSV table"),
        (a_zip(), "pdf", "a ZIP archive"),
        (a_zip(), "csv", "a ZIP archive"),
        (files.JPEG, "png", "a JPEG image"),
        (b"<html><body>Invoice</body></html>", "pdf", "HTML, SVG or XML"),
    ],
)
def test_a_file_that_calls_itself_something_else_is_refused(content: bytes, claimed: str, sort: str) -> None:
    assert refusal(content, claimed).startswith(f"This file is called .{claimed} and is {sort}")


def test_two_names_for_one_thing_are_no_lie() -> None:
    assert check(files.JPEG, claimed="jpeg").kind is JPEG
    assert check(files.CSV, claimed="tsv").kind is CSV
    assert check(files.CSV, claimed="txt").kind is TEXT
    assert check(files.pdf(), claimed="invoice").kind is PDF


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        ("Invoice.PDF", "pdf"), ("..\\..\\x.csv", "csv"), ("/etc/passwd", ""), ("a.tar.gz", "gz"), ("", ""),
        ("x." + "y" * 99, "y" * 10),
    ],
)  # fmt: skip
def test_of_a_name_only_its_extension_is_looked_at(name: str, extension: str) -> None:
    assert extension_of(name) == extension


def test_nothing_and_too_much_are_refused() -> None:
    assert refusal(b"") == "This file is empty."
    assert refusal(b"%PDF-1.7\n" + bytes(LARGEST)).startswith("The file has 10.5")


# --- PDF -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"%PDF-", "names no version"),
        (b"%PDF-1.7\n", "cut off"),
        (files.pdf()[:-30], "cut off"),
        (files.pdf() + b"<script>alert(1)</script>", "cut off"),
        (files.pdf() + a_zip(), "is a ZIP archive"),
        (files.pdf(end=b"/Encrypt 9 0 R "), "password"),
        (files.pdf(b"<< /S /JavaScript /JS (app.alert(1)) >>"), "script"),
        (files.pdf(b"<< /S /Java#53cript /JS (app.alert(1)) >>"), "script"),
        (files.pdf(b"<< /S /Launch /F (cmd.exe) >>"), "script"),
        (files.pdf(files.deflated(b"<< /S /JavaScript >>", b"/Type /ObjStm")), "script"),
        (files.pdf(files.deflated(b" " * 1_048_570 + b"<< /S /JavaScript >>", b"/Type /ObjStm")), "script"),
        (files.pdf(files.deflated(bytes(MOST_INFLATED + 1))), "more than 134 MB"),
        (files.pdf(*[files.deflated(bytes(MOST_INFLATED // 4))] * 5), "more than 134 MB"),
        (files.pdf(files.deflated(b"", b"/Filter [/FlateDecode /FlateDecode]")), "more than 134 MB"),
    ],
)
def test_a_pdf_that_is_not_whole_or_not_harmless_is_refused(content: bytes, said: str) -> None:
    assert said in refusal(content)


@pytest.mark.parametrize(
    "entries",
    [
        b"/Filter 7 0 R", b"/Filter  7 0 R", b"/Fil#74er 7 0 R", b"/Filter[7 0 R]",
        b"/Filter [/FlateDecode 7 0 R]", b"/Filter % packed\n 7 0 R",
    ],
)  # fmt: skip
def test_a_pdf_that_says_elsewhere_how_a_stream_is_packed_is_refused(entries: bytes) -> None:
    """What object 7 names is a bomb; nobody would have counted what it unpacks to."""
    names = b"7 0 obj\n[/FlateDecode /FlateDecode]\nendobj\n"
    stream = b"<< %s >>\nstream\n%s\nendstream" % (entries, zlib.compress(zlib.compress(bytes(9_999))))
    assert "packed in an unusual way" in refusal(files.pdf(names, stream))


@pytest.mark.parametrize(
    "entries",
    [
        b"/Filter /DCTDecode", b"/Filter[/ASCII85Decode/FlateDecode]", b"/Filter [ /LZWDecode ]",
        b"/Filter []", b"/Filter null", b"/FilterName 7 0 R",
    ],
)  # fmt: skip
def test_a_pdf_may_pack_its_streams_in_any_way_that_it_names(entries: bytes) -> None:
    stream = b"<< %s >>\nstream\n%s\nendstream" % (entries, b"\xff\xd8 whatever")
    assert check(files.pdf(stream), claimed="pdf").kind is PDF


@pytest.mark.parametrize(
    "entries",
    [
        b"/Filter 5 0 R", b"/Filter [/ASCII85Decode /FlateDecode]", b"/Filter /LZWDecode",
        b"/Filter /FlateDecode /Note (" + b"x" * 5000 + b")",
    ],
)  # fmt: skip
def test_objects_that_are_packed_so_that_nobody_looks_at_them_are_refused(entries: bytes) -> None:
    packed = zlib.compress(b"<< /S /JavaScript >>")
    stream = b"<< /Type /ObjStm %s >>\nstream\n%s\nendstream" % (entries, packed)
    assert "packed in an unusual way" in refusal(files.pdf(stream))


@pytest.mark.parametrize(
    "entries", [b"/Filter /FlateDecode", b"/Filter [ /FlateDecode ]", b"/Filter/FlateDecode"]
)
def test_objects_that_are_packed_as_usual_are_kept(entries: bytes) -> None:
    stream = b"<</Type/ObjStm%s>>\nstream\n%s\nendstream" % (entries, zlib.compress(b"<< /S /GoTo >>"))
    assert check(files.pdf(stream, stream)).kind is PDF


def test_the_word_javascript_in_a_text_of_a_pdf_is_no_script() -> None:
    assert check(files.pdf(files.deflated(b"BT (We bought JavaScript /Launch courses) Tj ET"))).kind is PDF


def test_a_pdf_with_an_electronic_invoice_inside_is_kept() -> None:
    """Factur-X: the invoice for programs is a file inside the one for people."""
    assert check(files.pdf(files.deflated(b"<xml/>", b"/Type /EmbeddedFile"))).kind is PDF


def test_streams_that_lie_in_each_other_are_not_read_again_and_again() -> None:
    """Each stream holds the beginning of the next as a block of its own, and all go on together."""
    head = b"1 0 obj<</Filter/FlateDecode>>stream\n\x78\x01"
    block = struct.pack("<BHH", 0, len(head), len(head) ^ 0xFFFF) + head
    empty = b"\x00\x00\x00\xff\xff" * 20_000  # blocks of nothing: no limit of what comes out would help
    assert check(files.pdf(head + empty + b"\nendstream")).kind is PDF
    assert "more than 134 MB" in refusal(files.pdf(head + block * 500 + empty + b"\nendstream"))


# --- pictures ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (files.png()[:-20], "not whole"),
        (files.png().replace(b"\x80", b"\x81", 1)[:40] + files.png()[40:-1] + b"x", "not whole"),
        (files.png(pixels=b"\x00"), "not whole"),
        (files.png(pixels=bytes(100_000_000)), "not whole"),
        (files.png(30_001, 1, pixels=b""), "30,001 × 1 pixels"),
        (files.png(10_000, 10_000, pixels=b""), "10,000 × 10,000 pixels; 50,000,000 in all"),
        (files.png(24, 8, (b"ABCD", b"")), "not whole"),
        (files.JPEG[:-40], "not whole"),
        (b"\xff\xd8\xff\xd9", "not whole"),
        (files.WEBP[:-10], "not whole"),
        (b"RIFF\x04\0\0\0WEBP", "not whole"),
    ],
)
def test_a_picture_that_is_cut_off_or_a_bomb_is_refused(content: bytes, said: str) -> None:
    assert said in refusal(content)


@pytest.mark.parametrize("interlaced", [0, 1])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (5, 3), (9, 17)])
def test_the_pixels_of_every_png_are_counted(width: int, height: int, interlaced: int) -> None:
    """Against the passes as the specification draws them, pixel by pixel."""
    pattern = ("16462646", "77777777", "56565656", "77777777", "36463646", "77777777", "56565656", "77777777")
    passes: dict[str, set[tuple[int, int]]] = {}
    for y in range(height):
        for x in range(width):
            key = pattern[y % 8][x % 8] if interlaced else "all"
            passes.setdefault(key, set()).add((x, y))
    lines = sum(len({y for _x, y in each}) for each in passes.values())
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, interlaced)
    pixels = bytes(lines + width * height)
    whole = b"\x89PNG\r\n\x1a\n" + b"".join(
        files._chunk(name, payload)
        for name, payload in ((b"IHDR", head), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))
    )
    assert check(whole).kind is PNG


def test_where_a_photograph_was_taken_is_not_kept() -> None:
    checked = check(files.photograph())
    assert (checked.content, checked.is_stripped) == (files.JPEG, True)


def test_which_way_up_a_photograph_is_stays() -> None:
    kept = check(files.photograph(orientation=6)).content
    assert b"48.8584N" not in kept
    assert kept.startswith(b"\xff\xd8\xff\xe1")
    assert check(kept).content == kept  # the same file again is the same file
    assert kept[2:].partition(b"\xff\xe0")[2] == files.JPEG[2:].partition(b"\xff\xe0")[2]


def test_the_preview_that_a_jpeg_begins_with_is_not_kept() -> None:
    preview = b"what was cut"  # 2 x 2 pixels
    begun = b"\xff\xd8\xff\xe0"
    assert files.JPEG.startswith(begun + b"\x00\x10JFIF\x00")
    segment = struct.pack(">H", 16 + len(preview)) + files.JPEG[6:18] + b"\x02\x02" + preview
    checked = check(begun + segment + files.JPEG[20:])
    assert (checked.content, checked.is_stripped) == (files.JPEG, True)


@pytest.mark.parametrize("after", [b"\x00", b"\xd0", b""])
def test_a_scan_that_is_nothing_but_fill_bytes_is_read_once(after: bytes) -> None:
    """Eight million bytes: read again from each of them, this would take days."""
    scan = b"\xff\xda\x00\x02" + b"\xff" * 8_000_000 + after
    assert "not whole" in refusal(b"\xff\xd8" + scan)


def test_fill_bytes_before_a_marker_are_no_fault() -> None:
    end = files.JPEG.rindex(b"\xff\xd9")
    assert check(files.JPEG[:end] + b"\xff" * 1000 + b"\xff\xd9").kind is JPEG


def test_words_in_a_png_and_a_webp_are_not_kept() -> None:
    png = check(files.png(24, 8, (b"tEXt", b"Author\0Alice"), (b"eXIf", b"II*\0"), (b"tIME", bytes(7))))
    assert (png.content, png.is_stripped) == (files.png(), True)
    webp = check(files.webp_with(b"EXIF", b"48.8584N")).content
    assert b"48.8584N" not in webp
    assert webp[20] & 0x0C == 0
    assert check(webp).content == webp


# --- CSV -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a;b\n", "one line of values or more"),
        ("word\nword\n", "two columns or more"),
        ("a,b\n1,2\n1,2,3\n", "Line 3 of the CSV has 3 columns; the first has 2."),
        ('a,b\n1,"2\n3,4\n', "cannot be read"),
        ("a,b\n1,=HYPERLINK(1)\n", "a formula, “=HYPERLINK(1)”"),
        ("a,b\n1,@SUM(A1)\n", "a formula"),
        ("a,b\n1,+cmd|' /C calc'!A0\n", "a formula"),
        ("a,b\n1,-A1\n", "a formula"),
    ],
)
def test_a_csv_that_is_none_is_refused_by_its_line(text: str, said: str) -> None:
    assert said in refusal(text.encode(), "csv")


@pytest.mark.parametrize("cell", ["-3.5", "+12", "- 1 200,50", "-4 %", "a=b", "mail@x", "-"])
def test_a_number_with_its_sign_is_no_formula(cell: str) -> None:
    assert check(f"a;b\n1;{cell}\n".encode(), claimed="csv").kind is CSV


@pytest.mark.parametrize("blank", [" ", "\u00a0", ". ", ",", "1 "])
def test_a_long_cell_behind_a_sign_is_read_once(blank: str) -> None:
    """Up to what the CSV reader takes: read again from each character, each of these would take a minute."""
    cell = "-" + blank * (130_000 // len(blank))
    assert check(f"a;b\n{f'1;{cell}_{chr(10)}' * 20}".encode(), claimed="csv").kind is CSV
    assert "a formula" in refusal(f"a;b\n1;{cell}A1\n".encode(), "csv")


# --- whatever comes ------------------------------------------------------------------------------------
STARTS = [b"", b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x10\0\0\0WEBP", b"a,b\n"]


@settings(max_examples=300)
@given(st.sampled_from(STARTS), st.binary(max_size=400))
def test_any_bytes_are_kept_or_refused_with_a_sentence(start: bytes, rest: bytes) -> None:
    assert told(start + rest)


@settings(max_examples=300)
@given(st.sampled_from([files.png(), files.JPEG, files.WEBP, files.pdf(), files.photograph(6)]), st.data())
def test_one_wrong_byte_breaks_nothing(content: bytes, data: st.DataObject) -> None:
    where = data.draw(st.integers(0, len(content) - 1))
    wrong = content[:where] + bytes([data.draw(st.integers(0, 255))]) + content[where + 1 :]
    assert told(wrong)
