from __future__ import annotations

import pytest

from reservations.domain.evidence import JPEG, PDF, PNG, TEXT, WEBP, Kind, kind_of


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", PDF),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", PNG),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", JPEG),
        (b"RIFF\x24\0\0\0WEBPVP8 ", WEBP),
        ("name;amount\nÉlodie;12,5\n".encode(), TEXT),
        (b"\xef\xbb\xbfname,amount\r\n", TEXT),
        (b"<script>alert(1)</script>", TEXT),  # served as text, and only to be kept
    ],
)
def test_the_content_tells_what_it_is(content: bytes, kind: Kind) -> None:
    assert kind_of(content) is kind


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \n",
        b"MZ\x90\0",
        b"\x7fELF",
        b"PK\x03\x04\0",
        b"GIF89a\x01\0\xff",
        b"caf\xe9",
        b"a\0b",
        b"\x1b[2J",
    ],
)
def test_other_content_is_not_taken(content: bytes) -> None:
    assert kind_of(content) is None
