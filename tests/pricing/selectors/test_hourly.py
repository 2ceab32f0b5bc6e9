from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pricing.domain.hourly.values import Basis
from pricing.models import HourlyImport
from pricing.selectors.hourly import expected, hourly, recent, zone_row, zones
from tests.factories import import_hours

pytestmark = pytest.mark.django_db
NOON = datetime(2023, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
D = Decimal


def prices(values: dict[int, str], zone: str = "FR") -> str:
    """`values`: hours after NOON."""
    return f"hour_utc,{zone}\n" + "".join(
        f"{NOON + step * HOUR:%Y-%m-%dT%H:%MZ},{value}\n" for step, value in values.items()
    )


def around_noon(**more: Any) -> list[tuple[Decimal | None, str | None]]:
    found = hourly(zone="FR", start=NOON, end=NOON + 3 * HOUR, **more)
    return [(hour.value, hour.basis and str(hour.basis)) for hour in found.price.hours]


def test_each_hour_says_how_its_value_came_about() -> None:
    import_hours(prices({0: "10", 2: "30"}), source="RTE")
    assert around_noon() == [(D(10), "reported"), (D(20), "line"), (D(30), "reported")]
    price = hourly(zone="FR", start=NOON, end=NOON + 3 * HOUR).price
    assert [origin.source for origin in price.origins] == ["RTE"]
    assert (price.coverage.reported, price.coverage.estimated, price.coverage.missing) == (2, 1, 0)
    assert (price.mean, price.unit) == (D(20), "EUR/MWh")


def test_what_a_correction_replaced_is_what_stood_before_it() -> None:
    first, second = NOON + timedelta(days=30), NOON + timedelta(days=60)
    import_hours(prices({0: "10", 1: "11"}), at=first)
    import_hours(prices({0: "12", 2: "13"}), at=second)
    before = around_noon(as_of=second - timedelta(seconds=1))
    assert before == [(D(10), "reported"), (D(11), "reported"), (None, None)]
    assert around_noon(as_of=second) == around_noon() == [
        (D(12), "reported"), (D(11), "reported"), (D(13), "reported")
    ]  # fmt: skip
    assert around_noon(as_of=first - timedelta(seconds=1)) == [(None, None)] * 3


def test_a_value_corrected_twice_is_told_as_of_each_moment() -> None:
    moments = [NOON + timedelta(days=day) for day in (10, 20, 30)]
    for at, value in zip(moments, ("1", "2", "3"), strict=True):
        import_hours(prices({0: value}), at=at)
    assert [around_noon(as_of=at)[0][0] for at in moments] == [D(1), D(2), D(3)]


def test_an_estimate_is_replaced_by_a_report_and_never_the_other_way_round() -> None:
    line = f"FR,{NOON:%Y-%m-%dT%H:%MZ},%s,gCO2e/kWh,lifecycle,%s\n"
    head = "zone,hour_utc,value,unit,kind,basis\n"
    found = []
    for value, basis in (("50", "estimated"), ("40", "reported"), ("60", "estimated")):
        import_hours(head + line % (value, basis), content="carbon")
        hour = hourly(zone="FR", start=NOON, end=NOON + HOUR).lifecycle.hours[0]
        found.append((hour.value, hour.basis))
    assert found == [(D(50), Basis.ESTIMATED), (D(40), Basis.REPORTED), (D(40), Basis.REPORTED)]


YEARS = """iso3,country,year,carbon_intensity_g_kwh
DEU,Germany,2021,400
DEU,Germany,2022,%s
FRA,France,2022,84.9
"""


def test_a_country_s_year_stands_in_where_no_hour_is_known_and_is_marked() -> None:
    import_hours(YEARS % 385, content="countries", source="Ember")
    import_hours(f"hour_utc,DE-LU_lca_g_kwh\n{NOON:%Y-%m-%dT%H:%MZ},300\n", content="carbon")
    found = hourly(zone="DE-LU", start=NOON, end=NOON + 10 * HOUR)
    first, second = found.lifecycle.hours[0], found.lifecycle.hours[9]
    assert (first.value, first.basis) == (D(300), Basis.REPORTED)
    assert (second.value, second.basis, second.is_estimate) == (D(385), Basis.YEARLY, True)
    (stand_in,) = found.lifecycle.stand_ins
    assert (stand_in.country, stand_in.year, stand_in.origin.source) == ("DE", 2022, "Ember")
    assert found.lifecycle.coverage.reported == 1
    assert found.direct.hours[0].value is None  # the yearly figure is of the lifecycle
    assert found.price.hours[0].value is None


def test_the_last_import_of_a_country_s_year_holds_and_the_one_before_stood_before() -> None:
    first, second = NOON + timedelta(days=30), NOON + timedelta(days=60)
    import_hours(YEARS % 385, content="countries", at=first)
    import_hours(YEARS % 390, content="countries", at=second)
    values = [
        hourly(zone="DE-LU", start=NOON, end=NOON + HOUR, as_of=at).lifecycle.hours[0].value
        for at in (first, second)
    ]
    assert values == [D(385), D(390)]
    record = HourlyImport.objects.latest("at")
    assert (record.values, record.added, record.changed) == (3, 0, 1)
    import_hours(YEARS % 390, content="countries")
    assert HourlyImport.objects.count() == 2


def test_a_slot_weighs_the_hours_by_how_much_of_each_it_takes() -> None:
    import_hours(prices({0: "10", 1: "20", 2: "40"}))
    slot = expected(zone="FR", start=NOON + 0.75 * HOUR, end=NOON + 2.5 * HOUR)
    assert slot.price.mean == D("24.2857")  # (10 / 4 + 20 + 40 / 2) / 1.75
    assert (slot.price.estimated, slot.price.missing) == (0, 0)
    assert (slot.lifecycle.mean, slot.lifecycle.missing) == (None, 1)


def test_the_days_after_the_last_price_are_estimated_from_a_week_before() -> None:
    import_hours(prices({step: str(step) for step in range(24 * 7)}))
    slot = expected(zone="FR", start=NOON + timedelta(days=8), end=NOON + timedelta(days=8, hours=2))
    assert (slot.price.mean, slot.price.estimated) == (D("24.5"), 1)


def test_zones_are_told_with_where_their_figures_begin_and_end() -> None:
    import_hours(prices({0: "1", 30: "2"}))
    import_hours(prices({0: "1"}, zone="DE-LU"))
    import_hours(f"hour_utc,FR_lca_g_kwh\n{NOON:%Y-%m-%dT%H:%MZ},50\n", content="carbon")
    assert [row.zone for row in zones()] == ["DE-LU", "FR"]
    france = zone_row("FR")
    assert france == zones()[1]
    assert sorted(france.ends) == ["day_ahead", "lifecycle"]
    assert recent(france) == (datetime(2023, 5, 27, tzinfo=UTC), datetime(2023, 6, 3, tzinfo=UTC))
    assert zone_row("XX") is None


def test_a_period_takes_the_same_few_queries_however_much_is_missing(
    django_assert_max_num_queries: Any,
) -> None:
    import_hours(YEARS % 385, content="countries")
    import_hours(prices(dict.fromkeys(range(0, 24 * 60, 7), "1")))
    with django_assert_max_num_queries(5):
        hourly(zone="FR", start=NOON, end=NOON + timedelta(days=40), as_of=NOON + timedelta(days=9999))
