"""What an uploaded file is, told by its content: a name and a browser's word prove nothing."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

LARGEST = 10 * 1024 * 1024  # bytes


@dataclass(frozen=True)
class Kind:
    extension: str
    media_type: str


PDF = Kind("pdf", "application/pdf")
PNG = Kind("png", "image/png")
JPEG = Kind("jpg", "image/jpeg")
WEBP = Kind("webp", "image/webp")
TEXT = Kind("txt", "text/plain; charset=utf-8")
KINDS = (PDF, PNG, JPEG, WEBP, TEXT)

_ALLOWED_CONTROLS = "\t\n\r\f"


def kind_of(content: bytes) -> Kind | None:
    """PDF, PNG, JPEG, WebP, or text in UTF-8 (CSV too); None for everything else, and for nothing."""
    if content.startswith(b"%PDF-"):
        return PDF
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return WEBP
    return TEXT if _is_text(content) else None


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    if not text.strip():
        return False
    return not any(
        unicodedata.category(letter) == "Cc" and letter not in _ALLOWED_CONTROLS for letter in set(text)
    )
