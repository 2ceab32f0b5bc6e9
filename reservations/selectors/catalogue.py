"""The catalogue of open data: every dataset of every room, and what its pages show."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import Any

from django.conf import settings
from django.utils.translation import get_language, gettext as _

from common.kept import kept
from common.open_data import descriptors
from common.open_data.columns import Column
from common.open_data.datasets import Dataset
from common.open_data.reading import Tally, edition_of, first_rows, snapshot, tally
from ledger.selectors import datasets as of_ledger
from pricing.selectors import datasets as of_pricing
from reservations.selectors import datasets as of_reservations

EVERY: tuple[Dataset, ...] = (*of_pricing.EVERY, *of_reservations.EVERY, *of_ledger.EVERY)
BY_NAME = {dataset.name: dataset for dataset in EVERY}

_SHOWN = 5
_LONGEST = 60  # characters of a cell that is shown


@dataclass(frozen=True)
class Line:
    """A dataset in the table of all."""

    dataset: Dataset
    rows: int
    changed_at: datetime | None
    size: int  # about, of its CSV
    left_out: int = 0  # rows that their source's licence keeps back

    @property
    def every(self) -> int:
        return self.rows + self.left_out


@dataclass(frozen=True)
class CataloguePage:
    at: datetime  # when the rows were counted
    lines: tuple[Line, ...]
    markup: dict[str, Any]  # schema.org

    @property
    def rows(self) -> int:
        return sum(line.rows for line in self.lines)

    @property
    def size(self) -> int:
        return sum(line.size for line in self.lines)


@dataclass(frozen=True)
class ColumnRow:
    """A column in the table of a dataset's page."""

    name: str
    kind: str
    unit: str
    says: str
    rule: str


@dataclass(frozen=True)
class Link:
    dataset: str
    title: str
    column: str


@dataclass(frozen=True)
class DatasetPage:
    line: Line
    at: datetime
    licence_url: str
    columns: tuple[ColumnRow, ...]
    links: tuple[Link, ...]
    first: str  # rows, as CSV, with long cells cut
    cite: str
    markup: dict[str, Any]  # schema.org

    @property
    def dataset(self) -> Dataset:
        return self.line.dataset

    @property
    def is_whole(self) -> bool:
        """All of it is shown."""
        return self.line.rows <= _SHOWN


def catalogue_page(*, at: datetime) -> CataloguePage:
    lines, counted_at = _lines(EVERY, at)
    markup = descriptors.schema_org_catalogue(
        EVERY, origin=settings.SITE_ORIGIN, language=get_language() or "en"
    )
    return CataloguePage(counted_at, lines, markup)


def dataset_page(dataset: Dataset, *, at: datetime) -> DatasetPage:
    (line,), counted_at = _lines([dataset], at)
    origin = settings.SITE_ORIGIN
    return DatasetPage(
        line=line,
        at=counted_at,
        licence_url=descriptors.address(dataset.licence, ""),
        columns=tuple(_column(column, dataset) for column in dataset.columns),
        links=tuple(Link(one.dataset, str(BY_NAME[one.dataset].title), one.column) for one in dataset.refers),
        first=_first(dataset),
        cite=_("Equinode, “%(title)s”, %(day)s, %(address)s")
        % {
            "title": dataset.title,
            "day": f"{at:%Y-%m-%d}",
            "address": f"{origin}/open-data/{dataset.name}/",
        },
        markup=descriptors.schema_org(
            dataset,
            origin=origin,
            language=get_language() or "en",
            changed_at=line.changed_at if dataset.is_dated else None,
        ),
    )


def catalogue_json(*, at: datetime) -> dict[str, Any]:
    """For programs: what there is, and where."""
    lines, counted_at = _lines(EVERY, at)
    return {
        "counted_at": counted_at,
        "package": "/open-data/datapackage.json",
        "archive": "/open-data/datapackage.zip",
        "datasets": [
            {
                "name": line.dataset.name,
                "title": str(line.dataset.title),
                "description": str(line.dataset.says),
                "licence": {
                    "name": line.dataset.licence.name,
                    "title": str(line.dataset.licence.title),
                    "url": line.dataset.licence.url,
                },
                "rows": line.rows,
                "changed_at": line.changed_at,
                "csv_bytes_about": line.size,
                "page": f"/open-data/{line.dataset.name}/",
                "csv": f"/open-data/{line.dataset.name}.csv",
                "json": f"/open-data/{line.dataset.name}.json",
                "json_lines": f"/open-data/{line.dataset.name}.jsonl",
                "schema": f"/open-data/{line.dataset.name}/schema.json",
            }
            for line in lines
        ],
    }


def editions(datasets: Sequence[Dataset]) -> list[str]:
    """Names of the rows as they are now, all of one moment."""
    with snapshot():
        return [edition_of(dataset) for dataset in datasets]


def _lines(datasets: Sequence[Dataset], at: datetime) -> tuple[tuple[Line, ...], datetime]:
    """Counted exactly, all at one moment, and once a minute, since that reads every row."""

    def counted() -> tuple[list[Tally], datetime]:
        with snapshot():
            return [tally(dataset) for dataset in datasets], at

    name = ",".join(dataset.name for dataset in datasets)
    key = hashlib.sha256(name.encode()).hexdigest()[:16]  # other datasets of another version are others
    tallies, counted_at = kept(f"open-data:{key}", counted, at=at, is_large=lambda _found: True)
    lines = (
        Line(one, its.rows, its.changed_at, its.size, its.left_out)
        for one, its in zip(datasets, tallies, strict=True)
    )
    return tuple(lines), counted_at


def _column(column: Column, dataset: Dataset) -> ColumnRow:
    return ColumnRow(
        name=column.name,
        kind=str(column.kind),
        unit=column.unit,
        says=str(column.says),
        rule="; ".join(_rules(column, dataset)),
    )


def _rules(column: Column, dataset: Dataset) -> list[str]:
    """The constraints, in words."""
    said = []
    if dataset.key == (column.name,):
        said.append(_("the key"))
    elif column.name in dataset.key:
        said.append(_("part of the key"))
    if not column.is_required:
        said.append(_("may be empty"))
    if column.one_of:
        said.append(_("one of: %(values)s") % {"values": ", ".join(column.one_of)})
    if column.least:
        said.append(_("%(number)s or more") % {"number": column.least})
    if column.most:
        said.append(_("at most %(number)s") % {"number": column.most})
    return said


def _first(dataset: Dataset) -> str:
    lines = StringIO()
    rows = [dataset.column_names, *first_rows(dataset, _SHOWN)]
    csv.writer(lines, lineterminator="\n").writerows([_shown(cell) for cell in row] for row in rows)
    return lines.getvalue()


def _shown(cell: Any) -> str:
    text = "" if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
