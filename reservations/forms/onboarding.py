"""What somebody says before they begin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _, gettext_lazy

from reservations.selectors.onboarding import WelcomePage


class WelcomeForm(forms.Form):
    """A name, the project's name where it is made now, and the house rules where they are not accepted."""

    name = forms.CharField(
        label=gettext_lazy("Your name"),
        max_length=150,
        help_text=gettext_lazy("Members of your projects and stewards see it, nobody else."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": gettext_lazy("Write your name.")},
    )
    project_name = forms.CharField(
        label=gettext_lazy("Name of your personal project"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Say what your project is called.")},
    )
    rules_version = forms.IntegerField(widget=forms.HiddenInput)
    accept = forms.BooleanField(
        error_messages={"required": gettext_lazy("Without the house rules nothing can be booked.")}
    )

    def __init__(self, *args: Any, page: WelcomePage, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["project_name"].help_text = _(
            "Public: whatever you book stands in the timetable under this name, because public money pays."
            " Leave your own name out if nobody should know that it is you."
        )
        accept = self.fields["accept"]
        accept.label = _("I accept version %(version)s of the house rules.") % {"version": page.rules.version}
        if page.project is not None:
            del self.fields["project_name"]
        if page.accepted == page.rules.version:
            del self.fields["accept"]
