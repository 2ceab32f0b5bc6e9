"""What the agents of tests tell of the machines that tests/factories.py lists."""

from __future__ import annotations

from typing import Any

from nodes.models import Device, Node

GIB, MIB = 2**30, 2**20


def gpu(index: int, name: str = "NVIDIA H100 80GB HBM3", **members: Any) -> dict[str, Any]:
    return {
        "index": index, "uuid": f"GPU-{index}", "name": name, "memory_bytes": 81559 * MIB,
        "driver": "590.48.01", "mig": None,
    } | members  # fmt: skip


def of_node(node: Node, **members: Any) -> dict[str, Any]:
    """An inventory in which nothing differs, but for the members that are given."""
    gpus = node.devices.filter(kind=Device.Kind.GPU).order_by("index")
    return {
        "profile": "1.0", "architecture": "x86_64", "kernel": "6.8.0", "hostname": "secret-name",
        "memory_bytes": node.memory_bytes - GIB, "disks": [], "runtimes": {"bubblewrap": "0.9"}, "faults": [],
        "cpu": {"model": f"AMD {node.cpu_model} Processor", "sockets": 2, "cores": node.cpu_cores,
                "threads": 2 * node.cpu_cores},
        "gpus": [gpu(device.index, uuid=f"GPU-{device.uid}") for device in gpus],
    } | members  # fmt: skip
