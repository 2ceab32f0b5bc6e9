"""What the site itself costs and charges, as everybody reads it: in words, as JSON and as rows for CSV."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from common import formats
from common.api.shapes import moment
from pricing import files, wording
from pricing.domain.exact import plain
from pricing.domain.site_costs import Costs, Item, faults
from pricing.models import SiteCosts, SiteFee
from pricing.selectors.cap_pages import IN_FORCE, OVER, TO_COME
from pricing.selectors.open_data import text

ZERO = Decimal(0)


@dataclass(frozen=True)
class Figure:
    """A number in large."""

    name: str
    value: str
    unit: str
    note: str = ""


@dataclass(frozen=True)
class ItemRow:
    """One component, as a line of the table."""

    name: str
    amount_year: Decimal
    share: Decimal
    per_hour: Decimal
    sentence: str
    source: str

    @property
    def is_address(self) -> bool:
        """Where the source can be opened."""
        return self.source.startswith("https://")


@dataclass(frozen=True)
class Working:
    """A line of how the fee follows."""

    label: str
    amount: str
    why: str = ""
    is_sum: bool = False


@dataclass(frozen=True)
class FeeRow:
    fee: SiteFee
    state: str

    @property
    def entry(self) -> int | None:
        index: int | None = self.fee.entry.index
        return index

    @property
    def statement(self) -> int | None:
        """The number of the statement that it follows from."""
        return self.fee.statement.number if self.fee.statement else None


@dataclass(frozen=True)
class StatementRow:
    """One statement with the fees that followed from it, newest first."""

    statement: SiteCosts
    state: str
    fees: tuple[FeeRow, ...]

    @property
    def entry(self) -> int | None:
        index: int | None = self.statement.entry.index
        return index

    @property
    def label(self) -> str:
        """The state, where it is worth a word."""
        return {IN_FORCE: _("in force"), TO_COME: _("announced"), OVER: ""}[self.state]

    @property
    def tone(self) -> str:
        return {IN_FORCE: "good", TO_COME: "info", OVER: ""}[self.state]


@dataclass(frozen=True)
class SiteCostsPage:
    at: datetime
    statements: tuple[StatementRow, ...]  # newest first
    fees: tuple[FeeRow, ...]  # newest first

    @cached_property
    def current(self) -> StatementRow | None:
        return next((row for row in self.statements if row.state == IN_FORCE), None)

    @cached_property
    def fee(self) -> SiteFee | None:
        """The one in force."""
        return next((row.fee for row in self.fees if row.state == IN_FORCE), None)

    @cached_property
    def costs(self) -> Costs | None:
        return self.current.statement.declared if self.current else None

    @property
    def older_fees(self) -> tuple[FeeRow, ...]:
        """From before the site said what it costs, or of nothing."""
        return tuple(row for row in self.fees if row.statement is None)

    @property
    def announced(self) -> tuple[StatementRow, ...]:
        return tuple(row for row in self.statements if row.state == TO_COME)

    @property
    def rows(self) -> tuple[ItemRow, ...]:
        costs = self.costs
        return tuple(_item_row(item, costs) for item in costs.items) if costs else ()

    @property
    def figures(self) -> tuple[Figure, ...]:
        costs = self.costs
        if costs is None:
            return ()
        hours = _("Over %(hours)s device-hours a year") % {"hours": formats.number(plain(costs.device_hours))}
        subsidy = _("No subsidy")
        if costs.subsidy_year:
            paid = formats.number(plain(costs.subsidy_year))
            subsidy = _("%(amount)s EUR of it are paid by others") % {"amount": paid}
        fee = self.fee.amount if self.fee else ZERO
        limit = _("At most %(limit)s follows") % {"limit": formats.number(costs.highest_fee, 4)}
        each, year = formats.number(costs.full_per_hour, 4), _of(costs.total_year)
        return (
            Figure(_("What this site costs"), year, _("EUR a year"), subsidy),
            Figure(_("Cost of arranging a device-hour"), each, "EUR/h", hours),
            Figure(_("The fee"), formats.number(fee, 4), "EUR/h", limit),
        )

    @property
    def working(self) -> tuple[Working, ...]:
        costs = self.costs
        return tuple(_working(costs, self.fee.amount if self.fee else None)) if costs else ()


def site_costs_page(*, at: datetime) -> SiteCostsPage:
    """Two queries."""
    fees = tuple(fee_row(fee, at) for fee in every_fee().order_by("-effective", "-pk"))
    statements = tuple(
        StatementRow(row, _state(row, at), tuple(one for one in fees if one.fee.statement_id == row.pk))
        for row in every_statement()
    )
    return SiteCostsPage(at, statements, fees)


def every_statement() -> QuerySet[SiteCosts]:
    return SiteCosts.objects.select_related("entry", "corrects")


def every_fee() -> QuerySet[SiteFee]:
    return SiteFee.objects.select_related("entry", "statement")


def statement_row(statement: SiteCosts, at: datetime) -> StatementRow:
    """Without its fees."""
    return StatementRow(statement, _state(statement, at), ())


def fee_row(fee: SiteFee, at: datetime) -> FeeRow:
    return FeeRow(fee, _state(fee, at))


def shown(costs: Costs | None) -> tuple[Working, ...]:
    """What follows from costs that somebody types; nothing where they cannot be published."""
    return () if costs is None or faults(costs) else tuple(_working(costs, None))


def _state(row: SiteCosts | SiteFee, at: datetime) -> str:
    until = row.effective_until
    if until is not None and until <= at:
        return OVER
    return TO_COME if at < row.effective_from else IN_FORCE


def _item_row(item: Item, costs: Costs) -> ItemRow:
    return ItemRow(
        name=str(wording.SITE_COST_NAMES[item.kind]),
        amount_year=item.amount_year,
        share=costs.share(item),
        per_hour=costs.per_hour(item),
        sentence=item.sentence,
        source=item.source,
    )


def _working(costs: Costs, fee: Decimal | None) -> Iterator[Working]:
    """From the year's costs to the fee, every number of it."""
    year = _("EUR a year")
    yield Working(_("All costs"), _of(costs.total_year), year)
    if costs.subsidy_year:
        yield Working(_("Subsidy"), _of(-costs.subsidy_year), f"{year}, {costs.subsidy_source}")
        yield Working(_("Left for fees to cover"), _of(costs.to_cover), year, is_sum=True)
    yield Working(
        _("Divided by the device-hours expected to be delivered"), _of(costs.device_hours), _("hours a year")
    )
    yield Working(
        _("Highest fee"), formats.number(costs.highest_fee, 6),
        _("EUR per device-hour, rounded down: fees bring in no more than the site costs"), is_sum=True,
    )  # fmt: skip
    if fee is None:
        return
    yield Working(_("The fee in force"), formats.number(fee, 6), _("EUR per device-hour"), is_sum=True)
    brought, left = costs.brought_in(fee), costs.uncovered(fee)
    expected = _("EUR a year, if the hours are delivered that are expected")
    yield Working(_("It brings in"), _of(brought), expected)
    carried = _("EUR a year, carried by whoever runs the site; no user is charged for it")
    yield Working(_("Not covered"), _of(left), carried)


