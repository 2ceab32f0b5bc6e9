from __future__ import annotations

from decimal import Decimal

from reservations.domain.laboratory.outcomes import nearest_rank, outcome_of, recorded
from reservations.domain.laboratory.placements import Course, Placement, Refused
from reservations.domain.laboratory.requests import HOUR, Group
from reservations.domain.policy import Policy, standard
from tests.reservations.domain.laboratory.worlds import MONDAY, ask, cluster

# Ten hours are one half-life; the floor is a fifth.
GROUPS = {"one": Group("research", 1), "two": Group("student", 1)}
ASKS = [
    ask(0, 0, length=10 * HOUR, waited=0), ask(1, 0, length=10 * HOUR, project="two", waited=5 * HOUR),
    ask(2, 10 * HOUR, length=5, runs=5, project="two", waited=5),
]  # fmt: skip


def course(*waits: int, name: str = "fcfs") -> Course:
    placed = [
        Placement(one, one.ready + wait, one.ready + wait + one.runs, 0)
        for one, wait in zip(ASKS, waits, strict=False)
    ]
    refused = tuple(Refused(one, "room") for one in ASKS[len(waits) :])
    return Course(name, tuple(placed), refused)


def outcome(told: Course, devices: int = 2, policy: Policy | None = None):  # type: ignore[no-untyped-def]
    short = policy or Policy.from_json({**standard().to_json(), "half_life_hours": 10})
    return outcome_of(told, ASKS, cluster=cluster(devices), groups=GROUPS, policy=short)


def test_waits_are_told_for_all_and_by_class() -> None:
    told = outcome(course(0, 5 * HOUR, 5))
    everybody, research, student = told.waits
    assert (everybody.project_class, everybody.jobs, everybody.median, everybody.longest) == (
        "all", 3, 5, 5 * HOUR
    )  # fmt: skip
    assert everybody.mean == Decimal("6001.666666")
    assert (research.project_class, research.jobs, research.mean) == ("research", 1, 0)
    assert (student.project_class, student.jobs, student.ninety) == ("student", 2, 5 * HOUR)
    # 10 h + 5 h over 10 h; 5 s + 5 s over the ten seconds that the shortest count.
    assert student.slowdown == Decimal("1.250000")


def test_whoever_was_refused_counts_as_refused_and_not_as_waiting() -> None:
    told = outcome(course(0))
    assert (told.started, told.refused) == (1, 2)
    assert told.refused_for_good == {"room": 2}
    assert [(waits.jobs, waits.refused) for waits in told.waits] == [(1, 2), (1, 0), (0, 2)]


def test_use_is_what_ran_over_what_there_was() -> None:
    # Two devices for 10 h; five hours of the second's ten lie in that time.
    assert outcome(course(0, 5 * HOUR, 5)).utilisation == Decimal("0.75")


def test_jains_index_is_of_delivered_over_entitled() -> None:
    # Both are entitled to 10 h; one had 10, two had 5: (1 + 1/2)**2 / (2 x (1 + 1/4)) = 0.9.
    told = outcome(course(0, 5 * HOUR, 5))
    assert (told.jain, told.jain_by_window) == (Decimal("0.9"), Decimal("0.9"))
    assert told.shortfall == Decimal("0.25")
    assert outcome(course(0, 0, 0)).jain == 1


def test_a_shorter_window_counts_less_in_the_mean_of_their_indexes() -> None:
    # Half-lives of 8 h: 8 h and 2 h. In the first `two` has 3 of 8 h; in the second 2, like the other.
    policy = Policy.from_json({**standard().to_json(), "half_life_hours": 8})
    told = outcome(course(0, 5 * HOUR, 5), policy=policy)
    # (1 + 3/8)**2 / (2 x (1 + 9/64)) = 121/146; four fifths of it and a fifth of 1.
    assert [window.jain for window in told.windows] == [Decimal("0.828767"), 1]
    assert told.jain_by_window == Decimal("0.863013")


def test_the_floor_is_kept_as_far_as_it_was_promised_and_wanted() -> None:
    # A fifth of 20 h is promised to students: 4 h, of 10 wanted.
    (window,) = outcome(course(0, 5 * HOUR, 5)).windows
    assert (window.floor_promised, window.floor_demanded, window.floor_delivered) == (4, 10, 5)
    assert outcome(course(0, 5 * HOUR, 5)).floor_kept == 1
    assert outcome(course(0, 7 * HOUR, 5)).floor_kept == Decimal("0.75")
    # Without a floor nothing was promised.
    assert outcome(course(0, 0, 0), policy=Policy(half_life_hours=10)).floor_kept is None


def test_what_the_trace_recorded_is_a_course_where_it_tells_every_wait() -> None:
    told = recorded(ASKS)
    assert told is not None
    assert [one.start - MONDAY for one in told.placed] == [0, 5 * HOUR, 10 * HOUR + 5]
    assert recorded([*ASKS, ask(3, 0)]) is None


def test_a_quantile_is_the_smallest_that_so_many_do_not_exceed() -> None:
    values: list[int] = [*range(1, 11)]
    assert [nearest_rank(values, percent) for percent in (10, 50, 90, 99, 100)] == [1, 5, 9, 10, 10]
    assert nearest_rank([7], 50) == 7
    assert nearest_rank([], 50) == 0


def test_the_work_of_a_project_is_told_beside_its_shares() -> None:
    one, two = outcome(course(0, 5 * HOUR, 5)).projects
    assert (one.project, one.shares, one.wanted, one.entitled, one.delivered) == ("one", 1, 10, 10, 10)
    assert (two.project_class, two.entitled, two.delivered) == ("student", 10, 5)
