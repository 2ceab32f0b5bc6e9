"""A small world with a row in every dataset, and with secrets beside each that no dataset may tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from io import BytesIO

from django.conf import settings

from accounts.models import Organisation, User
from common import clock
from common.keys import make_key
from ledger import services as ledger
from nodes.models import Agent, Node
from pricing.domain.market.files import OWN_COLUMNS
from pricing.models import CostStatement
from pricing.services import drafts, evidence, market
from pricing.services.calling_off import call_off_tariff
from pricing.services.price_exceptions import grant_price_exception
from pricing.services.tariffs import set_price
from pricing.services.withdrawing import withdraw_statement
from reservations.domain.policy import standard
from reservations.services import exceptions, reliability, settle, weeks
from tests import factories
from tests.reservations.services.worlds import make_lab

HOUR = timedelta(hours=1)
NOON = datetime(2023, 6, 1, 12, tzinfo=UTC)
FORMULA = '=1+1, "so"\nand on'
# Whatever stands in these words is known to some, and to strangers not.
SECRETS = (
    "zelda", "zelda@example.org", "hidden-node", "hidden machine", "hidden-gpu", "hidden invoice",
    "unattached invoice", "secret-content", "typed and not published", "quiet project", "quiet-project",
    "41.4242",
)  # fmt: skip
YEARS = "iso3,country,year,carbon_intensity_g_kwh\nFRA,France,2022,85\nDEU,Germany,2022,385\n"


@dataclass
class OpenWorld:
    owner: Organisation
    node: Node
    hidden: Node
    steward: User


def make_open_world() -> OpenWorld:
    make_key(settings.LEDGER_KEY_FILE)
    at = clock.now()
    zelda = factories.make_user("zelda")
    steward = factories.give_second_factor(factories.make_user("zelda.steward", is_steward=True))
    owner = factories.make_organisation(name=FORMULA, lead=zelda)
    rules = standard()
    factories.make_policy(**{name: getattr(rules, name) for name in vars(rules)})
    factories.make_pricing_policy()
    node = factories.make_node(owner=owner, name="Gemini 1", devices=3)
    hidden = factories.make_node(
        owner=owner, name="Hidden machine", slug="hidden-node", model="hidden-gpu", state=Node.State.DRAFT,
        listed_at=None,
    )  # fmt: skip
    _declare(node, hidden, zelda, steward, at)
    _stand_behind(node, hidden, owner, zelda, at)
    _measure()
    _compare()
    _book(node, steward, at)
    weeks.recount(at=clock.now())
    ledger.sequence(at=clock.now())
    return OpenWorld(owner, node, hidden, steward)


def _declare(node: Node, hidden: Node, zelda: User, steward: User, at: datetime) -> None:
    for one in (node, hidden):
        factories.publish_prices(one, by=zelda)
    later = set_price(node=node, price=None, effective_from=at + 48 * HOUR, by=zelda, at=clock.now())
    call_off_tariff(tariff=later, reason="A slip of the pen", by=zelda, at=clock.now())
    factories.make_pool({node: "3", hidden: "4"}, by=zelda)
    sold = factories.make_node(owner=node.owner)
    factories.publish_prices(sold, by=zelda)
    withdraw_statement(
        statement=CostStatement.objects.get(node=sold),
        ends_at=at + HOUR,
        reason="Sold",
        by=zelda,
        at=clock.now(),
    )
    Node.objects.filter(pk=sold.pk).update(state=Node.State.WITHDRAWN)
    for one in (node, hidden):
        grant_price_exception(
            node=one, highest_price=Decimal(90), effective_from=None, effective_until=at + 9 * HOUR,
            reason="The only one of its kind.", by=steward, at=clock.now(),
        )  # fmt: skip
    factories.set_fee("0.02")
    drafts.start_draft(node=node, by=zelda, at=at)


def _stand_behind(node: Node, hidden: Node, owner: Organisation, zelda: User, at: datetime) -> None:
    """An invoice for stewards behind each statement, one behind the pool, and one behind nothing."""
    for one, title in ((node, "Invoice"), (hidden, "Hidden invoice")):
        file = factories.make_evidence(
            owner, zelda, f"who,EUR\nsecret-content,{one.pk}\n".encode(), title=title
        )
        evidence.attach_to_statement(
            statement=CostStatement.objects.get(node=one), part="", evidence=file, by=zelda, at=at
        )
    rent = factories.make_evidence(owner, zelda, title="Rent")
    pool = owner.pools.get().statements.get()
    evidence.attach_to_pool(statement=pool, evidence=rent, by=zelda, at=at)
    factories.make_evidence(owner, zelda, title="Unattached invoice")


def _measure() -> None:
    """Of two sources, one lets its values be passed on."""
    table = f"hour_utc,%s\n{NOON:%Y-%m-%dT%H:%MZ},%s\n{NOON + HOUR:%Y-%m-%dT%H:%MZ},%s\n"
    said = {"source": "SMARD", "licence": "CC BY 4.0", "name": "de.csv"}
    factories.import_hours(table % ("DE-LU", "-12.5", "80.0001"), **said)
    factories.import_hours(
        table % ("FR", "41.4242", "41.4242"), source="An exchange", licence="All rights reserved"
    )
    factories.import_hours(table % ("ES", "41.4242", "41.4242"), source="Somebody", name="es.csv")
    factories.import_hours(YEARS, content="countries", source="Ember", licence="CC BY 4.0", name="years.csv")


def _compare() -> None:
    """Of two sources here, too."""
    offers = [",".join(OWN_COLUMNS), "aws,p5.48xlarge,us-east-1,H100,80,8,USD,%s,on_demand,2026-05-17"]
    shops = "gpu,date,price_usd\nH100,2025-03-01,%s\n"
    rates = "Date,USD,\n2026-05-15,%s,\n"
    for text, open_value in (("\n".join(offers), "55.04"), (shops, "31000"), (rates, "1.1628")):
        for value, licence in ((open_value, "MIT"), ("41.4242", "")):
            market.import_file(
                file=BytesIO((text % value).encode()), name="prices.csv", source=f"A source, {licence}",
                licence=licence, by=None, at=clock.now(),
            )  # fmt: skip


def _book(node: Node, steward: User, at: datetime) -> None:
    lab = make_lab(name="Quiet project", slug="quiet-project")
    first, *others = node.devices.all()
    lab.book([first], None)
    for number, device in enumerate(others):  # with them it is three: enough for a sum to be told
        make_lab(name=f"Open project {number}", uses_public_money=True).book([device], None)
    Agent.objects.create(node=node, public_key="open", version="1", enrolled_at=at - HOUR)
    settle.settle_ended(at=at + 24 * HOUR)
    reliability.count(at=at + 24 * HOUR)
    exceptions.grant_exception(
        project=lab.project, number="longest_hours", value=Fraction(336), effective_from=None,
        effective_until=at + 48 * HOUR, reason="It cannot be stopped.", by=steward, at=clock.now(),
    )  # fmt: skip
