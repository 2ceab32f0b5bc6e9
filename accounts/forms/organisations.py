"""Registering an organisation, and a steward's answer."""

from __future__ import annotations

from typing import Any

from babel import Locale
from django import forms
from django.utils.translation import get_language, gettext, gettext_lazy as _

from accounts.models import Organisation
from common.lines import require_one_line


def countries() -> list[tuple[str, str]]:
    """ISO 3166-1 countries by name, in the reader's language."""
    names = Locale.parse((get_language() or "en").split("-")[0]).territories
    found = [(code, str(name)) for code, name in names.items() if len(code) == 2 and code.isalpha()]
    placeless = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}  # Unicode's regions that are no country
    named = sorted((one for one in found if one[0] not in placeless), key=lambda one: one[1])
    return [("", gettext("Choose")), *named]


class EvidenceForm(forms.Form):
    """How a steward can check who they are."""

    website = forms.URLField(
        label=_("Website"),
        max_length=200,
        assume_scheme="https",
        help_text=_("It should name the organisation."),
        error_messages={"required": _("Write the address of its website.")},
    )
    register = forms.CharField(
        label=_("Public register"), max_length=200, validators=[require_one_line],
        help_text=_("Where a steward finds it: companies, associations, research organisations (ROR)…"),
        error_messages={"required": _("Say in which register a steward finds it.")},
    )  # fmt: skip
    number = forms.CharField(
        label=_("Number in it"), max_length=100, validators=[require_one_line],
        error_messages={"required": _("Write its number in that register.")},
    )  # fmt: skip

    @property
    def evidence(self) -> str:
        return f"{self.cleaned_data['register']}, {self.cleaned_data['number']}"


class RegisterForm(EvidenceForm):
    name = forms.CharField(
        label=_("Name"), max_length=150, validators=[require_one_line],
        error_messages={"required": _("Write the name of the organisation.")},
    )  # fmt: skip
    kind = forms.ChoiceField(
        label=_("What it is"), choices=Organisation.Kind.choices,
        error_messages={"required": _("Choose what it is.")},
    )  # fmt: skip
    country = forms.ChoiceField(
        label=_("Country"), choices=countries, error_messages={"required": _("Choose its country.")}
    )
    is_public_body = forms.BooleanField(
        label=_("It is a public body"), required=False,
        help_text=_("A university, a ministry, an agency: what public money pays is shown as such."),
    )  # fmt: skip
    field_order = ("name", "kind", "country", "is_public_body", "website", "register", "number")


class DecisionForm(forms.Form):
    """A steward's answer. A reason is for its leads; who is declined needs one."""

    answer = forms.ChoiceField(
        choices=[("verify", "verify"), ("decline", "decline")],
        error_messages={"required": _("Press one of the two answers.")},
    )
    reason = forms.CharField(
        label=_("Reason"), required=False, max_length=500, validators=[require_one_line],
        help_text=_("Its leads read it. To decline, it is needed."),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        answered: dict[str, Any] = super().clean() or {}
        if answered.get("answer") == "decline" and not answered.get("reason"):
            self.add_error("reason", gettext("Say why: the organisation’s leads read it."))
        return answered
