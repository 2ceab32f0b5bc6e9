"""What electricity cost and emitted, as open data: what sources said, where they let it be passed on."""

from __future__ import annotations

from django.db.models import BooleanField, Case, Exists, Max, OuterRef, QuerySet, TextField, Value, When
from django.utils.translation import gettext_lazy as _

from common.open_data.columns import Column, Kind, digest, flag, integer, moment, number, text, words
from common.open_data.datasets import CC_BY, Dataset, Edition, Reference, of_sources
from pricing.domain.hourly.values import UNITS, Basis
from pricing.domain.licences import may_be_passed_on
from pricing.models import HourlyImport, HourlySeries, HourlyValue, YearlyIntensity
from pricing.selectors.datasets.shared import ledger_index


def _open_imports() -> list[int]:
    """Those whose licence says that what they brought may be passed on."""
    said = HourlyImport.objects.values_list("pk", "licence")
    return [pk for pk, licence in said if may_be_passed_on(licence)]


def _hours() -> QuerySet[HourlyValue]:
    return HourlyValue.objects.filter(came_with__in=_open_imports()).order_by("series_id", "hour")


def _edition() -> Edition:
    """A value is added or changed by an import and by nothing else."""
    newest = HourlyImport.objects.aggregate(pk=Max("pk"), at=Max("at"))
    return Edition(f"{newest['pk']}", newest["at"])


def _imports() -> QuerySet[HourlyImport]:
    is_open = Case(When(pk__in=_open_imports(), then=True), default=False, output_field=BooleanField())
    return HourlyImport.objects.annotate(may_be_passed_on=is_open).order_by("pk")


def _years() -> QuerySet[YearlyIntensity]:
    """The last import that may be passed on holds."""
    return _later(YearlyIntensity.objects.filter(came_with__in=_open_imports()))


def _later(rows: QuerySet[YearlyIntensity]) -> QuerySet[YearlyIntensity]:
    later = rows.filter(
        country=OuterRef("country"), year=OuterRef("year"), came_with__gt=OuterRef("came_with")
    )
    return rows.filter(~Exists(later)).order_by("country", "year")


def _from() -> tuple[Column, ...]:
    return (
        words("source", _("Who says so."), "came_with__source"),
        words("licence", _("Under which licence the source publishes it."), "came_with__licence"),
        text("import", _("The import that it came with."), "came_with__uid"),
    )


_LICENCE = of_sources("electricity-imports")
_UNIT = Case(
    *(When(series__quantity=quantity, then=Value(unit)) for quantity, unit in UNITS.items()),
    output_field=TextField(),
)
_BASIS = Case(
    When(is_estimate=True, then=Value(str(Basis.ESTIMATED))),
    default=Value(str(Basis.REPORTED)),
    output_field=TextField(),
)

HOURS = Dataset(
    name="electricity-hours",
    title=_("Electricity by the hour"),
    says=_(
        "Day-ahead prices and carbon intensities of each zone, as their sources have them; what a source "
        "itself marks as an estimate is marked. Hours that this site estimates are not in here, nor is what "
        "its source does not let anybody pass on."
    ),
    licence=_LICENCE,
    columns=(
        text("zone", _("The zone of the electricity market."), "series__zone"),
        text("quantity", _("What was measured."), "series__quantity", one_of=HourlySeries.Quantity.values),
        moment("hour", _("The beginning of the hour, UTC.")),
        number("value", _("In the unit that the row says.")),
        text(
            "unit",
            _("EUR/MWh for prices, gCO2e/kWh for intensities."),
            _UNIT,
            one_of=sorted(set(UNITS.values())),
        ),
        text("basis", _("Reported, or estimated by the source."), _BASIS, one_of=("reported", "estimated")),
        *_from(),
    ),
    rows=_hours,
    every=lambda: HourlyValue.objects.all(),
    key=("zone", "quantity", "hour"),
    refers=(Reference("import", "electricity-imports", "id"),),
    edition=_edition,
    page="electricity_zones",
)

IMPORTS = Dataset(
    name="electricity-imports",
    title=_("Imports of electricity data"),
    says=_(
        "The files that hourly values and yearly intensities came from: source, licence, digest and what "
        "each changed."
    ),
    licence=CC_BY,
    columns=(
        text("id", _("The import’s identifier."), "uid", is_unique=True),
        text("content", _("What the file holds."), one_of=HourlyImport.Content.values),
        words("file_name", _("What the file was called.")),
        digest("sha256", _("Of the file as it was handed in.")),
        words("source", _("Who published it.")),
        words("licence", _("Under which licence; empty: nobody said."), is_required=False),
        flag(
            "may_be_passed_on",
            _("Whether that licence lets this site pass it on: then its values are in here."),
        ),
        integer("values", _("Values that the file holds."), least="0"),
        integer("added", _("Values that were new."), least="0"),
        integer("changed", _("Values that it changed."), least="0"),
        moment("first_hour", _("The first hour that it has."), is_required=False),
        moment("last_hour", _("The last hour that it has."), is_required=False),
        moment("imported_at", _("When it was imported."), "at"),
        ledger_index(),
    ),
    rows=_imports,
    changed=("at",),
    page="electricity_zones",
)

YEARS = Dataset(
    name="electricity-years",
    title=_("Carbon intensity of countries by year"),
    says=_("The mean of each country and year, lifecycle: what stands in where no hour is known."),
    licence=_LICENCE,
    columns=(
        text("country", _("ISO 3166-1, two letters."), pattern="^[A-Z]{2}$"),
        Column("year", Kind.YEAR, _("The year that it is the mean of.")),
        number(
            "g_per_kwh",
            _("What a kilowatt-hour emitted, with what building and fuelling the plants did."),
            unit="gCO2e/kWh",
            least="0",
        ),
        *_from(),
    ),
    rows=_years,
    every=lambda: _later(YearlyIntensity.objects.all()),
    changed=("came_with__at",),
    key=("country", "year"),
    refers=(Reference("import", "electricity-imports", "id"),),
    page="electricity_zones",
)
