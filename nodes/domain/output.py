"""What a job sends back: text made harmless to read, file names made harmless to keep."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

LONGEST_NAME = 255
DEEPEST_FOLDER = 20

# ECMA-48: control sequences (CSI), then operating-system commands and other strings up to their
# terminator, then two-character escapes.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[PX\]^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
_IN_NO_NAME = re.compile(r"[\n\t\\\u2028\u2029]")
# Controls but newline and tab, and the marks that reorder what a person reads (Unicode TR 36, 2.4).
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def neutralise(text: str) -> str:
    """The text without anything that moves a cursor, colours, rings, or hides; lines stay lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROLS.sub("", _ESCAPES.sub("", text))
    # A lone surrogate can be written in JSON and cannot be stored.
    return text.encode("utf-8", "replace").decode("utf-8")


def harmless(value: object) -> object:
    """JSON that somebody else wrote, with every text in it neutralised."""
    match value:
        case str():
            return neutralise(value)
        case list():
            return [harmless(item) for item in value]
        case dict():
            return {neutralise(str(name)): harmless(item) for name, item in value.items()}
    return value


def cut(text: str, most_bytes: int) -> str:
    """As much of the text as fits, whole characters only."""
    return text.encode()[: max(0, most_bytes)].decode("utf-8", "ignore")


class UnsafeName(ValueError):
    """A file name that could leave the job's folder or deceive whoever reads it."""


def safe_name(name: str) -> str:
    """The name, if it is a plain relative path; its parts are used as they are or not at all."""
    if not name or len(name.encode("utf-8", "replace")) > LONGEST_NAME:
        raise UnsafeName(f"A file name has 1 to {LONGEST_NAME} bytes.")
    if name != neutralise(name) or _IN_NO_NAME.search(name):
        raise UnsafeName("A file name has no control characters and no backslash.")
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts) or PurePosixPath(name).is_absolute():
        raise UnsafeName("A file name is a relative path without “.” and “..”.")
    if len(parts) > DEEPEST_FOLDER:
        raise UnsafeName(f"A file lies at most {DEEPEST_FOLDER} folders deep.")
    return name
