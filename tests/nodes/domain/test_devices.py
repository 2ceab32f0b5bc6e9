from __future__ import annotations

import pytest

from nodes.domain.devices import GIB, model_key


@pytest.mark.parametrize(
    ("model", "memory_bytes", "key"),
    [
        ("A100 SXM4", 80 * GIB, "a100-sxm4-80"),
        ("L40S", 48305799168, "l40s-45"),  # as the driver reports it
        ("2 × EPYC 9754", 1024 * GIB, "2-epyc-9754-1024"),
        ("A100-SXM4-40GB MIG 1g.5gb", 5 * GIB, "a100-sxm4-40gb-mig-1g-5gb-5"),
    ],
)
def test_model_and_memory_make_the_key(model: str, memory_bytes: int, key: str) -> None:
    assert model_key(model, memory_bytes) == key


def test_a_key_fits_its_column_of_90() -> None:
    assert len(model_key("x" * 200, 999_999_999 * GIB)) == 90
