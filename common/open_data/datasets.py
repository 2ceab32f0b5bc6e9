"""What a dataset declares: words, licence, columns, keys, and the rows that everybody may read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common.open_data.columns import Column


@dataclass(frozen=True)
class Licence:
    name: str  # as opendefinition.org names it
    title: str | Promise
    url: str  # of its text; beginning with a slash: a page of this site


CC_BY = Licence(
    "CC-BY-4.0", "Creative Commons Attribution 4.0", "https://creativecommons.org/licenses/by/4.0/"
)


def of_sources(imports: str) -> Licence:
    """What comes from others stays under what they said, row by row; that dataset names them."""
    return Licence("other-at", _("The licence of each row’s source"), f"/open-data/{imports}/")


@dataclass(frozen=True)
class Reference:
    """A column whose values are keys of another dataset, or of this one."""

    column: str
    dataset: str
    its_column: str


@dataclass(frozen=True)
class Edition:
    """Which rows there are, without reading them all: for datasets that only grow, or change as a whole."""

    name: str
    changed_at: datetime | None


@dataclass(frozen=True)
class Dataset:
    """A table that everybody may have. `rows` holds nothing else, in an order that stays."""

    name: str  # of its address and its files: cost-statements
    title: str | Promise
    says: str | Promise
    licence: Licence
    columns: tuple[Column, ...]
    rows: Callable[[], QuerySet[Any]]
    changed: tuple[str, ...] = ()  # fields with the moments at which rows came and changed
    is_dated: bool = True  # every change has one of them
    key: tuple[str, ...] = ("id",)
    refers: tuple[Reference, ...] = ()
    edition: Callable[[], Edition] | None = None  # else worked out from the rows
    page: str = ""  # where people read the same
    # All rows, with those that their source's licence keeps back; None: nothing is kept back.
    every: Callable[[], QuerySet[Any]] | None = None

    @property
    def column_names(self) -> list[str]:
        return [column.name for column in self.columns]
