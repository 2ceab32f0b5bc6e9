"""What programs read and write of cost pools and their drafts."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from common.api.bodies import Members
from common.api.shapes import Shape
from common.lines import require_one_line
from pricing.models import PoolStatement

_KINDS, _KEYS = PoolStatement.Kind.values, PoolStatement.Key.values


def _number(**options: Any) -> serializers.DecimalField:
    return serializers.DecimalField(
        max_digits=18, decimal_places=4, required=False, allow_null=True, **options
    )


class PoolDraftMembers(Members):
    """Whatever is known so far; publishing says what is missing."""

    name = serializers.CharField(max_length=80, required=False, validators=[require_one_line])
    kind = serializers.ChoiceField(_KINDS, required=False, help_text="The component of a node’s cost.")
    amount_year = _number(help_text="EUR.")
    worked_out = serializers.CharField(max_length=2000, required=False)
    first_day = serializers.DateField(required=False, help_text="UTC.")
    last_day = serializers.DateField(required=False, allow_null=True, help_text="Null: until further notice.")
    key = serializers.ChoiceField(_KEYS, required=False)
    whole = _number(help_text="All that the cost serves; null: the nodes’ bases are all.")
    bases = serializers.DictField(
        child=serializers.DecimalField(max_digits=18, decimal_places=4), required=False,
        help_text="Of the key, by the node’s slug.",
    )  # fmt: skip
    evidence = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=50)
    reason = serializers.CharField(
        max_length=500, required=False, validators=[require_one_line],
        help_text="Of a correction: why.",
    )  # fmt: skip

    example: ClassVar = {
        "name": "Rack in Lyon",
        "kind": "hosting",
        "amount_year": "9000.0000",
        "worked_out": "Contract 2026-114: 750 EUR a month.",
        "first_day": "2027-01-01",
        "key": "rack_units",
        "whole": "42.0000",
        "bases": {"lyon-h100": "12.0000"},
    }


def _version() -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, help_text="Of the draft that you have read."
    )


class ChangedPoolDraftMembers(PoolDraftMembers):
    version = _version()

    example: ClassVar = {**PoolDraftMembers.example, "version": 3}


class PublishPoolMembers(Members):
    version = _version()

    example: ClassVar = {"version": 3}


class NewPoolDraftMembers(PoolDraftMembers):
    corrects = serializers.UUIDField(
        required=False, allow_null=True, help_text="The newest statement of the pool that it will follow."
    )


class PoolDraftShape(Shape):
    id = serializers.URLField()
    uid = serializers.UUIDField()
    url = serializers.CharField()
    organisation = serializers.SlugField()
    corrects = serializers.UUIDField(allow_null=True)
    typed = serializers.DictField(help_text="As it was written last, here or on the page.")
    evidence = serializers.ListField(child=serializers.UUIDField())
    version = serializers.IntegerField(help_text="Grows with every change.")
    saved_at = serializers.DateTimeField()

    example: ClassVar = {
        "id": "https://equinode.example/01930700-5b6c-7d7e-8f80-9a0b1c2d3e4f",
        "uid": "01930700-5b6c-7d7e-8f80-9a0b1c2d3e4f",
        "url": "/organisations/lab-lyon/pools/drafts/01930700-5b6c-7d7e-8f80-9a0b1c2d3e4f/",
        "organisation": "lab-lyon",
        "corrects": None,
        "typed": {"name": "Rack in Lyon", "bases": {"lyon-h100": "12.0000"}},
        "evidence": [],
        "version": 3,
        "saved_at": "2026-11-22T18:45:00Z",
    }


class PoolRowShape(Shape):
    uid = serializers.UUIDField()
    url = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(_KINDS)
    key = serializers.ChoiceField(_KEYS)
    amount_year = serializers.CharField(help_text="EUR.")
    unassigned_share = serializers.CharField()
    statement = serializers.UUIDField(help_text="The newest one.")
    number = serializers.IntegerField()

    example: ClassVar = {
        "uid": "01930700-5b6c-7d7e-8f80-9a0b1c2d3e4f",
        "url": "/pools/01930700-5b6c-7d7e-8f80-9a0b1c2d3e4f/",
        "name": "Rack in Lyon",
        "kind": "hosting",
        "key": "rack_units",
        "amount_year": "9000.000000",
        "unassigned_share": "0.714285714286",
        "statement": "01930701-5b6c-7d7e-8f80-9a0b1c2d3e4f",
        "number": 1,
    }


class PoolShape(Shape):
    pool = serializers.UUIDField()
    organisation = serializers.SlugField()
    statements = serializers.ListField(
        child=serializers.DictField(),
        help_text="Newest first: each in its published form, with its digest, its end and its ledger index.",
    )

    example: ClassVar = {
        "pool": "01930700-5b6c-7d7e-8f80-9a0b1c2d3e4f",
        "organisation": "lab-lyon",
        "statements": [{"number": 1, "name": "Rack in Lyon", "amount_year": "9000", "key": "rack_units"}],
    }
