"""The rules of booking and what came of them, as open data: nothing that says who asked."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import F, Func, Max, QuerySet, TextField, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common.open_data.columns import Column, day, digest, integer, members, moment, number, text, words
from common.open_data.datasets import CC_BY, Dataset, Edition, Reference
from ledger.models import Entry
from pricing.selectors.datasets.shared import effective, ledger_index, public, published
from reservations.domain.easing import NUMBERS
from reservations.models import Decision, NodeMonth, Policy, PolicyException, WeekSum


def _decisions() -> QuerySet[Decision]:
    return Decision.objects.order_by("pk")


def _edition() -> Edition:
    """Decisions are only ever added, and their entries given an index."""
    last = Decision.objects.aggregate(pk=Max("pk"), at=Max("decided_at"))
    entries = Entry.objects.aggregate(index=Max("index"))
    return Edition(f"{last['pk']} {entries['index']}", last["at"])


class _SaidInLedger(Func):
    """A member of the body that the ledger has of it: what everybody may read already."""

    template = "convert_from(%(expressions)s)::jsonb -> 'body' ->> '%(member)s'"
    output_field = TextField()

    def __init__(self, entry: str, member: str) -> None:
        super().__init__(F(f"{entry}__leaf"), Value("UTF8"), member=member)


POLICIES = Dataset(
    name="policies",
    title=_("Policies"),
    says=_(
        "The rules of booking with every number, version by version, but for those that were called off"
        " before they began."
    ),
    licence=CC_BY,
    columns=(
        integer("version", _("Counted from 1."), least="1", is_unique=True),
        *effective(),
        members("rules", _("Every number of it.")),
        words("reason", _("Why it was published.")),
        *published(),
    ),
    rows=lambda: Policy.objects.standing().order_by("version"),
    changed=("published_at",),
    key=("version",),
    page="policy",
)

EXCEPTIONS = Dataset(
    name="policy-exceptions",
    title=_("Exceptions to the policy"),
    says=_(
        "A number of the policy that stewards eased for one project and for some time. Projects stand here "
        "under their pseudonym of the month, as in the ledger."
    ),
    licence=CC_BY,
    columns=(
        text("id", _("The exception’s identifier."), "uid", is_unique=True),
        text("project", _("The pseudonym of the project in that month."), _SaidInLedger("entry", "project")),
        integer("policy", _("The version of the policy."), "policy__version"),
        text("number", _("Which number of it."), one_of=tuple(NUMBERS)),
        text("policy_value", _("What the policy says: a whole number or a fraction.")),
        text("value", _("What held for the project instead.")),
        moment("effective_from", _("When it takes effect."), "effective__startswith"),
        moment("effective_until", _("When it ends, as granted."), "effective__endswith"),
        words("reason", _("Why it was granted.")),
        moment("granted_at", _("When it was granted.")),
        ledger_index(),
        moment("ended_at", _("Where it was ended early: when."), is_required=False),
        words("end_reason", _("Where it was ended early: why."), is_required=False),
        ledger_index("end_entry", "end_ledger_index"),
    ),
    rows=lambda: PolicyException.objects.order_by("pk"),
    changed=("granted_at", "ended_at"),
    refers=(Reference("policy", "policies", "version"),),
    page="exceptions",
)

DECISIONS = Dataset(
    name="decisions",
    title=_("Decisions"),
    says=_(
        "That a request was answered, by which policy and engine, and the digest of the answer, which those "
        "who may read it can recompute. Who asked is not in here."
    ),
    licence=CC_BY,
    columns=(
        text("id", _("The decision’s identifier."), "uid", is_unique=True),
        integer("policy", _("The version of the policy."), "policy__version"),
        text("engine", _("The version of the program that decides.")),
        text("outcome", _("Granted, or refused."), one_of=Decision.Outcome.values),
        digest("sha256", _("Of the whole answer with all that it followed from."), "digest"),
        moment("appended_at", _("When it was entered in the ledger."), "entry__appended_at"),
        ledger_index(),
    ),
    rows=_decisions,
    refers=(Reference("policy", "policies", "version"),),
    edition=_edition,
    page="fairness",
)


def _weeks(*kinds: str) -> Callable[[], QuerySet[WeekSum]]:
    return lambda: WeekSum.objects.filter(of__in=kinds).order_by("week", "of", "key")


_WEEK = day("week", _("The Monday of the ISO week (UTC)."))
_COUNTED_AT = moment("counted_at", _("When it was counted last."))
_COST_WEIGHTED, _DEVICE_HOURS = "cost-weighted h", "device-h"
_KEY = Coalesce(NullIf(F("key"), Value("")), Value("*"))
_POOLED = text(
    "key", _("Which one; *: those together that alone would tell what one project did, or everything."), _KEY
)
_OF_WEEK = ("week", "of", "key")


def _amount(name: str, says: Promise, unit: str = _COST_WEIGHTED) -> Column:
    """Empty where it is not told."""
    return number(name, says, unit=unit, is_required=False, least="0")


FAIRNESS_SHARES = Dataset(
    name="fairness-shares",
    title=_("Shares promised and delivered"),
    says=_(
        "Week by week what accounts and classes of projects were promised, wanted and got, and Jain’s index "
        "of what accounts got over what they were entitled to."
    ),
    licence=CC_BY,
    columns=(
        _WEEK,
        text("of", _("Of what."), one_of=("account", "all", "class")),
        _POOLED,
        words("name", _("The account’s name."), is_required=False),
        _amount("promised", _("The part of everything that its shares come to."), ""),
        _amount("demanded", _("What was had, or the largest that was refused.")),
        _amount("entitled", _("Its part by weighted max-min of what was delivered to all.")),
        _amount("delivered", _("What was used.")),
        integer("projects", _("Projects that used or wanted any."), is_required=False, least="0"),
        number("jain", _("Jain’s index of delivered over entitled."), is_required=False, least="0", most="1"),
        _COUNTED_AT,
    ),
    rows=_weeks("account", "all", "class"),
    changed=("counted_at",),
    key=_OF_WEEK,
    page="fairness",
)  # fmt: skip

FAIRNESS_FLOOR = Dataset(
    name="fairness-floor",
    title=_("The public-interest floor"),
    says=_(
        "Week by week what was kept for projects of public interest on device models and nodes, and who "
        "used it."
    ),
    licence=CC_BY,
    columns=(
        _WEEK,
        text("of", _("Of what."), one_of=("model", "node")),
        _POOLED,
        words("name", _("Its name."), is_required=False),
        _amount("bookable", _("Hours that could be booked."), _DEVICE_HOURS),
        _amount("promised", _("Of them, kept for public interest."), _DEVICE_HOURS),
        _amount("demanded", _("What it had, or the largest refused."), _DEVICE_HOURS),
        _amount("delivered", _("What public interest used."), _DEVICE_HOURS),
        _amount("others", _("What all other projects used."), _DEVICE_HOURS),
        _COUNTED_AT,
    ),
    rows=_weeks("model", "node"),
    changed=("counted_at",),
    key=_OF_WEEK,
    page="fairness",
)  # fmt: skip

FAIRNESS_ANSWERS = Dataset(
    name="fairness-answers",
    title=_("Requests, and refusals by rule"),
    says=_("Week by week how many requests were answered, granted and refused, and which rules refused."),
    licence=CC_BY,
    columns=(
        _WEEK,
        text("of", _("Of what."), one_of=("all", "rule")),
        text("key", _("The rule’s code; *: all requests."), _KEY),
        integer("asked", _("Requests answered."), is_required=False, least="0"),
        integer("granted", _("Of them, granted."), is_required=False, least="0"),
        integer("refused", _("Refused; a request may meet several rules."), least="0"),
        _COUNTED_AT,
    ),
    rows=_weeks("all", "rule"),
    changed=("counted_at",),
    key=_OF_WEEK,
    page="fairness",
)

FAIRNESS_FIRST_SLOTS = Dataset(
    name="fairness-first-slots",
    title=_("Time to the first slot"),
    says=_(
        "As of each week, how long the projects opened in the 52 weeks before waited for their first slot. "
        "Of fewer than three projects no times are told."
    ),
    licence=CC_BY,
    columns=(
        _WEEK,
        text("key", _("The class; *: all projects."), _KEY),
        integer("projects", _("Projects that had a slot."), least="0"),
        integer("waiting", _("Projects that asked and had none yet."), least="0"),
        number("median_hours", _("Half of them waited no longer."), unit="h", is_required=False),
        number("ninetieth_hours", _("Nine in ten of them waited no longer."), unit="h", is_required=False),
        _COUNTED_AT,
    ),
    rows=_weeks("first"),
    changed=("counted_at",),
    key=("week", "key"),
    page="fairness",
)

FAIRNESS_HOLDERS = Dataset(
    name="fairness-holders",
    title=_("Whose devices the hours were on"),
    says=_("Week by week the hours used on the devices of each owner and in each country."),
    licence=CC_BY,
    columns=(
        _WEEK,
        text("of", _("Of what."), one_of=("country", "owner")),
        text("key", _("The owner, or the country (ISO 3166-1); *: those told together."), _KEY),
        words("name", _("The owner’s name."), is_required=False),
        _amount("delivered", _("What was used.")),
        _COUNTED_AT,
    ),
    rows=_weeks("country", "owner"),
    changed=("counted_at",),
    key=_OF_WEEK,
    page="fairness",
)

NODE_RELIABILITY = Dataset(
    name="node-reliability",
    title=_("How nodes kept their slots"),
    says=_(
        "Month by month what became of the slots on each node, once they were settled: a slot counts once, "
        "as the worst that happened. What its holder gave up before it began is not in here."
    ),
    licence=CC_BY,
    columns=(
        text("node", _("The node."), "node__uid"),
        day("month", _("The first day of the month (UTC) in which the slots ended.")),
        integer("slots", _("All of them."), least="0"),
        integer("kept", _("Begun in time, and not cut off by the node or its owner."), least="0"),
        integer("late", _("A job began at least a second late."), least="0"),
        integer("missed", _("A job was lost with the node, or refused by it."), least="0"),
        integer("withdrawn", _("Taken back by the node’s owner."), least="0"),
        integer("late_seconds", _("What late slots waited, together."), unit="s", least="0"),
        moment("counted_at", _("When it was counted last.")),
    ),
    rows=lambda: NodeMonth.objects.filter(public("node")).order_by("month", "node_id"),
    changed=("counted_at",),
    key=("node", "month"),
    refers=(Reference("node", "nodes", "id"),),
    page="prices",
)

EVERY = (
    POLICIES, EXCEPTIONS, DECISIONS, FAIRNESS_SHARES, FAIRNESS_FLOOR, FAIRNESS_ANSWERS, FAIRNESS_FIRST_SLOTS,
    FAIRNESS_HOLDERS, NODE_RELIABILITY,
)  # fmt: skip
