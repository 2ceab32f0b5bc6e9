"""Text that stands on one line: names, titles, subjects of mail."""

from __future__ import annotations

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# They turn the reading order of what follows, so that a name could pretend to be another.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BREAKING = ("Cc", "Zl", "Zp")  # control characters, line and paragraph separators


def is_one_line(text: str) -> bool:
    return not any(letter in _TURNING or unicodedata.category(letter) in _BREAKING for letter in text)


def require_one_line(text: str) -> None:
    """For forms and serializers: a name must not bring a header into a mail or a line into a table."""
    if not is_one_line(text):
        raise ValidationError(
            _("Write it on one line, without line breaks or control characters."), code="one_line"
        )


def on_one_line(text: str) -> str:
    """What stood on several lines, joined by spaces: for subjects of mail, whatever a name holds."""
    return " ".join("".join(letter if is_one_line(letter) else " " for letter in text).split())
