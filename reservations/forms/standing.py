"""A project's name, its suspension, end and class."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, gettext_lazy as _

from accounts.models import Project
from common import formats
from common.lines import require_one_line
from reservations.services.moving import LONGEST_REASON, MOST_SHARES

_YEARS = range(2000, 2200)
NO_SHARES = _("Write how many shares: a whole number, such as 1.")


class DayField(forms.DateField):
    """A day, as the moment at which it begins in UTC."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], **kwargs)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return value
        day = super().to_python(value)
        if day is None:
            return None
        if day.year not in _YEARS:
            raise ValidationError(gettext("Write a day such as 2026-11-24."))
        return datetime.combine(day, time(), tzinfo=UTC)

    def prepare_value(self, value: Any) -> Any:
        return value.astimezone(UTC).date() if isinstance(value, datetime) else value


class DescriptionForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=150,
        validators=[require_one_line],
        help_text=_("Members see it; others too where public money pays. The address of the page stays."),
        error_messages={"required": _("Say what the project is called.")},
    )
    summary = forms.CharField(
        label=_("In one sentence"), max_length=300, required=False, validators=[require_one_line]
    )


class OneOfManyForm(forms.Form):
    """On a page with other forms: its fields' ids begin with its name, for ids are unique on a page."""

    named: ClassVar[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["auto_id"] = f"{self.named}_%s"
        super().__init__(*args, **kwargs)


class SuspendForm(OneOfManyForm):
    named = "suspend"
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        validators=[require_one_line],
        help_text=_("The members read it."),
        error_messages={"required": _("Give the reason: the members read it.")},
    )
    stop_jobs = forms.BooleanField(
        label=_("Stop running jobs now"),
        required=False,
        help_text=_("Without it a running job goes on until its slot ends."),
    )


class EndForm(OneOfManyForm):
    named = "end"
    ends = DayField(
        label=_("Ends on"),
        required=False,
        help_text=_("At 00:00 UTC of that day. Empty: the project has no end."),
    )


class PlaceForm(OneOfManyForm):
    """Which account and how many shares: asked about first, then given with the reason."""

    named = "place"
    account = forms.TypedChoiceField(
        label=_("Account"),
        coerce=int,
        error_messages={"required": _("Choose the account that it stands below.")},
    )
    shares = forms.IntegerField(
        label=_("Shares"),
        min_value=0,
        max_value=MOST_SHARES,
        help_text=_("Among the others of the account: with 2 it has twice the part of one with 1."),
        error_messages={"required": NO_SHARES},
    )

    def __init__(self, *args: Any, accounts: Iterable[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        account = self.fields["account"]
        assert isinstance(account, forms.ChoiceField)
        self.names = dict(accounts)
        account.choices = list(self.names.items())
        said = gettext("Write shares from 0 to %s.") % formats.number(MOST_SHARES)
        self.fields["shares"].error_messages |= {"min_value": said, "max_value": said}

    @property
    def account_name(self) -> str:
        return self.names[self.cleaned_data["account"]]


class PlaceWhyForm(PlaceForm):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        validators=[require_one_line],
        help_text=_("Kept with what you do. The project’s leads read it."),
        error_messages={"required": _("Write why: it is kept, and the project’s leads read it.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("account", "shares"):
            self.fields[name].widget = forms.HiddenInput()


class ClassForm(OneOfManyForm):
    named = "class"
    project_class = forms.ChoiceField(
        label=_("Class"), choices=Project.Class.choices, error_messages={"required": _("Choose the class.")}
    )
    class_expires_at = DayField(
        label=_("Holds until"),
        required=False,
        help_text=_(
            "Three years at most. Then the project is independent again, unless somebody looks at it."
        ),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        validators=[require_one_line],
        help_text=_("What was seen: kept with the class."),
        error_messages={"required": _("Write what was seen: it is kept with the class.")},
    )
