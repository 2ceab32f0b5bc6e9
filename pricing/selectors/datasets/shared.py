"""Columns that several datasets have, and which nodes strangers know of."""

from __future__ import annotations

from django.db.models import BooleanField, DateTimeField, ExpressionWrapper, F, Func, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from common.open_data.columns import Column, digest, flag, integer, moment, text, words
from nodes.models import Node

EUR_PER_DEVICE_HOUR = "EUR per device-hour"
EUR_A_YEAR = "EUR a year"
_BEGINS = Func(F("effective"), function="lower", output_field=DateTimeField())
_ENDS = Func(F("effective"), function="upper", output_field=DateTimeField())


def public(node: str = "") -> Q:
    """Of nodes that are listed or were: one that never was is its owner's and the stewards' business."""
    return ~Q(**{f"{node}__state" if node else "state": Node.State.DRAFT})


def effective() -> tuple[Column, ...]:
    return (
        moment("effective_from", _("When it takes effect."), "effective__startswith"),
        moment(
            "effective_until",
            _("When it ceases to; empty: until further notice."),
            "effective__endswith",
            is_required=False,
        ),
    )


def announced() -> tuple[Column, ...]:
    """Of rows that may be called off before they begin: those keep when they were to, and hold at no time."""
    return (
        moment("effective_from", _("When it takes effect."), Coalesce("called_off_from", _BEGINS)),
        moment(
            "effective_until",
            _("When it ceases to; empty: until further notice."),
            Coalesce("called_off_from", _ENDS),
            is_required=False,
        ),
        flag(
            "is_called_off",
            _("Whether it was announced and called off before it began: it held at no time."),
            ExpressionWrapper(Q(called_off_from__isnull=False), output_field=BooleanField()),
        ),
    )


def correction() -> tuple[Column, ...]:
    return (
        text("corrects", _("The row of this table that it corrects."), "corrects__uid", is_required=False),
        words("reason", _("Why it was corrected."), is_required=False),
    )


def published(entry: str = "entry") -> tuple[Column, ...]:
    """With the digest that stands in the ledger, and where."""
    return (
        moment("published_at", _("When it was published.")),
        digest("sha256", _("Of its published form, as the ledger has it."), "digest"),
        ledger_index(entry),
    )


def ledger_index(entry: str = "entry", name: str = "ledger_index") -> Column:
    return integer(
        name,
        _("Its entry in the ledger; empty for the seconds until it is given one."),
        f"{entry}__index",
        is_required=False,
        least="0",
    )
