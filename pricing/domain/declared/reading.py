"""The JSON of a declaration: numbers as text, every member written, published rows of any version read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from types import NoneType, UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

from pricing.domain.declared import version1
from pricing.domain.declared.faults import MOST_ROWS, Fault
from pricing.domain.declared.shape import (
    VERSION,
    Asset,
    DayAheadMean,
    Declared,
    Funding,
    PoolPart,
    Support,
)
from pricing.domain.exact import plain

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]

# The shape of version 3 is that of version 2: what they differ in is how maintenance is counted.
_SAME_SHAPE = ("2", VERSION)
# More digits than any figure has: text of any length would be arithmetic of any length.
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,40})?")
_LONGEST_SHOWN = 80


class NotReadable(ValueError):
    """The JSON is no declaration; `faults` says which members are wrong."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.rule}" for fault in faults))
        self.faults = faults


class _Wrong(Exception):
    def __init__(self, *faults: Fault) -> None:
        self.faults = faults


def to_json(declared: Declared) -> dict[str, Json]:
    """Numbers as text, so that no reader's floating point changes them; defaults are written too."""
    return cast(dict[str, Json], _written(declared))


def from_json(body: Mapping[str, object]) -> Declared:
    """Read a declaration; raises NotReadable with every member that is missing, unknown or malformed."""
    members = dict(body)
    version = members.pop("version", "1")
    try:
        if version == "1":
            return version1.upgraded(_object(version1.Declared1, members, ""))
        if version in _SAME_SHAPE:
            return replace(cast(Declared, _object(Declared, members, "")), version=str(version))
    except _Wrong as wrong:
        raise NotReadable(*wrong.faults) from None
    raise NotReadable(Fault("version", "unknown_version", VERSION, _shown(version)))


def renewed(declared: Declared) -> Declared:
    """The same figures under the present formulas, as everything that is published from now on."""
    return replace(declared, version=VERSION)


def _written(value: object) -> Json:
    if is_dataclass(value):
        return {item.name: _written(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _written(value[name]) for name in sorted(value)}
    if isinstance(value, tuple):
        return [_written(item) for item in value]
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, date):
        return value.isoformat()
    return value if value is None or isinstance(value, bool) else str(value)


def _object(kind: type[Any], body: object, path: str) -> Any:
    if not isinstance(body, Mapping):
        raise _Wrong(Fault(path, "not_an_object", actual=_shown(body)))
    members: dict[str, Field[Any]] = {item.name: item for item in fields(kind)}
    hints = _HINTS[kind]
    unknown = islice((str(name) for name in body if name not in members), MOST_ROWS)
    wrong = [Fault(_below(path, name[:40]), "unknown") for name in unknown]
    read: dict[str, object] = {}
    for name, item in members.items():
        value = body.get(name)
        if value is None or value == "":
            if item.default is MISSING and item.default_factory is MISSING:
                wrong.append(Fault(_below(path, name), "missing"))
            continue
        try:
            read[name] = _value(hints[name], value, _below(path, name))
        except _Wrong as found:
            wrong += found.faults
    if wrong:
        raise _Wrong(*wrong)
    return kind(**read)


def _value(hint: Any, value: object, path: str) -> object:
    """A value of the type that a member has."""
    if isinstance(hint, UnionType):
        (hint,) = (one for one in get_args(hint) if one is not NoneType)
    if is_dataclass(hint):
        return _object(cast(type[Any], hint), value, path)
    if get_origin(hint) is tuple:
        return _rows(get_args(hint)[0], value, path)
    if get_origin(hint) is not None:
        return _mapping(get_args(hint)[1], value, path)
    if issubclass(hint, StrEnum):
        return _one_of(hint, value, path)
    return _READERS[hint](value, path)


def _rows(hint: Any, value: object, path: str) -> tuple[object, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _Wrong(Fault(path, "not_a_list", actual=_shown(value)))
    _require_few(value, path)
    return tuple(_collected([(_below(path, str(at)), hint, item) for at, item in enumerate(value)]))


def _mapping(hint: Any, value: object, path: str) -> dict[str, object]:
    if not isinstance(value, Mapping):
        raise _Wrong(Fault(path, "not_an_object", actual=_shown(value)))
    _require_few(value, path)
    names = [str(name) for name in value]
    rows = [(_below(path, name[:40]), hint, item) for name, item in zip(names, value.values(), strict=True)]
    return dict(zip(names, _collected(rows), strict=True))


def _require_few(rows: Sized, path: str) -> None:
    """Before any of them is read: a list without end would be faults without end."""
    if len(rows) > MOST_ROWS:
        raise _Wrong(Fault(path, "too_many", str(MOST_ROWS), str(len(rows))))


def _collected(rows: Sequence[tuple[str, Any, object]]) -> list[object]:
    """Every value, or every fault in them."""
    read: list[object] = []
    wrong: list[Fault] = []
    for path, hint, item in rows:
        try:
            read.append(_value(hint, item, path))
        except _Wrong as found:
            wrong += found.faults
    if wrong:
        raise _Wrong(*wrong)
    return read


def _one_of(kind: type[StrEnum], value: object, path: str) -> StrEnum:
    try:
        return kind(str(value))
    except ValueError:
        raise _Wrong(Fault(path, "not_one_of", ", ".join(kind), _shown(value))) from None


def _number(value: object, path: str) -> Decimal:
    """A float is refused: 0.145 would arrive as 0.14499999999999999."""
    if isinstance(value, bool | float) or not _NUMBER.fullmatch(str(value)):
        raise _Wrong(Fault(path, "not_a_number", actual=_shown(value)))
    return Decimal(str(value))


def _count(value: object, path: str) -> int:
    number = _number(value, path)
    if number != int(number):
        raise _Wrong(Fault(path, "not_a_count", actual=_shown(value)))
    return int(number)


def _day(value: object, path: str) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise _Wrong(Fault(path, "not_a_date", actual=_shown(value))) from None


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise _Wrong(Fault(path, "not_text", actual=_shown(value)))
    return value


def _yes_or_no(value: object, path: str) -> bool:
    if not isinstance(value, bool):
        raise _Wrong(Fault(path, "not_yes_or_no", actual=_shown(value)))
    return value


_READERS: Mapping[type, Callable[[object, str], object]] = {
    Decimal: _number,
    int: _count,
    date: _day,
    str: _text,
    bool: _yes_or_no,
}


# Worked out once: it takes longer than reading a declaration does.
_HINTS: Mapping[type[Any], Mapping[str, Any]] = {
    kind: get_type_hints(kind)
    for kind in (
        Declared,
        Asset,
        Funding,
        DayAheadMean,
        PoolPart,
        Support,
        version1.Declared1,
        version1.Grant1,
    )
}


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _shown(value: object) -> str:
    return str(value)[:_LONGEST_SHOWN]
