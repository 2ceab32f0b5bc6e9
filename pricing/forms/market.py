"""What a steward says of a file of list prices, shop prices or rates, and a rate that is typed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext, gettext_lazy as _

from common import formats
from common.evidence.kinds import LARGEST
from common.lines import require_one_line
from pricing.domain.market.values import CURRENCIES


def _source(help_text: Any) -> forms.CharField:
    return forms.CharField(
        label=_("Source"), max_length=200, validators=[require_one_line], help_text=help_text
    )


def _address() -> forms.CharField:
    return forms.CharField(
        label=_("Address of the source"),
        max_length=500,
        required=False,
        validators=[require_one_line],
        help_text=_("Where it is published, with https://."),
    )


class MarketImportForm(forms.Form):
    """The file stands last: the fields before one that is too large are read all the same."""

    source = _source(_("Who published the prices or rates. Everybody can read it."))
    address = _address()
    licence = forms.CharField(
        label=_("Licence"),
        max_length=200,
        required=False,
        validators=[require_one_line],
        help_text=_("Such as CC BY 4.0. Rows without a licence that allows it are not in the open data."),
    )
    provider = forms.CharField(
        label=_("Provider"),
        max_length=40,
        required=False,
        help_text=_("Only of a file that does not say it, such as nebius."),
    )
    observed_on = forms.DateField(
        label=_("Seen on"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Only of a file that does not say its day."),
    )
    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV in one of the formats that are read; plain, .gz or .zip; 10 MiB at most."),
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
        words = ("source", "address", "licence", "provider", "observed_on")
        return {
            **{name: self.cleaned_data[name] for name in words},
            "file": file.file,
            "name": file.name or "",
        }


class RateForm(forms.Form):
    """What one euro was worth on a day, as a named source has it."""

    currency = forms.ChoiceField(
        label=_("Currency"), choices=[(code, code) for code in CURRENCIES if code != "EUR"], initial="USD"
    )
    per_eur = forms.CharField(
        label=_("One euro was worth"),
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text=_("In that currency, such as 1.1172."),
    )
    on = forms.DateField(label=_("On"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    source = _source(_("Such as ECB euro reference rates. Everybody can read it."))
    address = _address()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "rate_%s")
        super().__init__(*args, **kwargs)

    def clean_per_eur(self) -> Decimal:
        """Written with a point or a comma."""
        text: str = self.cleaned_data["per_eur"].strip().replace(",", ".")
        whole, _point, places = text.partition(".")
        if not (whole + places).isascii() or not whole.isdigit() or (places and not places.isdigit()):
            raise forms.ValidationError(gettext("Write a rate such as 1.1172."))
        if len(whole) > 9 or len(places) > 10:
            raise forms.ValidationError(gettext("Write a rate with ten decimals at most."))
        return Decimal(text)

    @property
    def said(self) -> dict[str, Any]:
        return dict(self.cleaned_data)
