"""Everybody of the table of permissions, in one world with a thing for each argument of an address."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.usersessions.models import UserSession
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.signals import request_finished
from django.db import close_old_connections, transaction
from django.http.response import HttpResponseBase
from django.test import Client
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

from accounts.domain import house_rules, scopes
from accounts.models import Announcement, Notice, Organisation, OrganisationMembership, Project, User
from accounts.services import invitations, tokens, unsubscribing
from accounts.services.house_rules import accept_house_rules
from common import clock
from common.access import Verdict, Who
from common.keys import make_key
from common.ranges import between
from config.permissions import Address
from ledger import services as ledger
from nodes.services import occupancy
from pricing.models import CostStatement
from pricing.services import drafts, evidence, pool_drafts
from pricing.services.price_exceptions import grant_price_exception
from reservations.models import Application, NoShow, Vertex
from reservations.services import exceptions, inside, policy_drafts, replays, shares
from tests import evidence_files, factories
from tests.reservations.services.worlds import Lab
from tests.reservations.views.running import Job

LOGIN = "/accounts/login/"
FILE = "out/result.csv"


class World:
    """The member and the lead share a project, a laboratory and a funder. The lead booked the slot."""

    def __init__(self) -> None:
        make_key(settings.LEDGER_KEY_FILE)
        make_key(settings.DISPATCH_KEY_FILE)
        self.at = clock.now()
        self.people: dict[Who, User] = {who: _person(who) for who in Who if who is not Who.STRANGER}
        self._found_organisations()
        self._run_a_job(self.people[Who.LEAD])
        self._declare_costs(self.people[Who.OWNER])
        self._ask_for_more(self.people[Who.LEAD])
        self._share_out(self.people[Who.LEAD])
        self._stand_behind_it(self.people[Who.OWNER])
        self._split_a_cost(self.people[Who.LEAD])
        self.sessions = {who: _session(user) for who, user in self.people.items()}
        self.secrets = {who: make_secret(user, *scopes.ALL) for who, user in self.people.items()}
        self._give_the_member(self.people[Who.MEMBER])

    def _found_organisations(self) -> None:
        lead, member = self.people[Who.LEAD], self.people[Who.MEMBER]
        self.project = factories.make_project(member, lead=lead, slug="asked-for")
        self.laboratory = self._organisation(Organisation.Kind.LAB, Who.MEMBER, Who.LEAD)
        self.funder = self._organisation(Organisation.Kind.FUNDER, Who.MEMBER, Who.LEAD, Who.FUNDER)
        self.owner = self._organisation(Organisation.Kind.OWNER, Who.OWNER)
        factories.make_project(lead=self.people[Who.OUTSIDER])
        self._organisation(Organisation.Kind.LAB, Who.OUTSIDER)
        self.line = factories.make_line(funder=self.funder, created_by=lead)
        invited: dict[str, Any] = {
            "email": "new@example.org", "role": "member", "by": lead, "at": self.at
        }  # fmt: skip
        self.of_project, self.secret = invitations.issue(to=self.project, **invited)
        self.of_laboratory, _secret = invitations.issue(to=self.laboratory, **invited)

    def _run_a_job(self, lead: User) -> None:
        factories.make_grant(self.project, "1000", funder=self.funder)
        self.job = Job(Lab(self.project, lead, factories.make_vertex(self.project)))
        self.job.start().print("epoch 1\n").bring_back(FILE, b"1,2\n")
        self.node = self.job.run.node
        self.node.owner = self.owner
        self.node.save(update_fields=["owner"])
        self.closure = occupancy.close_devices(
            device_ids=[self.node.devices.all()[1].pk], kind="owner", reason="Own work", at=self.at,
            during=between(self.at + timedelta(days=20), self.at + timedelta(days=21)),
        )  # fmt: skip
        ledger.sequence(at=self.at)
        self.exception = exceptions.grant_exception(
            project=self.project, number="longest_hours", value=Fraction(336), effective_from=None,
            effective_until=self.at + timedelta(days=30), reason="It cannot be stopped.",
            by=self.people[Who.STEWARD], at=self.at,
        )  # fmt: skip
        self.policy_draft = policy_drafts.start_draft(by=self.people[Who.STEWARD], at=self.at)
        self.replay = replays.ask_replay(
            of=self.job.reservation.decision.policy, by=self.people[Who.STEWARD], at=self.at
        )
        # Against the lead, who has the slot: there is one appeal, which nobody has answered.
        self.no_show = NoShow.objects.create(
            reservation=self.job.reservation, person=lead, verdict=True, reason=NoShow.Reason.UNUSED,
            warned_at=self.at, judged_at=self.at, appeal="I was there.", appealed_at=self.at,
        )  # fmt: skip
        self.price_exception = grant_price_exception(
            node=self.node, highest_price=Decimal(9), effective_from=None,
            effective_until=self.at + timedelta(days=30), reason="The only one of its kind.",
            by=self.people[Who.STEWARD], at=self.at,
        )  # fmt: skip

    def _declare_costs(self, owner: User) -> None:
        self.statement = CostStatement.objects.filter(node=self.node).order_by("-number")[0]
        drafts.start_draft(node=self.node, by=owner, at=self.at)

    def _ask_for_more(self, lead: User) -> None:
        self.application = Application.objects.create(
            applicant=lead, project=self.project, name="Larger", wanted_class="research", purpose="More",
            evidence_file=ContentFile(b"%PDF-1.7\n", name="letter.pdf"), submitted_at=self.at,
        )  # fmt: skip
        self.announcement = Announcement.objects.create(
            text_en="Closed on Sunday.", text_fr="Fermé dimanche.", written_by=self.people[Who.STEWARD],
            during=between(self.at, self.at + timedelta(days=1)), created_at=self.at,
        )  # fmt: skip

    def _organisation(self, kind: str, *people: Who) -> Organisation:
        """Of those people all lead but the member of the table."""
        made = factories.make_organisation(kind)
        for who in people:
            role = "member" if who is Who.MEMBER else "lead"
            OrganisationMembership.objects.create(organisation=made, user=self.people[who], role=role)
        return made

    def _share_out(self, lead: User) -> None:
        """The laboratory has an account of the share tree, and has opened a project below it."""
        root = Vertex.objects.get(parent=None)
        account = shares.create_account(parent=root, name=self.laboratory.name, shares=1)
        Vertex.objects.filter(pk=account.pk).update(organisation=self.laboratory)
        self.account = account
        opened = inside.open_inside(
            organisation=self.laboratory, account=account, name="Below", summary="", shares_among_siblings=1,
            project_class="independent", class_expires_at=None, reason="", lead_email="head@example.org",
            by=lead, at=self.at,
        )  # fmt: skip
        self.vertex = Vertex.objects.get(project=opened)

    def _stand_behind_it(self, owner: User) -> None:
        """A file for funders behind the node's statement; the funder of the table has paid for the node."""
        self.statement = self.node.statements.get()
        self.evidence = evidence.add_evidence(
            organisation=self.owner, title="Invoice", visibility="funders", by=owner, at=self.at,
            file=ContentFile(evidence_files.CSV, name="invoice.csv"),
        )  # fmt: skip
        evidence.attach_to_statement(
            statement=self.statement, part="", evidence=self.evidence, by=owner, at=self.at
        )
        factories.make_charge(self.node, self.project, grant=self.project.grants.get())

    def _split_a_cost(self, lead: User) -> None:
        """The laboratory has published a cost pool, and drafts another."""
        node = factories.make_node(owner=self.laboratory)
        self.pool = factories.make_pool({node: "1"}, by=lead).pool
        self.draft = pool_drafts.start_draft(
            organisation=self.laboratory, typed={"name": "Staff"}, evidence=[], by=lead, at=self.at
        )

    def _give_the_member(self, member: User) -> None:
        """One of each thing that belongs to a single person."""
        self.token, _secret = tokens.create(
            user=member, name="asked for", scopes=[scopes.READ], project=None,
            expires_at=self.at + timedelta(days=1), at=self.at,
        )  # fmt: skip
        self.notice = Notice.objects.create(
            user=member, kind="role_changed", params={"group": "P", "role": "lead", "by": "L"}, dedupe="1",
            created_at=self.at, mail_due_at=self.at,
        )  # fmt: skip
        self.session, _created = UserSession.objects.get_or_create(
            session_key=self.sessions[Who.MEMBER],
            defaults={"user": member, "ip": "127.0.0.1", "user_agent": "Firefox"},
        )
        self.passkey = Authenticator.objects.create(
            user=member, type=Authenticator.Type.WEBAUTHN, data={"name": "Key", "credential": _credential()}
        )


