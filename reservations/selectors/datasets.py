"""The rules of booking and what came of them, as open data: nothing that says who asked."""

from __future__ import annotations

from django.db.models import F, Func, Max, QuerySet, TextField, Value
from django.utils.translation import gettext_lazy as _

from common.open_data.columns import digest, integer, members, moment, text, words
from common.open_data.datasets import CC_BY, Dataset, Edition, Reference
from ledger.models import Entry
from pricing.selectors.datasets.shared import effective, ledger_index, published
from reservations.domain.easing import NUMBERS
from reservations.models import Decision, Policy, PolicyException


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
    says=_("The rules of booking with every number, version by version."),
    licence=CC_BY,
    columns=(
        integer("version", _("Counted from 1."), least="1", is_unique=True),
        *effective(),
        members("rules", _("Every number of it.")),
        words("reason", _("Why it was published.")),
        *published(),
    ),
    rows=lambda: Policy.objects.order_by("version"),
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

EVERY = (POLICIES, EXCEPTIONS, DECISIONS)
