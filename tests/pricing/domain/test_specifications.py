from __future__ import annotations

from decimal import Decimal

import pytest

from pricing.domain.specifications import DEVICES, PROCESSORS, device, modelled_power, processor

GIB = 2**30


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("H100 SXM5", "H100 SXM5"), ("NVIDIA H100-SXM5-80GB", "H100 SXM5"),
        ("Tesla V100-SXM2-32GB", "V100 SXM2"),
        ("NVIDIA H100 80GB HBM3", "H100 SXM5"), ("NVIDIA H200", "H200 SXM"), ("NVIDIA H200 NVL", "H200 NVL"),
        ("AMD Instinct MI300X OAM", "MI300X"),
        ("Instinct MI300X", "MI300X"), ("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada"), ("L4", "L4"),
    ],
)  # fmt: skip
def test_a_device_is_found_by_any_of_its_names(name: str, model: str) -> None:
    found = device(name)
    assert found is not None
    assert found.model == model


@pytest.mark.parametrize("name", ["", "Workbench", "L400", "H100", "2 × EPYC 9754"])
def test_what_is_not_in_the_table_is_not_guessed(name: str) -> None:
    assert device(name) is None


def test_one_model_with_two_memories_is_told_apart() -> None:
    small, large = device("A100 PCIe", 40 * GIB), device("A100 PCIe", 80 * GIB)
    assert small is not None
    assert large is not None
    assert (small.watts, large.watts) == (250, 300)


def test_a_processor_is_found_by_its_inventory_name() -> None:
    found = processor("AMD EPYC 9334 32-Core Processor")
    assert found is not None
    assert found.cores == 32
    assert processor("Xeon Platinum 8480C") is None


def test_the_power_of_a_node_is_its_chips_and_a_quarter() -> None:
    power = modelled_power(
        device_models=[("L40S", 48 * GIB)] * 4, cpu_model="Xeon Platinum 8458P", cpu_cores=88
    )
    assert power is not None
    assert power.kilowatts == Decimal("2.62")  # (4 x 350 + 2 x 350) x 1.25 = 2,625 W, half to even
    assert (power.device_count, power.processor_count) == (4, 2)
    assert power.sources == ("NVIDIA L40S datasheet", "Intel, product page of the Xeon Platinum 8458P")


def test_a_host_without_accelerators_has_its_processors() -> None:
    power = modelled_power(device_models=[("2 × EPYC 9754", GIB)], cpu_model="EPYC 9754", cpu_cores=256)
    assert power is not None
    assert (power.kilowatts, power.device_count, power.processor_count) == (Decimal("0.90"), 0, 2)
    assert modelled_power(device_models=[("Workbench", GIB)], cpu_model="unknown", cpu_cores=4) is None


def test_processors_alone_are_not_the_power_of_a_machine_with_an_unknown_device() -> None:
    for models in ([("B999", GIB)] * 8, [("L40S", 48 * GIB), ("B999", GIB)]):
        assert modelled_power(device_models=models, cpu_model="EPYC 9334", cpu_cores=64) is None


def test_the_limit_is_the_peak_and_not_what_is_typical() -> None:
    found = device("AMD Instinct MI250X")
    assert found is not None
    assert found.watts == 560  # 500 W typical


def test_every_row_names_its_source_and_is_there_once() -> None:
    assert all(row.source and row.watts > 0 for row in (*DEVICES, *PROCESSORS))
    names = [(row.model, row.memory_gb) for row in DEVICES]
    assert len(names) == len(set(names))
