"""What running the site costs in a year, and the fee per device-hour that follows from it. Pure.

`highest fee = (costs - subsidy) / device-hours`, rounded down to a millionth of a EUR: whoever charges it in
every hour that is expected takes in no more than the site costs. Charging less is always allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal, localcontext
from enum import StrEnum
from typing import Any

from ledger.domain.kinds import has_e_mail
from pricing.domain.exact import EXACT, MICRO, ONE, ZERO, less, plain, total

LARGEST = Decimal(10) ** 9  # EUR a year, and device-hours
FEWEST_HOURS = ONE
MOST_DECIMALS = 6  # of EUR; of hours four
LONGEST_SENTENCE = 300
LONGEST_SOURCE = 300


class Kind(StrEnum):
    """What a site spends money on, in the order in which it is told."""

    HOSTING = "hosting"
    PEOPLE = "people"
    SOFTWARE = "software"
    PAYMENTS = "payments"
    AUDIT = "audit"
    INSURANCE = "insurance"
    OTHER = "other"


@dataclass(frozen=True)
class Item:
    """One cost of the site: EUR a year, what it is in a sentence, and where the amount comes from."""

    kind: Kind
    amount_year: Decimal
    sentence: str
    source: str


@dataclass(frozen=True)
class Costs:
    """What a site declares of itself for a year."""

    items: tuple[Item, ...]
    device_hours: Decimal  # expected to be delivered through the site in a year
    subsidy_year: Decimal = ZERO  # what somebody else pays of it
    subsidy_source: str = ""

    @property
    def total_year(self) -> Decimal:
        return total(item.amount_year for item in self.items)

    @property
    def to_cover(self) -> Decimal:
        """EUR a year that fees may bring in."""
        return less(self.total_year, self.subsidy_year)

    @property
    def full_per_hour(self) -> Decimal:
        """EUR per device-hour before subsidy, rounded down."""
        return _per(self.total_year, self.device_hours)

    @property
    def highest_fee(self) -> Decimal:
        return _per(self.to_cover, self.device_hours)

    def brought_in(self, fee: Decimal) -> Decimal:
        """EUR a year, if the hours are delivered that are expected."""
        with localcontext(EXACT):
            return fee * self.device_hours

    def uncovered(self, fee: Decimal) -> Decimal:
        """EUR a year that neither subsidy nor this fee pays: somebody else does, and no user."""
        return less(self.to_cover, self.brought_in(fee))

    def per_hour(self, item: Item) -> Decimal:
        """EUR per device-hour, to a millionth."""
        with localcontext(EXACT):
            return (item.amount_year / self.device_hours).quantize(MICRO)

    def share(self, item: Item) -> Decimal:
        """Of the whole, to a millionth."""
        with localcontext(EXACT):
            return (item.amount_year / self.total_year).quantize(MICRO)


@dataclass(frozen=True)
class Wrong:
    """Why costs cannot be published. `code` chooses the sentence in pricing.wording."""

    code: str
    field: str  # the path of a member: `items.hosting.amount_year`, `device_hours`
    limit: str = ""
    actual: str = ""


def faults(costs: Costs) -> list[Wrong]:
    """Everything at once, in the order of the fields."""
    return list(_faults(costs))


def _faults(costs: Costs) -> Iterator[Wrong]:
    seen: set[Kind] = set()
    for item in costs.items:
        path = f"items.{item.kind}"
        if item.kind in seen:
            yield Wrong("twice", f"{path}.amount_year", actual=item.kind)
        seen.add(item.kind)
        yield from _of_amount(f"{path}.amount_year", item.amount_year, above_zero=True)
        yield from _of_text(f"{path}.sentence", item.sentence, LONGEST_SENTENCE)
        yield from _of_text(f"{path}.source", item.source, LONGEST_SOURCE)
    if not costs.items:
        yield Wrong("nothing", f"items.{Kind.HOSTING}.amount_year")
    yield from _of_hours(costs.device_hours)
    amounts = [item.amount_year for item in costs.items]
    subsidy = costs.subsidy_year
    wrong = list(_of_amount("subsidy_year", subsidy))
    yield from wrong
    if not wrong and all(amount.is_finite() for amount in amounts) and subsidy > costs.total_year:
        yield Wrong("above_costs", "subsidy_year", plain(costs.total_year), plain(subsidy))
    if subsidy or costs.subsidy_source:
        yield from _of_text("subsidy_source", costs.subsidy_source, LONGEST_SOURCE)


def _of_amount(path: str, amount: Decimal, *, above_zero: bool = False) -> Iterator[Wrong]:
    if not amount.is_finite() or amount > LARGEST:
        yield Wrong("at_most", path, plain(LARGEST))
    elif amount < 0 or (above_zero and not amount):
        yield Wrong("above_zero" if above_zero else "not_negative", path, "0", plain(amount))
    elif _decimals(amount) > MOST_DECIMALS:
        yield Wrong("too_fine", path, str(MOST_DECIMALS), str(_decimals(amount)))


def _of_hours(hours: Decimal) -> Iterator[Wrong]:
    if not hours.is_finite() or hours > LARGEST:
        yield Wrong("at_most", "device_hours", plain(LARGEST))
    elif hours < FEWEST_HOURS:
        yield Wrong("too_few", "device_hours", plain(FEWEST_HOURS), plain(hours))
    elif _decimals(hours) > 4:
        yield Wrong("too_fine", "device_hours", "4", str(_decimals(hours)))


def _of_text(path: str, text: str, longest: int) -> Iterator[Wrong]:
    if not text.strip():
        yield Wrong("missing", path)
    elif len(text) > longest:
        yield Wrong("too_long", path, str(longest), str(len(text)))
    elif has_e_mail(text):
        yield Wrong("names_somebody", path)


def to_json(costs: Costs) -> dict[str, Any]:
    """Numbers as text; what is published, and what the digest is of."""
    return {
        "items": [
            {
                "kind": str(item.kind),
                "amount_year": plain(item.amount_year),
                "sentence": item.sentence,
                "source": item.source,
            }
            for item in costs.items
        ],
        "device_hours": plain(costs.device_hours),
        "subsidy_year": plain(costs.subsidy_year),
        "subsidy_source": costs.subsidy_source,
    }


def from_json(body: Mapping[str, Any]) -> Costs:
    """What was published, read again."""
    return Costs(
        items=tuple(
            Item(Kind(item["kind"]), Decimal(item["amount_year"]), item["sentence"], item["source"])
            for item in body["items"]
        ),
        device_hours=Decimal(body["device_hours"]),
        subsidy_year=Decimal(body["subsidy_year"]),
        subsidy_source=body["subsidy_source"],
    )


def _per(amount: Decimal, hours: Decimal) -> Decimal:
    """Rounded down, so that it times the hours never comes to more than the amount."""
    with localcontext(EXACT):
        return (amount / hours).quantize(MICRO, rounding=ROUND_FLOOR)


def _decimals(amount: Decimal) -> int:
    exponent = amount.normalize(EXACT).as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0
