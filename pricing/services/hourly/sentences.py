"""What is wrong with a line, in a sentence: what is wanted and what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.utils.translation import gettext as _

from pricing.domain.hourly.values import Malformed

_LONGEST = 80  # letters of what was found


def sentence_of(fault: Malformed) -> str:
    return _WANTED[fault.wanted]() % {"found": fault.found[:_LONGEST]}


_WANTED: Mapping[str, Callable[[], str]] = {
    # tables
    "header": lambda: _(
        "the columns are hour_utc and one for each zone, or zone, hour_utc, value, unit, kind, basis; "
        "not “%(found)s”."
    ),
    "semicolons": lambda: _("“%(found)s” is separated by semicolons; separate columns by commas."),
    "zone": lambda: _("“%(found)s” is not the name of a bidding zone, such as FR or DE-LU."),
    "zones_once": lambda: _("each zone is named once: %(found)s."),
    "other_zone": lambda: _("the file holds %(found)s, and only the zone that you named was to be imported."),
    "no_price_here": lambda: _(
        "the column “%(found)s” names no carbon intensity, such as FR_lca_g_kwh or FR_direct_g_kwh."
    ),
    "no_intensity_here": lambda: _(
        "the column “%(found)s” is a carbon intensity, and prices are imported here."
    ),
    "kind_of_column": lambda: _(
        "the column “%(found)s” does not say whether it is lifecycle or direct: "
        "name the kind beside the file."
    ),
    "columns": lambda: _("columns found and wanted: %(found)s."),
    "hour": lambda: _("“%(found)s” is not the beginning of an hour, such as 2023-10-01T00:00Z."),
    "years": lambda: _("%(found)s lies outside the years 1990 to 2100, of which hours are read."),
    "hour_once": lambda: _("%(found)s stands here for the second time."),
    "value_once": lambda: _("%(found)s has a value already."),
    "number": lambda: _("“%(found)s” is not a number with at most four decimals, such as 12.5."),
    "comma": lambda: _("“%(found)s” has a decimal comma; write a point, such as 12.5."),
    "absurd_day_ahead": lambda: _(
        "%(found)s EUR/MWh cannot be right: prices lie between −10,000 and 10,000. Is it another unit?"
    ),
    "absurd_lifecycle": lambda: _(
        "%(found)s g/kWh cannot be right: intensities lie between 0 and 2,500. Is it another unit?"
    ),
    "absurd_direct": lambda: _(
        "%(found)s g/kWh cannot be right: intensities lie between 0 and 2,500. Is it another unit?"
    ),
    "kind_of_price": lambda: _("the kind of a price is day_ahead, not “%(found)s”."),
    "kind": lambda: _("the kind of an intensity is lifecycle or direct, not “%(found)s”."),
    "unit_day_ahead": lambda: _("the unit of a price is EUR/MWh, not “%(found)s”."),
    "unit_lifecycle": lambda: _("the unit of an intensity is gCO2e/kWh, not “%(found)s”."),
    "unit_direct": lambda: _("the unit of an intensity is gCO2e/kWh, not “%(found)s”."),
    "basis": lambda: _("the basis of a value is reported or estimated, not “%(found)s”."),
    # XML of ENTSO-E
    "xml": lambda: _("this is no XML that can be read (%(found)s)."),
    "declaration": lambda: _("the document declares a type or an entity, which no market document does."),
    "document": lambda: _("the document is a “%(found)s”, not a Publication_MarketDocument."),
    "type": lambda: _("the document is of type “%(found)s”; day-ahead prices are of type A44."),
    "deep": lambda: _("the document is nested too deeply."),
    "long_text": lambda: _("an element holds more text than any of a market document does."),
    "acknowledgement": lambda: _("ENTSO-E answered without prices (%(found)s)."),
    "eic": lambda: _("“%(found)s” is the code of no bidding zone that is known here."),
    "two_zones": lambda: _("a price is of one zone, not of an exchange between two: %(found)s."),
    "currency": lambda: _("the currency is EUR, not “%(found)s”."),
    "unit_entsoe": lambda: _("the unit is MWH, not “%(found)s”."),
    "curve": lambda: _("the curve type is A01 or A03, not “%(found)s”."),
    "resolution": lambda: _("the resolution is PT60M, PT30M or PT15M, not “%(found)s”."),
    "period": lambda: _("the period %(found)s is not a number of whole hours."),
    "long_period": lambda: _("the period %(found)s is longer than three years of quarter-hours."),
    "many_points": lambda: _("a series has more periods and points than three years of quarter-hours."),
    "many_hours": lambda: _(
        "up to here the file comes to %(found)s hours, and 1,000,000 can be read at once. "
        "Give it in parts, a year at a time: 40 zones have 350,400 hours a year."
    ),
    "position": lambda: _("position and number of positions, which grow one by one: %(found)s."),
    "moment": lambda: _("“%(found)s” is not a moment in UTC, such as 2023-10-01T22:00Z."),
    # generation mix
    "factor_header": lambda: _("the columns of the factors are source, g_co2eq_per_kwh; not “%(found)s”."),
    "factor_once": lambda: _("each source has one factor in g/kWh: “%(found)s”."),
    "mix_header": lambda: _(
        "the first column is the hour, each other one the MW of a source that the factors name; "
        "not “%(found)s”."
    ),
    # countries by year
    "year_header": lambda: _(
        "the first columns are iso3, country, year, carbon_intensity_g_kwh; not “%(found)s”."
    ),
    "country": lambda: _("“%(found)s” is not the code of a country in three letters, such as FRA."),
    "year": lambda: _("“%(found)s” is not a year."),
    # of any file
    "many_series": lambda: _("the file has more than 1,000 series; give it in parts."),
    "no_values": lambda: _("the file has no value at all."),
}
