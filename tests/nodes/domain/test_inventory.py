"""When a machine is what is listed. Names as catalogues, drivers and people write them."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nodes.domain import inventory
from nodes.domain.inventory import Difference, ListedDevice, ListedNode, names

GIB, MIB = 2**30, 2**20
ROOT = Path(__file__).resolve().parents[3]
H100 = "NVIDIA H100 80GB HBM3"


def gpu(index: int = 0, name: str = H100, **members: Any) -> dict[str, Any]:
    return {
        "index": index, "uuid": f"GPU-{index}", "name": name, "memory_bytes": 81559 * MIB,
        "driver": "590.48.01", "mig": None,
    } | members  # fmt: skip


def told(*gpus: dict[str, Any], **members: Any) -> dict[str, Any]:
    """What the agent of a DGX tells."""
    return {
        "profile": "1.0", "architecture": "x86_64", "kernel": "6.8", "memory_bytes": 2015 * GIB,
        "cpu": {"model": "Intel(R) Xeon(R) Platinum 8480C", "sockets": 2, "cores": 112, "threads": 224},
        "gpus": list(gpus or map(gpu, range(2))), "disks": [{"name": "sda", "bytes": 10}], "runtimes": {},
        "faults": [],
    } | members  # fmt: skip


DGX = ListedNode(
    cpu_model="Xeon Platinum 8480C", cpu_cores=112, memory_bytes=2048 * GIB,
    devices=tuple(ListedDevice(index, "gpu", "H100 SXM5", 80 * GIB) for index in range(2)),
)  # fmt: skip
HOST = replace(DGX, devices=(ListedDevice(0, "host", "2 × 8480C", 2048 * GIB),))


def found(told: dict[str, Any], listed: ListedNode = DGX, **options: Any) -> list[Difference]:
    return list(inventory.differences(listed, inventory.read(told), **options))


def said(told: dict[str, Any], listed: ListedNode = DGX, **options: Any) -> list[tuple[Any, ...]]:
    return [(one.code, one.device, one.listed, one.found) for one in found(told, listed, **options)]


def test_a_machine_that_is_what_is_listed_differs_in_nothing() -> None:
    assert found(told()) == []


def test_what_the_published_schema_takes_is_read_without_a_fault() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "docs/schemas/node-profile.json").read_text())
    parted = gpu(mig={"enabled": True, "instances": [
        {"index": 0, "uuid": "MIG-1", "name": "1g.10gb", "memory_bytes": 9984 * MIB}]})  # fmt: skip
    full = told(parted, machine={"vendor": "NVIDIA", "model": None}, gpus_told_by="nvml", is_root=True)
    jsonschema.validate(full, schema, cls=jsonschema.Draft202012Validator)
    read = inventory.read(full)
    assert read.unreadable == ()
    assert (read.vendor, read.machine_model, read.disk_bytes) == ("NVIDIA", None, 10)
    assert read.uuids == ("GPU-0", "MIG-1")


@pytest.mark.parametrize(
    ("lie", "difference"),
    [
        ({"gpus": []}, ("gpu_missing", 0, "H100 SXM5", None)),
        ({"gpus": [gpu(0), gpu(1, "NVIDIA L4")]}, ("gpu_model", 1, "H100 SXM5", "NVIDIA L4")),
        ({"gpus": [gpu(0), gpu(1, "NVIDIA H100 PCIe")]}, ("gpu_model", 1, "H100 SXM5", "NVIDIA H100 PCIe")),
        (
            {"gpus": [gpu(0), gpu(1, memory_bytes=40 * GIB)]},
            ("gpu_memory", 1, 80 * GIB, 40 * GIB),
        ),
        (
            {"gpus": [gpu(0), gpu(1, mig={"enabled": True, "instances": []})]},
            ("gpu_parted", 1, "H100 SXM5", 0),
        ),
        ({"gpus": [gpu(0), gpu(1, uuid="GPU-0")]}, ("gpu_twice", None, None, "GPU-0")),
        ({"gpus": None, "faults": ["NVML hangs."]}, ("gpus_unknown", None, 2, None)),
        ({"gpus": "two"}, ("unreadable", None, None, "gpus")),
        ({"memory_bytes": 1024 * GIB}, ("memory", None, 2048 * GIB, 1024 * GIB)),
        (
            {"cpu": {"model": "Xeon Platinum 8480C", "cores": 56, "threads": 112}},
            ("cpu_cores", None, 112, 56),
        ),
        (
            {"cpu": {"model": "AMD EPYC 9654 96-Core Processor", "cores": 112, "threads": 224}},
            ("cpu_model", None, "Xeon Platinum 8480C", "AMD EPYC 9654 96-Core Processor"),
        ),
        ({"profile": "2.0"}, ("unreadable", None, None, "profile")),
    ],
)
def test_less_or_other_than_what_is_listed_holds_the_node_back(
    lie: dict[str, Any], difference: tuple[Any, ...]
) -> None:
    differences = found(told(**lie))
    assert difference in said(told(**lie))
    assert all(one.holds_back for one in differences)


def test_a_gpu_that_another_node_tells_too_is_in_neither() -> None:
    assert said(told(), told_elsewhere={"GPU-1", "GPU-9"}) == [("gpu_elsewhere", None, None, "GPU-1")]


def test_more_than_what_is_listed_is_said_and_does_not_hold_back() -> None:
    """Owners may keep a GPU, cores or memory for themselves."""
    more = told(*map(gpu, range(3)), memory_bytes=4096 * GIB,
                cpu={"model": "Xeon Platinum 8480C", "cores": 120, "threads": 240})  # fmt: skip
    differences = found(more)
    assert [one.code for one in differences] == ["more_cores", "more_memory", "more_gpus"]
    assert not any(one.holds_back for one in differences)


@pytest.mark.parametrize(("bytes_", "codes"), [(2048 * GIB * 95 // 100 + 1, []), (1945 * GIB, ["memory"])])
def test_memory_is_compared_within_five_in_a_hundred(bytes_: int, codes: list[str]) -> None:
    assert [one.code for one in found(told(memory_bytes=bytes_))] == codes


def test_error_correction_takes_a_sixteenth_of_a_device_and_no_more() -> None:
    l40s = replace(DGX, devices=(ListedDevice(0, "gpu", "L40S", 48 * GIB),))
    assert found(told(gpu(0, "NVIDIA L40S", memory_bytes=46068 * MIB)), l40s) == []
    assert said(told(gpu(0, "NVIDIA L40S", memory_bytes=44 * GIB)), l40s)[0][0] == "gpu_memory"


def test_instances_are_compared_in_order_over_all_gpus() -> None:
    numbers = itertools.count()

    def instances(*names: str) -> dict[str, Any]:
        return {"enabled": True, "instances": [
            {"index": i, "uuid": f"MIG-{next(numbers)}", "name": name, "memory_bytes": 9984 * MIB}
            for i, name in enumerate(names)]}  # fmt: skip

    parted = replace(DGX, devices=tuple(
        ListedDevice(index, "mig", "H100 80GB MIG 1g.10gb", 10 * GIB) for index in range(3)))  # fmt: skip
    two = [gpu(0, mig=instances("1g.10gb", "1g.10gb")), gpu(1, mig=instances("1g.10gb"))]
    assert found(told(*two), parted) == []
    other = [gpu(0, mig=instances("1g.10gb", "1g.20gb"))]
    assert said(told(*other), parted) == [
        ("instance_profile", 1, "H100 80GB MIG 1g.10gb", "1g.20gb"),
        ("instance_missing", 2, "H100 80GB MIG 1g.10gb", None),
    ]


def test_an_agent_that_tells_nothing_is_compared_with_nothing() -> None:
    assert found({}) == []
    assert inventory.read({}).is_empty


def test_a_host_without_gpus_is_its_processors_and_memory() -> None:
    assert found(told(gpus=[]), HOST) == []
    assert found(told(gpus=None), HOST) == []


def test_a_processor_that_only_its_architecture_names_is_not_another_one() -> None:
    """Many ARM machines say no model in /proc/cpuinfo, and lscpu does."""
    arm = replace(HOST, cpu_model="aarch64")
    cpu = {"model": "Neoverse-N1", "cores": 112, "threads": 112}
    assert found(told(gpus=[], cpu=cpu, architecture="aarch64"), arm) == []


@pytest.mark.parametrize(
    ("members", "unreadable"),
    [
        ({"cpu": 5}, ["cpu"]),
        ({"cpu": {"model": 5, "cores": True, "threads": -1}}, ["cpu.model", "cpu.cores", "cpu.threads"]),
        ({"memory_bytes": 2**63}, ["memory_bytes"]),
        ({"memory_bytes": 1.5}, ["memory_bytes"]),
        ({"gpus": [1]}, ["gpus"]),
        ({"gpus": [{"index": 0}]}, ["gpus.0.uuid", "gpus.0.name", "gpus"]),
        ({"gpus": [gpu(0), gpu(0, uuid="GPU-b")]}, ["gpus"]),
        ({"gpus": [gpu(i) for i in range(65)]}, ["gpus"]),
        ({"disks": {}}, ["disks"]),
        ({"runtimes": []}, ["runtimes"]),
        ({"faults": "all is well"}, ["faults"]),
        ({"kernel": "x" * 201}, ["kernel"]),
    ],
)
def test_what_does_not_follow_the_profile_is_named(members: dict[str, Any], unreadable: list[str]) -> None:
    assert set(unreadable) <= set(inventory.read(told() | members).unreadable)


def test_a_member_that_could_not_be_read_is_null_and_no_fault_of_the_form() -> None:
    assert inventory.read(told(cpu=None, memory_bytes=None, gpus=None)).unreadable == ()


def test_differences_are_kept_and_read_back() -> None:
    for one in found(told(gpus=[], memory_bytes=GIB)):
        assert Difference.of_json(json.loads(json.dumps(one.to_json()))) == one


@pytest.mark.parametrize(
    ("listed", "driver"),
    [
        ("H100 SXM5", H100), ("H100 NVL", "NVIDIA H100 NVL"), ("A100 SXM4", "NVIDIA A100-SXM4-80GB"),
        ("A100", "NVIDIA A100-PCIE-40GB"), ("L40S", "NVIDIA L40S"), ("H200 SXM", "NVIDIA H200"),
        ("RTX 6000 Ada", "NVIDIA RTX 6000 Ada Generation"), ("Tesla V100-SXM2-32GB", "Tesla V100-SXM2-32GB"),
        ("T4", "Tesla T4"), ("GH200", "NVIDIA GH200 480GB"), ("H100 80 GB", H100), ("A10G", "NVIDIA A10G"),
        ("RTX 4080 SUPER", "NVIDIA GeForce RTX 4080 SUPER"), ("Instinct MI300X", "AMD Instinct MI300X OAM"),
    ],
)  # fmt: skip
def test_one_gpu_has_many_names(listed: str, driver: str) -> None:
    assert names.same_gpu(listed, driver)


@pytest.mark.parametrize(
    ("listed", "driver"),
    [
        ("H100 NVL", H100), ("H100 SXM5", "NVIDIA H100 PCIe"), ("L40S", "NVIDIA L40"), ("L4", "NVIDIA L40"),
        ("RTX 4080", "NVIDIA GeForce RTX 4080 SUPER"), ("A10", "NVIDIA A10G"), ("", H100), ("GPU", H100),
    ],
)  # fmt: skip
def test_names_that_look_alike_are_other_gpus(listed: str, driver: str) -> None:
    assert not names.same_gpu(listed, driver)


@pytest.mark.parametrize(
    ("listed", "lscpu", "same"),
    [
        ("EPYC 9334", "AMD EPYC 9334 32-Core Processor", True),
        ("Intel Xeon Gold 6130", "Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz", True),
        ("AMD EPYC", "AMD EPYC", True),
        ("EPYC 9334", "AMD EPYC 9354 32-Core Processor", False),
        ("Xeon E5-2640 v4", "Intel(R) Xeon(R) CPU E5-2640 v3 @ 2.60GHz", False),
    ],
)
def test_processors_are_told_apart_by_their_numbers(listed: str, lscpu: str, same: bool) -> None:
    assert names.same_cpu(listed, lscpu) is same
