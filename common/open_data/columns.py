"""The columns of a dataset: type, unit and constraints (Table Schema), and how PostgreSQL writes values.

Values leave the database as the text that stands in the files, so that a million rows pass through
without being turned into Python's numbers and moments and back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import F, Func, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, NullIf
from django.utils.functional import Promise

DIGEST = "^[0-9a-f]{64}$"


class Kind(StrEnum):
    """The types of Table Schema that are used here."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    DATE = "date"
    YEAR = "year"
    OBJECT = "object"


class _Plain(Func):
    """A decimal without exponent and without trailing zeros, as pages and digests write it."""

    template = "trim_scale(%(expressions)s)::text"
    output_field = TextField()


class _Moment(Func):
    """RFC 3339 in UTC, microseconds only where there are some, as in the ledger."""

    template = (
        "replace(to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'),"
        " '.000000', '') || 'Z'"
    )
    output_field = TextField()


@dataclass(frozen=True)
class Column:
    name: str
    kind: Kind
    says: str | Promise  # what it means
    of: str | Combinable = ""  # a field's path or an expression; empty: the field of that name
    unit: str = ""
    is_required: bool = True
    is_unique: bool = False
    least: str = ""
    most: str = ""
    one_of: Sequence[str] = ()
    pattern: str = ""
    is_free: bool = False  # text that somebody wrote: a spreadsheet must not run it

    @property
    def written(self) -> Combinable:
        """The expression whose value stands in the files; text that is empty is no value."""
        of = F(self.of or self.name) if isinstance(self.of, str) else self.of
        match self.kind:
            case Kind.INTEGER | Kind.YEAR | Kind.BOOLEAN:
                return of
            case Kind.NUMBER:
                return _Plain(of)
            case Kind.DATETIME:
                return _Moment(of)
        text = Cast(of, TextField())
        return text if self.is_required else NullIf(text, Value("", output_field=TextField()))

    @property
    def constraints(self) -> dict[str, Any]:
        said = {
            "required": self.is_required,
            "unique": self.is_unique,
            "minimum": self.least,
            "maximum": self.most,
            "enum": list(self.one_of),
            "pattern": self.pattern,
        }
        return {name: value for name, value in said.items() if value}

    @property
    def field(self) -> dict[str, Any]:
        """As Table Schema says it; `unit` is a member of ours, which the standard allows."""
        said = {
            "name": self.name,
            "type": str(self.kind),
            "description": str(self.says),
            "unit": self.unit,
            "constraints": self.constraints,
        }
        return {name: value for name, value in said.items() if value}


def text(name: str, says: str | Promise, of: str | Combinable = "", **more: Any) -> Column:
    return Column(name, Kind.STRING, says, of, **more)


def words(name: str, says: str | Promise, of: str | Combinable = "", **more: Any) -> Column:
    """What somebody wrote."""
    return Column(name, Kind.STRING, says, of, is_free=True, **more)


def number(name: str, says: str | Promise, of: str | Combinable = "", **more: Any) -> Column:
    return Column(name, Kind.NUMBER, says, of, **more)


def integer(name: str, says: str | Promise, of: str | Combinable = "", **more: Any) -> Column:
    return Column(name, Kind.INTEGER, says, of, **more)


def flag(name: str, says: str | Promise, of: str | Combinable = "", **more: Any) -> Column:
    return Column(name, Kind.BOOLEAN, says, of, **more)


def moment(name: str, says: str | Promise, of: str | Combinable = "", **more: Any) -> Column:
    return Column(name, Kind.DATETIME, says, of, **more)


def day(name: str, says: str | Promise, of: str | Combinable = "", **more: Any) -> Column:
    return Column(name, Kind.DATE, says, of, **more)


def digest(name: str, says: str | Promise, of: str | Combinable = "", **more: Any) -> Column:
    return Column(name, Kind.STRING, says, of, pattern=DIGEST, **more)


def members(name: str, says: str | Promise, of: str | Combinable = "", **more: Any) -> Column:
    """A JSON object in one cell."""
    return Column(name, Kind.OBJECT, says, of, **more)
