from __future__ import annotations

import gzip
import json
import os
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from reservations.domain.policy import standard
from reservations.management.laboratory import reading

SHARED = Path(os.environ.get("JOB_TRACES", Path(__file__).parents[5] / "shared/data/traces"))
HEADER = "job_id,user,group,submit_s,wait_s,runtime_s,requested_s,gpus,cpus,nodes,node_type,queue,state"
START = 1_400_000_000


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Two groups, forty jobs of an hour, more than the eight devices do at once."""
    rows = [
        f"{number},u{number % 5},g{number % 2},{START + 300 * number},{30 * number},{900 + number},3600"
        ",0,2,,,,"
        for number in range(40)
    ]
    path = tmp_path / "small.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def simulate(trace: Path, *options: object) -> str:
    out = StringIO()
    call_command("simulate", str(trace), *map(str, options), stdout=out)
    return out.getvalue()


def test_the_table_has_every_policy_beside_what_was_recorded(trace: Path) -> None:
    told = simulate(trace, "--devices", 8)
    assert "40 requests of 2 projects" in told
    for name in (
        "as recorded", "this site's policy", "first come, first served", "the same with backfill",
        "Fair Tree queue, backfill",
    ):  # fmt: skip
        assert name in told
    assert "engine 2, seed 'equinode'" in told


def test_the_same_seed_gives_the_same_bytes(trace: Path, tmp_path: Path) -> None:
    reports = [tmp_path / f"{number}.json" for number in range(3)]
    pages = [path.with_suffix(".html") for path in reports]
    for report, page, seed in zip(reports, pages, ("a", "a", "b"), strict=True):
        simulate(trace, "--devices", 8, "--seed", seed, "--json", report, "--page", page)
    first, again, other = (path.read_bytes() for path in reports)
    assert first == again != other
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_the_page_is_whole_in_one_file_and_fetches_nothing(trace: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    simulate(trace, "--page", page, "--course", "fcfs")
    html = page.read_text()
    assert html.count('type="application/json"') == html.count("<figure") == 5
    own = html.replace(html[html.index("<script>/*") : html.index("const dark")], "")
    assert "http" not in own
    assert "src=" not in own


def test_a_trace_is_read_packed_or_not_and_told_by_its_content(trace: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress(trace.read_bytes()))
    assert simulate(trace, "--course", "fcfs") == simulate(packed, "--course", "fcfs")


def test_a_policy_is_taken_as_the_site_shows_it(trace: Path, tmp_path: Path) -> None:
    shown = tmp_path / "policy.json"
    rules = standard().to_json() | {"longest_hours": 24}
    shown.write_text(json.dumps({"policy": 3, "digest": "x", "rules": rules}))
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps(rules))
    told = simulate(trace, "--policy", shown, "--course", "equinode")
    assert told == simulate(trace, "--policy", bare, "--course", "equinode")
    assert told != simulate(trace, "--course", "equinode")


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ("[]", "is JSON, but no object"),
        ("{", "is not JSON"),
        ('{"rules": []}', "is no policy"),
        ('{"rules": {}}', "is no policy"),
    ],
)
def test_a_file_that_is_no_policy_is_refused(trace: Path, tmp_path: Path, rules: str, sentence: str) -> None:
    path = tmp_path / "policy.json"
    path.write_text(rules)
    with pytest.raises(CommandError, match=sentence):
        simulate(trace, "--policy", path)


def test_a_policy_that_no_site_would_publish_is_refused_with_every_reason(
    trace: Path, tmp_path: Path
) -> None:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(standard().to_json() | {"half_life_hours": 0, "floor_share": "11/10"}))
    with pytest.raises(CommandError) as refused:
        simulate(trace, "--policy", path)
    assert "half_life_hours: A half-life of 0 hours forgets nearly everything at once" in str(refused.value)
    assert "floor_share: " in str(refused.value)


def test_groups_have_the_class_and_shares_that_they_are_given(trace: Path, tmp_path: Path) -> None:
    path = tmp_path / "groups.json"
    given = {"g0": {"class": "student", "shares": 3}, "g1": {"class": "industry", "shares": 1}}
    path.write_text(json.dumps(given))
    report = tmp_path / "report.json"
    simulate(trace, "--groups", path, "--json", report, "--course", "fcfs")
    projects = json.loads(report.read_text())["outcomes"][0]["projects"]
    assert [(one["project_class"], one["shares"]) for one in projects] == [("student", 3), ("industry", 1)]


@pytest.mark.parametrize(
    "entry", [{"class": "king", "shares": 1}, {"class": "student", "shares": 0}, {"class": "student"}, 7,
              {"class": "student", "shares": True}, {"class": "student", "shares": 1, "more": 2}],
)  # fmt: skip
def test_groups_that_are_none_are_refused(trace: Path, tmp_path: Path, entry: object) -> None:
    path = tmp_path / "groups.json"
    path.write_text(json.dumps({"g0": entry}))
    with pytest.raises(CommandError, match="group g0 is .*; expected"):
        simulate(trace, "--groups", path)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.txt", b"", "expected a file ending in"),
        ("a.csv", b"", "line 1: the header lacks"),
        ("a.csv", b"a,b\n", "line 1: the header lacks"),
        ("a.csv.gz", b"no gzip", "cannot be read"),
        ("a.csv.gz", gzip.compress(b"x" * 9000, mtime=0)[:-20], "cannot be read|line 1"),
        ("a.csv", b"\xff\xfe\n", "line 1: not UTF-8"),
        ("a.csv", b"x" * 5000, "line 1: longer than 4,096 bytes"),
        ("a.csv", (HEADER + "\n1,u,g,5,,-1,,0,1,,,,\n").encode(), "line 2: runtime_s is -1"),
        ("a.swf", b"1 2 3\n", "line 1: 3 fields; a line of SWF has 18"),
        ("missing.csv", None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_trace_is_refused_in_a_sentence(
    tmp_path: Path, name: str, content: bytes | None, sentence: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=sentence):
        simulate(path)


def test_a_file_that_unpacks_without_end_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 100_000)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress((HEADER + "\n" + "1,u,g,5,,60,,0,1,,,,\n" * 100_000).encode()))
    with pytest.raises(CommandError, match="the file unpacks to more than 100,000 bytes"):
        simulate(path)


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--lead", "50:0", "the last percentage is 100"),
        ("--lead", "x", "expected such as"),
        ("--devices", "0", "expected a whole number of 1 or more"),
        ("--devices", "-3", "expected a whole number"),
        ("--load", "0", "expected a number above 0"),
        ("--load", "1/3", "expected a number above 0 with six decimals"),
        ("--zone", "Mars/Olympus", "is no time zone"),
    ],
)
def test_options_that_make_no_sense_are_refused(trace: Path, option: str, value: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        simulate(trace, f"{option}={value}")


def test_a_cluster_that_no_job_fits_is_refused(trace: Path) -> None:
    with pytest.raises(CommandError, match="no job of the trace fits the cluster"):
        simulate(trace, "--devices", 1)


def test_progress_is_told_on_standard_error(trace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    simulate(trace, "--course", "fcfs")
    assert "first come, first served" in capfd.readouterr().err


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no job traces in {SHARED}")
def test_real_jobs_play_through_every_policy(tmp_path: Path) -> None:
    with gzip.open(SHARED / "trace_hpc2n_2002_extract.csv.gz", "rt") as lines:
        head = [line for _number, line in zip(range(121), lines, strict=False)]
    path = tmp_path / "hpc2n.csv"
    path.write_text("".join(head))
    told = simulate(path, "--load", "0.9")
    # Counted with awk: six of 120 rows have no run time, and the rest are of five people.
    assert told.startswith("114 requests of 5 projects in 6.2 days on 53 cpu (load); load 89.2 %\n")
    assert "no run time 6" in told
