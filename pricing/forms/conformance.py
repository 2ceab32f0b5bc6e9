"""Settling what differs between a node as it is listed and as its agent found it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.lines import require_one_line
from nodes.models import NodeInventory
from nodes.services.comparing import LONGEST_REASON


class SettleForm(forms.Form):
    """Which inventory is settled goes with it: another one may come while somebody reads this one."""

    inventory = forms.UUIDField(widget=forms.HiddenInput)
    settlement = forms.ChoiceField(
        label=_("How"),
        widget=forms.RadioSelect,
        choices=[
            (NodeInventory.Settlement.ADOPTED, _("List what was found: processor, cores and memory")),
            (
                NodeInventory.Settlement.ACCEPTED,
                _("Accept that it differs, as long as it is told just so (stewards only)"),
            ),
        ],
    )
    reason = forms.CharField(
        label=_("Reason"), max_length=LONGEST_REASON, validators=[require_one_line],
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Public for good, in the ledger too. Name no person."),
    )  # fmt: skip

    def refuse(self, field: str, message: str) -> None:
        self.add_error(field if field in self.fields else None, message)

    @property
    def told(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("settlement", "reason")}
