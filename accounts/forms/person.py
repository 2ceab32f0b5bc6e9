"""How a person is called, and in what they read the site."""

from __future__ import annotations

from typing import Any, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.domain.people import one_line
from accounts.models import User


def zones() -> list[tuple[str, str]]:
    """The time zones of places, by name; an unknown one would break every page of who has it."""
    places = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
    return [(zone, zone.replace("_", " ")) for zone in ["UTC", *places]]


class ReadingForm(forms.ModelForm):  # type: ignore[type-arg]
    """In what a person reads the site: choices, in the admin too."""

    language = forms.ChoiceField(label=_("Language"), choices=[("en", "English"), ("fr", "Français")])
    time_zone = forms.ChoiceField(
        label=_("Time zone"), choices=zones, help_text=_("All times on this site are shown in it.")
    )

    def clean_name(self) -> str:
        """On one line: a name stands in pages, mails and their headers."""
        return one_line(self.cleaned_data["name"])


class PersonForm(ReadingForm):
    """Name, language and time zone. The e-mail address is changed through allauth, with a proof."""

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["name", "language", "time_zone"]
        labels: ClassVar[dict[str, Any]] = {"name": _("Name")}
        help_texts: ClassVar[dict[str, Any]] = {
            "name": _("Shown to members of your projects only, never to others.")
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["autocomplete"] = "name"


def languages() -> set[str]:
    """The languages this site speaks."""
    return {code for code, _name in settings.LANGUAGES}
