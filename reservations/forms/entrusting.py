"""What stewards type to give an organisation an account of the share tree, or to change or end that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.lines import require_one_line
from reservations.forms.standing import NO_SHARES, OneOfManyForm
from reservations.services.entrusting import LONGEST_NAME
from reservations.services.moving import LONGEST_REASON, MOST_SHARES


def _reason() -> forms.CharField:
    return forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        validators=[require_one_line],
        help_text=_("Kept with what you do. The organisation’s leads read it."),
        error_messages={"required": _("Write why: it is kept, and the organisation’s leads read it.")},
    )


class GiveForm(OneOfManyForm):
    """An account that there is, or the name of a new one and what it stands below."""

    named = "give"
    account = forms.TypedChoiceField(
        label=_("An account that there is"),
        coerce=int,
        required=False,
        empty_value=None,
        help_text=_("One that no organisation has. Projects below it stay."),
    )
    name = forms.CharField(
        label=_("Or the name of a new one"),
        max_length=LONGEST_NAME,
        required=False,
        validators=[require_one_line],
    )
    parent = forms.TypedChoiceField(
        label=_("The new one stands below"), coerce=int, required=False, empty_value=None
    )
    shares = forms.IntegerField(
        label=_("Shares"),
        min_value=0,
        max_value=MOST_SHARES,
        required=False,
        help_text=_(
            "Among its siblings: with 2 it has twice the part of one with 1. Empty: those that it has."
        ),
    )
    reason = _reason()

    def __init__(
        self,
        *args: Any,
        accounts: Iterable[tuple[int, str]],
        parents: Iterable[tuple[int, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        account, parent = self.fields["account"], self.fields["parent"]
        assert isinstance(account, forms.ChoiceField)
        assert isinstance(parent, forms.ChoiceField)
        account.choices = [("", "–"), *accounts]
        parent.choices = [("", "–"), *parents]


class ChangeForm(OneOfManyForm):
    named = "change"
    shares = forms.IntegerField(
        label=_("Shares"),
        min_value=0,
        max_value=MOST_SHARES,
        error_messages={"required": NO_SHARES},
    )
    reason = _reason()


class TakeBackForm(OneOfManyForm):
    named = "take"
    reason = _reason()