def _person(who: Who) -> User:
    is_steward = who is Who.STEWARD
    user = factories.make_user(who.value, is_steward=is_steward, is_staff=is_steward, is_superuser=is_steward)
    accept_house_rules(user=user, version=house_rules.CURRENT.number, at=clock.now())
    TOTP.activate(user, "A" * 32)
    RecoveryCodes.activate(user)
    return user


def _credential() -> dict[str, Any]:
    """What a passkey leaves behind when it is added, as browsers write it."""
    key = ES256.from_cryptography_key(ec.generate_private_key(ec.SECP256R1()).public_key())
    made = AttestedCredentialData.create(Aaguid.NONE, b"passkey", key)
    flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.AT
    stored = AuthenticatorData.create(hashlib.sha256(b"localhost").digest(), flags, 0, made)
    attested = AttestationObject.create("none", stored, {})
    told = CollectedClientData.create(CollectedClientData.TYPE.CREATE, b"challenge", settings.SITE_ORIGIN)
    name = websafe_encode(b"passkey")
    answer = {"clientDataJSON": websafe_encode(told), "attestationObject": websafe_encode(attested)}
    return {"id": name, "rawId": name, "type": "public-key", "response": answer, "clientExtensionResults": {}}


def _session(user: User) -> str:
    client = Client()
    client.force_login(user)
    return str(client.session.session_key)


