"""Makes what the tables say by calling the services: people, nodes with their costs, projects with money."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from django.conf import settings
from django.contrib.auth.hashers import make_password

from accounts import services as accounts
from accounts.domain import house_rules
from accounts.models import Organisation, Project, User
from accounts.services.house_rules import accept_house_rules
from common.keys import load_private_key
from ledger import services as ledger
from nodes.models import Node, Site
from nodes.services import listing
from pricing.models import FundingLine
from pricing.services import grants
from reservations.domain.policy import standard
from reservations.management.example_world import (
    capping,
    changes,
    costs,
    entrusting,
    evidence,
    excepting,
    funding,
    hours,
    lending,
    list_prices,
    machines,
    newcomer,
    people,
    places,
    projects,
    site_costs,
)
from reservations.models import Vertex
from reservations.services import policy, shares

GIB = 1024**3
FIRST_RULES = replace(standard(), floor_share=Fraction(1, 10))  # half of the floor that it has today


@dataclass
class World:
    """The rows behind the names in the tables."""

    people: dict[str, User]
    organisations: dict[str, Organisation]
    nodes: dict[str, Node]
    projects: dict[str, Project]


def build(*, began_at: datetime, now: datetime) -> World:
    """The world as it stood when it began, before anybody booked."""
    users = {person.key: _person(person) for person in people.PEOPLE}
    _let_in(users)
    _accept_rules(users, began_at)
    opened_at = began_at - costs.OPENED
    organisations = {row.slug: _organisation(row, users, opened_at) for row in people.ORGANISATIONS}
    for purpose, path in (("ledger", settings.LEDGER_KEY_FILE), ("dispatch", settings.DISPATCH_KEY_FILE)):
        public = load_private_key(path).public_key().public_bytes_raw()
        ledger.declare_key(purpose=purpose, public_key=public, at=opened_at)
    site_costs.publish(users, began_at=opened_at)
    sites = {place.slug: _site(place) for place in places.PLACES}
    capping.publish_policy(users, at=opened_at)
    nodes = {
        machine.slug: _node(machine, organisations, sites, costs.first_at(machine, began_at=began_at))
        for machine in machines.EVERY
    }
    lending.keep(nodes, now=now)
    _tell_costs(organisations, nodes, users, began_at=began_at)
    policy.publish_policy(rules=FIRST_RULES, reason="The rules this site begins with.", at=began_at)
    capping.allow_one(nodes, users, at=began_at)
    accounts_by_name = _plant_accounts()
    funds = funding.set_aside(organisations, users, at=began_at, now=now)
    made = {}
    for row in projects.PROJECTS:
        made[row.slug] = _project(row, users, organisations, funds, began_at=began_at, now=now)
        shares.create_project_vertex(
            parent=accounts_by_name[row.account], project=made[row.slug], shares=row.shares
        )
    entrusting.entrust(organisations, by=users, at=began_at)
    excepting.grant(made, by=users, at=began_at)
    newcomer.set_aside(organisations, by=users, at=began_at)
    return World(users, organisations, nodes, made)


def _tell_costs(
    organisations: dict[str, Organisation],
    nodes: dict[str, Node],
    users: dict[str, User],
    *,
    began_at: datetime,
) -> None:
    """A year of it, each thing at its own time."""
    told = [
        *hours.steps(users, opened_at=began_at - costs.OPENED, began_at=began_at),
        *list_prices.steps(users, opened_at=began_at - costs.OPENED, began_at=began_at),
        *costs.steps(nodes, users, began_at=began_at),
        *evidence.steps(organisations, users, at=began_at - costs.AGAIN),
        *changes.steps(nodes, users, began_at=began_at),
    ]
    for step in sorted(told, key=lambda step: (step.at, step.order)):
        step.do(step.at)


def complete(world: World, *, at: datetime) -> None:
    """Add what these tables have learnt since an earlier version of them built this world."""
    missing = {row.key: _person(row) for row in people.PEOPLE if row.key not in world.people}
    if missing:
        _let_in(missing)
    world.people.update(missing)
    _accept_rules(world.people, at)
    hours.bring(world.people, at=at, since=at - costs.OPENED)
    list_prices.bring(world.people, at=at)
    _complete_nodes(world, at)
    site_costs.complete(world.people, at=at)
    shares.ensure_independent_account(shares=projects.INDEPENDENT_SHARES)
    _complete_projects(world, at)
    entrusting.entrust(world.organisations, by=world.people, at=at)
    excepting.grant(world.projects, by=world.people, at=at)
    evidence.hand_in(world.organisations, by=world.people, at=at)
    newcomer.set_aside(world.organisations, by=world.people, at=at)
    newcomer.sign_up(world.people, at=at)


def _complete_nodes(world: World, at: datetime) -> None:
    """Places and machines that the tables have learnt since, with what they cost from now on."""
    for row in people.ORGANISATIONS:
        if row.slug not in world.organisations:
            world.organisations[row.slug] = _organisation(row, world.people, at)
    sites = {site.slug: site for site in Site.objects.all()}
    for place in places.PLACES:
        if place.slug not in sites:
            sites[place.slug] = _site(place)
    for machine in machines.EVERY:
        if machine.slug not in world.nodes:
            node = world.nodes[machine.slug] = _node(machine, world.organisations, sites, at)
            costs.publish(machine, node, world.people[costs.lead_of(machine)], at=at)


def _complete_projects(world: World, at: datetime) -> None:
    """In the account that the tables name, or where that is newer than the world, in the one above it."""
    above = {account.name: account.parent for account in projects.ACCOUNTS}
    lines = {row.name: funder for funder, row in funding.LINES.items()}
    funds = {lines[line.name]: line for line in FundingLine.objects.filter(name__in=lines)}
    for row in projects.PROJECTS:
        if row.slug in world.projects:
            continue
        made = _project(row, world.people, world.organisations, funds, began_at=at, now=at)
        accounts_by_name = {vertex.name: vertex for vertex in Vertex.objects.filter(project=None)}
        account = row.account
        while account not in accounts_by_name:
            account = above[account]
        shares.create_project_vertex(parent=accounts_by_name[account], project=made, shares=row.shares)
        world.projects[row.slug] = made


def find() -> World | None:
    """The world that an earlier run built, or None."""
    slugs = [row.slug for row in projects.PROJECTS]
    found = {project.slug: project for project in Project.objects.filter(slug__in=slugs)}
    if not found:
        return None
    emails = {person.email: person.key for person in people.PEOPLE}
    return World(
        people={emails[user.email]: user for user in User.objects.filter(email__in=emails)},
        organisations={row.slug: row for row in Organisation.objects.all()},
        nodes={node.slug: node for node in Node.objects.filter(slug__in=machines.BY_SLUG)},
        projects=found,
    )


def _person(person: people.Person) -> User:
    user = accounts.create_person(
        email=person.email,
        password=None,
        name=person.name,
        language=person.language,
        time_zone=person.time_zone,
    )
    if person.key == people.STEWARD:
        user.is_steward = user.is_staff = user.is_superuser = True
        user.save(update_fields=["is_steward", "is_staff", "is_superuser"])
    return user


def _let_in(users: dict[str, User]) -> None:
    """Everybody's password is the same and printed: hashing it once is enough, and hashing is slow."""
    shown = [users[person.key].pk for person in people.PEOPLE if person.log_in and person.key in users]
    User.objects.filter(pk__in=shown).update(password=make_password(people.PASSWORD))


