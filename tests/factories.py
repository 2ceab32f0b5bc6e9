"""One plain function per thing that tests need; every argument has a default."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.files.base import ContentFile
from django.db import transaction

import pricing.selectors
from accounts.domain import house_rules
from accounts.models import Organisation, OrganisationMembership, Project, ProjectMembership, User
from accounts.services.house_rules import accept_house_rules
from common import clock
from common.ranges import between
from ledger import services as ledger
from ledger.models import Entry
from nodes.models import Device, Node, Site
from nodes.services.occupancy import WantedHold, hold_devices
from pricing.domain.declared import Asset, Declared, Funding, FundingKind
from pricing.domain.grants import cover
from pricing.domain.site_costs import Costs, Item, Kind
from pricing.models import (
    Charge,
    Evidence,
    FundingLine,
    Grant,
    PoolStatement,
    PricingPolicy,
    SiteCosts,
    SiteFee,
    Tariff,
)
from pricing.services import evidence as evidence_service, pools as pools_service
from pricing.services.fees import set_site_fee
from pricing.services.grants import encumber, lock_grants
from pricing.services.hourly import Imported, import_file
from pricing.services.site_costs import publish_site_costs
from pricing.services.statements import publish_statement
from pricing.services.tariffs import publish_tariff
from reservations.domain.policy import Policy as PolicyRules
from reservations.models import Decision, Policy, Reservation, ReservedDevice, Snapshot, Vertex
from reservations.services import shares as shares_service
from reservations.services.usage import weighted_hours

_numbers = itertools.count(1)
GIB = 1024**3


def make_user(name: str = "", *, accepts_rules: bool = True, **fields: Any) -> User:
    """Somebody who may act: the house rules are accepted unless said otherwise."""
    name = name or f"person{next(_numbers)}"
    user = User.objects.create_user(
        f"{name}@example.org", "correct horse battery", name=name.title(), **fields
    )
    if accepts_rules:
        accept_house_rules(user=user, version=house_rules.CURRENT.number, at=clock.now())
    return user


def give_second_factor(user: User) -> User:
    """An authenticator app: without a second factor the admin stays closed."""
    TOTP.activate(user, generate_totp_secret())
    return user


def make_organisation(
    kind: str = Organisation.Kind.OWNER, *, lead: User | None = None, **fields: Any
) -> Organisation:
    number = next(_numbers)
    fields = {"slug": f"organisation-{number}", "name": f"Organisation {number}", "country": "FR"} | fields
    organisation = Organisation.objects.create(kind=kind, verified_at=clock.now(), **fields)
    if lead is not None:
        OrganisationMembership.objects.create(organisation=organisation, user=lead, role="lead")
    return organisation


def lead(organisation: Organisation, user: User) -> None:
    OrganisationMembership.objects.create(organisation=organisation, user=user, role="lead")


def make_project(*members: User, lead: User | None = None, **fields: Any) -> Project:
    number = next(_numbers)
    fields = {"slug": f"project-{number}", "name": f"Project {number}", "project_class": "research"} | fields
    project = Project.objects.create(**fields)
    for member in members:
        ProjectMembership.objects.create(project=project, user=member)
    if lead is not None:
        ProjectMembership.objects.create(project=project, user=lead, role="lead")
    return project


def make_site(**fields: Any) -> Site:
    number = next(_numbers)
    fields = {
        "slug": f"site-{number}", "name": f"Site {number}", "country": "FR", "electricity_zone": "FR",
        "time_zone": "Europe/Paris", "pue": Decimal("1.25"),
    } | fields  # fmt: skip
    return Site.objects.create(**fields)


def make_node(
    *, devices: int = 2, model: str = "H100 SXM5", owner: Organisation | None = None, **fields: Any
) -> Node:
    """A listed node with `devices` GPUs, no statement, no tariff and no agent yet."""
    number = next(_numbers)
    site: Site = fields.pop("site", None) or make_site()
    defaults: dict[str, Any] = {
        "slug": f"node-{number}", "name": f"Node {number}", "state": Node.State.LISTED,
        "cpu_model": "EPYC 9334", "cpu_cores": 64, "memory_bytes": 512 * GIB, "listed_at": clock.now(),
    } | fields  # fmt: skip
    node = Node.objects.create(owner=owner or make_organisation(), site=site, **defaults)
    key = f"{model.lower().replace(' ', '-')}-80"
    for index in range(devices):
        Device.objects.create(
            node=node, index=index, kind="gpu", model=model, memory_bytes=80 * GIB, model_key=key
        )
    return node


def make_grant(project: Project, amount: str = "1000", **fields: Any) -> Grant:
    now = clock.now()
    valid = between(now - timedelta(days=30), now + timedelta(days=300))
    fields = {"name": "Grant 1", "purpose": "Research", "valid": valid, "created_at": now} | fields
    funder = fields.pop("funder", None) or make_organisation(Organisation.Kind.FUNDER)
    return Grant.objects.create(project=project, funder=funder, amount=Decimal(amount), **fields)


def make_line(amount: str = "1000", *, funder: Organisation | None = None, **fields: Any) -> FundingLine:
    number, now = next(_numbers), clock.now()
    valid = between(now - timedelta(days=30), now + timedelta(days=300))
    fields = {"name": f"Line {number}", "purpose": "Research", "valid": valid, "created_at": now} | fields
    fields["created_by"] = fields.get("created_by") or make_user()
    funder = funder or make_organisation(Organisation.Kind.FUNDER)
    return FundingLine.objects.create(funder=funder, amount=Decimal(amount), **fields)


def make_asset(**changes: Any) -> Asset:
    """What the worked node S1 of docs/cost-model.md was bought for, 60 % of it paid by a public grant."""
    fields: dict[str, Any] = {
        "name": "DGX H100", "price": Decimal(280_000), "residual_value": Decimal(28_000),
        "life_years": Decimal(5), "purchased_on": date(2026, 1, 1), "maintenance_share": Decimal("0.04"),
        "funding": granted("168000"),
    }  # fmt: skip
    return Asset(**fields | changes)


def granted(amount: str, source: str = "National programme") -> tuple[Funding, ...]:
    """Public money behind an asset; nothing for an amount of nothing."""
    return (Funding(source, FundingKind.PUBLIC_GRANT, Decimal(amount)),) if Decimal(amount) else ()


def make_declared(**changes: Any) -> Declared:
    """The worked node S1 of docs/cost-model.md, eight devices, 60 % paid by a public grant."""
    numbers = {
        "active_kilowatts": "6.2", "idle_kilowatts": "1.4", "pue": "1.25", "contract_price": "0.145",
        "planned_outage_hours": "350.4", "used_share": "0.72", "hosting_year": "9000",
        "network_year": "2000", "licences_year": "1500", "staff_posts": "0.15", "staff_post_year": "82000",
        "insurance_share": "0.005", "indirect_costs": "120000", "direct_costs": "1000000",
    }  # fmt: skip
    fields: dict[str, Any] = {name: Decimal(number) for name, number in numbers.items()}
    fields["assets"] = (make_asset(),)
    return Declared(**fields | changes)


def publish_prices(
    node: Node,
    *,
    by: User | None = None,
    since: datetime | None = None,
    declared: Declared | None = None,
    over_recovered: str = "0",
    owner_adjustment: str = "0",
) -> Tariff:
    """Statement and tariff of this node, in force since 30 days ago unless said otherwise."""
    now = clock.now()
    since = since or now - timedelta(days=30)
    by = by or make_user()
    statement = publish_statement(
        node=node, declared=declared or make_declared(), effective_from=since, published_by=by, at=now
    )
    return publish_tariff(
        statement=statement,
        effective_from=since,
        published_by=by,
        at=now,
        over_recovered=Decimal(over_recovered),
        owner_adjustment=Decimal(owner_adjustment),
    )


def make_pricing_policy(**changes: Any) -> PricingPolicy:
    """Caps of 10 % and 0, a floor of half the hours, in force since 60 days ago."""
    numbers = {
        "private_cap": Decimal("0.1"), "public_cap": Decimal(0), "utilisation_floor": Decimal("0.5"),
        "window_months": 24,
    } | changes  # fmt: skip
    since = clock.now() - timedelta(days=60)
    return PricingPolicy.objects.create(
        version=(PricingPolicy.objects.count() + 1), effective=between(since, None), reason="Tests",
        digest="0" * 64, entry=make_entry(), published_by=make_user(), published_at=since, **numbers,
    )  # fmt: skip


def site_costs_of(hosting: str = "30000", people: str = "20000", **changes: Any) -> Costs:
    """50,000 EUR a year over a million device-hours: a fee of at most 0.05 EUR."""
    items = (
        Item(Kind.HOSTING, Decimal(hosting), "Two servers.", "Contract 2026-7"),
        Item(Kind.PEOPLE, Decimal(people), "A third of a post.", "Salary scale of 2026"),
    )
    wanted: dict[str, Any] = {"items": items, "device_hours": Decimal(1000000)}
    return Costs(**wanted | changes)


def make_site_costs(**said: Any) -> SiteCosts:
    """In force since 60 days ago."""
    at = clock.now()
    wanted: dict[str, Any] = {
        "costs": site_costs_of(), "effective_from": at - timedelta(days=60), "reason": "Tests", "at": at,
    } | said  # fmt: skip
    return publish_site_costs(**{"by": make_user(is_steward=True)} | wanted)


def set_fee(amount: str = "0.02", *, since: datetime | None = None) -> SiteFee:
    """Under costs that allow 0.05 EUR, which are published where none are."""
    costs = SiteCosts.objects.first() or make_site_costs()
    at = clock.now()
    return set_site_fee(
        amount=Decimal(amount), effective_from=since, reason="Servers", by=costs.published_by, at=at
    )


def import_hours(text: str, *, content: str = "prices", at: datetime | None = None, **said: Any) -> Imported:
    """A file of hourly inputs with that text, imported."""
    said = {"source": "A test", "name": "hours.csv", "by": None, **said}
    file = BytesIO(text.encode())
    return import_file(content=content, file=file, at=at or clock.now(), **said)


def make_evidence(organisation: Organisation, by: User, content: bytes = b"", **fields: Any) -> Evidence:
    """A file of the organisation's that stands behind nothing yet."""
    number = next(_numbers)
    fields = {"title": f"Invoice {number}", "visibility": "steward"} | fields
    file = ContentFile(content or f"month,EUR\n1,{number}\n".encode(), name=fields.pop("name", "invoice"))
    return evidence_service.add_evidence(
        organisation=organisation, file=file, by=by, at=clock.now(), **fields
    )


