"""Brings the example's hourly figures in as a steward would: files, imported, each marked as made up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from io import BytesIO

from accounts.models import User
from pricing.models import HourlyImport, YearlyIntensity
from pricing.services.hourly import import_file
from reservations.management.example_world import electricity, people, places
from reservations.management.example_world.steps import Step

Content = HourlyImport.Content
PRICES = "Example, made up: a formula around the monthly means of 2023 (ENTSO-E); docs/example-world.md"
GRAMS = "Example, made up: a formula around the yearly means of 2023 (Ember); docs/example-world.md"
YEARS = "Ember by Our World in Data, lifecycle carbon intensity of electricity, 2023"
_OPEN = "CC0 1.0"  # of what is made up here
# An import looks back over the days that it once had estimates for.
AGAIN = timedelta(days=electricity.FORECAST_DAYS + 1)
EVERY = timedelta(days=91)
# An owner who buys at the day-ahead price declares the mean of the year before.
YEAR = timedelta(days=366)
_COUNTRIES = """\
iso3,country,year,carbon_intensity_g_kwh
ESP,Spain,2023,174.05
FRA,France,2023,56.039
PRT,Portugal,2023,165.553
SWE,Sweden,2023,40.695
"""


def steps(by: Mapping[str, User], *, opened_at: datetime, began_at: datetime) -> Iterator[Step]:
    """Every quarter of a year until the world begins: so it can be asked what was known when."""

    def bring_then(at: datetime) -> None:
        bring(by, at=at)

    at = opened_at
    while at < began_at:
        yield Step(at, -1, bring_then)
        at += EVERY


def bring(by: Mapping[str, User], *, at: datetime, since: datetime | None = None) -> None:
    """All that is known of the hours at that moment and was not before. The same again changes nothing.

    `since`: from then on, where nothing is known yet; else from that day on.
    """
    steward = by[people.STEWARD]
    first = electricity.midnight(since or at)
    start = _since(Content.PRICES, PRICES)
    if start is None:
        _import_prices(first - YEAR, first, _bought_day_ahead(), by=steward, at=at)
    _import_prices(start or first, electricity.prices_end(at), electricity.ZONES, by=steward, at=at)
    table = electricity.intensity_table(start=_since(Content.CARBON, GRAMS) or first, at=at)
    _import(Content.CARBON, table, f"example-carbon-{at:%Y-%m-%d}.csv", GRAMS, by=steward, at=at)
    if not YearlyIntensity.objects.filter(came_with__source=YEARS).exists():
        _import(
            Content.COUNTRIES, [_COUNTRIES], "countries-2023.csv", YEARS, by=steward, at=at,
            licence="CC BY 4.0",
        )  # fmt: skip


def _since(content: str, source: str) -> datetime | None:
    """None where nothing is known yet."""
    last = HourlyImport.objects.filter(content=content, source=source).order_by("-at").first()
    return None if last is None else electricity.midnight(last.at - AGAIN)


def _bought_day_ahead() -> list[electricity.Zone]:
    return [electricity.BY_NAME[place.zone] for place in places.PLACES if place.contract is None]


def _import_prices(
    start: datetime, end: datetime, zones: Sequence[electricity.Zone], *, by: User, at: datetime
) -> None:
    table = electricity.price_table(start=electricity.midnight(start), end=end, zones=zones)
    _import(Content.PRICES, table, f"example-day-ahead-{at:%Y-%m-%d}.csv", PRICES, by=by, at=at)


def _import(
    content: str,
    lines: Iterable[str],
    name: str,
    source: str,
    *,
    by: User,
    at: datetime,
    licence: str = _OPEN,
) -> None:
    file = BytesIO("".join(lines).encode())
    import_file(content=content, file=file, name=name, source=source, licence=licence, by=by, at=at)
