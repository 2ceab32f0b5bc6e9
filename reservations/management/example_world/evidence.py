"""What stands behind costs in Lyon: two costs that its nodes share, and files, made up as all contracts are."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from django.core.files.base import ContentFile

from accounts.models import Organisation, User
from nodes.models import Node
from pricing.models import CostPool, CostStatement, Evidence
from pricing.services import evidence, pools

OWNER, LEAD = "lyon-university", "omar"
METER = """month,kWh,EUR
2026-01,3411,494.60
2026-02,3088,447.76
2026-03,3379,489.96
"""
# Name, component, EUR a year, where from, key, the whole, bases by node.
POOLS = (
    ("Operators in Lyon", "staff", "82000", "One post by the salary scale of the university, all in. Hours as noted "
     "in 2026; the rest of the post serves machines that are not listed here.", "staff_hours", "1600",
     {"lyon-h100": "240", "lyon-a100": "200", "lyon-l40s": "80", "lyon-l4": "80"}),
    ("Rack 7 in Lyon", "hosting", "9000", "Contract 2026-114 (example): 750 EUR a month for the rack, electricity "
     "not included.", "rack_units", "42", {"lyon-h100": "8", "lyon-a100": "6", "lyon-l40s": "2", "lyon-l4": "2"}),
)  # fmt: skip


def hand_in(organisations: Mapping[str, Organisation], *, by: Mapping[str, User], at: datetime) -> None:
    """Once: what its owner has changed since stays."""
    owner, lead = organisations[OWNER], by[LEAD]
    if CostPool.objects.filter(organisation=owner).exists():
        return
    contract = _file(owner, lead, "Contract of rack 7, 2026", "public", "contract.pdf", pdf(CONTRACT), at)
    meter = _file(
        owner, lead, "Electricity, first quarter of 2026", "funders", "meter.csv", METER.encode(), at
    )
    statement = CostStatement.objects.filter(node__slug="lyon-h100").order_by("-number").first()
    if statement is not None:
        evidence.attach_to_statement(statement=statement, part="hosting", evidence=contract, by=lead, at=at)
        evidence.attach_to_statement(statement=statement, part="electricity", evidence=meter, by=lead, at=at)
    for name, kind, amount, worked_out, key, whole, bases in POOLS:
        wanted = pools.Wanted(
            name=name, kind=kind, amount_year=Decimal(amount), worked_out=worked_out, key=key,
            whole=Decimal(whole), bases=_listed(owner, bases), effective_from=datetime(at.year, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        behind = [contract] if kind == "hosting" else []
        pools.publish_pool(organisation=owner, wanted=wanted, evidence=behind, by=lead, at=at)


def _listed(owner: Organisation, bases: Mapping[str, str]) -> dict[str, Decimal]:
    """A world of an earlier table may lack a node."""
    there = Node.objects.filter(owner=owner, slug__in=bases).values_list("slug", flat=True)
    return {slug: Decimal(bases[slug]) for slug in there}


def _file(
    owner: Organisation, by: User, title: str, visibility: str, name: str, content: bytes, at: datetime
) -> Evidence:
    file = ContentFile(content, name=name)
    return evidence.add_evidence(
        organisation=owner, title=title, file=file, visibility=visibility, by=by, at=at
    )


CONTRACT = (
    "Example contract 2026-114",
    "Rack 7, 42 units: 750 EUR a month, electricity not included.",
    "Nothing here is real.",
)


def pdf(lines: tuple[str, ...]) -> bytes:
    """One page of text, by hand: ISO 32000-2, 7.5."""
    shown = b" ".join(b"(%s) Tj 0 -22 Td" % line.encode("ascii") for line in lines)
    drawn = zlib.compress(b"BT /F1 14 Tf 60 760 Td " + shown + b" ET")
    bodies = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    written, places = b"%PDF-1.7\n", []
    for number, body in enumerate(bodies, start=1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(bodies) + 1
    return written + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\n" % (
        count, table, count
    ) + b"startxref\n%d\n%%%%EOF\n" % len(written)  # fmt: skip
