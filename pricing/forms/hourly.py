"""What may be asked of a zone's hours, and what a steward says of a file of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext, gettext_lazy as _

from common import formats
from common.evidence.kinds import LARGEST
from common.lines import require_one_line
from pricing.models import HourlyImport, HourlySeries
from pricing.selectors.hourly_page import ZonePage

MOST_DAYS_OF_PAGE = 92
MOST_DAYS_OF_FILE = 366


class PeriodForm(forms.Form):
    """Days of UTC, both included, and maybe the day as of whose end the figures are wanted."""

    first = forms.DateField(
        required=False, label=_("From"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    last = forms.DateField(
        required=False, label=_("Until"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    as_of = forms.DateField(
        required=False,
        label=_("As known on"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, data: Any, *, most_days: int, **options: Any) -> None:
        super().__init__(data, auto_id="period_%s", **options)
        self.most_days = most_days

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or {}
        first, last = asked.get("first"), asked.get("last")
        if first and last and last < first:
            self.add_error("last", gettext("The last day is before the first one."))
        elif first and last and (last - first).days >= self.most_days:
            self.add_error(
                "last",
                gettext("Ask for %(most)d days at most; these are %(asked)d.")
                % {"most": self.most_days, "asked": (last - first).days + 1},
            )
        return asked

    def _day(self, name: str) -> date | None:
        """None too for what could not be read, so that the page can be shown beside the fault."""
        day: date | None = None if self.errors else self.cleaned_data.get(name)
        return day if day and date(1990, 1, 1) <= day <= date(2100, 1, 1) else None

    def told(self, page: ZonePage) -> dict[str, str]:
        """The days that the page is about, as its address says them."""
        days = {"first": page.found.start.date(), "last": page.last_day, "as_of": self._day("as_of")}
        return {name: day.isoformat() for name, day in days.items() if day}

    def shown(self, page: ZonePage) -> PeriodForm:
        """Filled with the days of the page, or as it was sent with what is wrong in it."""
        return self if self.errors else PeriodForm(None, most_days=self.most_days, initial=self.told(page))

    @property
    def period(self) -> dict[str, Any]:
        as_of = self._day("as_of")
        end = datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC) + timedelta(days=1) if as_of else None
        return {
            "first": self._day("first"),
            "last": self._day("last"),
            "as_of": end - timedelta(microseconds=1) if end else None,
        }


class ImportForm(forms.Form):
    """The file stands last: the fields before one that is too large are read all the same."""

    content = forms.ChoiceField(label=_("What the file holds"), choices=HourlyImport.Content.choices)
    source = forms.CharField(
        label=_("Source"),
        max_length=200,
        validators=[require_one_line],
        help_text=_(
            "Who published the figures, such as ENTSO-E Transparency Platform. Everybody can read it."
        ),
    )
    licence = forms.CharField(
        label=_("Licence"), max_length=200, required=False, validators=[require_one_line]
    )
    zone = forms.CharField(
        label=_("Only this zone"),
        max_length=20,
        required=False,
        help_text=_("Such as FR: a file with another zone is then refused."),
    )
    kind = forms.ChoiceField(
        label=_("Kind of intensity"),
        required=False,
        choices=[("", _("As the file says")), *HourlySeries.Quantity.choices[1:]],
        help_text=_("Only for columns that do not say it, such as FR_g_kwh."),
    )
    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV, or the XML of ENTSO-E; plain, .gz or .zip; 10 MiB at most."),
        error_messages={"empty": _("This file is empty."), "required": _("Choose the file.")},
    )

    def __init__(self, *args: Any, refused: int = 0, **kwargs: Any) -> None:
        """`refused`: the size of an upload that was too large to be read."""
        super().__init__(*args, **kwargs)
        self.refused = refused

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if self.refused:
            self.errors.pop("file", None)
            self.add_error(
                "file",
                gettext("This file has %(size)s; %(most)s at most can be handed in here.")
                % {"size": formats.size(self.refused), "most": formats.size(LARGEST)},
            )
        return given

    @property
    def said(self) -> dict[str, Any]:
        """What the service is told, besides who and when."""
        file: UploadedFile[Any] = self.cleaned_data["file"]
        words = ("content", "source", "licence", "zone", "kind")
        return {
            **{name: self.cleaned_data[name] for name in words},
            "file": file.file,
            "name": file.name or "",
        }
