"""The text of a checkpoint (c2sp.org/tlog-checkpoint): which log, how large, which root."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ledger.domain import note

_SIZE = re.compile(r"0|[1-9][0-9]*")


@dataclass(frozen=True)
class TreeHead:
    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        lines = [self.origin, str(self.size), note.encode_base64(self.root), *self.extensions]
        return "".join(f"{line}\n" for line in lines)


def parse(text: str) -> TreeHead:
    """Read the text of a note as a checkpoint, or refuse it."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 3 or not all(lines):
        raise note.NoteRefused("A checkpoint has three lines or more, none empty.")
    origin, size, root, *extensions = lines
    if not _SIZE.fullmatch(size):
        raise note.NoteRefused(f"{size!r} is not the size of a log.")
    decoded = note.decode_base64(root)
    if len(decoded) != 32:
        raise note.NoteRefused("A root has 32 bytes.")
    return TreeHead(origin, int(size), decoded, tuple(extensions))
