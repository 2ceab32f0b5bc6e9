"""How the price changed from one tariff to the next, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from django.utils.translation import gettext as _

from common import formats
from common.ranges import bounds
from pricing.domain.exact import less
from pricing.models import PriceException, Tariff
from pricing.wording.reasons import full_stop, reason_told


@dataclass(frozen=True)
class Repricing:
    """A tariff and the one before it, EUR per device-hour before VAT and the site’s fee."""

    old: Tariff
    new: Tariff

    @property
    def difference(self) -> Decimal:
        return less(self.new.price, self.old.price)

    @property
    def reasons(self) -> list[str]:
        """What is published of why: the reason given, the exception, and what went into the price."""
        return list(_reasons(self.old, self.new)) or [_("No reason was given.")]


def repricings_of(tariffs: Sequence[Tariff]) -> list[Repricing]:
    """Newest first, by the time they took effect; what left the price as it was is not told."""
    held = [row for row in tariffs if not row.is_called_off]
    in_order = sorted(held, key=lambda row: row.effective_from, reverse=True)
    return [Repricing(old, new) for new, old in pairwise(in_order) if new.price != old.price]


def _reasons(old: Tariff, new: Tariff) -> Iterator[str]:
    if new.reason:
        yield full_stop(reason_told(new.reason))
    if new.exception is not None and new.exception_id != old.exception_id:
        yield _excepted(new.exception)
    if new.statement_id != old.statement_id:
        yield _("It follows from cost statement %(number)d.") % {"number": new.statement.number}
    if new.carried != old.carried:
        yield _carried(new.carried)
    if new.owner_adjustment != old.owner_adjustment:
        yield _adjusted(new.owner_adjustment)


def _excepted(exception: PriceException) -> str:
    return _("By a public exception it may cost up to %(highest)s until %(day)s: %(reason)s") % {
        "highest": formats.money(exception.highest_price, 4),
        "day": formats.long_day(bounds(exception.effective)[1]),
        "reason": full_stop(exception.reason),
    }


def _carried(amount: Decimal) -> str:
    if not amount:
        return _("Nothing of before is given back or made up any more.")
    said = {"amount": formats.money(abs(amount), 6)}
    if amount < 0:
        return _("%(amount)s that was recovered too much before is given back.") % said
    return _("%(amount)s of a deficit of before is made up.") % said


def _adjusted(amount: Decimal) -> str:
    if not amount:
        return _("The owner leaves nothing off and adds nothing.")
    said = {"amount": formats.money(abs(amount), 6)}
    if amount < 0:
        return _("The owner leaves off %(amount)s.") % said
    return _("The owner adds %(amount)s.") % said
