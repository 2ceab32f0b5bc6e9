"""What calls about a node's costs bring along, and what they are answered."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers

from common.api.bodies import Members
from common.api.shapes import MomentField, Shape
from common.lines import require_one_line

_DECLARED = {
    "version": "3",
    "assets": [
        {"name": "DGX H100", "price": "280000", "purchased_on": "2024-12-02", "life_years": "5",
         "residual_value": "28000",
         "funding": [{"source": "Research agency", "kind": "public_grant", "amount": "168000"}]},
    ],
    "active_kilowatts": "6.2", "idle_kilowatts": "1.4", "pue": "1.25", "used_share": "0.72",
    "contract_price": "0.145", "planned_outage_hours": "350", "hosting_year": "9000",
    "staff_posts": "0.15", "staff_post_year": "82000",
}  # fmt: skip


# --- what a call brings along --------------------------------------------------------------------------
class DraftFileMembers(Members):
    part = serializers.CharField(
        max_length=60, default="", allow_blank=True, help_text="A component, such as staff; empty: all of it."
    )
    evidence = serializers.UUIDField(help_text="A file of the owner’s.")


class DraftMembers(Members):
    declared = serializers.DictField(
        help_text="The whole declaration. What is wrong in it is kept and told by a preview; "
        "docs/cost-model.md names its members."
    )
    reason = serializers.CharField(
        max_length=500, required=False, allow_blank=True, validators=[require_one_line],
        help_text="Of a correction.",
    )  # fmt: skip
    evidence = DraftFileMembers(many=True, required=False, help_text="Left out: as it is.")

    example: ClassVar = {"declared": _DECLARED}


class PreviewMembers(Members):
    declared = serializers.DictField(help_text="As in a draft; it need not be complete.")
    effective_from = MomentField(required=False, help_text="What it comes to from then on; now, else.")

    example: ClassVar = {"declared": _DECLARED}


class PublishMembers(Members):
    effective_from = MomentField(required=False, help_text="Now, where nothing is said.")
    effective_until = MomentField(required=False, help_text="Until another follows, where nothing is said.")
    version = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, help_text="Of the draft that you have read."
    )
    reason = serializers.CharField(max_length=500, required=False, validators=[require_one_line])

    example: ClassVar = {"effective_from": "2027-01-01T00:00:00Z", "version": 3}


class CorrectMembers(Members):
    reason = serializers.CharField(max_length=500, validators=[require_one_line])

    example: ClassVar = {"reason": "Staff was counted twice"}


class WithdrawMembers(Members):
    reason = serializers.CharField(max_length=500, validators=[require_one_line])
    ends_at = MomentField(
        required=False,
        help_text="Now, where nothing is said. What is announced and ends before it begins is called off.",
    )

    example: ClassVar = {"reason": "The machine was sold", "ends_at": "2027-01-01T00:00:00Z"}


class CallOffMembers(Members):
    reason = serializers.CharField(max_length=500, validators=[require_one_line])

    example: ClassVar = {"reason": "Energy became cheaper"}


class PriceMembers(Members):
    price = serializers.DecimalField(
        max_digits=18, decimal_places=6, min_value=0, required=False, allow_null=True,
        help_text="EUR per device-hour, before VAT and the fee; none: what follows from the statement, or the"
        " cap where that is lower.",
    )  # fmt: skip
    effective_from = MomentField(required=False, help_text="Now, where nothing is said.")

    example: ClassVar = {"price": "1.450000", "effective_from": "2027-01-01T00:00:00Z"}


# --- what is answered ----------------------------------------------------------------------------------
class DraftFileShape(Shape):
    part = serializers.CharField()
    evidence = serializers.UUIDField()
    title = serializers.CharField()


class DraftShape(Shape):
    node = serializers.SlugField()
    version = serializers.IntegerField(help_text="Grows with every change.")
    declared = serializers.DictField()
    corrects = serializers.IntegerField(allow_null=True, help_text="The number of a statement.")
    reason = serializers.CharField()
    evidence = DraftFileShape(many=True)
    saved_at = serializers.DateTimeField()

    example: ClassVar = {
        "node": "gemini-1", "version": 3, "declared": _DECLARED, "corrects": None, "reason": "",
        "evidence": [], "saved_at": "2026-11-22T18:40:00Z",
    }  # fmt: skip


class FaultShape(Shape):
    field = serializers.CharField(help_text="A path in the declaration, such as assets.0.price.")
    detail = serializers.CharField()


class WarningShape(FaultShape):
    cited = serializers.CharField(help_text="Who says what is usual.")


class ComponentShape(Shape):
    kind = serializers.CharField()
    full_year = serializers.CharField(help_text="EUR a year for the whole node.")
    chargeable_year = serializers.CharField(
        help_text="Without what public money paid, and interest on the owner’s own money."
    )


class CostsShape(Shape):
    full_available = serializers.CharField(help_text="EUR per device-hour.")
    full_delivered = serializers.CharField()
    chargeable_available = serializers.CharField()
    chargeable_delivered = serializers.CharField()


class PreviewShape(Shape):
    is_publishable = serializers.BooleanField()
    costs = CostsShape(allow_null=True, help_text="Null for a node without devices.")
    components = ComponentShape(many=True)
    faults = FaultShape(many=True, help_text="What keeps it from being published.")
    warnings = WarningShape(many=True, help_text="What is unusual, and may be published all the same.")

    example: ClassVar = {
        "is_publishable": True,
        "costs": {"full_available": "1.271400", "full_delivered": "1.765833",
                  "chargeable_available": "0.811232", "chargeable_delivered": "1.126711"},
        "components": [{"kind": "purchase", "full_year": "50400", "chargeable_year": "20160"}],
        "faults": [],
        "warnings": [{"field": "staff_posts", "detail": "No people are declared.", "cited": "e-FISCAL"}],
    }  # fmt: skip


class WithdrawnShape(Shape):
    reason = serializers.CharField()
    at = serializers.DateTimeField()


class StatementShape(Shape):
    id = serializers.URLField()
    uid = serializers.UUIDField()
    node = serializers.SlugField()
    number = serializers.IntegerField()
    effective_from = serializers.DateTimeField()
    effective_until = serializers.DateTimeField(allow_null=True)
    declared = serializers.DictField()
    costs = CostsShape()
    components = ComponentShape(many=True)
    corrects = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField()
    withdrawn = WithdrawnShape(allow_null=True)
    sha256 = serializers.CharField(help_text="Of its published form, as the ledger has it.")
    published_at = serializers.DateTimeField()

    example: ClassVar = {
        "id": "https://equinode.example/0193069f-20bb-7c3e-9d2b-1a2b3c4d5e6f",
        "uid": "0193069f-20bb-7c3e-9d2b-1a2b3c4d5e6f",
        "node": "gemini-1",
        "number": 2,
        "effective_from": "2027-01-01T00:00:00Z",
        "effective_until": None,
        "declared": _DECLARED,
        "costs": PreviewShape.example["costs"],
        "components": PreviewShape.example["components"],
        "corrects": 1,
        "reason": "Staff was counted twice",
        "withdrawn": None,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "published_at": "2026-11-22T18:40:00Z",
    }


class CalledOffShape(Shape):
    reason = serializers.CharField()
    at = serializers.DateTimeField()


class TariffShape(Shape):
    id = serializers.URLField()
    uid = serializers.UUIDField()
    node = serializers.SlugField()
    number = serializers.IntegerField()
    statement = serializers.IntegerField(help_text="The number of the statement that it follows from.")
    effective_from = serializers.DateTimeField()
    effective_until = serializers.DateTimeField(allow_null=True)
    price = serializers.CharField(help_text="EUR per device-hour, before VAT and the site’s fee.")
    carried = serializers.CharField()
    owner_adjustment = serializers.CharField(help_text="What the owner leaves off (negative) or adds.")
    policy = serializers.IntegerField(
        allow_null=True, help_text="The version of the pricing policy that it was held against."
    )
    limit = serializers.CharField(allow_null=True, help_text="The highest price that the cap allowed then.")
    exception = serializers.UUIDField(
        allow_null=True, help_text="The exception to the cap that allows it, and with which it ends."
    )
    called_off = CalledOffShape(
        allow_null=True, help_text="It was announced, and called off before it began: it never was in force."
    )
    sha256 = serializers.CharField()
    published_at = serializers.DateTimeField()

    example: ClassVar = {
        "id": "https://equinode.example/0193069f-30cc-7c3e-9d2b-1a2b3c4d5e6f",
        "uid": "0193069f-30cc-7c3e-9d2b-1a2b3c4d5e6f",
        "node": "gemini-1",
        "number": 2,
        "statement": 2,
        "effective_from": "2027-01-01T00:00:00Z",
        "effective_until": None,
        "price": "1.450000",
        "carried": "0.000000",
        "owner_adjustment": "-0.052027",
        "policy": 1,
        "limit": "1.502027",
        "exception": None,
        "called_off": None,
        "sha256": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
        "published_at": "2026-11-22T18:40:00Z",
    }