def make_pool(bases: Mapping[Node, str], /, by: User, **fields: Any) -> PoolStatement:
    """A published pool of the nodes' owner, whom `by` leads, in force from a minute ago."""
    owner = next(iter(bases)).owner
    given = {key: fields.pop(key) for key in ("corrects", "reason", "evidence") if key in fields}
    wanted: dict[str, Any] = {
        "name": f"Rack {next(_numbers)}", "kind": "hosting", "amount_year": Decimal(9000),
        "worked_out": "Contract 2026-114", "key": "rack_units",
        "bases": {node.slug: Decimal(base) for node, base in bases.items()},
        "effective_from": clock.now() - timedelta(minutes=1),
    } | fields  # fmt: skip
    return pools_service.publish_pool(
        organisation=owner, wanted=pools_service.Wanted(**wanted), by=by, at=clock.now(),
        **{"evidence": [], **given},
    )  # fmt: skip


def make_charge(node: Node, project: Project, *, grant: Grant | None = None, amount: str = "1") -> Charge:
    now = clock.now()
    return Charge.objects.create(
        project=project, node=node, reference=f"reservation-{next(_numbers)}", position=0, category="usage",
        item="slot", quantity=Decimal(1), unit_price=Decimal(amount), amount=Decimal(amount), grant=grant,
        period=between(now - timedelta(hours=1), now), posted_at=now,
    )  # fmt: skip


