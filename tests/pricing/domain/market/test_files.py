from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from nodes.domain.devices import model_key
from pricing.domain import specifications
from pricing.domain.market.files import OWN_COLUMNS, Said, read_file
from pricing.domain.market.matching import GIB, NAMES, OFFERS, key_of, market_key, plain_name
from pricing.domain.market.values import Fault, Kind, Offer, Rate

TODAY = date(2026, 11, 23)
CLOUD = (
    "as_of,provider,region,instance_type,accelerator,accelerator_count,accelerator_mem_gib_each,vcpus,"
    "memory_gib,on_demand_usd_h,spot_usd_h,spot_max_usd_h,reserved_1y_usd_h"
)
OWN = ",".join(OWN_COLUMNS)
LINE = "aws,p5.48xlarge,us-east-1,H100,80,8,USD,55.04,on_demand,2026-05-17"
ORACLE = "part_number,display_name,metric,model,value,currency"
SKYPILOT = (
    "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,Region,GpuMemMiBEach,SpotPrice"
)


def read(text: str, said: Said | None = None) -> list[object]:
    return [one for _line, one in read_file(text.splitlines(), said=said or Said(), today=TODAY).lines]


def fault_of(text: str, said: Said | None = None) -> tuple[int, str, str]:
    with pytest.raises(Fault) as refused:
        read(text, said)
    return refused.value.line, refused.value.column, refused.value.wanted


def test_one_line_of_a_cloud_is_a_price_for_each_kind_and_none_for_the_highest_spot() -> None:
    rows = read(f"{CLOUD}\n2023-11-16,aws,us-east-1,p4d.24xlarge,NVIDIA A100,8,40.0,96,1152.0,"
                "32.7726,8.1984,9.6621,20.1755")  # fmt: skip
    prices = {one.kind: one.per_device_hour for one in rows if isinstance(one, Offer)}
    assert prices == {
        Kind.ON_DEMAND: Decimal("4.096575"),
        Kind.SPOT: Decimal("1.024800"),
        Kind.RESERVED: Decimal("2.521938"),
    }


def test_a_line_without_a_price_is_left_out_and_counted() -> None:
    reading = read_file(
        f"{CLOUD}\n2023-11-16,azure,x,NG8ads V620 v1,1/4,,,8,16.0,,,,".splitlines(), said=Said(), today=TODAY
    )
    assert list(reading.lines) == []
    assert reading.left_out == {"no_price": 1}


def test_the_banks_rates_are_read_with_their_last_comma_and_what_is_not_available() -> None:
    rows = read("Date,USD,CYP,GBP,\n2026-10-30,1.1172,N/A,0.8338,\n2026-10-29,1.12,0.5,N/A,")
    assert rows == [
        Rate("USD", Decimal("1.1172"), date(2026, 10, 30)),
        Rate("GBP", Decimal("0.8338"), date(2026, 10, 30)),
        Rate("USD", Decimal("1.12"), date(2026, 10, 29)),
    ]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("", (1, "", "header")),
        (OWN.replace(",", ";"), (1, "", "semicolons")),
        (OWN.replace("device,", ""), (1, "", "header")),
        (f"{OWN}\n{LINE},more", (2, "", "columns")),
        (f"{OWN}\n{LINE}\n{LINE}", (3, "", "twice")),
        (f"{OWN}\n{LINE.replace('aws', 'Amazon Web')}", (2, "provider", "provider")),
        (f"{OWN}\n{LINE.replace('H100', '')}", (2, "device", "empty")),
        (f"{OWN}\n{LINE.replace('H100', 'H' * 121)}", (2, "device", "text")),
        (f"{OWN}\n{LINE.replace('55.04', '0')}", (2, "price_hour", "absurd_hour")),
        (f"{OWN}\n{LINE.replace('55.04', '0.07')}", (2, "price_hour", "absurd_hour")),
        (f"{OWN}\n{LINE.replace('55.04', '8000.01')}", (2, "price_hour", "absurd_hour")),
        (f"{OWN}\n{LINE.replace('55.04', '-1')}", (2, "price_hour", "number")),
        (f"{OWN}\n{LINE.replace('55.04', '')}", (2, "price_hour", "empty")),
        (f"{OWN}\n{LINE.replace('55.04', chr(34) + '55,04' + chr(34))}", (2, "price_hour", "comma")),
        (f"{OWN}\n{LINE.replace(',8,', ',0,')}", (2, "devices", "devices")),
        (f"{OWN}\n{LINE.replace(',80,', ',0,')}", (2, "memory_gib", "memory")),
        (f"{OWN}\n{LINE.replace('USD', 'JPY')}", (2, "currency", "currency")),
        (f"{OWN}\n{LINE.replace('on_demand', 'free')}", (2, "kind", "kind")),
        (f"{OWN}\n{LINE.replace('2026-05-17', '2026-02-30')}", (2, "observed_on", "day")),
        (f"{OWN}\n{LINE.replace('2026-05-17', '2026-11-24')}", (2, "observed_on", "future")),
        (f"{OWN}\n{LINE.replace('2026-05-17', '1998-05-17')}", (2, "observed_on", "early")),
        ("gpu,date,price_usd\nL4,2024-01-01,0", (2, "price_usd", "absurd_shop")),
        ("gpu,date,price_usd\nL4,2024-01-01,5\n", (2, "price_usd", "absurd_shop")),
        ("Date,USD,usd\n", (1, "", "rate_header")),
        ("Date,USD,USD\n", (1, "USD", "twice")),
        ("Date,USD\n2026-10-30,0", (2, "USD", "absurd_rate")),
        ("Date,USD\n2026-10-30,1.1\n2026-10-30,1.2", (3, "Date", "twice")),
        (f"{ORACLE}\nB1,GPU,GPU Per Hour,PAY_AS_YOU_GO,1,USD", (1, "", "say_observed_on")),
    ],
)
def test_a_bad_cell_is_named_with_its_line_and_column(text: str, at: tuple[int, str, str]) -> None:
    assert fault_of(text) == at


