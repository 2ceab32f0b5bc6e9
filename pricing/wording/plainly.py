"""What an hour costs, what is charged and why they differ, in one or two sentences."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from django.utils.translation import gettext as _, gettext_noop

from common import formats


class Step(Protocol):
    """A line of the waterfall."""

    @property
    def code(self) -> str: ...
    @property
    def amount(self) -> Decimal: ...


def plainly(steps: Sequence[Step]) -> list[str]:
    """Nothing where no statement is in force. The amounts are those of the steps, and add up as they do."""
    by_code = {step.code: step.amount for step in steps}
    if "full" not in by_code:
        return []
    costs = _("An hour on one device costs %(full)s in all.") % {"full": formats.money(by_code["full"], 4)}
    if "tariff" not in by_code:
        return [costs, _("No price is in force.")]
    reasons = [_reason(step) for step in steps if step.code in _REASONS and step.amount]
    values = {
        "price": formats.money(by_code["tariff"], 4),
        "fee": formats.number(by_code.get("fee"), 4),
        "paid": formats.money(by_code["to_pay"], 4),
        "reasons": listed(reasons),
    }
    if by_code.get("fee"):
        charged = (
            _("%(price)s is charged, because %(reasons)s; with the site’s fee of %(fee)s you pay %(paid)s.")
            if reasons
            else _("Just that is charged; with the site’s fee of %(fee)s you pay %(paid)s.")
        )
    elif reasons:
        charged = _("You pay %(price)s, because %(reasons)s.")
    else:
        charged = _("You pay just that.")
    return [costs, charged % values]


def listed(parts: Sequence[str]) -> str:
    """`a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return _("%(first)s and %(last)s") % {"first": ", ".join(parts[:-1]), "last": parts[-1]}


def _reason(step: Step) -> str:
    below, above = _REASONS[step.code]
    text = _(below) if step.amount < 0 else _(above)
    return text % {"amount": formats.number(abs(step.amount), 4)}


# By the step's code: where it takes off, where it adds.
_REASONS = {
    "granted": (
        gettext_noop("public money carries %(amount)s"),
        gettext_noop("public money adds %(amount)s"),
    ),
    "own_interest": (
        gettext_noop("the owner carries %(amount)s of interest"),
        gettext_noop("interest adds %(amount)s"),
    ),
    "restated": (
        gettext_noop("the price is from before the cost rose by %(amount)s"),
        gettext_noop("the price is from before the cost fell by %(amount)s"),
    ),
    "carried": (
        gettext_noop("%(amount)s that earlier users paid too much is given back"),
        gettext_noop("%(amount)s makes up for a deficit of earlier"),
    ),
    "owner_adjustment": (
        gettext_noop("the owner leaves off %(amount)s"),
        gettext_noop("the owner adds %(amount)s"),
    ),
}
