from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from common.ranges import between
from nodes.errors import DeviceTaken, HoldHasBegun
from nodes.models import Hold
from nodes.services import occupancy, rebuilding
from nodes.services.occupancy import WantedHold
from tests import factories

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def one_random_operation(dice: random.Random, devices: list[int], number: int) -> None:
    now = AT + dice.randrange(200) * QUARTER + timedelta(seconds=dice.randrange(900))
    reference = f"reservation-{dice.randrange(number + 1)}"
    match dice.choice(["hold", "hold", "hold", "cancel", "release", "start", "close"]):
        case "hold":
            start = AT + dice.randrange(200) * QUARTER
            occupancy.hold_devices(
                wanted=[WantedHold(pk) for pk in dice.sample(devices, dice.randint(1, 4))],
                during=between(start, start + dice.randint(1, 40) * QUARTER),
                reference=f"reservation-{number}", kind="reservation", at=now,
            )  # fmt: skip
        case "cancel":
            occupancy.cancel_holds(reference=reference, at=now)
        case "release":
            occupancy.release_holds(reference=reference, at=now)
        case "start":
            occupancy.start_holds(reference=reference, at=now)
        case "close":
            occupancy.close_devices(
                device_ids=dice.sample(devices, 2), during=between(now, now + 4 * QUARTER),
                kind="owner", reason="Own use", at=now,
            )  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.django_db(transaction=True)
def test_holds_are_what_their_events_say_after_any_operations(seed: int) -> None:
    dice = random.Random(seed)
    devices = [device.pk for device in factories.make_node(devices=6).devices.all()]
    refused = 0
    for number in range(120):
        try:
            with transaction.atomic():
                one_random_operation(dice, devices, number)
        except (DeviceTaken, HoldHasBegun):
            refused += 1
    assert 0 < refused < 110
    assert Hold.objects.exists()
    assert rebuilding.compare_holds() == []
    before = set(Hold.objects.values_list("uid", "device_id", "during", "reference", "kind"))
    Hold.objects.all().delete()
    call_command("rebuild_holds")
    assert set(Hold.objects.values_list("uid", "device_id", "during", "reference", "kind")) == before


@pytest.mark.django_db(transaction=True)
def test_check_names_a_hold_that_was_changed_behind_the_events_and_changes_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    device = factories.make_node().devices.get(index=0)
    (hold,) = occupancy.hold_devices(
        wanted=[WantedHold(device.pk)], during=between(AT, AT + QUARTER),
        reference="offer-1", kind="offer", at=AT,
    )  # fmt: skip
    Hold.objects.update(during=between(AT, AT + 2 * QUARTER))
    with pytest.raises(CommandError, match="differ from their events: 1"):
        call_command("rebuild_holds", check=True)
    assert str(hold.uid) in capsys.readouterr().out
    assert Hold.objects.get().during == between(AT, AT + 2 * QUARTER)
    call_command("rebuild_holds")
    assert Hold.objects.get().during == between(AT, AT + QUARTER)
    call_command("rebuild_holds", check=True)
