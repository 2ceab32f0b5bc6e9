from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from django.utils.translation import override

from pricing.domain import declared
from pricing.domain.declared import Asset, DayAheadMean, Declared, Fault, Funding, PoolPart, Support
from pricing.domain.declared.version1 import Declared1
from pricing.wording import FIELD_NAMES, fault_name, fault_sentence
from pricing.wording.faults import _FAULTS

FOLDER = Path(declared.__file__).parent
SHAPES = (Declared, Asset, Funding, DayAheadMean, PoolPart, Support, Declared1)


def rules() -> set[str]:
    """Every code of a fault that the domain names."""
    files = [*FOLDER.glob("*.py"), FOLDER.parent / "cost" / "year.py"]
    text = "".join(file.read_text() for file in files)
    found = set(re.findall(r'Fault\([^"]*?(?:f?"[^"]*"|path|name), "(\w+)"', text))
    return found | set(re.findall(r'"(\w+)" if mean is None else "(\w+)"', text)[0])


def test_every_fault_has_its_sentence_and_no_sentence_is_left_over() -> None:
    assert len(rules()) > 20
    assert rules() == set(_FAULTS)


@pytest.mark.parametrize("rule", sorted(_FAULTS))
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_sentence_can_be_said(rule: str, language: str) -> None:
    with override(language):
        sentence = fault_sentence(Fault("assets.1.price", rule, "10", "20"))
    assert "%(" not in sentence
    assert sentence.endswith(".")


def test_every_member_has_a_name() -> None:
    members = {item.name for shape in SHAPES for item in fields(shape)}
    assert members <= set(FIELD_NAMES)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("used_share", "Used hours"),
        ("assets.0.price", "Price (asset 1)"),
        ("assets.1.funding.2.amount", "Amount (asset 2, funding 3)"),
        ("pools.0.share", "Share (pool 1)"),
        ("support.staff", "Staff"),
        ("support.0.source", "Source (support 1)"),
        ("assets.0", "What was declared (asset 1)"),
        ("sources.overhead", "Overhead"),
        ("colour", "colour"),
        ("", "What was declared"),
    ],
)
def test_a_path_is_named_and_counted_from_one(path: str, name: str) -> None:
    assert fault_name(path) == name


def test_a_sentence_says_the_limit_and_what_was_declared() -> None:
    sentence = fault_sentence(Fault("assets.0.residual_value", "above_purchase", "280000", "300000"))
    assert sentence == "Residual value (asset 1): 300,000 EUR is more than what was paid, 280,000 EUR."
