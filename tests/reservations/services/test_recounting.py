"""Counters and what they count never disagree, whatever people do; and where they did, it is said and set."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from common import clock
from pricing.models import FundingLine, Grant
from reservations.models import CountedHours, Decision, MemberUse, Reservation, SharedCell, Vertex
from reservations.services import recounting
from tests.reservations.services.histories import WEIGHTS, History

STEPS = 300  # bench/interleavings.py does 10,000


@pytest.mark.django_db
def test_no_counter_differs_from_what_it_counts_after_any_history() -> None:
    history = History(seed=20261123)
    history.run(STEPS)
    assert recounting.differences(at=history.at) == []
    # It was worth counting: of all that may happen something did.
    assert set(WEIGHTS) <= set(history.done)
    assert history.done["book"] > STEPS / 10
    assert {"free", "floor", "commerce", "member_cap", "budget"} <= _refusing()
    assert SharedCell.objects.filter(rule="floor", held_seconds__gt=0).exists()
    assert SharedCell.objects.filter(rule="commerce", held_seconds__gt=0).exists()
    assert CountedHours.objects.filter(seconds__lt=0).exists()
    assert Reservation.objects.filter(settled_at__isnull=False).exists()
    _every_difference_is_told_and_corrected(history)


def _refusing() -> set[str]:
    refused = Decision.objects.filter(outcome="refused").values_list("rules", flat=True)
    return {rule["code"] for rules in refused for rule in rules if rule["verdict"] == "refuse"}


def _every_difference_is_told_and_corrected(history: History) -> None:
    """In the same world, since it took so long to get there."""
    vertex = Vertex.objects.filter(committed__gt=0).first()
    grant = Grant.objects.filter(encumbered__gt=0).first()
    cell = SharedCell.objects.filter(held_seconds__gt=3600).first()
    assert vertex is not None
    assert grant is not None
    assert cell is not None
    Vertex.objects.filter(pk=vertex.pk).update(
        committed=vertex.committed + 1, decayed_usage=vertex.decayed_usage * 2
    )
    Grant.objects.filter(pk=grant.pk).update(encumbered=F("encumbered") - 1, hours_used=F("hours_used") + 1)
    SharedCell.objects.filter(pk=cell.pk).update(held_seconds=F("held_seconds") - 3600)
    CountedHours.objects.create(
        cell=cell, reference="reservation-00000000-0000-0000-0000-000000000000", seconds=60, project_class="",
        at=history.at,
    )  # fmt: skip
    use = MemberUse.objects.earliest("pk")
    MemberUse.objects.filter(pk=use.pk).update(cost_weighted_hours=use.cost_weighted_hours + 1)
    found = recounting.differences(at=history.at)
    assert [text for text in found if f"says that slots of {use.person} used" in text]
    assert len(found) == 6 - (not vertex.decayed_usage)
    assert [text for text in found if f"{cell.key} {cell.period}" in text]
    assert [text for text in found if f"The grant “{grant.name}” of {grant.project}" in text]
    with pytest.raises(CommandError, match="counters differ from what they count"):
        call_command("recount", check=True, stdout=StringIO())
    assert recounting.differences(at=history.at) == found  # nothing was corrected
    recounting.recount(at=history.at)
    assert recounting.differences(at=history.at) == []


@pytest.mark.django_db
def test_the_command_says_that_nothing_differs_and_what_it_corrected() -> None:
    history = History(seed=7)
    history.run(20)
    out = StringIO()
    call_command("recount", check=True, stdout=out)
    assert out.getvalue() == "Every counter is what it counts.\n"
    line = FundingLine.objects.create(
        funder=Grant.objects.earliest("pk").funder, name="Line", purpose="P", amount=10, committed=4,
        valid=Grant.objects.earliest("pk").valid, created_by=history.steward, created_at=clock.now(),
    )  # fmt: skip
    out = StringIO()
    call_command("recount", stdout=out)
    assert out.getvalue().splitlines() == [
        "The line “Line” says EUR\xa04.000000 given; its grants come to EUR\xa00.000000.",
        "1 differences corrected.",
    ]
    line.refresh_from_db()
    assert line.committed == 0
