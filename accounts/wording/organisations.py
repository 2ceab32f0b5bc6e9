"""What an organisation's kind lets it do."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.models import Organisation

KIND = Organisation.Kind


@dataclass(frozen=True)
class KindWords:
    name: str
    rights: tuple[str, ...]


def kinds() -> list[KindWords]:
    """Every kind with what it may do."""
    return [KindWords(str(kind.label), rights(kind)) for kind in KIND]


def rights(kind: str) -> tuple[str, ...]:
    """What it may once a steward has verified it, a sentence each."""
    return {
        KIND.OWNER: (
            _("List nodes with what an hour on them costs, and be paid for booked hours."),
            _("Close its nodes for maintenance, and use their free hours itself."),
        ),
        KIND.LAB: (
            _("Open projects inside the share of an account that it leads."),
            _("Appear as the home of its projects."),
        ),
        KIND.FUNDER: (
            _("Set money aside for grants, and give them to projects in EUR or in device-hours."),
            _("Pay the universal allowance, published as its subsidy."),
            _("Vouch for the class of a project."),
        ),
        KIND.OPERATOR: (_("Publish what running this site costs, as the fee in every price."),),
    }[Organisation.Kind(kind)]
