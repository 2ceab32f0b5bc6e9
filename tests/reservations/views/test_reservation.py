"""The job page: who may see and do what, the log, files, stopping, cancelling, the price explained."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from common import clock
from nodes.models import Agent, Hold
from nodes.services import leases
from reservations.models import Reservation, Run
from reservations.services import settle
from tests.reservations.services.worlds import in_days, make_lab, make_open_node
from tests.reservations.views.running import Job

pytestmark = pytest.mark.django_db


@pytest.fixture
def job() -> Job:
    return Job()


@pytest.fixture
def member(client: Client, job: Job) -> Client:
    client.force_login(job.lab.member)
    return client


def addresses(job: Job) -> list[str]:
    slot, run = f"/reservations/{job.reservation.uid}/", f"/runs/{job.run.uid}/"
    decision = f"/decisions/{job.reservation.decision.uid}"
    project = f"/projects/{job.lab.project.slug}/"
    return [slot, f"{run}log/", f"{run}files/out/a.csv", f"{decision}/", f"{decision}.json", project]


def changes(job: Job) -> list[str]:
    slot, run = f"/reservations/{job.reservation.uid}/", f"/runs/{job.run.uid}/"
    return [f"{slot}cancel/", f"{slot}runs/", f"{run}stop/"]


def job_fields(job: Job, **changes: str) -> dict[str, str]:
    return {"node": job.run.node.slug, "script": "true", "environment": "", "bring_back": ""} | changes


def test_a_stranger_finds_nothing(client: Client, job: Job, mallory: User) -> None:
    job.start().bring_back("out/a.csv", b"1\n")
    client.force_login(mallory)
    for address in addresses(job):
        assert client.get(address).status_code == 404, address


def test_a_stranger_changes_nothing(client: Client, job: Job, mallory: User) -> None:
    client.force_login(mallory)
    for address in changes(job):
        assert client.post(address, {"script": "rm -rf /"}).status_code == 404, address
    assert Run.objects.count() == 1
    assert Reservation.objects.get().state == Reservation.State.BOOKED


def test_a_member_who_did_not_book_sees_everything_and_changes_nothing(client: Client, job: Job) -> None:
    job.start().print("one\n").bring_back("out/a.csv", b"1\n")
    client.force_login(job.lab.join())
    for address in addresses(job):
        response = client.get(address)
        assert response.status_code == 200, address
        assert response.getvalue() if response.streaming else response.content  # read, so that it is closed
    page = client.get(addresses(job)[0])
    told = f"leads can cancel it or run jobs in it: {job.lab.member.name}."
    assert told in page.content.decode()
    assert b"/stop/" not in page.content
    assert b'id="run"' not in page.content
    for address in changes(job):
        refused = client.post(address, job_fields(job))
        assert refused.status_code == 403, address
        assert told in refused.content.decode()
    assert Run.objects.count() == 1
    assert job.lease.stop_requested_at is None


def test_a_member_who_did_not_book_is_offered_no_cancelling(client: Client) -> None:
    node, lab = make_open_node(), make_lab()
    reservation = lab.book([node.devices.first()], in_days(3))
    client.force_login(lab.join())
    page = client.get(reservation.get_absolute_url()).content.decode()
    assert "Cancel this reservation" not in page
    assert "Nothing has run yet." in page
    client.force_login(lab.join("lead"))
    assert "Cancel this reservation" in client.get(reservation.get_absolute_url()).content.decode()
    assert client.post(f"{reservation.get_absolute_url()}cancel/").status_code == 302


def test_a_lead_stops_and_runs_in_a_members_slot(client: Client, job: Job) -> None:
    job.start()
    client.force_login(job.lab.join("lead"))
    assert client.post(f"/runs/{job.run.uid}/stop/").status_code == 302
    assert job.lease.stop_requested_at is not None
    assert client.post(f"/reservations/{job.reservation.uid}/runs/", job_fields(job)).status_code == 302


def test_a_visitor_is_asked_to_sign_in(client: Client, job: Job) -> None:
    for address in changes(job):
        assert client.post(address)["Location"].startswith("/accounts/login/"), address
    assert client.get(addresses(job)[0])["Location"].startswith("/accounts/login/")


def test_nothing_is_changed_by_following_a_link(member: Client, job: Job) -> None:
    for address in changes(job):
        response = member.get(address)
        assert (response.status_code, response.headers["Location"]) == (
            302,
            job.reservation.get_absolute_url(),
        ), address
    job.reservation.refresh_from_db()
    assert (job.reservation.state, job.run.state) == (Reservation.State.BOOKED, Run.State.QUEUED)
    assert job.reservation.runs.count() == 1


def test_the_page_of_a_running_job_shows_its_log_and_the_time_left(member: Client, job: Job) -> None:
    job.start().print("epoch 1\n", "epoch 2 <script>alert(1)</script>\n")
    page = member.get(addresses(job)[0]).content.decode()
    assert "epoch 1\nepoch 2 &lt;script&gt;alert(1)&lt;/script&gt;\n" in page
    assert "Left in this slot" in page
    assert f'data-events="/runs/{job.run.uid}/events/?after=2"' in page
    assert 'data-state="running"' in page


def test_the_page_of_a_job_that_ended_tells_how(member: Client, job: Job) -> None:
    job.start().print("done\n").bring_back("out/a.csv", b"1,2\n").end(exit_code=3)
    page = member.get(addresses(job)[0]).content.decode()
    assert "The job ended by itself, exit code 3, after" in page
    assert "61.4\N{NO-BREAK SPACE}MB" in page
    assert "out/a.csv" in page
    assert "<dd>18 ms</dd>" in page
    assert "data-events" not in page


def test_the_page_of_a_lost_job_says_so_at_once_and_that_it_costs_nothing(member: Client, job: Job) -> None:
    job.start()
    ending = leases.Ending(reason="lost", note="The machine restarted.")
    lease = job.lease
    leases.end(
        node_id=lease.node_id, lease_uid=lease.uid, fence=lease.fence, ending=ending, ago=0.0, at=clock.now()
    )
    page = member.get(addresses(job)[0]).content.decode()
    assert "The node stopped answering, after" in page
    assert "The machine restarted. Its time is not charged." in page
    assert member.get(addresses(job)[0]).context["page"].newest.label == "Lost"


def test_the_page_is_about_the_job_that_runs_and_not_the_one_behind_it(member: Client, job: Job) -> None:
    job.start().print("epoch 1")
    member.post(f"/reservations/{job.reservation.uid}/runs/", job_fields(job))
    page = member.get(addresses(job)[0]).context["page"]
    assert (page.newest.number, page.current.number, page.state) == (2, 1, "Running")
    assert page.log.text == "epoch 1"
    assert [step.name for step in page.steps if step.state == "now"] == ["Running"]


def test_the_page_of_an_older_job_tells_that_its_log_was_cut(member: Client, job: Job) -> None:
    job.start().print("x" * 10_000_001).end()
    member.post(f"/reservations/{job.reservation.uid}/runs/", job_fields(job))
    page = member.get(addresses(job)[0]).content.decode()
    assert "Its log was cut at 10.0\N{NO-BREAK SPACE}MB." in page
    assert "Run 2</strong>" in page


def test_the_job_page_costs_at_most_eight_queries(member: Client, job: Job) -> None:
    job.start().print("one\n").bring_back("out/a.csv", b"1\n")
    for user in (job.lab.member, job.lab.join()):
        member.force_login(user)
        assert_few_queries(member, addresses(job)[0])


def assert_few_queries(client: Client, address: str) -> None:
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        client.get(address)
    seen = [str(query["sql"])[:110] for query in queries if "django_session" not in str(query["sql"])]
    assert len(seen) <= 8, seen


def test_the_price_is_explained_line_by_line(member: Client, job: Job) -> None:
    receipt = member.get(addresses(job)[0]).context["page"].receipt
    *lines, total = receipt.lines
    assert sum(line.amount for line in lines) == total.amount == job.reservation.quoted_price
    assert [line.label for line in lines] == ["Slot, 1 device"]
    assert "device-hours at" in lines[0].why


def test_a_settled_slot_shows_its_charges(member: Client, job: Job) -> None:
    job.start().end()
    settle.settle_ended(at=job.reservation.during.upper)
    page = member.get(addresses(job)[0]).context["page"]
    *lines, total = page.receipt.lines
    assert page.receipt.is_final
    assert total.amount == sum(line.amount for line in lines) > Decimal(0)


def test_a_member_runs_again_with_changes(member: Client, job: Job) -> None:
    job.start().end(exit_code=1)
    page = member.get(addresses(job)[0])
    assert page.context["form"].initial["script"] == "python train.py"
    response = member.post(
        f"/reservations/{job.reservation.uid}/runs/",
        job_fields(job, script="python train.py --lr 2e-4", environment="A=1\nB=x=y\n", bring_back="*.csv"),
    )
    assert response.status_code == 302
    second = Run.objects.get(number=2)
    assert second.environment == {"A": "1", "B": "x=y"}
    assert second.bring_back == ["*.csv"]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("script", "  ", "Write what to run."),
        ("script", "x" * 70_000, "at most"),
        ("environment", "no equals sign", "Line 1 is not NAME=value."),
        ("environment", "1A=2", "begin with no digit"),
        ("bring_back", "../../etc/passwd", "does not name files in the job’s own folder"),
    ],
)
def test_a_job_that_cannot_be_run_is_refused_in_place(
    member: Client, job: Job, field: str, value: str, said: str
) -> None:
    fields = {"node": job.run.node.slug, "script": "true", "environment": "", "bring_back": ""} | {
        field: value
    }
    response = member.post(f"/reservations/{job.reservation.uid}/runs/", fields)
    assert response.status_code == 400
    assert said in " ".join(response.context["form"].errors[field])
    assert Run.objects.count() == 1


def test_a_member_runs_in_an_image_with_a_network(member: Client, job: Job) -> None:
    told = {
        "runtimes": {"podman": "4.3"},
        "offers": {"networks": ["none", "list"], "network_list": ["pypi.org"]},
    }
    Agent.objects.create(
        node=job.run.node, public_key="k" * 44, version="0.1.0", enrolled_at=clock.now(), inventory=told
    )
    page = member.get(job.reservation.get_absolute_url()).content.decode()
    assert "The owner’s list: pypi.org." in page
    assert '<option value="podman">Podman</option>' in page
    assert '<option value="internet">' not in page
    image = "docker.io/library/python@sha256:" + "ab" * 32
    address = f"/reservations/{job.reservation.uid}/runs/"
    refused = member.post(address, job_fields(job, runner="podman", image="python:3.12", network="list"))
    assert refused.status_code == 400
    assert "“python:3.12” is not an image by its digest" in refused.content.decode()
    assert (
        member.post(address, job_fields(job, runner="podman", image=image, network="list")).status_code == 302
    )
    second = job.reservation.runs.get(number=2)
    assert (second.runner, second.image, second.network) == ("podman", image, "list")
    page = member.get(job.reservation.get_absolute_url()).content.decode()
    assert f"Under Podman, {image}, the hosts on the owner’s list." in page


def test_a_member_stops_a_run(member: Client, job: Job) -> None:
    job.start()
    assert member.post(f"/runs/{job.run.uid}/stop/").status_code == 302
    assert job.lease.stop_requested_at is not None
    assert "Asked to stop" in member.get(addresses(job)[0]).content.decode()


def test_stopping_what_is_over_says_so(member: Client, job: Job) -> None:
    job.start().end()
    response = member.post(f"/runs/{job.run.uid}/stop/")
    assert response.status_code == 400
    assert "This run is over" in response.content.decode()


def test_a_member_cancels_a_slot_that_has_not_begun(client: Client) -> None:
    node, lab = make_open_node(), make_lab()
    reservation = lab.book(list(node.devices.all())[:2], in_days(3))
    client.force_login(lab.member)
    assert "Cancelling is free until" in client.get(reservation.get_absolute_url()).content.decode()
    assert client.post(f"{reservation.get_absolute_url()}cancel/").status_code == 302
    assert not Hold.objects.exists()
    page = client.get(reservation.get_absolute_url()).content.decode()
    assert "Nothing charged" in page


def test_a_slot_that_has_begun_is_not_cancelled(member: Client, job: Job) -> None:
    response = member.post(f"/reservations/{job.reservation.uid}/cancel/")
    assert response.status_code == 409
    assert "This slot has begun" in response.content.decode()


def test_files_are_downloads_that_cannot_run(member: Client, job: Job) -> None:
    job.start().bring_back("out/page.html", b"<script>alert(1)</script>")
    response = member.get(f"/runs/{job.run.uid}/files/out/page.html")
    assert b"".join(response.streaming_content) == b"<script>alert(1)</script>"
    assert response["Content-Disposition"] == 'attachment; filename="page.html"'
    assert response["Content-Type"] == "application/octet-stream"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]
    for name in ("out/other.html", "%00", "..%2f..%2fsecret_key", "%2fetc%2fpasswd", "%ff"):
        assert member.get(f"/runs/{job.run.uid}/files/{name}").status_code == 404
    response.close()


def test_the_whole_log_is_plain_text(member: Client, job: Job) -> None:
    job.start().print(*[f"line {number}\n" for number in range(60)])
    response = member.get(f"/runs/{job.run.uid}/log/")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert b"".join(response.streaming_content).count(b"\n") == 60
    assert "The end of it." in member.get(addresses(job)[0]).content.decode()


def test_the_price_stands_beside_its_full_cost(member: Client, job: Job) -> None:
    response = member.get(addresses(job)[0])
    receipt = response.context["page"].receipt
    reserved = job.reservation.devices.select_related("tariff__statement").get()
    *_lines, total = receipt.lines
    hours = total.amount / (reserved.price + reserved.fee)
    statement = reserved.tariff.statement
    assert receipt.cost.full_cost == pytest.approx(statement.full_delivered * hours, abs=Decimal("0.00001"))
    assert receipt.cost.ratio == pytest.approx(total.amount / receipt.cost.full_cost - 1)
    assert "Full cost of these hours" in response.content.decode()


def test_a_settled_slot_keeps_its_full_cost_beside_the_charges(member: Client, job: Job) -> None:
    job.start().end()
    agreed = member.get(addresses(job)[0]).context["page"].receipt.cost
    settle.settle_ended(at=in_days(1))
    receipt = member.get(addresses(job)[0]).context["page"].receipt
    assert receipt.is_final
    # A quote rounds quantities to six decimals, a charge to eight.
    assert receipt.cost.full_cost == pytest.approx(agreed.full_cost, abs=Decimal("0.00001"))
    assert receipt.cost.ratio == pytest.approx(agreed.ratio, abs=Decimal("0.000001"))
