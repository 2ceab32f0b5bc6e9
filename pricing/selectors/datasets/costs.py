"""Cost statements, their components and cost pools as open data."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from common.open_data.columns import integer, members, moment, number, text, words
from common.open_data.datasets import CC_BY, Dataset, Reference
from pricing.domain.declared import Kind
from pricing.models import CostComponent, CostStatement, PoolShare, PoolStatement, StatementWithdrawal
from pricing.selectors.datasets.shared import (
    EUR_A_YEAR,
    EUR_PER_DEVICE_HOUR,
    announced,
    correction,
    effective,
    ledger_index,
    public,
    published,
)

STATEMENTS = Dataset(
    name="cost-statements",
    title=_("Cost statements"),
    says=_(
        "What owners declare that their nodes cost: every statement that was published, with what was "
        "declared and what follows from it. docs/cost-model.md says how."
    ),
    licence=CC_BY,
    columns=(
        text("id", _("The statement’s identifier."), "uid", is_unique=True),
        text("node", _("The node that it is about."), "node__uid"),
        integer("number", _("Counted from 1 for each node."), least="1"),
        *announced(),
        integer("device_count", _("Devices that the cost is split over."), least="1"),
        number(
            "available_device_hours", _("In a year, as far as the node can be booked."), unit="h", least="0"
        ),
        number("delivered_device_hours", _("In a year, as far as use is expected."), unit="h", least="0"),
        number("full_available", _("Full cost of an hour that can be booked."), unit=EUR_PER_DEVICE_HOUR),
        number("full_delivered", _("Full cost of an hour of expected use."), unit=EUR_PER_DEVICE_HOUR),
        number(
            "chargeable_available",
            _("Of an hour that can be booked, without what public grants paid."),
            unit=EUR_PER_DEVICE_HOUR,
        ),
        number(
            "chargeable_delivered",
            _("Of an hour of expected use, without what public grants paid."),
            unit=EUR_PER_DEVICE_HOUR,
        ),
        number("publicly_funded_share", _("Of the purchase, as a share of one."), least="0", most="1"),
        members("declared", _("What the owner declared, whole.")),
        *correction(),
        *published(),
    ),
    rows=lambda: CostStatement.objects.filter(public("node")).order_by("pk"),
    changed=("published_at", "withdrawal__withdrawn_at"),
    refers=(Reference("node", "nodes", "id"), Reference("corrects", "cost-statements", "id")),
    page="prices",
)

COMPONENTS = Dataset(
    name="cost-components",
    title=_("Components of cost statements"),
    says=_("What each statement comes to, line by line: for the whole node, in a year."),
    licence=CC_BY,
    columns=(
        text("statement", _("The statement that it is a line of."), "statement__uid"),
        integer("position", _("Its place in the statement."), least="0"),
        text("kind", _("What the money is for."), one_of=[str(kind) for kind in Kind]),
        number("full_year", _("All that it costs."), unit=EUR_A_YEAR),
        number("chargeable_year", _("Without what public grants paid."), unit=EUR_A_YEAR),
        members("detail", _("The numbers behind the line.")),
    ),
    rows=lambda: CostComponent.objects.filter(public("statement__node")).order_by("statement_id", "position"),
    changed=("statement__published_at",),
    key=("statement", "position"),
    refers=(Reference("statement", "cost-statements", "id"),),
    page="prices",
)

WITHDRAWALS = Dataset(
    name="withdrawn-statements",
    title=_("Withdrawn statements"),
    says=_(
        "Statements that their owners ended without a successor, or called off before they began: from when, "
        "and why."
    ),
    licence=CC_BY,
    columns=(
        text("statement", _("The statement that was ended."), "statement__uid", is_unique=True),
        text("tariff", _("The tariff that ended with it."), "tariff__uid", is_required=False),
        moment("ends_at", _("From when it no longer holds.")),
        words("reason", _("Why it was withdrawn.")),
        moment("withdrawn_at", _("When that was said.")),
        ledger_index(),
    ),
    rows=lambda: StatementWithdrawal.objects.filter(public("statement__node")).order_by("pk"),
    changed=("withdrawn_at",),
    key=("statement",),
    refers=(Reference("statement", "cost-statements", "id"), Reference("tariff", "tariffs", "id")),
    page="prices",
)

POOL_STATEMENTS = Dataset(
    name="cost-pools",
    title=_("Cost pools"),
    says=_(
        "Costs that several nodes of an owner share, what they come to, and the key by which they are split."
    ),
    licence=CC_BY,
    columns=(
        text("id", _("The statement’s identifier."), "uid", is_unique=True),
        text("pool", _("The pool, through all its statements."), "pool__uid"),
        integer("number", _("Counted from 1 for each pool."), least="1"),
        words("owner", _("The organisation whose pool it is."), "pool__organisation__name"),
        *effective(),
        words("name", _("What the pool is called.")),
        text(
            "kind",
            _("The component of the nodes’ cost that it is part of."),
            one_of=PoolStatement.Kind.values,
        ),
        number("amount_year", _("What it comes to."), unit=EUR_A_YEAR, least="0"),
        words("worked_out", _("Where that comes from, in the owner’s words.")),
        text("key", _("What shares are counted in."), one_of=PoolStatement.Key.values),
        number("whole", _("Of the key, all that the pool serves.")),
        number("unassigned_share", _("Of one, what no node bears."), least="0", most="1"),
        number("unassigned_year", _("The same in money."), unit=EUR_A_YEAR, least="0"),
        *correction(),
        *published(),
    ),
    rows=lambda: PoolStatement.objects.order_by("pk"),
    changed=("published_at",),
    refers=(Reference("corrects", "cost-pools", "id"),),
)

POOL_SHARES = Dataset(
    name="cost-pool-shares",
    title=_("Shares of cost pools"),
    says=_(
        "Which part of a pool each node bears. A node that never was listed stands here by its identifier "
        "alone, as in the ledger."
    ),
    licence=CC_BY,
    columns=(
        text("statement", _("The statement of the pool."), "statement__uid"),
        text("node", _("The node that bears it."), "node__uid"),
        number("base", _("Of the key, what the node has.")),
        number("share", _("Its share of one."), least="0", most="1"),
        number("amount_year", _("The same in money."), unit=EUR_A_YEAR, least="0"),
    ),
    rows=lambda: PoolShare.objects.order_by("pk"),
    changed=("statement__published_at",),
    key=("statement", "node"),
    refers=(Reference("statement", "cost-pools", "id"),),
)