def make_secret(user: User, *may: str, project: Project | None = None) -> str:
    at = clock.now()
    _token, secret = tokens.create(
        user=user, name="walk", scopes=may, project=project, expires_at=at + timedelta(days=1), at=at
    )
    return secret


# --- what stands for the arguments of an address -----------------------------------------------------
Value = Callable[[World, Address], object]


def _invitation(world: World, address: Address) -> object:
    return (world.of_project if "/projects/" in address.route else world.of_laboratory).uid


def _organisation(world: World, address: Address) -> object:
    funds = any(rule.name.startswith("funder") for rule in address.rules.values())
    return (world.funder if funds else world.laboratory).slug


def _draft(world: World, address: Address) -> object:
    return (world.policy_draft if "policy" in address.route else world.draft).uid


# By the part of the address before it and its name. What is not here fails the test by name.
VALUES: dict[tuple[str, str], Value] = {
    ("projects", "slug"): lambda world, _address: world.project.slug,
    ("organisations", "slug"): _organisation,
    ("nodes", "slug"): lambda world, _address: world.node.slug,
    ("statements", "number"): lambda world, _address: world.statement.number,
    ("tariffs", "number"): lambda world, _address: world.statement.tariffs.get().number,
    ("draft", "step"): lambda _world, _address: "purchase",
    ("closures", "uid"): lambda world, _address: world.closure.uid,
    ("reservations", "uid"): lambda world, _address: world.job.reservation.uid,
    ("no-shows", "uid"): lambda world, _address: world.no_show.uid,
    ("runs", "uid"): lambda world, _address: world.job.run.uid,
    ("decisions", "uid"): lambda world, _address: world.job.reservation.decision.uid,
    ("leases", "lease"): lambda world, _address: world.job.lease.uid,
    ("files", "name"): lambda _world, _address: FILE,
    ("resume", "name"): lambda _world, _address: FILE,
    ("entries", "index"): lambda _world, _address: 0,
    ("members", "uid"): lambda world, _address: world.people[Who.MEMBER].uid,
    ("invitations", "uid"): _invitation,
    ("invitations", "token"): lambda world, _address: world.secret,
    ("applications", "uid"): lambda world, _address: world.application.uid,
    ("electricity", "zone"): lambda world, _address: world.node.site.electricity_zone,
    ("fairness", "section"): lambda _world, _address: "floor",
    ("open-data", "name"): lambda _world, _address: "nodes",
    ("market", "key"): lambda world, _address: world.node.devices.first().model_key,
    ("announcements", "uid"): lambda world, _address: world.announcement.uid,
    ("exceptions", "uid"): lambda world, _address: world.exception.uid,
    ("replay", "uid"): lambda world, _address: world.replay.uid,
    ("replays", "uid"): lambda world, _address: world.replay.uid,
    ("price-exceptions", "uid"): lambda world, _address: world.price_exception.uid,
    ("people", "uid"): lambda world, _address: world.people[Who.MEMBER].uid,
    ("api", "rest"): lambda _world, _address: "v1/nothing",
    ("shares", "pk"): lambda world, _address: world.vertex.pk,
    ("account", "pk"): lambda world, _address: world.account.pk,
    ("accounts", "pk"): lambda world, _address: world.account.pk,
    ("share-accounts", "pk"): lambda world, _address: world.account.pk,
    ("evidence", "uid"): lambda world, _address: world.evidence.uid,
    ("statements", "uid"): lambda world, _address: world.statement.uid,
    ("pools", "uid"): lambda world, _address: world.pool.uid,
    ("drafts", "uid"): _draft,
    ("policy-drafts", "uid"): _draft,
    ("policy", "number"): lambda world, _address: world.job.reservation.decision.policy.version,
    ("policies", "number"): lambda world, _address: world.job.reservation.decision.policy.version,
    ("pool-drafts", "uid"): lambda world, _address: world.draft.uid,
    ("lines", "uid"): lambda world, _address: world.line.uid,
    ("tokens", "uid"): lambda world, _address: world.token.uid,
    ("notices", "uid"): lambda world, _address: world.notice.uid,
    ("sessions", "session_id"): lambda world, _address: world.session.pk,
    ("keys", "pk"): lambda world, _address: world.passkey.pk,
    ("unsubscribe", "token"): lambda world, _address: unsubscribing.path_for(
        user=world.people[Who.MEMBER], kind="role_changed"
    ).split("/")[-2],
    ("oidc", "provider_id"): lambda _world, _address: "lab",
    ("key", "uidb36"): lambda _world, _address: "1",
    ("key", "key"): lambda _world, _address: "set-password",
    # the admin
    ("admin", "app_label"): lambda _world, _address: "accounts",
    ("admin", "url"): lambda _world, _address: "accounts/user",
    ("user", "id"): lambda world, _address: world.people[Who.MEMBER].pk,
    ("r", "content_type_id"): lambda world, _address: ContentType.objects.get_for_model(world.node).pk,
    ("<content_type_id>", "object_id"): lambda world, _address: world.node.pk,
}
# In the admin every model has these: a row that is not there is refused or shown as such, to staff.
_ADMIN_OBJECT = "object_id"
_ARGUMENT = re.compile(r"<(\w+)>")

