"""`?as_of=`: the day or the moment as of which figures are asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from pricing.domain import as_of
from pricing.wording.as_of import unreadable


class AsOfForm(forms.Form):
    """A day or a moment of the past. What cannot be read is said beside the figures of now."""

    as_of = forms.CharField(
        required=False,
        label=_("As it stood on"),
        max_length=40,
        help_text=_("A day (its end, UTC), or a moment with its zone."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "2026-11-23"}),
    )

    def __init__(self, data: QueryDict | dict[str, Any], *, now: datetime) -> None:
        super().__init__(data, auto_id="asked_%s")
        self.now = now

    def clean_as_of(self) -> datetime | None:
        text: str = self.cleaned_data["as_of"]
        if not text:
            return None
        try:
            return as_of.moment(text, now=self.now)
        except as_of.AsOfUnreadable as refused:
            raise forms.ValidationError(unreadable(refused.why, now=self.now)) from refused

    @property
    def asked(self) -> datetime | None:
        """None: nothing was asked for, or nothing that can be answered."""
        at: datetime | None = self.cleaned_data.get("as_of") if self.is_valid() else None
        return at

    @property
    def at(self) -> datetime:
        """The moment to answer for: the one that was asked for, else now."""
        return self.asked or self.now
