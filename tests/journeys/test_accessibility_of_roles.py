"""The pages of who leads a project, owns nodes, gives grants or runs the site, judged as everybody's are.

Each kind of page is judged once, where somebody finds most on it: wide in light and dark, and narrow in
English and in French, whose words are longer. A kind that nobody here is named for fails the test.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

import pgtrigger
import pytest
from allauth.mfa.models import Authenticator
from playwright.sync_api import Page

from accounts.models import Project, User
from accounts.services import invitations, organisations
from common import clock
from nodes.models import Node
from nodes.services import listing
from pricing.services import drafts
from reservations.domain.policy import standard
from reservations.management.example_world.people import PASSWORD
from reservations.models import Policy
from reservations.services import applications, policy_drafts, replays
from tests.journeys.conftest import NARROW, WIDE
from tests.journeys.test_accessibility import (
    FOR_MEMBERS,
    MOVES_WHEN_NARROW,
    OPEN_TO_ALL,
    REFLOW,
    axe_faults,
    faults_of,
    overflow_faults,
    structure_faults,
    walk,
)
from tests.journeys.test_security import take_a_passkey
from tests.live import LiveSite


@dataclass(frozen=True)
class Role:
    """Whose pages, where they begin to look, and the kinds that are judged as they see them."""

    email: str
    start: tuple[str, ...]
    pages: frozenset[str]


LEAD = Role("lena@example.org", ("/projects/", "/organisations/"), frozenset({
    "projects", "project", "members", "member", "project_settings", "leave", "application", "organisation",
    "organisation_members", "organisation_member", "organisation_shares", "organisation_share",
}))  # fmt: skip
# A draft is open there.
DRAFT = "/nodes/lyon-a100/statements/draft/"
# A node that is not listed yet, and one with slots in the days to come.
NEW = "lyon-new"
OWNED = (
    f"/nodes/{NEW}/machine/", "/nodes/lyon-a100/operate/", "/owner/", "/organisations/",
    f"{DRAFT}purchase/", f"{DRAFT}review/",
)  # fmt: skip
OWNER = Role("omar@example.org", OWNED, frozenset({
    "organisation", "owner", "node_statements", "draft_step", "draft_review", "draft_discard",
    "statement_correct", "statement_withdraw", "tariff_new", "evidence_files", "evidence", "evidence_redact",
    "pools", "pool", "pool_new", "pool_correct", "node_new", "node_machine", "node_agent", "node_operate",
    "node_close", "node_stop", "node_withdraw",
}))  # fmt: skip
FUNDER = Role("fatou@example.org", ("/organisations/",), frozenset({
    "funding", "line_new", "line_close", "grant_new",
}))  # fmt: skip
# One of many is chosen there: somebody with projects, an organisation with an account.
CHOSEN = (
    "/steward/people/?q=lena", "/steward/prices/?q=lyon-h100",
    "/steward/organisations/biology-laboratory/account/",
)  # fmt: skip
STEWARD = Role("stella@example.org", (*CHOSEN, "/steward/", "/me/security/"), frozenset({
    "steward", "steward_applications", "steward_application", "steward_organisations", "steward_organisation",
    "steward_accounts", "steward_account", "steward_exceptions", "steward_exception",
    "steward_project_exceptions", "steward_people", "steward_person", "steward_project",
    "steward_announcements", "steward_electricity", "steward_market", "security", "steward_prices",
    "steward_pricing_policy", "steward_policy", "steward_policy_draft", "steward_policy_review",
    "steward_policy_call_off", "steward_replays", "steward_replay",
    "steward_no_shows", "steward_no_show", "steward_share_accounts", "steward_share_account",
    "steward_node_exceptions", "steward_price_exception", "steward_site_costs", "steward_site_fee",
    "mfa_view_recovery_codes", "mfa_generate_recovery_codes",
    "mfa_add_webauthn", "mfa_edit_webauthn", "mfa_remove_webauthn", "mfa_activate_totp",
}))  # fmt: skip
ROLES = (LEAD, OWNER, FUNDER, STEWARD)
# Read by one of them as by anybody, but on the way to what is theirs.
ON_THE_WAY = {"organisations", "organisation", "projects", "project"}
KNOWN = OPEN_TO_ALL | FOR_MEMBERS | {name for role in ROLES for name in role.pages}


@pytest.fixture
def waiting(site: LiveSite, rows: None) -> Iterator[None]:
    """What lists are full of on an ordinary day: somebody asked, somebody is invited."""
    lena, project = User.objects.get(email=LEAD.email), Project.objects.get(slug="protein-shapes")
    wish = applications.Wish(
        wanted_class="student", name="Enzymes in the classroom", purpose="A course of twelve weeks.",
        evidence="Course catalogue, page 12",
    )  # fmt: skip
    application = applications.apply(applicant=lena, wish=wish, project=None, at=clock.now())
    invitation, _secret = invitations.invite(
        to=project, email="guest@example.net", role="member", by=lena, at=clock.now()
    )
    organisation = organisations.register(
        name="Example Museum of Looms", kind="lab", country="FR", website="", evidence="Act of foundation",
        by=lena, at=clock.now(),
    )  # fmt: skip
    omar, node = User.objects.get(email=OWNER.email), Node.objects.get(slug="lyon-a100")
    draft = drafts.start_draft(node=node, by=omar, at=clock.now())
    spare = listing.draft_node(
        slug=NEW, name="Lyon new", owner=node.owner, site=node.site, by=omar, at=clock.now()
    )
    stella = User.objects.get(email=STEWARD.email)
    replay = replays.ask_replay(of=Policy.objects.earliest("version"), by=stella, at=clock.now())
    while replays.work_on_replays(at=clock.now()):
        pass
    written = replace(standard(), half_life_hours=168, horizon_days=42)
    of_policy = policy_drafts.start_draft(by=stella, at=clock.now(), rules=written)
    yield
    of_policy.delete()
    replay.delete()
    with pgtrigger.ignore("nodes.NodeChange:node_change_is_append_only"):
        spare.delete()
    draft.delete()
    organisation.delete()
    invitation.delete()
    application.delete()


def judge(page: Page, role: Role) -> tuple[set[str], list[str]]:
    seen, faults, addresses = set(), [], []
    passing_by = (OPEN_TO_ALL | FOR_MEMBERS) - role.pages - ON_THE_WAY
    for name in walk(page, role.start, passing_by):
        seen.add(name)
        if name in role.pages:
            addresses.append(page.url)
            faults += faults_of(page) + structure_faults(page)
    return seen, faults + faults_in_french(page, addresses)


def faults_in_french(page: Page, addresses: Collection[str]) -> list[str]:
    """Colours and structure are the same; the words are others, and longer."""
    faults = []
    read_in(page, "Français", "fr")
    try:
        for address in addresses:
            page.set_viewport_size(NARROW)
            page.goto(address)
            faults += axe_faults(page, rules=[*MOVES_WHEN_NARROW, "label", "select-name", "document-title"])
            faults += overflow_faults(page)
            page.set_viewport_size(REFLOW)
            faults += overflow_faults(page)
    finally:
        read_in(page, "English", "en")
    return [f"in French {fault}" for fault in faults]


def read_in(page: Page, name: str, code: str) -> None:
    page.set_viewport_size(WIDE)
    page.goto("/rules/")
    page.get_by_role("button", name=name).click()
    page.wait_for_selector(f"html[lang={code}]")


@pytest.mark.parametrize("role", [LEAD, OWNER, FUNDER], ids=["lead", "owner", "funder"])
def test_who_has_a_role_meets_no_barrier(role: Role, sign_in: Callable[..., Page], waiting: None) -> None:
    seen, faults = judge(sign_in(role.email, PASSWORD), role)
    assert faults == []
    assert role.pages - seen == set(), "no link leads there"
    assert seen - KNOWN == set(), "whose kind of page is this?"


def test_a_steward_with_a_second_factor_meets_no_barrier(
    site: LiveSite, sign_in: Callable[..., Page], waiting: None
) -> None:
    # Browsers give passkeys to names, not to numbers.
    page = sign_in(STEWARD.email, PASSWORD, base_url=site.url.replace("127.0.0.1", "localhost"))
    take_a_passkey(page, PASSWORD)
    try:
        seen, faults = judge(page, STEWARD)
    finally:
        Authenticator.objects.filter(user__email=STEWARD.email).delete()
    assert faults == []
    assert STEWARD.pages - seen == set(), "no link leads there"
    assert seen - KNOWN == set(), "whose kind of page is this?"
