"""Small files of every sort that evidence may be, and of some that it may not."""

from __future__ import annotations

import struct
import zlib
from base64 import b64decode

# 24 x 8 pixels, red on the left and white on the right, as a browser wrote them.
JPEG = b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdB"
    "RkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09P"
    "T09PT09PT09PT09PT0//wAARCAAIABgDASIAAhEBAxEB/8QAFgABAQEAAAAAAAAAAAAAAAAAAAYH/8QAFBABAAAAAAAAAAAA"
    "AAAAAAAAAP/EABUBAQEAAAAAAAAAAAAAAAAAAAQF/8QAGhEBAAEFAAAAAAAAAAAAAAAAAAQFQUKBwf/aAAwDAQACEQMRAD8A"
    "lm7gLGuu1rDfAApCf//Z"
)
WEBP = b64decode(
    "UklGRkAAAABXRUJQVlA4IDQAAADQAgCdASoYAAgAPrVInkmnJCKhMAgA4BaJQBS1hg2AAP7ho//8Vs/1G6p//QZP/nQ8MAAA"
)
CSV = b"month;kWh;EUR\n2026-01;1200,5;180,07\n2026-02;1100;165\n"
TEXT = b"Register of associations, W751 000 001.\nSee page 3."


def pdf(*objects: bytes, version: str = "1.7", end: bytes = b"") -> bytes:
    """A PDF of one empty page, and of what else it should hold."""
    found = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] >>",
        *objects,
    ]
    written, places = f"%PDF-{version}\n%\u00e2\u00e3\n".encode(), []
    for number, body in enumerate(found, start=1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(found) + 1
    trailer = b"<< /Size %d /Root 1 0 R %s>>" % (count, end)
    return written + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (
        count, table, trailer, len(written)
    )  # fmt: skip


def deflated(content: bytes, entries: bytes = b"") -> bytes:
    packed = zlib.compress(content, 9)
    return b"<< /Filter /FlateDecode %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(packed), packed)


def png(width: int = 24, height: int = 8, *more: tuple[bytes, bytes], pixels: bytes | None = None) -> bytes:
    """Grey, or of the pixels given; `more` are chunks of a name and a payload."""
    lines = b"".join(b"\x00" + b"\x80" * width for _line in range(height)) if pixels is None else pixels
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), *more, (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, payload) for name, payload in chunks)


def _chunk(name: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload))


def exif(*, orientation: int, secret: bytes = b"48.8584N 2.2945E") -> bytes:
    """A camera's segment: which way up, and where it was."""
    tiff = b"II*\x00" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0) + secret
    payload = b"Exif\x00\x00" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload


def photograph(orientation: int = 1) -> bytes:
    """As a telephone takes it: with its place, a comment, and a second picture behind the first."""
    comment = b"\xff\xfe" + struct.pack(">H", 2 + 8) + b"by Alice"
    return JPEG[:2] + exif(orientation=orientation) + comment + JPEG[2:] + JPEG


def webp_with(name: bytes, payload: bytes) -> bytes:
    extended = b"VP8X" + struct.pack("<I", 10) + b"\x08\x00\x00\x00" + b"\x17\x00\x00" + b"\x07\x00\x00"
    body = b"WEBP" + extended + WEBP[12:] + name + struct.pack("<I", len(payload)) + payload
    return b"RIFF" + struct.pack("<I", len(body)) + body