def _of(amount: Decimal) -> str:
    return formats.number(plain(amount))


# --- data --------------------------------------------------------------------------------------------
def statement_json(row: StatementRow) -> dict[str, Any]:
    """The published members, and what is known of it since."""
    statement = row.statement
    return {
        **files.site_costs_body(statement),
        "effective_until": moment(statement.effective_until),
        "state": row.state,
        "sha256": statement.digest,
        "ledger_entry": row.entry,
    }


def fee_json(row: FeeRow) -> dict[str, Any]:
    fee = row.fee
    return {
        "amount": plain(fee.amount),
        "statement": row.statement,
        "effective_from": moment(fee.effective_from),
        "effective_until": moment(fee.effective_until),
        "state": row.state,
        "reason": fee.reason,
        "published_at": moment(fee.published_at),
        "ledger_entry": row.entry,
    }


def page_json(page: SiteCostsPage) -> dict[str, Any]:
    """Money in EUR, before VAT; fees per device-hour."""
    return {
        "at": moment(page.at),
        "currency": "EUR",
        "in_force": page.current.statement.number if page.current else None,
        "fee": plain(page.fee.amount) if page.fee else "0",
        "statements": [statement_json(row) for row in page.statements],
        "fees": [fee_json(row) for row in page.fees],
    }


_COLUMNS = [
    "record", "number", "effective_from", "effective_until", "figure", "value", "unit", "sentence", "source",
    "sha256",
]  # fmt: skip


def page_csv(page: SiteCostsPage) -> list[list[str]]:
    """One published figure a row."""
    lines = [line for row in page.statements for line in _statement_lines(row.statement)]
    return [_COLUMNS, *lines, *(_fee_line(row) for row in page.fees)]


def _statement_lines(statement: SiteCosts) -> Iterator[list[str]]:
    costs = statement.declared
    key = ["site_costs", str(statement.number), *_period(statement)]
    year = "EUR a year"
    for item in costs.items:
        words = [text(item.sentence), text(item.source)]
        yield [*key, f"{item.kind}.amount_year", plain(item.amount_year), year, *words, statement.digest]
    source = text(costs.subsidy_source)
    for name, value, unit, where in (
        ("total_year", costs.total_year, year, ""),
        ("subsidy_year", costs.subsidy_year, year, source),
        ("device_hours", costs.device_hours, "device-hours a year", ""),
        ("highest_fee", statement.highest_fee, "EUR per device-hour", ""),
    ):
        yield [*key, name, plain(value), unit, "", where, statement.digest]


def _fee_line(row: FeeRow) -> list[str]:
    number = "" if row.statement is None else str(row.statement)
    return [
        "site_fee", number, *_period(row.fee), "amount", plain(row.fee.amount), "EUR per device-hour",
        text(row.fee.reason), "", "",
    ]  # fmt: skip


def _period(row: SiteCosts | SiteFee) -> list[str]:
    return [moment(row.effective_from) or "", moment(row.effective_until) or ""]
