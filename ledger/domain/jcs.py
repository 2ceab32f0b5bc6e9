"""Canonical JSON (RFC 8785) of public facts: one value, one row of bytes. No floats, ever."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

import rfc8785

# RFC 8785 numbers are IEEE doubles: beyond this an integer would not survive a reader.
LARGEST_INTEGER = 2**53 - 1

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]


class NotCanonical(ValueError):
    """This value has no canonical form here."""


def moment(at: datetime) -> str:
    """RFC 3339 in UTC, microseconds only where there are some."""
    if at.tzinfo is None:
        raise NotCanonical(f"{at} has no time zone")
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _scalar(value: object) -> Json:
    match value:
        case None | bool() | str():
            return value.value if isinstance(value, Enum) else value
        case int():
            if abs(value) > LARGEST_INTEGER:
                raise NotCanonical(f"{value} is too large for a JSON number; write it as text")
            return value
        case Decimal():
            if not value.is_finite():
                raise NotCanonical(f"{value} is not a number")
            return format(value, "f")
        case datetime():
            return moment(value)
        case UUID():
            return str(value)
    raise NotCanonical(f"{value!r} is a {type(value).__name__}: write numbers with a point as text")


def plain(value: object) -> Json:
    """The JSON value of nested Python: decimals, moments and UUIDs become text, floats are refused."""
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str):
                raise NotCanonical(f"{name!r} is not a member's name")
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return _scalar(value)


def canonical(value: object) -> bytes:
    """The bytes that are hashed: RFC 8785 of the plain value."""
    try:
        return rfc8785.dumps(plain(value))
    except rfc8785.CanonicalizationError as exc:
        raise NotCanonical(str(exc)) from exc
