"""What somebody says about a token that they make."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.domain import scopes
from accounts.domain.people import one_line
from accounts.models import Project
from accounts.wording.scopes import SENTENCES

LIFETIMES = {
    7: _("7 days"),
    30: _("30 days"),
    90: _("90 days"),
    365: _("A year"),
}


class TokenForm(forms.Form):
    name = forms.CharField(
        max_length=80,
        label=_("Name"),
        help_text=_("To tell it from your others: “laptop”, “nightly runs”."),
        error_messages={"required": _("Give it a name.")},
    )
    project = forms.ChoiceField(
        required=False,
        label=_("Project"),
        help_text=_("A token for one project sees and does nothing outside it."),
    )
    scopes = forms.MultipleChoiceField(
        label=_("What the token may do"),
        widget=forms.CheckboxSelectMultiple,
        initial=[scopes.READ, scopes.BOOK, scopes.RUN],
        error_messages={"required": _("Choose what the token may do.")},
    )
    days = forms.TypedChoiceField(
        label=_("Expires after"),
        choices=list(LIFETIMES.items()),
        coerce=int,
        initial=90,
        error_messages={"required": _("Choose after what time it expires.")},
    )

    def __init__(
        self, data: Any, *, projects: Iterable[Project], for_steward: bool = False, **options: Any
    ) -> None:
        super().__init__(data, **options)
        offered = self.fields["scopes"]
        assert isinstance(offered, forms.ChoiceField)
        offered.choices = [
            (scope, SENTENCES[scope]) for scope in scopes.ALL if for_steward or scope != scopes.STEWARD
        ]
        self.projects = {project.slug: project for project in projects}
        choice = self.fields["project"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [("", _("All that is yours"))] + [
            (slug, project.name) for slug, project in self.projects.items()
        ]

    def clean_name(self) -> str:
        return one_line(self.cleaned_data["name"])

    def clean_project(self) -> Project | None:
        return self.projects.get(self.cleaned_data["project"])

    def expires_at(self, at: datetime) -> datetime:
        return at + timedelta(days=self.cleaned_data["days"])
