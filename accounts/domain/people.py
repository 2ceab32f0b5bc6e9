"""What a name may be made of."""

from __future__ import annotations

import unicodedata

JOINERS = "\u200c\u200d"  # Persian and Indian names are written with them


def one_line(text: str, longest: int | None = None) -> str:
    """The text on one line, without characters that steer: a line break in a name could end a mail's header.

    Marks of direction go too (they turn the words after the name round); spaces are single.
    """
    kept = "".join(" " if _steers(letter) else letter for letter in text)
    return " ".join(kept.split())[:longest].rstrip()


def _steers(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "CZ" and letter not in JOINERS