def test_a_file_that_says_neither_provider_nor_day_wants_both_said() -> None:
    assert fault_of(f"{SKYPILOT}\n", Said(observed_on=TODAY))[2] == "say_provider"
    assert fault_of(f"{SKYPILOT}\n", Said(provider="nebius"))[2] == "say_observed_on"
    (row,) = read(f"{SKYPILOT}\ngpu-h100-sxm_8gpu,H100,8,128,1600,23.60,eu-north1,81920,",
                  Said("nebius", date(2026, 11, 22)))  # fmt: skip
    assert isinstance(row, Offer)
    assert (row.memory_gib, row.per_device_hour) == (80, Decimal("2.95"))


# --- which device is meant ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("device", "memory", "provider", "offer", "key"),
    [
        ("NVIDIA T4 Tensor Core", 16, "aws", "g4dn.xlarge", "t4-16"),
        ("A100", 40, "aws", "p4d.24xlarge", "a100-sxm4-40"),
        ("A100", 80, "azure", "NC24ads_A100_v4", "a100-pcie-80"),
        ("A100 (NVlink)", None, "azure", "ND96amsr A100 v4", "a100-sxm4-80"),
        ("A100", 80, "somebody", "big", ""),  # SXM4 or PCIe: nobody says
        ("A10", None, "azure", "NV36ads A10 v5", "a10-24"),
        ("A10", 24, "azure", "NV6ads_A10_v5", ""),  # a sixth, told as a whole one
        ("V100 16GB (form unstated)", 16, "vastai", "", ""),
        ("H100 80GB SXM", 80, "scaleway", "", "h100-sxm5-80"),
        ("NVIDIA H100 80GB HBM3", None, "", "", "h100-sxm5-80"),
        ("NVIDIA A100-SXM4-80GB", None, "", "", "a100-sxm4-80"),
        ("RTX 4060 Ti", None, "", "", ""),  # of 8 or of 16 GB
        ("RTX 4060 Ti 16GB", None, "", "", "rtx-4060-ti-16"),
        ("L4", 48, "", "", ""),  # a memory that the table does not know is another device
    ],
)
def test_a_name_means_one_device_or_stays_unmatched(
    device: str, memory: int | None, provider: str, offer: str, key: str
) -> None:
    given = None if memory is None else Decimal(memory)
    assert key_of(device, memory_gib=given, provider=provider, offer=offer) == key


@pytest.mark.parametrize(
    ("model", "mebibytes", "key"),
    [
        ("NVIDIA L40S", 46068, "l40s-48"),
        ("NVIDIA A40", 46068, "a40-48"),
        ("NVIDIA A10", 23028, "a10-24"),
        ("NVIDIA L4", 23034, "l4-24"),
        ("Tesla T4", 15360, "t4-16"),
        ("NVIDIA H200", 143771, "h200-sxm-141"),
        ("NVIDIA A100-SXM4-40GB", 40960, "a100-sxm4-40"),
        ("NVIDIA A100 80GB PCIe", 81920, "a100-pcie-80"),
        ("NVIDIA GeForce RTX 4060 Ti", 8188, "rtx-4060-ti-8"),
        ("NVIDIA GeForce RTX 4060 Ti", 16380, "rtx-4060-ti-16"),
        ("Tesla V100-SXM2-16GB", 16160, "v100-sxm2-16"),
        ("Tesla V100-SXM2-32GB", 32768, "v100-sxm2-32"),
    ],
)
def test_devices_are_known_by_what_drivers_tell_of_them(model: str, mebibytes: int, key: str) -> None:
    assert market_key(model, mebibytes * 1024**2, otherwise="own") == key


def test_every_specified_device_is_compared_by_the_sites_own_key() -> None:
    for row in specifications.DEVICES:
        size = row.memory_gb * GIB
        assert market_key(row.model, size) == model_key(row.model, size)


def test_the_table_is_written_in_the_names_that_it_is_searched_by() -> None:
    assert [row for row in NAMES if plain_name(row.name) != (row.name, None)] == []
    assert {row.key for row in OFFERS} - {row.key for row in NAMES} == {""}


def test_a_device_that_the_table_does_not_know_keeps_its_own_key() -> None:
    assert market_key("Workbench", 4 * GIB, otherwise="workbench-4") == "workbench-4"
