"""Frozen dataclasses to JSON and back without losing a digit.

Decimals, fractions, days and moments travel as text; there are no floats. Optional members that are
None are written as null, so that a reader sees what could have been there. Only a member that is
`newer` than JSON already stored may be absent, and is where it says nothing: so what was stored before
it was thought of is read, and written again bit for bit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]
T = TypeVar("T")


def newer(default: Any = None) -> Any:
    """A member that older JSON does not have: read from it, it has the default."""
    return field(default=default, metadata={"newer": True})


def moment(at: datetime) -> str:
    """RFC 3339, in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def written(value: object) -> Json:
    match value:
        case None | bool() | int() | str():
            return value
        case Decimal():
            return format(value, "f")
        case Fraction():
            return str(value)
        case date():
            return moment(value) if isinstance(value, datetime) else value.isoformat()
        case tuple() | list():
            return [written(item) for item in value]
        case Mapping():
            return {str(name): written(member) for name, member in value.items()}
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"{type(value).__name__} has no exact JSON form")
    newer_ones = _defaults(type(value))
    members = ((name, getattr(value, name)) for name in _names(type(value)))
    return {
        name: written(member)
        for name, member in members
        if name not in newer_ones or member != newer_ones[name]
    }


def read(wanted: type[T], value: Json) -> T:
    """The dataclass that `written` wrote. ValueError, TypeError or KeyError where it is not one."""
    answer: T = _read(wanted, value)
    return answer


def canonical(value: Json) -> bytes:
    """The bytes that are hashed: RFC 8785, for JSON without floats and with names in ASCII.

    Then sorting by code point is sorting by UTF-16 unit, and the standard library escapes as the
    RFC wants; a library that does this in Python takes six times as long.
    """
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest(value: Json) -> str:
    """SHA-256 of the canonical form, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@cache
def _defaults(kind: type[Any]) -> dict[str, Any]:
    """What stands for a member that was not thought of yet when the JSON was written."""
    return {member.name: member.default for member in fields(kind) if member.metadata.get("newer")}


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read(wanted: Any, value: Any) -> Any:
    origin = get_origin(wanted)
    if origin in (Union, UnionType):
        (inner,) = (option for option in get_args(wanted) if option is not NoneType)
        return None if value is None else _read(inner, value)
    if origin is tuple:
        return tuple(_read(get_args(wanted)[0], item) for item in value)
    if origin is dict:  # members that are JSON themselves
        return value
    if is_dataclass(wanted):
        return _read_members(wanted, value)
    return _read_scalar(wanted, value)


def _read_members(wanted: Any, value: Any) -> Any:
    hints = _hints(wanted)
    if unknown := set(value) - set(hints):
        raise ValueError(f"{wanted.__name__} has no {', '.join(sorted(unknown))}")
    older = {name: default for name, default in _defaults(wanted).items() if name not in value}
    return wanted(
        **{name: _read(hint, value[name]) for name, hint in hints.items() if name not in older}, **older
    )


def _read_scalar(wanted: Any, value: Any) -> Any:
    if wanted in (Decimal, Fraction):
        return wanted(_text(value))
    if wanted is datetime:
        return datetime.fromisoformat(value)
    if wanted is date:
        return date.fromisoformat(value)
    # True is an int to Python, and not to anybody else.
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise TypeError(f"{value!r} is not a {wanted.__name__}")
    return value


def _text(value: Any) -> str:
    """Numbers with a point are text: a JSON number has been through binary floating point."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not an exact number written as text")
    return value
