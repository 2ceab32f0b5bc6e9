"""Answers go to standard output, all else to standard error, and nothing that steers a terminal to either.

What a job printed or somebody named is shown as text. Into a pipe or a file a log goes as it is.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import click

# ECMA-48: control sequences (CSI), then operating-system commands and other strings up to their
# terminator, then two-character escapes.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[PX\]^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
# Controls but newline and tab, and the marks that reorder what a person reads (Unicode TR 36, 2.4).
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def neutralise(text: str) -> str:
    """The text without anything that moves a cursor, colours, rings, or hides; lines stay lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", _ESCAPES.sub("", text))


def one_line(value: object) -> str:
    # Not every white space: French has narrow ones that must not break.
    return re.sub(r"[ \t\n]+", " ", neutralise(str(value))).strip()


# --- standard output ----------------------------------------------------------------------------
def say(text: str = "") -> None:
    _write(sys.stdout, f"{neutralise(text)}\n")


def say_json(value: Any) -> None:
    _write(sys.stdout, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def say_raw(line: str) -> None:
    """A line for programs: JSON has its control characters escaped."""
    _write(sys.stdout, line + "\n")


def say_log(text: str) -> None:
    """A piece of what a job printed, as it comes."""
    _write(sys.stdout, neutralise(text) if sys.stdout.isatty() else text)


def _write(stream: IO[str], text: str) -> None:
    # A terminal that cannot show a character shows a question mark instead.
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()


# --- standard error ------------------------------------------------------------------------------
def remark(text: str) -> None:
    _write(sys.stderr, f"{neutralise(text)}\n")


def progress(text: str) -> None:
    """A word while one waits, for people only."""
    if sys.stderr.isatty():
        remark(text)


@contextmanager
def bar(label: str, length: int, done: int) -> Iterator[Any]:
    """Call what it gives with the bytes that have come."""
    if not sys.stderr.isatty():
        yield lambda number: None
        return
    with click.progressbar(length=max(length, 1), label=one_line(label), file=sys.stderr) as shown:
        shown.update(done)
        yield shown.update


# --- tables ---------------------------------------------------------------------------------------
def table(head: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[int] = ()) -> str:
    """Columns under their names, two spaces apart; numbers in the columns `right` stand to the right."""
    lines = [list(head), *([one_line(cell) for cell in row] for row in rows)]
    widths = [max(width(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            " " * (widths[n] - width(cell)) + cell if n in right else cell + " " * (widths[n] - width(cell))
            for n, cell in enumerate(line)
        ).rstrip()
        for line in lines
    )


def members(pairs: Iterable[tuple[str, object]]) -> str:
    """One thing: the name of each member and what it is."""
    shown = [(name, one_line(value)) for name, value in pairs]
    widest = max(width(name) for name, _value in shown)
    return "\n".join(f"{name}{' ' * (widest - width(name))}  {value}".rstrip() for name, value in shown)


def width(text: str) -> int:
    """Columns on a terminal: East Asian wide characters take two, marks above others none."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )
