"""What an owner declares about a node, its JSON, and what cannot be true of it.

Sentences for the faults found here are in pricing.wording.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation, localcontext

ONE = Decimal(1)
ZERO = Decimal(0)
# Far more digits than any figure shown: rounding happens once, when a figure is published.
EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True)
class Fault:
    """One thing wrong with one field: a code for the sentence, and the numbers in it."""

    field: str
    rule: str
    limit: str = ""
    actual: str = ""


class NotReadable(ValueError):
    """The JSON is no declaration; `faults` says which members are wrong."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.rule}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True)
class PublicGrant:
    """A part of the purchase that public money paid; nobody may be charged for it again.

    2 CFR 200.436(c) leaves granted assets out of depreciation.
    """

    source: str
    amount: Decimal


@dataclass(frozen=True)
class Declared:
    """What an owner declares about one node for one year. Shares are between 0 and 1."""

    purchase_price: Decimal
    purchased_on: date
    life_years: Decimal
    active_kilowatts: Decimal  # drawn by the whole node while it is used
    idle_kilowatts: Decimal  # and while it waits
    pue: Decimal  # power usage effectiveness of the place
    electricity_price: Decimal  # EUR per kWh, all in: energy, grid, taxes not recovered
    available_share: Decimal  # of the year's hours in which the node can be booked
    used_share: Decimal  # of the available hours expected to be delivered
    residual_value: Decimal = ZERO
    public_grants: tuple[PublicGrant, ...] = ()
    hosting_year: Decimal = ZERO
    maintenance_share: Decimal = ZERO  # of the purchase price, a year
    warranty_until: date | None = None  # maintenance is counted from then on
    network_year: Decimal = ZERO
    licences_year: Decimal = ZERO
    staff_posts: Decimal = ZERO  # full-time posts
    staff_post_year: Decimal = ZERO  # EUR a year for one post, all in
    insurance_share: Decimal = ZERO  # of the purchase price, a year
    financing_year: Decimal = ZERO
    overhead_share: Decimal = ZERO  # actual indirect over direct cost, never a flat rate
    sources: Mapping[str, str] = field(default_factory=dict)  # component -> where its figure comes from

    @property
    def granted(self) -> Decimal:
        """How much of the purchase price public money paid."""
        return sum((grant.amount for grant in self.public_grants), ZERO)

    @property
    def granted_share(self) -> Decimal:
        with localcontext(EXACT):
            return self.granted / self.purchase_price if self.purchase_price else ZERO


SHARES = ("available_share", "used_share", "maintenance_share", "insurance_share", "overhead_share")
ABOVE_ZERO = ("purchase_price", "life_years", "available_share", "used_share")
_DATES = ("purchased_on", "warranty_until")
_SPECIAL = (*_DATES, "public_grants", "sources")
AMOUNTS = tuple(item.name for item in fields(Declared) if item.name not in _SPECIAL)
_REQUIRED = tuple(item.name for item in fields(Declared))[:9]
# Columns hold 12 digits before the point; no machine costs as much.
LARGEST = Decimal(10) ** 9


def faults(declared: Declared) -> list[Fault]:
    """Everything that cannot be true, in the order of the fields."""
    found = [
        fault for name in AMOUNTS if (fault := _fault_of_amount(name, getattr(declared, name))) is not None
    ]
    if declared.pue < ONE:
        found.append(Fault("pue", "at_least", "1", plain(declared.pue)))
    active, idle = declared.active_kilowatts, declared.idle_kilowatts
    if idle > active:
        found.append(Fault("idle_kilowatts", "idle_above_active", plain(active), plain(idle)))
    price = plain(declared.purchase_price)
    if declared.residual_value > declared.purchase_price:
        found.append(Fault("residual_value", "above_purchase", price, plain(declared.residual_value)))
    if any(grant.amount <= 0 for grant in declared.public_grants):
        found.append(Fault("public_grants", "above_zero"))
    if declared.granted > declared.purchase_price:
        found.append(Fault("public_grants", "above_purchase", price, plain(declared.granted)))
    return found


def _fault_of_amount(name: str, amount: Decimal) -> Fault | None:
    if not amount.is_finite() or abs(amount) > LARGEST:
        return Fault(name, "at_most", plain(LARGEST))
    if amount < 0:
        return Fault(name, "not_negative", "0", plain(amount))
    if name in ABOVE_ZERO and amount == 0:
        return Fault(name, "above_zero", "0", "0")
    if name in SHARES and amount > 1:
        return Fault(name, "at_most_all", "100", plain(amount * 100))
    return None


def to_json(declared: Declared) -> dict[str, Json]:
    """Numbers as text, so that no reader's floating point changes them; defaults are written too."""
    return {
        **{name: plain(getattr(declared, name)) for name in AMOUNTS},
        **{name: day.isoformat() if (day := getattr(declared, name)) else None for name in _DATES},
        "public_grants": [
            {"source": grant.source, "amount": plain(grant.amount)} for grant in declared.public_grants
        ],
        "sources": dict(declared.sources),
    }


def from_json(body: Mapping[str, object]) -> Declared:
    """Read a declaration; raises NotReadable with every member that is missing, unknown or malformed."""
    known = (*AMOUNTS, *_SPECIAL)
    wrong = [Fault(name, "unknown") for name in body if name not in known]
    wrong += [Fault(name, "missing") for name in _REQUIRED if body.get(name) in (None, "")]
    read: dict[str, object] = {}
    for name in known:
        if body.get(name) in (None, ""):
            continue
        try:
            read[name] = _read(name, body[name])
        except (InvalidOperation, ValueError, TypeError, KeyError):
            wrong.append(
                Fault(name, "not_a_date" if name in _DATES else "not_a_number", actual=str(body[name]))
            )
    if wrong:
        raise NotReadable(*wrong)
    return Declared(**read)  # type: ignore[arg-type]


def _read(name: str, value: object) -> object:
    if name in _DATES:
        return date.fromisoformat(str(value))
    if name == "public_grants":
        return tuple(PublicGrant(str(row["source"]), _number(row["amount"])) for row in value)  # type: ignore[attr-defined]
    if name == "sources":
        return {str(kind): str(text) for kind, text in value.items()}  # type: ignore[attr-defined]
    return _number(value)


def _number(value: object) -> Decimal:
    """A float is refused: 0.145 would arrive as 0.14499999999999999."""
    if isinstance(value, bool | float):
        raise TypeError(value)
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError(value)
    return number


def plain(number: Decimal) -> str:
    """A decimal without exponent and without trailing zeros: one number, one spelling."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("", "-0") else text
