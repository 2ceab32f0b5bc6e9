"""The page of a node’s costs, as of now or of any moment. At most fourteen queries, four of them flags."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from common import formats
from pricing.domain.as_of import written
from pricing.models import CostStatement, StatementWithdrawal, Tariff
from pricing.selectors.behind import Behind, behind_the_costs
from pricing.selectors.costs.by_hour import ByHour, by_hour
from pricing.selectors.costs.changes import Change, changes_of
from pricing.selectors.costs.clock import ClockRow, clock_rows
from pricing.selectors.costs.figures import TableRow, Worked, free_this_year, table_of, worked_of
from pricing.selectors.costs.prices import Repricing, repricings_of
from pricing.selectors.costs.public_money import PublicMoney, public_money_of
from pricing.selectors.evidence import Reader
from pricing.selectors.flags import ShownFlag, flags_of
from pricing.selectors.node import NodePage, node_page


@dataclass(frozen=True)
class CostsPage:
    figures: NodePage  # as they stood at `at`
    now: datetime
    asked: datetime | None  # None: as of now
    behind: Behind
    hours: ByHour | None
    # Held against other nodes that are listed today: told as of now alone.
    flags: tuple[ShownFlag, ...]

    @property
    def at(self) -> datetime:
        return self.figures.at

    @cached_property
    def table(self) -> list[TableRow]:
        return table_of(self.figures, self.worked)

    @cached_property
    def worked(self) -> Worked | None:
        return worked_of(self.figures)

    @cached_property
    def free_this_year(self) -> list[str]:
        return free_this_year(self.figures)

    @cached_property
    def clock(self) -> list[ClockRow]:
        return clock_rows(self.hours) if self.hours and not self.hours.is_empty else []

    @property
    def cheapest(self) -> ClockRow | None:
        return min((row for row in self.clock if row.cost is not None), key=_cost, default=None)

    @property
    def dearest(self) -> ClockRow | None:
        return max((row for row in self.clock if row.cost is not None), key=_cost, default=None)

    @property
    def has_carbon(self) -> bool:
        return any(row.carbon is not None for row in self.clock)

    @cached_property
    def public_money(self) -> PublicMoney | None:
        return public_money_of(self.figures)

    @cached_property
    def changes(self) -> list[Change]:
        """Newest first, by the time they took effect."""
        held = [row for row in self.figures.statements if not row.is_called_off]
        in_order = sorted(held, key=lambda row: row.effective_from, reverse=True)
        return changes_of(in_order, self.figures.components)

    @cached_property
    def repricings(self) -> list[Repricing]:
        return repricings_of(self.figures.tariffs)

    @property
    def withdrawals(self) -> list[StatementWithdrawal]:
        """Of what was in force; what was called off before is told where it stands in the history."""
        found = [one for one in self.figures.withdrawals.values() if not one.statement.is_called_off]
        return sorted(found, key=lambda one: one.withdrawn_at, reverse=True)

    @cached_property
    def announced(self) -> list[CostStatement | Tariff]:
        """Published and not in force yet."""
        rows: list[CostStatement | Tariff] = [*self.figures.statements, *self.figures.tariffs]
        return [row for row in rows if row.effective_from > self.at and not row.is_called_off]

    @property
    def is_empty(self) -> bool:
        """Nothing had been published yet."""
        return not self.figures.statements

    # --- to be cited ----------------------------------------------------------------------------------
    @cached_property
    def moment(self) -> str:
        """As an address says it."""
        return written(self.at, _moments(self.figures))

    @property
    def path(self) -> str:
        return reverse("node_costs", args=[self.figures.node.slug])

    @property
    def address(self) -> str:
        """For good: asked there, the figures are these."""
        return f"{settings.SITE_ORIGIN}{self.path}?as_of={self.moment}"

    @property
    def query(self) -> str:
        """What the twins are asked with, so that they tell what the page does."""
        return f"?as_of={self.moment}" if self.asked else ""

    @cached_property
    def citation(self) -> str:
        """One paragraph of plain text. Figures in EUR per delivered device-hour, before VAT."""
        rate, statement, tariff = self.figures.rate, self.figures.statement, self.figures.tariff
        if rate is None or statement is None or tariff is None:
            return ""
        values = {
            "owner": self.figures.node.owner.name,
            "node": self.figures.node.name,
            "full": formats.number(rate.full_delivered, 6),
            "chargeable": formats.number(rate.chargeable_delivered, 6),
            "price": formats.number(rate.price, 6),
            "paid": formats.number(rate.to_pay, 6),
            "moment": self.moment,
            "statement": statement.number,
            "tariff": tariff.number,
            "statement_entry": _entry(statement),
            "tariff_entry": _entry(tariff),
            "address": self.address,
        }
        return (
            _(
                "%(owner)s, %(node)s: what a device-hour costs. Full cost %(full)s EUR, chargeable cost"
                " %(chargeable)s EUR, price %(price)s EUR, to pay %(paid)s EUR, before VAT, as of %(moment)s."
                " Equinode, cost statement %(statement)d (%(statement_entry)s), tariff %(tariff)d"
                " (%(tariff_entry)s). %(address)s"
            )
            % values
        )


def _cost(row: ClockRow) -> Decimal:
    return row.cost or Decimal(0)


def _entry(row: CostStatement | Tariff) -> str:
    """Where the ledger has it, and the digest that it has there."""
    if row.entry.index is None:
        return f"SHA-256 {row.digest}"
    return _("ledger entry %(index)d, SHA-256 %(digest)s") % {"index": row.entry.index, "digest": row.digest}


def _moments(figures: NodePage) -> list[datetime]:
    """When something came to be known, began or ended."""
    rows: list[CostStatement | Tariff] = [*figures.statements, *figures.tariffs]
    ends = [row.effective_until for row in rows if row.effective_until is not None]
    begins = [moment for row in rows for moment in (row.published_at, row.effective_from)]
    return [*begins, *ends, *figures.fee_moments, *(one.withdrawn_at for one in figures.withdrawals.values())]


def costs_page(*, slug: str, now: datetime, asked: datetime | None, reader: Reader) -> CostsPage | None:
    """None for a node that was never listed."""
    figures = node_page(slug=slug, at=asked or now)
    if figures is None:
        return None
    statement, declared = figures.statement, figures.declared
    behind = behind_the_costs(figures.node, statement, figures.at, reader)
    hours = None
    if statement is not None and declared is not None:
        hours = by_hour(
            figures.node, declared, device_count=statement.device_count, at=figures.at, as_of=asked
        )
    return CostsPage(
        figures=figures,
        now=now,
        asked=asked,
        behind=behind,
        hours=hours,
        flags=flags_of(statement, at=now) if statement is not None and asked is None else (),
    )
