"""Booking: which devices, what is shown before, asking, once however often it is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from conftest import Equinode
from fake_site import DEVICES, SLOT_SHOWN, UID, FakeSite

SLOT = ["--start", "2026-11-24 14:00", "--end", "18:00", "--zone", "Europe/Paris"]


def test_a_kind_is_taken_where_it_is_cheapest(ada: Equinode, site: FakeSite) -> None:
    done = ada("book", "--model", "h100", "--count", "2", *SLOT, "--yes", "--json")
    assert done.code == 0
    assert done.answer["devices"] == DEVICES[2:]
    (sent,) = site.asked("reservations", "POST")
    assert sent.body == {
        "project": "protein-shapes", "devices": DEVICES[2:], "start": "2026-11-24T13:00:00Z",
        "end": "2026-11-24T17:00:00Z",
    }  # fmt: skip


def test_where_the_cheapest_is_taken_the_next_is(ada: Equinode, site: FakeSite) -> None:
    site.free -= {DEVICES[2]}
    assert ada("book", "--model", "h100", "--count", "2", *SLOT, "--yes").code == 0
    assert site.asked("reservations", "POST")[0].body["devices"] == DEVICES[:2]
    asked = site.asked("nodes/cheap/slots")[0].query
    assert asked == {"after": "2026-11-24T13:00:00Z", "before": "2026-11-24T17:00:00Z", "minutes": "240"}


def test_where_nothing_is_free_the_site_says_why_not(ada: Equinode, site: FakeSite) -> None:
    site.free, site.refuses = set(), True
    done = ada("book", "--model", "h100", *SLOT, "--yes")
    assert done.code == 1
    assert "✗ Length: 200 h, of 168 h at most.\n    → Book 168 h." in done.err
    assert "Budget" not in done.err


def test_the_preview_shows_price_full_cost_and_every_rule(ada: Equinode, site: FakeSite) -> None:
    done = ada("book", "--model", "h100", "--count", "2", *SLOT, "--preview")
    assert done.code == 0
    for told in (
        "13.42 EUR",
        "1.6780 EUR",
        "20.00 EUR",
        "Grant 1",
        "– → 0.98",
        "✓ Budget",
        "4 h",
        "2 × H100 SXM5",
    ):
        assert told in done.out
    assert site.asked("reservations", "POST") == []


def test_a_refusing_preview_names_rules_and_the_nearest_slot(ada: Equinode, site: FakeSite) -> None:
    site.refuses = True
    done = ada("book", "--model", "h100", *SLOT, "--preview")
    assert done.code == 1
    assert '--start "2026-11-24 15:00" --end "2026-11-24 19:00"' in done.out
    assert "→ Book 168 h." in done.out


def test_without_yes_a_program_is_not_taken_for_a_person(ada: Equinode, site: FakeSite) -> None:
    done = ada("book", "--model", "h100", *SLOT, typed="y\n")
    assert done.code == 2
    assert "--yes" in done.err
    assert site.asked("reservations", "POST") == []


def test_refused_as_json_is_the_problem_document(ada: Equinode, site: FakeSite) -> None:
    site.refuses = True
    done = ada("book", "--model", "h100", *SLOT, "--yes", "--json")
    assert done.code == 1
    assert done.answer["code"] == "refused"
    assert [rule["verdict"] for rule in done.answer["rules"]] == ["pass", "refuse"]


def test_a_broken_connection_books_once(ada: Equinode, site: FakeSite, pauses: list[float]) -> None:
    site.drops += [("reservations", "after"), ("reservations", "before")]
    assert ada("book", "--model", "h100", *SLOT, "--yes").code == 0
    sent = site.asked("reservations", "POST")
    assert len(sent) == 3
    assert len({one.headers["idempotency-key"] for one in sent}) == 1
    assert len(site.booked) == 1


def test_two_bookings_have_two_keys_and_a_repeated_command_its_own(ada: Equinode, site: FakeSite) -> None:
    for key in ([], [], ["--idempotency-key", "mine"], ["--idempotency-key", "mine"]):
        assert ada("book", "--model", "h100", *SLOT, "--yes", *key).code == 0
    keys = [one.headers["idempotency-key"] for one in site.asked("reservations", "POST")]
    assert len(set(keys)) == 3
    assert keys[2:] == ["mine", "mine"]
    assert len(site.booked) == 3


def test_now_ends_on_a_quarter(ada: Equinode, site: FakeSite) -> None:
    before = datetime.now(UTC)
    assert ada("book", "--model", "h100", "--hours", "1.5", "--yes").code == 0
    (sent,) = site.asked("reservations", "POST")
    assert sent.body["start"] == "now"
    end = datetime.fromisoformat(sent.body["end"])
    assert (end.minute % 15, end.second, end.microsecond) == (0, 0, 0)
    length = timedelta(hours=1.5)
    assert before + length <= end < datetime.now(UTC) + length + timedelta(minutes=15)


def test_a_job_comes_along(ada: Equinode, site: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEED", "7")
    job = ["--script", "-", "--env", "SEED", "--env", "A=b=c", "--bring-back", "out/*"]
    assert ada("book", "--model", "h100", *SLOT, *job, "--yes", typed="echo hé\n").code == 0
    assert site.asked("reservations", "POST")[0].body["job"] == {
        "script": "echo hé\n", "environment": {"SEED": "7", "A": "b=c"}, "bring_back": ["out/*"],
    }  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        ["--hours", "1"], ["--model", "h100"], ["--model", "h100", "--hours", "1", "--end", "14:00"],
        ["--model", "h100", "--device", DEVICES[0], "--hours", "1"], ["--device", "gemini", "--hours", "1"],
        ["--model", "h100", "--start", "tomorrow", "--hours", "1"], ["--model", "h100", "--hours", "-1"],
        ["--model", "h100", "--start", "2026-11-24 14:00", "--end", "2026-11-24 13:00"],
        ["--model", "h100", "--hours", "1", "--zone", "Europe/Atlantis"],
        ["--model", "h100", "--hours", "1", "--env", "A=b"],
        ["--model", "h100", "--hours", "1", "--script", "none.sh"],
        ["--model", "h100", "--hours", "1", "--count", "0"],
        ["--model", "h100", "--hours", "1", "--command", "true", "--env", "NO_SUCH_VARIABLE_HERE"],
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_said_before_the_site_is_asked_to_book(
    ada: Equinode, site: FakeSite, arguments: list[str]
) -> None:
    done = ada("book", *arguments, "--yes")
    assert done.code == 2, done
    assert done.err.strip()
    assert site.asked("reservations", "POST") == []


@pytest.mark.parametrize("arguments", [["--model", "a100"], ["--model", "h100", "--count", "3"]])
def test_what_no_node_has_is_not_found(ada: Equinode, arguments: list[str]) -> None:
    assert ada("book", *arguments, "--hours", "1", "--yes").code == 4


def test_cancelling_shows_what_and_wants_a_yes(ada: Equinode, site: FakeSite) -> None:
    done = ada("cancel", UID)
    assert done.code == 2
    assert UID in done.err
    assert ada("cancel", f"{site.url}/reservations/{UID}/", "--yes").code == 0
    (sent,) = site.asked(f"reservations/{UID}", "DELETE")
    assert sent.headers["idempotency-key"]


def test_slots_are_listed_page_by_page(ada: Equinode, site: FakeSite) -> None:
    site.booked = [SLOT_SHOWN | {"project": f"p{n}"} for n in range(450)]
    found = ada("list", "--limit", "430", "--json").answer
    assert [row["project"] for row in found["items"]] == [f"p{n}" for n in range(430)]
    assert "cursor=430" in found["next"]
    assert "There are more" in ada("list").out


def test_a_project_that_is_not_yours_is_not_one_where_nothing_is_booked(
    ada: Equinode, site: FakeSite
) -> None:
    site.booked = []
    for more in ([], ["--json"]):
        done = ada("list", "--project", "nothere", *more)
        assert done.code == 4
        assert "There is no project “nothere” among yours. You have: protein-shapes." in done.err
        assert "Nothing is booked" not in done.out
    done = ada("list", "--project", "protein-shapes")
    assert (done.code, done.out.strip()) == (0, "Nothing is booked.")
