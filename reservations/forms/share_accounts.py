"""Which account of the share tree is put below which other, with how many shares, and why."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from common.lines import require_one_line
from reservations.forms.standing import PlaceForm
from reservations.services.moving import LONGEST_REASON


class AccountPlaceForm(PlaceForm):
    """Asked about first, then given with the reason."""

    named = "place"


class AccountPlaceWhyForm(AccountPlaceForm):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        validators=[require_one_line],
        help_text=_("Public for good, in the ledger too. Name no person."),
        error_messages={"required": _("Write why: it is public for good.")},
    )
    field_order = ("account", "shares", "reason")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for name in ("account", "shares"):
            self.fields[name].widget = forms.HiddenInput()