# What an address must be asked with, lest it be refused for want of it before anybody looks who asks.
BODIES: dict[str, dict[str, object]] = {
    "agent_enrol": {"token": "eqt_none", "public_key": "k", "version": "1.0", "inventory": {}},
}


def arguments(address: Address) -> Iterator[tuple[str, str]]:
    """Names of arguments, each with the part of the address before it."""
    parts = address.route.split("/")
    for before, part in zip(parts, parts[1:], strict=False):
        for name in _ARGUMENT.findall(part):
            if name != _ADMIN_OBJECT or (before, name) in VALUES:
                yield before, name


def filled(world: World, address: Address) -> str:
    """The address with values for its arguments; KeyError names one that has none."""
    url = address.route
    for before, name in arguments(address):
        value = str(VALUES[before, name](world, address))
        url = url.replace(f"<{name}>", value, 1)
    return url.replace(f"<{_ADMIN_OBJECT}>", "0")


# --- asking ------------------------------------------------------------------------------------------
@contextmanager
def taken_back() -> Iterator[None]:
    """Whatever is written within is undone; inside, services may still want a transaction of their own."""
    outer = transaction.atomic()
    outer._from_testcase = True  # type: ignore[attr-defined]  # as TestCase marks its own
    with outer:
        yield
        transaction.set_rollback(True)


@dataclass
class Asker:
    """One of the cast, with a session or with a token. Whatever a request changes is taken back."""

    world: World
    who: Who
    token: str = ""
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def ask(
        self, method: str, url: str, body: dict[str, object] | None = None, **headers: str
    ) -> HttpResponseBase:
        cache.clear()  # or the many questions would count as too many attempts
        self.client.cookies = SimpleCookie()
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        elif self.who is not Who.STRANGER:
            self.client.cookies[settings.SESSION_COOKIE_NAME] = self.world.sessions[self.who]
        with taken_back():
            answer = self.client.generic(method, url, **_content(url, body), headers=headers)
            # As the client itself does it: or the database would be let go of with the answer's file.
            request_finished.disconnect(close_old_connections)
            answer.close()
            request_finished.connect(close_old_connections)
        return answer


def _content(url: str, body: dict[str, object] | None) -> dict[str, Any]:
    if body is not None:
        return {"data": json.dumps(body), "content_type": "application/json"}
    is_json = url.startswith(("/api/", "/agent/"))
    return {"content_type": "application/json" if is_json else "application/x-www-form-urlencoded"}


# Says 401 whoever asks: the other provider's trouble, not the asker's.
_TOLD_OF_OTHERS = "/accounts/3rdparty/login/error/"


def verdict_of(answer: HttpResponseBase, address: Address) -> Verdict:
    """What an answer comes to, whatever else was wrong with what was asked."""
    if (answer.status_code == 401 and address.route != _TOLD_OF_OTHERS) or _leads_to_sign_in(answer):
        return Verdict.SIGN_IN
    if answer.status_code == 403:
        return Verdict.FORBIDDEN
    return Verdict.HIDDEN if answer.status_code == 404 else Verdict.ALLOWED


def _leads_to_sign_in(answer: HttpResponseBase) -> bool:
    location = urlsplit(answer.headers.get("Location", ""))
    return answer.status_code in (302, 303) and location.path == LOGIN and "next=" in location.query
