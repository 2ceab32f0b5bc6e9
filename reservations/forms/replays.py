"""What stewards choose to hold the past against."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, gettext_lazy as _

from reservations.models import Policy, PolicyDraft
from reservations.selectors import replays


class ReplayForm(forms.Form):
    policy = forms.ChoiceField(
        label=_("Policy"),
        error_messages={
            "required": _("Choose a draft or a published version."),
            "invalid_choice": _("That draft is gone. Choose another."),
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["policy"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(choice.value, choice.name) for choice in replays.choices()]

    def clean_policy(self) -> Policy | PolicyDraft:
        found = replays.chosen(self.cleaned_data["policy"])
        if found is None:
            raise ValidationError(gettext("That draft is gone. Choose another."))
        return found
