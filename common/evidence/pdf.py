"""PDF: whole, readable without a password, and nothing in it that a reader would run or choke on.

Nothing is drawn: what a reader does with a page is not looked at, and no virus is searched for.
ISO 32000-2, 7.5 (file structure) and 7.3.8 (streams).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from common.evidence.faults import Unfit

MOST_INFLATED = 128 * 1024 * 1024  # bytes, of all streams together
MOST_STREAMS = 20_000
_PIECE = 1024 * 1024
_READ = 16 * 1024
_TAIL = 2048  # where readers look for the end
_BEFORE_STREAM = 2048  # as far back as a stream's dictionary is looked for

_VERSION = re.compile(rb"%PDF-[12]\.\d")
_END = re.compile(rb"startxref\s{1,4}(\d{1,10})\s{1,4}%%EOF\s{0,64}\Z")
_STREAM = re.compile(rb"(?<!end)stream\r?\n")
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")  # a letter of a name, written as a number
# An action that runs something has one of these as its kind: long enough not to occur by chance.
_RUNS = re.compile(rb"/(?:JavaScript|Launch|RichMedia)(?![A-Za-z0-9_])")
_LONGEST_NAME = 12
_LOCKED = re.compile(rb"/Encrypt(?![A-Za-z0-9_])")
_OBJECTS = re.compile(rb"/ObjStm(?![A-Za-z0-9_])")
_PLAINLY_DEFLATED = re.compile(
    rb"/Filter\s{0,9}(?:/FlateDecode(?![A-Za-z0-9_])|\[\s{0,9}/FlateDecode\s{0,9}\])"
)
_DEFLATED = re.compile(rb"/(?:FlateDecode|Fl)(?![A-Za-z0-9_])")
# How a stream is packed is written out in its own dictionary: elsewhere nobody would have looked at it.
_FILTER = re.compile(rb"/Filter(?![A-Za-z0-9_])")
_NAMED = re.compile(rb"/Filter\s*(?:/|null(?![A-Za-z0-9_])|\[(?:\s*/[^\s/\[\]<>()]{1,40})*\s*\])")


def check(content: bytes) -> None:
    _require_whole(content)
    _require_harmless(content)
    read = inflated = held = 0
    for start, holds_objects in _deflated_streams(content):
        held += holds_objects
        before = b""
        for taken, piece in _inflated(content, start):
            read, inflated = read + taken, inflated + len(piece)
            # Streams that lie in each other would be read again and again.
            if inflated > MOST_INFLATED or read > 2 * len(content):
                raise Unfit("bomb", limit=MOST_INFLATED)
            if holds_objects:
                _require_harmless(before + piece)
                before = piece[-_LONGEST_NAME:]
    if held != len(_OBJECTS.findall(_plain(content))):
        raise Unfit("pdf_objects")  # some are packed so that they were not looked at


def _require_whole(content: bytes) -> None:
    if not _VERSION.match(content):
        raise Unfit("pdf_header")
    if b"PK\x05\x06" in content[-66_000:]:
        raise Unfit("claims", claimed="pdf", found="zip")  # readable as both
    end = _END.search(content, max(0, len(content) - _TAIL))
    if end is None or int(end.group(1)) >= len(content):
        raise Unfit("pdf_end")


def _deflated_streams(content: bytes) -> Iterator[tuple[int, bool]]:
    """Where the bytes of each begin, and whether it holds objects."""
    for number, found in enumerate(_STREAM.finditer(content)):
        if number >= MOST_STREAMS:
            raise Unfit("pdf_streams", limit=MOST_STREAMS)
        head = content[max(0, found.start() - _BEFORE_STREAM) : found.start()]
        head = _plain(head[max(head.rfind(b" obj"), head.rfind(b"\nobj"), 0) :])
        if any(_NAMED.match(head, place.start()) is None for place in _FILTER.finditer(head)):
            raise Unfit("pdf_objects")
        deflations = len(_DEFLATED.findall(head))
        if deflations > 1:
            raise Unfit("bomb", limit=MOST_INFLATED)  # deflated twice: only a bomb is
        if deflations:
            yield (
                found.end(),
                _OBJECTS.search(head) is not None and _PLAINLY_DEFLATED.search(head) is not None,
            )


def _inflated(content: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """What a deflated stream holds, piece by piece, each with how many bytes it was made of; one that is
    broken ends where it breaks."""
    inflater = zlib.decompressobj()
    try:
        for position in range(start, len(content), _READ):
            waiting = content[position : position + _READ]
            while waiting and not inflater.eof:
                piece = inflater.decompress(waiting, _PIECE)
                left = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
                yield len(waiting) - len(left), piece
                waiting = inflater.unconsumed_tail
            if inflater.eof:
                return
    except zlib.error:
        return


def _require_harmless(part: bytes) -> None:
    part = _plain(part)
    if _LOCKED.search(part):
        raise Unfit("pdf_locked")
    if _RUNS.search(part):
        raise Unfit("pdf_runs")


def _plain(part: bytes) -> bytes:
    """Names as they are meant: /L#61unch is /Launch."""
    return _ESCAPED.sub(lambda found: bytes([int(found.group(1), 16)]), part) if b"#" in part else part
