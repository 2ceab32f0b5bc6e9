"""What a reader may ask of the price table. A value that means nothing is said and left aside."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext, gettext_lazy as _

from common import formats
from pricing.selectors.prices import SORTS, PriceFilter, PricesPage


class PriceFilterForm(forms.Form):
    device = forms.CharField(required=False, label=_("Device"), widget=forms.Select)
    country = forms.CharField(required=False, label=_("Place"), widget=forms.Select)
    max_price = forms.CharField(
        required=False,
        label=_("Most I can pay, EUR/h"),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    owner = forms.ChoiceField(
        required=False,
        label=_("Owner"),
        choices=[
            ("", _("Public and private")),
            ("public", _("Public bodies")),
            ("private", _("Private owners")),
        ],
    )
    free_today = forms.BooleanField(required=False, label=_("Free today"))
    sort = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data, auto_id="filter_%s")

    def clean_max_price(self) -> Decimal | None:
        """Written with a point or a comma."""
        text: str = self.cleaned_data["max_price"]
        if not text:
            return None
        try:
            price = Decimal(text.replace(",", "."))
        except InvalidOperation:
            price = Decimal("NaN")
        if not price.is_finite() or price < 0:
            raise forms.ValidationError(gettext("Write a price such as 1.50."))
        return price

    def clean_sort(self) -> str:
        """An unknown column sorts by price: an old link still opens."""
        sort: str = self.cleaned_data["sort"]
        return sort if sort.removeprefix("-") in SORTS else "price"

    def wanted(self) -> PriceFilter:
        """What was asked, without the fields that could not be read."""
        self.is_valid()
        given = {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}
        return PriceFilter(is_free_today=given.pop("free_today", False), **given)

    def offer(self, page: PricesPage) -> None:
        """Fill the lists with what there is."""
        device, country = self.fields["device"].widget, self.fields["country"].widget
        assert isinstance(device, forms.Select)
        assert isinstance(country, forms.Select)
        device.choices = [("", gettext("Any device"))] + [(item.value, item.label) for item in page.devices]
        country.choices = [("", gettext("Any country"))] + [
            (code, formats.country(code)) for code in page.countries
        ]
