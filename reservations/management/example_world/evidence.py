"""What stands behind costs: two that the nodes in Lyon share, and files, made up as all contracts are."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

from django.core.files.base import ContentFile

from accounts.models import Organisation, User
from nodes.models import Node
from pricing.models import CostPool, CostStatement, Evidence
from pricing.services import evidence, pools
from reservations.management.example_world import costs, machines, places
from reservations.management.example_world.steps import Step

OWNER, LEAD = "lyon-university", "omar"


@dataclass(frozen=True)
class File:
    title: str
    visibility: str  # pricing.models.Evidence.Visibility
    name: str
    content: bytes


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


RACK = File("Contract of rack 7, 2026", "public", "contract.pdf", pdf((
    "Example contract 2026-114",
    "Rack 7, 42 units: 750 EUR a month, electricity not included.",
    "Nothing here is real.",
)))  # fmt: skip
HOURS = File(
    "Hours of operators, a usual month",
    "funders",
    "hours.csv",
    b"""\
node,hours
Lyon H100,20
Lyon A100,16.7
Lyon L40S,6.7
Lyon L4,6.7
others,83.2
""",
)
METER = File(
    "Electricity, first quarter of 2026",
    "funders",
    "meter.csv",
    b"""\
month,kWh,EUR
2026-01,3411,494.60
2026-02,3088,447.76
2026-03,3379,489.96
""",
)
INVOICE = File("Invoice of the DGX H100", "steward", "invoice.pdf", pdf((
    "Example invoice 2024-3311",
    "One DGX H100: 280,000 EUR without VAT, of which 168,000 EUR granted.",
    "Nothing here is real.",
)))  # fmt: skip
SUPPLY = File("Supply at the day-ahead price, 2026", "public", "supply.pdf", pdf((
    "Example contract of supply BJ-2026-9",
    "Each hour at the day-ahead price of the zone PT, and 6 EUR/MWh; grid and tax apart.",
    "Nothing here is real.",
)))  # fmt: skip
# Node, part of its statement, file.
FILES = (
    ("lyon-h100", "hosting", RACK),
    ("lyon-h100", "electricity", METER),
    ("lyon-h100", "assets.0", INVOICE),
    ("beja-l40s", "electricity", SUPPLY),
)


# Name, component, EUR a year, where from, key, the whole, bases by node.
POOLS = (
    ("Operators in Lyon", "staff", "82000", "One post by the salary scale of the university, all in. Hours as noted "
     "in 2026; the rest of the post serves machines that are not listed here.", "staff_hours", "1600",
     {"lyon-h100": "240", "lyon-a100": "200", "lyon-l40s": "80", "lyon-l4": "80"}),
    ("Rack 7 in Lyon", "hosting", "9000", "Contract 2026-114 (example): 750 EUR a month for the rack, electricity "
     "not included.", "rack_units", "42", {"lyon-h100": "8", "lyon-a100": "6", "lyon-l40s": "2", "lyon-l4": "2"}),
)  # fmt: skip


def steps(
    organisations: Mapping[str, Organisation], by: Mapping[str, User], *, at: datetime
) -> Iterator[Step]:
    """The pools before the statements that take their parts from them, and the files after these."""
    yield Step(at, 0, partial(share_costs, organisations, by))
    yield Step(at, 2, partial(attach, organisations, by))


def hand_in(organisations: Mapping[str, Organisation], *, by: Mapping[str, User], at: datetime) -> None:
    """Once, in a world that was built before: what its owner has changed since stays."""
    if not CostPool.objects.filter(organisation=organisations[OWNER]).exists():
        share_costs(organisations, by, at)
        attach(organisations, by, at)


def share_costs(organisations: Mapping[str, Organisation], by: Mapping[str, User], at: datetime) -> None:
    owner, lead = organisations[OWNER], by[LEAD]
    behind = {"hosting": _file(owner, lead, RACK, at), "staff": _file(owner, lead, HOURS, at)}
    for name, kind, amount, worked_out, key, whole, bases in POOLS:
        wanted = pools.Wanted(
            name=name, kind=kind, amount_year=Decimal(amount), worked_out=worked_out, key=key,
            whole=Decimal(whole), bases=_listed(owner, bases), effective_from=at,
        )  # fmt: skip
        pools.publish_pool(organisation=owner, wanted=wanted, evidence=[behind[kind]], by=lead, at=at)


def attach(organisations: Mapping[str, Organisation], by: Mapping[str, User], at: datetime) -> None:
    """Behind the statements in force: for everybody, for funders, and for stewards alone."""
    for node, part, file in FILES:
        statement = CostStatement.objects.filter(node__slug=node, effective__contains=at).first()
        if statement is None:
            continue  # a world of an earlier table
        machine = machines.BY_SLUG[node]
        owner, lead = organisations[places.BY_SLUG[machine.place].owner], by[costs.lead_of(machine)]
        evidence.attach_to_statement(
            statement=statement, part=part, evidence=_file(owner, lead, file, at), by=lead, at=at
        )


def _listed(owner: Organisation, bases: Mapping[str, str]) -> dict[str, Decimal]:
    """A world of an earlier table may lack a node."""
    there = Node.objects.filter(owner=owner, slug__in=bases).values_list("slug", flat=True)
    return {slug: Decimal(bases[slug]) for slug in there}


def _file(owner: Organisation, by: User, file: File, at: datetime) -> Evidence:
    content = ContentFile(file.content, name=file.name)
    return evidence.add_evidence(
        organisation=owner, title=file.title, file=content, visibility=file.visibility, by=by, at=at
    )
