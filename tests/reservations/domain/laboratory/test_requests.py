from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from reservations.domain.laboratory.requests import (
    CPU,
    GPU,
    HOUR,
    LEAD,
    Assumptions,
    Demand,
    Group,
    drawn,
    group_of,
    lead_faults,
    lead_of,
    requests_of,
)
from reservations.domain.laboratory.traces import Job, Trace
from reservations.domain.policy import CLASSES, Policy, standard

READY = 1_400_000_000
NONE_AHEAD = Assumptions(lead=((100, 0),))


def job(**said: object) -> Job:
    values = {
        "number": 2, "user": "ada", "group": "physics", "submitted": READY, "waited": None, "ran": 600,
        "requested": 7200, "cpus": 8, "gpus": Fraction(0),
    } | said  # fmt: skip
    return Job(**values)  # type: ignore[arg-type]


def demand_of(*jobs: Job, assumed: Assumptions = NONE_AHEAD, policy: Policy | None = None) -> Demand:
    return requests_of(Trace(jobs, {}, None), policy=policy or standard(), assumed=assumed)


def test_a_job_is_asked_for_at_its_requested_length_and_runs_as_long_as_it_ran() -> None:
    (ask,) = demand_of(job()).asks
    assert (ask.asked, ask.ready, ask.length, ask.runs) == (READY, READY, 7200, 600)
    assert (ask.pool, ask.devices) == (CPU, 8)


def test_a_length_that_nobody_gave_is_the_time_it_ran_and_is_counted() -> None:
    demand = demand_of(job(requested=None))
    assert demand.asks[0].length == 600
    assert demand.noted["length_unknown"] == 1


def test_what_ran_on_after_its_time_is_asked_for_at_the_time_it_ran() -> None:
    (ask,) = demand_of(job(ran=9000)).asks
    assert (ask.length, ask.runs) == (9000, 9000)


def test_longer_than_the_policy_lets_is_cut_for_every_policy_alike_and_counted() -> None:
    demand = demand_of(job(requested=10**7, ran=10**6), job(requested=10**7, ran=600))
    # A slot that starts between marks ends on one: a mark less than a week.
    assert [(ask.length, ask.runs) for ask in demand.asks] == [(603_900, 603_900), (603_900, 600)]
    assert (demand.noted["length_cut"], demand.noted["run_cut"]) == (2, 1)


def test_a_class_with_a_longest_slot_of_its_own_is_cut_to_that() -> None:
    own = tuple(replace(one, longest_hours=2) if one.code == "student" else one for one in standard().classes)
    given = Assumptions(lead=((100, 0),), groups={"physics": Group("student", 1), "art": Group("public", 1)})
    demand = demand_of(
        job(requested=9000), job(group="art", requested=9000), assumed=given,
        policy=replace(standard(), classes=own),
    )  # fmt: skip
    assert [ask.length for ask in demand.asks] == [6300, 9000]


def test_gpus_are_counted_whole_and_cpus_by_device() -> None:
    by_sixteen = Assumptions(lead=((100, 0),), cpus_per_device=16)
    asks = demand_of(job(gpus=Fraction(1, 2)), job(cpus=17), job(cpus=16), assumed=by_sixteen).asks
    assert [(ask.pool, ask.devices) for ask in asks] == [(GPU, 1), (CPU, 2), (CPU, 1)]


def test_groups_are_projects_and_where_there_is_but_one_its_people_are() -> None:
    assert [ask.project for ask in demand_of(job(), job(group="art")).asks] == ["physics", "art"]
    assert [ask.project for ask in demand_of(job(), job(user="bea")).asks] == ["ada", "bea"]
    assert [ask.project for ask in demand_of(job(user="", group="")).asks] == ["unnamed"]


def test_a_group_that_is_given_is_not_drawn() -> None:
    given = Assumptions(lead=((100, 0),), groups={"physics": Group("student", 7)})
    demand = demand_of(job(), job(group="art"), assumed=given)
    assert demand.groups["physics"] == Group("student", 7)
    assert demand.groups["art"] == group_of("art", given)


def test_the_same_seed_draws_the_same_and_another_seed_others() -> None:
    jobs = [job(number=number, submitted=READY + number, group=f"g{number}") for number in range(200)]
    first, again = demand_of(*jobs, assumed=Assumptions()), demand_of(*jobs, assumed=Assumptions())
    other = demand_of(*jobs, assumed=Assumptions(seed="other"))
    assert first == again
    assert first.groups != other.groups
    assert [ask.asked for ask in first.asks] != [ask.asked for ask in other.asks]


def test_draws_are_pinned_so_that_published_figures_can_be_made_again() -> None:
    # printf 'equinode\nlead\n0' | sha256sum begins 7365606d, which is 0.4507 of all there are.
    assert drawn("equinode", "lead", "0", 10_000) == 4507
    # printf 'equinode\nclass\nphysics' | sha256sum begins 2c7d12d3: 0.1737, so the first half, research.
    assert drawn("equinode", "class", "physics", 10_000) == 1737
    assert group_of("physics", Assumptions()).project_class == "research"
    # A place of 45.07 lies in the first half of the requests, which are made for now.
    assert lead_of(0, Assumptions()) == 0


def test_classes_are_drawn_by_their_weights_and_shares_alike() -> None:
    groups = [group_of(f"g{number}", Assumptions()) for number in range(4000)]
    research = sum(group.project_class == "research" for group in groups)
    # Half of them: four standard deviations are 126.
    assert abs(research - 2000) < 126
    assert {group.shares for group in groups} == {1, 2, 4}
    assert {group.project_class for group in groups} <= {*CLASSES}


def test_leads_follow_the_table_between_its_points() -> None:
    leads = [lead_of(number, Assumptions()) for number in range(4000)]
    assert all(lead % 60 == 0 for lead in leads)
    for percent, hours in LEAD:
        within = sum(lead <= hours * HOUR for lead in leads)
        assert abs(within - 40 * percent) < 130


def test_nobody_asks_further_ahead_than_the_horizon_lets() -> None:
    always_a_month = Assumptions(lead=((1, 700), (100, 700)))
    (ask,) = demand_of(job(requested=7200), assumed=always_a_month).asks
    assert READY - ask.asked == 28 * 24 * HOUR - 7200 - 2 * 900


def test_a_table_of_leads_rises_to_a_hundred() -> None:
    assert [*lead_faults(LEAD)] == []
    assert [*lead_faults(((100, 0),))] == []
    assert [*lead_faults(())] == ["the last percentage is 100"]
    assert [*lead_faults(((50, 0), (50, 3), (100, 4)))] == ["percentages rise"]
    assert [*lead_faults(((50, 5), (100, 4)))] == ["hours do not fall"]
    assert [*lead_faults(((0, 0), (99, 4)))] == ["the last percentage is 100", "percentages rise"]
