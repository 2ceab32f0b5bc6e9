"""The language of what we say: that of LANGUAGE, LC_ALL, LC_MESSAGES or LANG, as gettext reads them.

click says its own words through the same catalogue (clicks_words.py), so a help page is in one language.
"""

from __future__ import annotations

import gettext as catalogues
from gettext import gettext as _, ngettext
from pathlib import Path

__all__ = ["_", "language", "ngettext"]

DOMAIN = "equinode"
FOLDER = Path(__file__).parent / "locale"
_NARROW = "\u202f"

catalogues.bindtextdomain(DOMAIN, str(FOLDER))
catalogues.textdomain(DOMAIN)


def language() -> str:
    """What the site is asked to answer in."""
    return "fr" if catalogues.find(DOMAIN, str(FOLDER)) else "en"


def decimal(text: str) -> str:
    return text.replace(".", ",") if language() == "fr" else text


def amount(text: str, unit: str = "EUR") -> str:
    """`16.78 EUR`, in French `16,78 €`."""
    if language() == "fr":
        return f"{decimal(text)}{_NARROW}{unit.replace('EUR', '€')}"
    return f"{text} {unit}"
