"""A file as it was given: its digest, and its text, unpacked no further than there is room for."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, cast

from django.utils.translation import gettext as _

from common import formats
from pricing.domain.hourly.values import Malformed
from pricing.errors import ImportRefused
from pricing.services.hourly.sentences import sentence_of

# A year of 40 zones is 2 MB of CSV, or 60 MB of XML with quarter-hours.
MOST_UNPACKED = 256_000_000
MOST_MEMBERS = 400  # of an archive
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_BLOCK = 1 << 20
# Python unpacks a block of any other packing whole, however large it becomes.
_UNPACKED_IN_PARTS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class Unpacked:
    """One stream of a table, or those of documents."""

    is_xml: bool
    streams: list[IO[bytes]]

    def text(self) -> IO[str]:
        # utf-8-sig: spreadsheets put a mark before the first column's name
        return io.TextIOWrapper(self.streams[0], encoding="utf-8-sig", newline="")


def digest_of(file: IO[bytes]) -> str:
    """SHA-256 of the bytes from the beginning; the file then stands at its beginning again."""
    digest = hashlib.sha256()
    file.seek(0)
    while block := file.read(_BLOCK):
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()


@contextmanager
def unpacked(file: IO[bytes], name: str, most: int = MOST_UNPACKED) -> Iterator[Unpacked]:
    """What is in the file, whatever its name says. Whatever is wrong with it becomes ImportRefused.

    `most`: how many bytes all of it may come to.
    """
    room = _Room(name, most)
    with _naming_the_fault(name):
        start = file.read(4)
        file.seek(0)
        if start == _ZIP:
            yield _of_archive(file, room)
        else:
            stream = gzip.GzipFile(fileobj=file) if start.startswith(_GZIP) else file
            yield _of(_Limited(stream, room))


def _of(stream: _Limited) -> Unpacked:
    buffered = io.BufferedReader(stream)
    return Unpacked(_is_xml(buffered), [buffered])


def _of_archive(file: IO[bytes], room: _Room) -> Unpacked:
    try:
        return _of_members(zipfile.ZipFile(file), room)
    except (
        IndexError,
        ValueError,
    ) as exc:  # a place before the file, an empty name, a name in no code
        raise zipfile.BadZipFile(str(exc)) from exc


def _of_members(archive: zipfile.ZipFile, room: _Room) -> Unpacked:
    members = [member for member in archive.infolist() if not member.is_dir()]
    if not 0 < len(members) <= MOST_MEMBERS:
        raise ImportRefused(
            _(
                "Nothing was imported: the archive %(file)s holds %(count)d files, "
                "and 1 to %(most)d can be read."
            )
            % {"file": room.name, "count": len(members), "most": MOST_MEMBERS},
            field="file",
        )
    if any(member.compress_type not in _UNPACKED_IN_PARTS for member in members):
        raise ImportRefused(
            _("Nothing was imported: pack %(file)s as ZIP programs do by default (deflate), or not at all.")
            % {"file": room.name},
            field="file",
        )
    streams: list[IO[bytes]] = [io.BufferedReader(_Limited(archive.open(member), room)) for member in members]
    is_xml = [_is_xml(stream) for stream in streams]
    if len(streams) > 1 and not all(is_xml):
        raise ImportRefused(
            _("Nothing was imported: %(file)s holds %(count)d files. Give tables one by one.")
            % {"file": room.name, "count": len(members)},
            field="file",
        )
    return Unpacked(is_xml[0], streams)


def _is_xml(stream: IO[bytes]) -> bool:
    start = cast("io.BufferedReader", stream).peek(64)
    return start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


@dataclass
class _Room:
    """What all members of an archive may come to."""

    name: str
    most: int
    taken: int = 0

    def take(self, count: int) -> None:
        self.taken += count
        if self.taken > self.most:
            raise ImportRefused(
                _("Nothing was imported: unpacked, %(file)s is larger than %(most)s. Give it in parts.")
                % {"file": self.name, "most": formats.size(self.most)},
                field="file", limit=self.most,
            )  # fmt: skip


class _Limited(io.RawIOBase):
    """A stream that ends in a refusal where it unpacks to more than there is room for."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, room: _Room) -> None:
        super().__init__()
        self._stream, self._room = stream, room

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self._stream.read(len(buffer))
        self._room.take(len(block))
        buffer[: len(block)] = block
        return len(block)


@contextmanager
def _naming_the_fault(name: str) -> Iterator[None]:
    try:
        yield
    except Malformed as exc:
        raise ImportRefused(
            _("Nothing was imported. Line %(line)d: %(sentence)s")
            % {"line": exc.line, "sentence": sentence_of(exc)},
            field="file", line=exc.line,
        ) from exc  # fmt: skip
    except (UnicodeDecodeError, csv.Error) as exc:
        raise ImportRefused(
            _("Nothing was imported: this is no CSV file in UTF-8 (%(reason)s).") % {"reason": exc},
            field="file",
        ) from exc
    # RuntimeError and NotImplementedError: an archive that is encrypted or packed in a way of its own
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError) as exc:
        raise ImportRefused(
            _("Nothing was imported: %(file)s cannot be read (%(reason)s).") % {"file": name, "reason": exc},
            field="file",
        ) from exc
