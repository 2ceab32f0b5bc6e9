from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import pytest

from reservations.domain.laboratory import traces
from reservations.domain.laboratory.traces import CSV, MONDAY, SWF, BadTrace, read

SHARED = Path(os.environ.get("JOB_TRACES", Path(__file__).parents[5] / "shared/data/traces"))
HEADER = "job_id,user,group,submit_s,wait_s,runtime_s,requested_s,gpus,cpus,nodes,node_type,queue,state"
SWF_LINE = "1 60 5 100 4 -1 -1 8 3600 -1 1 7 2 -1 1 -1 -1 -1"


def csv_of(*rows: str) -> list[str]:
    return [HEADER, *rows]


def test_a_row_of_csv_is_read_as_it_stands() -> None:
    (job,) = read(csv_of("a,ada,physics,1400000000,12,30.2,3600,1.5,8,1,x,q,COMPLETED"), CSV).jobs
    assert (job.user, job.group, job.submitted) == ("ada", "physics", 1400000000)
    # A part of a second is a second begun.
    assert (job.waited, job.ran, job.requested, job.cpus, job.gpus) == (12, 31, 3600, 8, Fraction(3, 2))


def test_columns_may_stand_in_any_order_beside_others() -> None:
    lines = [
        "cpus,gpus,requested_s,runtime_s,wait_s,submit_s,group,user,job_id,more",
        "8,0,60,50,0,1400000000,g,u,j,x",
    ]
    (job,) = read(lines, CSV).jobs
    assert (job.cpus, job.ran, job.user) == (8, 50, "u")


def test_what_a_row_does_not_say_is_not_known() -> None:
    (job,) = read(csv_of("a,u,g,1400000000,,30,,0,8,,,,"), CSV).jobs
    assert (job.waited, job.requested) == (None, None)


def test_a_line_of_swf_is_read_from_its_eighteen_fields() -> None:
    trace = read(["; MaxProcs: 2004\n", "; UnixStartTime: 1400749079\n", SWF_LINE], SWF)
    (job,) = trace.jobs
    assert (job.user, job.group, job.submitted, job.waited) == ("7", "2", 1400749139, 5)
    assert (job.ran, job.requested, job.cpus, job.gpus) == (100, 3600, 4, 0)
    assert trace.processors == 2004


def test_swf_without_allocated_processors_goes_by_those_asked_for() -> None:
    (job,) = read(["1 60 5 100 -1 -1 -1 8 3600 -1 1 7 2 -1 1 -1 -1 -1"], SWF).jobs
    assert job.cpus == 8


def test_jobs_come_in_the_order_of_submission_whatever_the_file_says() -> None:
    lines = csv_of("a,u,g,1400000009,,30,,0,1,,,,", "b,u,g,1400000001,,30,,0,1,,,,")
    assert [job.number for job in read(lines, CSV).jobs] == [3, 2]


def test_a_trace_without_dates_begins_on_a_monday() -> None:
    (job,) = read(csv_of("a,u,g,10,,30,,0,1,,,,"), CSV).jobs
    assert job.submitted == MONDAY + 10


def test_rows_that_say_too_little_are_left_out_and_counted() -> None:
    lines = csv_of(
        "a,u,g,1400000000,,30,,0,1,,,,", "b,u,g,1400000000,,,,0,1,,,,", "c,u,g,1400000000,,0,,0,1,,,,",
        "d,u,g,1400000000,,30,,0,0,,,,",
    )  # fmt: skip
    trace = read(lines, CSV)
    assert len(trace.jobs) == 1
    assert trace.left_out == {"no_devices": 1, "no_run_time": 2}


@pytest.mark.parametrize(
    ("lines", "form", "sentence"),
    [
        ([], CSV, "line 1: the header lacks job_id"),
        (["a,b,c"], CSV, "line 1: the header lacks job_id, user, group"),
        (csv_of("a,u,g,1,,30,,0,1"), CSV, "line 2: 9 fields; the header has 13"),
        (csv_of("a,u,g,-5,,30,,0,1,,,,"), CSV, "line 2: submit_s is -5; expected 0 or more"),
        (csv_of("a,u,g,5,,-30,,0,1,,,,"), CSV, "line 2: runtime_s is -30"),
        (csv_of("a,u,g,,,30,,0,1,,,,"), CSV, "line 2: submit_s is empty"),
        (csv_of("a,u,g,now,,30,,0,1,,,,"), CSV, "line 2: submit_s is 'now'; expected a number"),
        (csv_of("a,u,g,1,,nan,,0,1,,,,"), CSV, "line 2: runtime_s is 'nan'"),
        (csv_of("a,u,g,1,,1e999999999,,0,1,,,,"), CSV, "line 2: runtime_s is '1e999999999'"),
        (csv_of("a,u,g,1,,30,,0,9999999999,,,,"), CSV, "line 2: cpus is 9999999999; expected at most"),
        (csv_of("a,u,g,9999999999,,30,,0,1,,,,"), CSV, "line 2: submit_s is 9999999999; expected at most"),
        (csv_of('a,"u,g,1,,30,,0,1'), CSV, "fields; the header has 13"),
        (csv_of(), CSV, "the trace has no job that ran"),
        (csv_of("a,u,g,1,,0,,0,1,,,,"), CSV, "the trace has no job that ran"),
        (["1 2 3"], SWF, "line 1: 3 fields; a line of SWF has 18"),
        (["; UnixStartTime: 4102444799", SWF_LINE], SWF, "line 2: submit_s is 4102444859"),
        (["1 -7 5 100 4 -1 -1 8 3600 -1 1 7 2 -1 1 -1 -1 -1"], SWF, "line 1: submit_s is -7"),
        ([], SWF, "the trace has no job that ran"),
    ],
)
def test_what_is_no_trace_is_refused_with_its_line(lines: list[str], form: str, sentence: str) -> None:
    with pytest.raises(BadTrace) as refused:
        read(lines, form)
    assert sentence in str(refused.value)


def test_more_jobs_than_memory_is_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "MOST_JOBS", 2)
    row = "a,u,g,1400000000,,30,,0,1,,,,"
    assert len(read(csv_of(row, row), CSV).jobs) == 2
    with pytest.raises(BadTrace, match="line 4: more than 2 jobs"):
        read(csv_of(row, row, row), CSV)


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.csv", CSV), ("A.CSV.GZ", CSV), ("a.swf.gz", SWF), ("a.swf", SWF), ("a.json", None), ("csv", None)],
)
def test_a_file_is_known_by_its_name(name: str, form: str | None) -> None:
    # A bare word has no ending, though it reads like one.
    assert traces.form_of(name) == form


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no job traces in {SHARED}")
def test_the_same_year_reads_the_same_from_both_forms() -> None:
    import gzip

    def jobs(name: str) -> list[tuple[int, int | None, int, int | None, int]]:
        with gzip.open(SHARED / name, "rt") as lines:
            trace = read(lines, traces.form_of(name) or "")
        return [(job.submitted, job.waited, job.ran, job.requested, job.cpus) for job in trace.jobs]

    of_csv, of_swf = jobs("trace_unilu_gaia_2014.csv.gz"), jobs("UniLu-Gaia-2014-2.swf.gz")
    assert len(of_csv) == 51_859
    assert of_csv == of_swf
