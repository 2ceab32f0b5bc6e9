"""Four places in four countries, each in its real electricity bidding zone."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Place:
    slug: str
    name: str
    country: str
    zone: str  # ENTSO-E bidding zone
    time_zone: str
    owner: str  # slug of an organisation
    pue: Decimal
    pue_source: str
    electricity_source: str
    contract: Decimal | None = None  # EUR per kWh, all in; None: bought at the day-ahead price
    contract_before: Decimal | None = None  # until it was renewed
    # What is added to a day-ahead price, EUR per kWh.
    energy_adder: Decimal = Decimal(0)
    grid_fee: Decimal = Decimal(0)
    electricity_tax: Decimal = Decimal(0)


PLACES = (
    Place(
        slug="lyon", name="Lyon", country="FR", zone="FR", time_zone="Europe/Paris", owner="lyon-university",
        pue=Decimal("1.25"), pue_source="Assumed; the median of European sites is about 1.5 (e-FISCAL D2.3)",
        contract=Decimal("0.145"), contract_before=Decimal("0.162"),
        # ENTSOE: 96.88 EUR/MWh over 8,758 hours.
        electricity_source="Assumed contract: FR day-ahead mean of 2023, 0.0969, and 0.0481 for grid and taxes",
    ),
    Place(
        slug="vasteras", name="Västerås", country="SE", zone="SE3", time_zone="Europe/Stockholm",
        owner="malar-cooperative",
        pue=Decimal("1.12"), pue_source="Assumed: outside air most of the year, heat sold to the district",
        contract=Decimal("0.091"), contract_before=Decimal("0.098"),
        # ENTSOE: 51.02 EUR/MWh over 8,159 hours.
        electricity_source="Assumed contract: SE3 day-ahead mean of 2023, 0.0510, and 0.0400 for grid and taxes",
    ),
    Place(
        slug="girona", name="Girona", country="ES", zone="ES", time_zone="Europe/Madrid", owner="girona-institute",
        pue=Decimal("1.38"), pue_source="Assumed; the median of European sites is about 1.5 (e-FISCAL D2.3)",
        contract=Decimal("0.132"), contract_before=Decimal("0.149"),
        # ENTSOE: 87.13 EUR/MWh over 8,758 hours.
        electricity_source="Assumed contract: ES day-ahead mean of 2023, 0.0871, and 0.0449 for grid and taxes",
    ),
    Place(
        # A roof of panels beside the hall; what they do not give is bought by the hour.
        slug="beja", name="Beja", country="PT", zone="PT", time_zone="Europe/Lisbon", owner="alentejo-cooperative",
        pue=Decimal("1.21"), pue_source="Assumed: outside air by night, more cooling by day",
        # ENTSOE: 88.30 EUR/MWh over 8,758 hours.
        electricity_source="PT day-ahead mean of the year before; 0.0380 for supplier, grid and tax assumed",
        energy_adder=Decimal("0.006"), grid_fee=Decimal("0.031"), electricity_tax=Decimal("0.001"),
    ),
)  # fmt: skip
BY_SLUG = {place.slug: place for place in PLACES}
