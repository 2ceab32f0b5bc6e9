"""Files made of batches of rows: CSV (RFC 4180), JSON, JSON lines, gzip around them, and a package of all."""

from __future__ import annotations

import csv
import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import RawIOBase, StringIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from common.open_data.columns import Column, Kind
from common.open_data.datasets import Dataset
from common.open_data.reading import Row, batches

# OWASP, "CSV Injection": what makes a spreadsheet take a cell for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_LEVEL = 4  # of deflate: beyond it the same rows take twice as long for a twentieth less
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode

Cell = Callable[[Any], Any]


# --- CSV ---------------------------------------------------------------------------------------------
def csv_of(dataset: Dataset) -> Iterator[bytes]:
    return (lines for lines, _rows in _counted_csv(dataset))


def _counted_csv(dataset: Dataset) -> Iterator[tuple[bytes, int]]:
    """The lines of each batch, with how many rows they are; first the line of the columns' names."""
    yield _csv([dataset.column_names]), 0
    cells = _cells(dataset.columns)
    for batch in batches(dataset):
        yield _csv(_rewritten(batch, cells)), len(batch)


def _csv(rows: Iterable[Sequence[Any]]) -> bytes:
    lines = StringIO()
    csv.writer(lines).writerows(rows)
    return lines.getvalue().encode()


def _spelt(value: bool | None) -> str:
    """As Table Schema has it, and JSON."""
    return "" if value is None else "true" if value else "false"


def _harmless(value: str | None) -> str | None:
    """A cell that stays text in a spreadsheet."""
    return f"'{value}" if value and value.startswith(_FORMULA) else value


def _cells(columns: Sequence[Column]) -> list[tuple[int, Cell]]:
    """Which cells are written otherwise than they were read; of most datasets, few or none."""
    free: list[tuple[int, Cell]] = [(at, _harmless) for at, column in enumerate(columns) if column.is_free]
    return free + [(at, _spelt) for at, column in enumerate(columns) if column.kind is Kind.BOOLEAN]


def _rewritten(batch: list[Row], cells: list[tuple[int, Cell]]) -> Iterable[Sequence[Any]]:
    if not cells:
        return batch
    rows = [list(row) for row in batch]
    for place, cell in cells:
        for row in rows:
            row[place] = cell(row[place])
    return rows


# --- JSON --------------------------------------------------------------------------------------------
def json_lines_of(dataset: Dataset) -> Iterator[bytes]:
    """An object a line. Numbers that are not whole are text, so that nothing is lost."""
    for batch in _objects(dataset):
        yield ("\n".join(batch) + "\n").encode()


def json_of(dataset: Dataset) -> Iterator[bytes]:
    """The same as one array, a row a line."""
    before = "[\n"
    for batch in _objects(dataset):
        yield (before + ",\n".join(batch)).encode()
        before = ",\n"
    yield b"[]\n" if before == "[\n" else b"\n]\n"


def _objects(dataset: Dataset) -> Iterator[list[str]]:
    names = dataset.column_names
    nested = [place for place, column in enumerate(dataset.columns) if column.kind is Kind.OBJECT]
    for batch in batches(dataset):
        rows = _rewritten(batch, [(place, _parsed) for place in nested])
        yield [_encode(dict(zip(names, row, strict=True))) for row in rows]


def _parsed(value: str | None) -> Any:
    return None if value is None else json.loads(value)


# --- packed ------------------------------------------------------------------------------------------
def gzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(_LEVEL, wbits=31)
    for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()


@dataclass(frozen=True)
class Member:
    """A file of a package, as it was written."""

    dataset: Dataset
    rows: int
    size: int
    sha256: str


def package_of(
    datasets: Iterable[Dataset], describe: Callable[[list[Member]], dict[str, Any]], *, at: datetime
) -> Iterator[bytes]:
    """A zip of every dataset as CSV, and of what describes them, which comes last: it says their digests."""
    out = _Outgoing()
    members: list[Member] = []
    with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for dataset in datasets:
            yield from _packed(dataset, archive, out, members, at)
        described = json.dumps(describe(members), ensure_ascii=False, indent=2) + "\n"
        archive.writestr(_named("datapackage.json", at), described)
    yield out.taken()


def _packed(
    dataset: Dataset, archive: ZipFile, out: _Outgoing, members: list[Member], at: datetime
) -> Iterator[bytes]:
    digest, size, rows = hashlib.sha256(), 0, 0
    with archive.open(_named(f"{dataset.name}.csv", at), "w", force_zip64=True) as file:
        for chunk, more in _counted_csv(dataset):
            digest.update(chunk)
            size, rows = size + len(chunk), rows + more
            file.write(chunk)
            if ready := out.taken():
                yield ready
    members.append(Member(dataset, rows, size, digest.hexdigest()))


def _named(name: str, at: datetime) -> ZipInfo:
    info = ZipInfo(name, at.utctimetuple()[:6])
    info.compress_type = ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


class _Outgoing(RawIOBase):
    """What a zip is written to: handed on as soon as it is there. Nobody goes back in it."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._waiting.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        ready, self._waiting = b"".join(self._waiting), []
        return ready
