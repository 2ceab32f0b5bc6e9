"""Which house rules are in force. Each version is a text of its own that is never changed afterwards."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Version:
    number: int
    since: date


CURRENT = Version(number=1, since=date(2026, 11, 22))


def digest(text: str) -> str:
    """Proves later which text was shown: SHA-256 of its UTF-8 bytes, line ends as LF."""
    return hashlib.sha256(text.replace("\r\n", "\n").encode()).hexdigest()