def _accept_rules(users: dict[str, User], at: datetime) -> None:
    """All but one, who does so as she signs up."""
    for key, user in users.items():
        if key != people.NEWCOMER:
            accept_house_rules(user=user, version=house_rules.CURRENT.number, at=at)


def _organisation(row: people.Organisation, users: dict[str, User], at: datetime) -> Organisation:
    organisation = accounts.create_organisation(
        slug=row.slug,
        name=row.name,
        kind=row.kind,
        country=row.country,
        lead=users[row.lead],
        is_public_body=row.is_public_body,
        verified_at=at,
    )
    # The world began before the day on which it is made.
    Organisation.objects.filter(pk=organisation.pk).update(registered_at=at)
    return organisation


def _site(place: places.Place) -> Site:
    return listing.enter_site(
        slug=place.slug,
        name=place.name,
        country=place.country,
        electricity_zone=place.zone,
        time_zone=place.time_zone,
        pue=place.pue,
    )


def _node(
    machine: machines.Machine, organisations: dict[str, Organisation], sites: dict[str, Site], at: datetime
) -> Node:
    if machine is machines.WORKBENCH:
        machine = _this_computer(machine)
    memory = (machine.memory_gib if machine.kind == "host" else machine.device_gib) * GIB
    return listing.enter_node(
        slug=machine.slug,
        name=machine.name,
        owner=organisations[places.BY_SLUG[machine.place].owner],
        site=sites[machine.place],
        vendor=machine.vendor,
        machine_model=machine.model,
        cpu_model=machine.cpu,
        cpu_cores=machine.cores,
        memory_bytes=machine.memory_gib * GIB,
        devices=[listing.NewDevice(machine.kind, machine.device, memory)] * machine.devices,
        at=at,
    )


def _threads_of_a_core() -> int:
    """As lscpu, which its agent asks: a listed core is a core, not a thread."""
    siblings = Path("/sys/devices/system/cpu/cpu0/topology/thread_siblings")  # a mask, in hexadecimal
    try:
        return max(1, int(siblings.read_text().replace(",", ""), 16).bit_count())
    except (OSError, ValueError):
        return 1


def _this_computer(machine: machines.Machine) -> machines.Machine:
    described = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in described if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return replace(
        machine,
        cpu=names[0] if names else os.uname().machine,
        cores=max(1, (os.cpu_count() or 1) // _threads_of_a_core()),
        memory_gib=max(1, memory // GIB),
    )


# --- projects -------------------------------------------------------------------------------


def _plant_accounts() -> dict[str, Vertex]:
    root = shares.ensure_independent_account(shares=projects.INDEPENDENT_SHARES).parent
    assert root is not None
    vertices = {"": root}
    for account in projects.ACCOUNTS:
        vertices[account.name] = shares.create_account(
            parent=vertices[account.parent], name=account.name, shares=account.shares
        )
    return vertices


def _project(
    row: projects.Project,
    users: dict[str, User],
    organisations: dict[str, Organisation],
    funds: dict[str, FundingLine],
    *,
    began_at: datetime,
    now: datetime,
) -> Project:
    project = accounts.create_project(
        slug=row.slug,
        name=row.name,
        summary=row.summary,
        project_class=row.project_class,
        lead=users[row.lead],
        organisation=organisations.get(row.organisation),
        uses_public_money=row.uses_public_money,
    )
    for member in row.members:
        accounts.add_to_project(project=project, user=users[member])
    # The world began before the day on which it is made.
    Project.objects.filter(pk=project.pk).update(created_at=began_at)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for grant in row.grants:
        until = midnight + timedelta(days=grant.days_left)
        grants.create_grant(
            project=project,
            funder=organisations[grant.funder],
            name=grant.name,
            purpose=grant.purpose,
            valid_from=min(until - timedelta(days=300), began_at),
            valid_until=until,
            amount=Decimal(grant.euros),
            line=funds[grant.funder],
            at=began_at,
        )
    return project
