"""What a handed-in file is, told by its content: a name and a browser's word prove nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePath

from common.evidence import images, pdf, tables
from common.evidence.faults import Unfit

LARGEST = 10 * 1024 * 1024  # bytes


@dataclass(frozen=True)
class Kind:
    extension: str
    media_type: str


PDF = Kind("pdf", "application/pdf")
PNG = Kind("png", "image/png")
JPEG = Kind("jpg", "image/jpeg")
WEBP = Kind("webp", "image/webp")
CSV = Kind("csv", "text/csv; charset=utf-8")
TEXT = Kind("txt", "text/plain; charset=utf-8")
KINDS = (PDF, PNG, JPEG, WEBP, CSV, TEXT)
IMAGES = (PNG, JPEG, WEBP)

_BY_EXTENSION = {kind.extension: kind for kind in KINDS} | {"jpeg": JPEG, "jpe": JPEG, "tsv": CSV}
_ALLOWED_CONTROLS = "\t\n\r\f"

# What people hand in by mistake, or others on purpose: first bytes, and the name that a refusal gives it.
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"Rar!", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ", "archive"),
    (b"\x28\xb5\x2f\xfd", "archive"),
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
    (b"#!", "program"),
    (b"\xd0\xcf\x11\xe0", "office"),
    (b"{\\rtf", "office"),
    (b"GIF8", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"BM", "bmp"),
    (b"%!PS", "postscript"),
    (b"\xff\xfe", "utf16"),
    (b"\xfe\xff", "utf16"),
    (b"SQLite format 3\x00", "database"),
)
_MARKUP = re.compile(rb"\A(?:\xef\xbb\xbf)?\s{0,200}<(?:!doctype|html|head|body|script|svg|\?xml|!--)", re.I)


@dataclass(frozen=True)
class Checked:
    """A file that may be kept: what it is, and its bytes as they are kept."""

    kind: Kind
    content: bytes
    is_stripped: bool = False  # where and with what a picture was taken is not kept


def extension_of(name: str) -> str:
    """All that is ever looked at of a file's name: `pdf` of `Invoice.PDF`."""
    return PurePath(name.replace("\\", "/")).suffix.lstrip(".").lower()[:10]


def check(content: bytes, *, claimed: str = "", allowed: Collection[Kind] = KINDS) -> Checked:
    """What the file is, looked through from end to end; Unfit says why it is not kept.

    `claimed` is the extension of the name it came under: a file that calls itself one thing and is
    another is refused, whatever it is.
    """
    if not content:
        raise Unfit("empty")
    if len(content) > LARGEST:
        raise Unfit("too_large", size=len(content), limit=LARGEST)
    kind = kind_of(content)
    wanted = _BY_EXTENSION.get(claimed)
    if kind in (CSV, TEXT) and wanted in (CSV, TEXT):
        kind = wanted  # both are text: which of them, its name may say
    found = kind.extension if kind else _other(content)
    if wanted not in (None, kind) and found != "unknown":
        raise Unfit("claims", claimed=claimed, found=found)
    if kind is None or kind not in allowed:
        raise Unfit("is", found=found)
    return _looked_through(kind, content)


def kind_of(content: bytes) -> Kind | None:
    """By its beginning, or by all of it where it is text; None for everything else, and for nothing."""
    if content.startswith(b"%PDF-"):
        return PDF
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return WEBP
    return _text(content)


def _text(content: bytes) -> Kind | None:
    if _MARKUP.match(content):
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    controls = (one for one in set(text) if unicodedata.category(one) == "Cc")
    if not text.strip() or any(one not in _ALLOWED_CONTROLS for one in controls):
        return None
    return CSV if tables.is_table(text) else TEXT


def _other(content: bytes) -> str:
    if _MARKUP.match(content):
        return "markup"
    if content[4:8] == b"ftyp":
        return "heic" if content[8:12] in (b"heic", b"heix", b"mif1", b"avif") else "film"
    return next((name for first, name in _OTHERS if content.startswith(first)), "unknown")


def _looked_through(kind: Kind, content: bytes) -> Checked:
    if kind is PDF:
        pdf.check(content)
    elif kind is CSV:
        tables.check(content.decode("utf-8-sig"))
    elif kind in IMAGES:
        kept = images.stripped(kind.extension, content)
        return Checked(kind, kept, is_stripped=kept != content)
    return Checked(kind, content)