def make_entry() -> Entry:
    """An entry of the ledger that stands for any fact."""
    with transaction.atomic():
        body = {"effective_from": clock.now(), "amount": Decimal(0), "reason": f"Test {next(_numbers)}"}
        return ledger.append(kind="site_fee", body=body, at=clock.now())


def make_policy(**changes: Any) -> Policy:
    """The default rules, in force since 60 days ago; or the policy that is in force already."""
    rules = PolicyRules(**changes)
    since = clock.now() - timedelta(days=60)
    existing = Policy.objects.first()
    return existing or Policy.objects.create(
        version=1, effective=between(since, None), rules=rules.to_json(), reason="Tests", digest=rules.digest,
        entry=make_entry(), published_at=since,
    )  # fmt: skip


def make_vertex(project: Project, *, shares: int = 1) -> Vertex:
    """The project's place in the share tree, right below the root."""
    if found := Vertex.objects.filter(project=project).first():
        return found
    root = Vertex.objects.filter(parent=None).first() or shares_service.create_root(name="All")
    return shares_service.create_project_vertex(parent=root, project=project, shares=shares)


def make_slot(
    project: Project, devices: Sequence[Device], *, start: datetime, end: datetime, by: User, at: datetime
) -> Reservation:
    """A booked slot with its holds, prices and money set aside, whatever the rules would say of it."""
    nothing, _created = Snapshot.objects.get_or_create(digest="0" * 64, defaults={"facts": {}})
    decision = Decision.objects.create(
        project=project, asked_by=by, policy=make_policy(), engine="1", request={}, taken_on=nothing,
        rules=[], outcome="granted", digest="0" * 64, entry=make_entry(), decided_at=at,
    )  # fmt: skip
    rates = pricing.selectors.rates(device_ids=[device.pk for device in devices], at=at)
    during = between(start, end)
    reservation = Reservation.objects.create(
        project=project, booked_by=by, decision=decision, during=during, created_at=at, quoted_price=0
    )
    if not project.grants.exists():
        make_grant(project)
    wanted = [WantedHold(device.pk, rates[device.pk].weight, rates[device.pk].to_pay) for device in devices]
    holds = hold_devices(
        wanted=wanted, during=during, reference=reservation.reference, kind="reservation", at=at
    )
    for hold in holds:
        rate = rates[hold.device_id]
        ReservedDevice.objects.create(
            reservation=reservation, device_id=hold.device_id, hold_uid=hold.uid, weight=rate.weight,
            price=rate.price, fee=rate.fee, tariff_id=rate.tariff_id,
        )  # fmt: skip
    vertex = make_vertex(project)
    vertex.committed += sum(weighted_hours(rates[device.pk].weight, end - start) for device in devices)
    vertex.save(update_fields=["committed"])
    with transaction.atomic():
        grants = lock_grants(project_id=project.pk)
        price = sum((rates[device.pk].to_pay for device in devices), Decimal(0))
        encumber(
            grants=grants,
            cover=cover(grants, hours=during, price_per_hour=price, devices=len(devices)),
            reference=reservation.reference,
        )
    return reservation
