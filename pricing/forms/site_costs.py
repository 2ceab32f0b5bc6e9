"""What stewards write to publish what the site costs, and to set its fee."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext_lazy as _

from common.formats import number
from common.forms import NumberField
from common.lines import require_one_line
from pricing import wording
from pricing.domain.exact import plain
from pricing.domain.site_costs import LONGEST_SENTENCE, LONGEST_SOURCE, Costs, Item, Kind
from pricing.forms.caps import FromDay, day_field, reason_field
from pricing.models import SiteCosts

_PARTS = ("amount_year", "sentence", "source")


@dataclass(frozen=True)
class Group:
    """The fields of one component."""

    kind: str
    name: str
    fields: tuple[BoundField, ...]


class SiteCostsForm(FromDay):
    """Three fields for each component; those left empty are none."""

    device_hours = NumberField(
        label=_("Device-hours a year"), example="1000000",
        help_text=_("What you expect to be delivered through this site: the costs are spread over them."),
    )  # fmt: skip
    subsidy_year = NumberField(
        label=_("Subsidy, EUR a year"), required=False, example="8000",
        help_text=_("What somebody else pays of it: fees may cover the rest only."),
    )  # fmt: skip
    subsidy_source = forms.CharField(
        label=_("Who pays the subsidy"), required=False, max_length=LONGEST_SOURCE,
        validators=[require_one_line],
    )  # fmt: skip
    fee = NumberField(
        label=_("Fee from then on, EUR per device-hour"), required=False, example="0.02",
        help_text=_("At most what follows. Empty: what it is now."),
    )  # fmt: skip
    effective_from = day_field(
        label=_("Takes effect on"), required=False, help_text=_("Today and empty: at once. Else 00:00 UTC.")
    )
    is_correction = forms.BooleanField(
        label=_("It corrects the statement before: that one was wrong"), required=False
    )
    reason = reason_field()

    def __init__(self, *args: Any, before: SiteCosts | None, **options: Any) -> None:
        super().__init__(*args, **options)
        if before is None:
            del self.fields["is_correction"]
        for kind in Kind:
            self.fields |= {
                f"{kind}_amount_year": NumberField(label=_("EUR a year"), required=False, example="4200"),
                f"{kind}_sentence": forms.CharField(
                    label=_("What it is, in a sentence"), required=False, max_length=LONGEST_SENTENCE,
                    validators=[require_one_line],
                ),
                f"{kind}_source": forms.CharField(
                    label=_("Where the amount comes from"), required=False, max_length=LONGEST_SOURCE,
                    validators=[require_one_line],
                ),
            }  # fmt: skip

    @property
    def groups(self) -> Iterator[Group]:
        for kind in Kind:
            fields = tuple(self[f"{kind}_{part}"] for part in _PARTS)
            yield Group(kind, str(wording.SITE_COST_NAMES[kind]), fields)

    @property
    def hours_fields(self) -> tuple[BoundField, ...]:
        return tuple(self[name] for name in ("device_hours", "subsidy_year", "subsidy_source"))

    @property
    def last_fields(self) -> tuple[BoundField, ...]:
        names = ("fee", "effective_from", "is_correction", "reason")
        return tuple(self[name] for name in names if name in self.fields)

    @property
    def costs(self) -> Costs | None:
        """As typed, faults and all; None where a number cannot be read."""
        said = self.cleaned_data
        if said.get("device_hours") is None or any(name in self.errors for name in self._amounts):
            return None
        return Costs(
            items=tuple(
                Item(kind, said[f"{kind}_amount_year"] or Decimal(0), *self._words(kind))
                for kind in Kind
                if any(said.get(f"{kind}_{part}") not in (None, "") for part in _PARTS)
            ),
            device_hours=said["device_hours"],
            subsidy_year=said.get("subsidy_year") or Decimal(0),
            subsidy_source=said.get("subsidy_source", "").strip(),
        )

    def _words(self, kind: Kind) -> tuple[str, str]:
        said = self.cleaned_data
        return said.get(f"{kind}_sentence", "").strip(), said.get(f"{kind}_source", "").strip()

    @property
    def _amounts(self) -> list[str]:
        return [*(f"{kind}_amount_year" for kind in Kind), "subsidy_year"]

    def refuse(self, field: str, message: str, faults: Any = None) -> None:
        """A service's no, at the fields of the components too."""
        named = {_field_of(path): sentence for path, sentence in (faults or {field: message}).items()}
        super().refuse(_field_of(field), message, named)

    @staticmethod
    def of(statement: SiteCosts | None, fee: Decimal | None) -> dict[str, Any]:
        """What the form begins with: the statement before."""
        if statement is None:
            return {}
        costs = statement.declared
        began: dict[str, Any] = {
            "device_hours": _typed(costs.device_hours),
            "subsidy_year": _typed(costs.subsidy_year) if costs.subsidy_year else "",
            "subsidy_source": costs.subsidy_source,
            "fee": "" if fee is None else _typed(fee),
        }
        for item in costs.items:
            began[f"{item.kind}_amount_year"] = _typed(item.amount_year)
            began[f"{item.kind}_sentence"] = item.sentence
            began[f"{item.kind}_source"] = item.source
        return began


class SiteFeeForm(FromDay):
    amount = NumberField(
        label=_("Fee, EUR per device-hour"), example="0.02",
        help_text=_("A line of its own in every price, before VAT."),
    )  # fmt: skip
    effective_from = day_field(
        label=_("Takes effect on"), required=False, help_text=_("Today and empty: at once. Else 00:00 UTC.")
    )
    reason = reason_field()


def _field_of(path: str) -> str:
    """`items.hosting.amount_year` is the field `hosting_amount_year`."""
    return path.removeprefix("items.").replace(".", "_") if path.startswith("items.") else path


def _typed(amount: Decimal) -> str:
    """As somebody would type it; the field reads groups of digits too."""
    return number(plain(amount))
