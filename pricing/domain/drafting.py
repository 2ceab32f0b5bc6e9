"""Reading what is not finished: a draft as somebody typed it, with what is missing or wrong named.

What is missing is assumed to cost nothing, so that an effect can be shown from the first figure on;
of what multiplies or divides other figures, TOLD_ASSUMED names the assumption.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pricing.domain.declared import VERSION, Declared, Fault, Json, NotReadable, faults, from_json, renewed

Members = dict[str, Json]

_NOTHING = "0"
# A price of nothing could not be parted among its years and sources.
_NEXT_TO_NOTHING = "0.000001"
_NO_ASSET: Members = {"name": "–", "price": _NEXT_TO_NOTHING, "purchased_on": "2000-01-01", "life_years": "5"}
# Required members, and what stands for them until they are said. By the last part of their path.
_ASSUMED: Mapping[str, Json] = {
    "assets": [_NO_ASSET],
    "active_kilowatts": _NOTHING,
    "idle_kilowatts": _NOTHING,
    "pue": "1",
    "used_share": "1",
    "name": "–",
    "price": _NEXT_TO_NOTHING,
    "purchased_on": "2000-01-01",
    "life_years": "5",
    "source": "–",
    "kind": "own",
    "amount": _NOTHING,
    "amount_year": _NOTHING,
    "version": VERSION,
}
# Of these what is assumed is no cost of nothing, and readers are told what it is.
TOLD_ASSUMED: Mapping[str, Decimal] = {"used_share": Decimal(1), "pue": Decimal(1), "life_years": Decimal(5)}
# What one field says of another: nothing, where the other was repaired.
_BETWEEN_FIELDS = ("above_purchase", "idle_above_active", "one_price", "not_before")
_HELD_AGAINST = ("active_kilowatts", "contract_price", "day_ahead")
_OF_A_PRICE = ("funding", "residual_value", "vat_not_recovered")
_TRIES = 8  # a repair can uncover what was hidden below it


@dataclass(frozen=True)
class Reading:
    """A draft as a declaration, with what is assumed, and everything that keeps it from being published."""

    declared: Declared
    faults: tuple[Fault, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(fault.field for fault in self.faults if fault.rule == "missing")

    @property
    def is_publishable(self) -> bool:
        return not self.faults


def read(typed: Mapping[str, object]) -> Reading:
    """The declaration that a draft comes to, whatever was typed in it."""
    filled: dict[str, Any] = deepcopy(dict(typed))
    told: list[Fault] = []
    fields: set[str] = set()
    declared = _NO_COST
    around: set[str] = set()
    for _try in range(_TRIES):
        found, read_declared = _looked_at(filled)
        declared = read_declared or declared
        new: list[Fault] = []
        # What is wrong by itself first: what it says of others is not told then.
        for fault in sorted(found, key=lambda one: one.rule in _BETWEEN_FIELDS):
            if not _is_known(fault, fields, around):
                new.append(fault)
                fields.add(fault.field)
                around.add(_around(fault))
        told += new
        if read_declared is not None and not new:
            break
        for path in (path for fault in new or found for path in _to_repair(fault)):
            _repair(filled, path)
    # Whatever version it was begun in: it is published under the present formulas.
    return Reading(renewed(declared), tuple(told))


def _looked_at(body: Mapping[str, object]) -> tuple[Sequence[Fault], Declared | None]:
    try:
        declared = from_json(body)
    except NotReadable as refused:
        return refused.faults, None
    return faults(declared), declared


def _is_known(fault: Fault, told: Set[str], around: Set[str]) -> bool:
    """Told already, or only so because something beside it was repaired."""
    if fault.field in told:
        return True
    if fault.rule not in _BETWEEN_FIELDS:
        return False
    beside = _around(fault)
    return beside in around if beside else not told.isdisjoint(_HELD_AGAINST)


def _around(fault: Fault) -> str:
    """The row that the field stands in; nothing for a member of the declaration itself."""
    return fault.field.rpartition(".")[0]


def _to_repair(fault: Fault) -> Sequence[str]:
    """What is missing in a row and cannot be assumed takes its list along."""
    if fault.rule == "never_available":  # the two are too long together
        return ("planned_outage_hours", "unplanned_outage_hours")
    if fault.field.endswith(".price"):  # what is said of a price goes with it
        row = fault.field.removesuffix("price")
        return (fault.field, *(f"{row}{name}" for name in _OF_A_PRICE))
    top, _dot, below = fault.field.partition(".")
    is_lost = fault.rule == "missing" and below and below.split(".")[-1] not in _ASSUMED
    return (top,) if is_lost else (fault.field,)


_EMPTY: Mapping[str, Json] = {
    "version": VERSION, "assets": [_NO_ASSET], "active_kilowatts": "0", "idle_kilowatts": "0", "pue": "1",
    "used_share": "1",
}  # fmt: skip


_NO_COST = from_json(_EMPTY)


def _repair(body: dict[str, Any], path: str) -> None:
    """Put what is assumed in the place of what cannot be read, or take it out."""
    *above, last = path.split(".")
    parent: Any = body
    for part in above:
        below = _below(parent, part)
        if not isinstance(below, dict | list):
            return _repair(body, ".".join(above))
        parent = below
    if isinstance(parent, list):
        if last.isdecimal() and int(last) < len(parent):
            parent[int(last)] = {}
    elif last == "kind":
        parent[last] = "own" if "funding" in above else "staff"
    elif last in _ASSUMED:
        parent[last] = deepcopy(_ASSUMED[last])
    else:
        _drop(parent, last)
    return None


def _below(parent: Any, part: str) -> Any:
    if isinstance(parent, list):
        return parent[int(part)] if part.isdecimal() and int(part) < len(parent) else None
    return parent.get(part)


def _drop(parent: dict[str, Any], name: str) -> None:
    """Names of unknown members are shortened where they are told, so that all of that beginning go."""
    for key in [key for key in parent if str(key)[:40] == name[:40]]:
        del parent[key]


def without_blank_rows(rows: Sequence[Members], *, besides: Sequence[str] = ()) -> list[Members]:
    """The rows in which something was typed; choices, which are never empty, do not count."""
    return [row for row in rows if any(_is_said(value) for name, value in row.items() if name not in besides)]


def _is_said(value: Json) -> bool:
    if isinstance(value, list):
        return any(isinstance(row, dict) and without_blank_rows([row], besides=("kind",)) for row in value)
    return value not in (None, "", {})
