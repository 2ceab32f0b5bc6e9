from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from nodes import selectors
from nodes.errors import BodyInvalid, FileTooLarge, LeaseUnknown, StaleFence
from nodes.models import Lease, LogChunk, OutputFile
from nodes.services import leases, outputs
from nodes.services.leases import Ending
from nodes.services.outputs import Printed
from tests import factories, races
from tests.nodes.cast import make_lease

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.fixture
def lease(db: None) -> Lease:
    return make_lease(factories.make_node(), at=AT)


def append(lease: Lease, *chunks: tuple[int, str], fence: int | None = None) -> int:
    return outputs.append_log(
        node_id=lease.node_id, lease_uid=lease.uid, fence=lease.fence if fence is None else fence,
        chunks=[Printed(seq, text, ago=1.0) for seq, text in chunks], at=AT,
    )  # fmt: skip


def end(lease: Lease) -> None:
    leases.end(
        node_id=lease.node_id, lease_uid=lease.uid, fence=lease.fence, ending=Ending("finished"), ago=0, at=AT
    )


def store(lease: Lease, name: str = "out.bin", content: bytes = b"result", **changes: Any) -> OutputFile:
    told = {
        "node_id": lease.node_id, "lease_uid": lease.uid, "fence": lease.fence, "name": name,
        "size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "body": io.BytesIO(content),
        "at": AT,
    }  # fmt: skip
    return outputs.store_file(**told | changes)


def kept_files() -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


@pytest.fixture(autouse=True)
def _empty_storage() -> None:
    for path in kept_files():
        path.unlink()


# --- log ---------------------------------------------------------------------------------
def test_a_log_is_kept_in_order_and_harmless(lease: Lease) -> None:
    assert append(lease, (2, "two\n"), (1, "\x1b[31mone\x1b[0m\n")) == 3
    log = selectors.log_since(lease, 0)
    assert [(chunk.seq, chunk.text) for chunk in log] == [(1, "one\n"), (2, "two\n")]
    assert log[0].at == AT - timedelta(seconds=1)
    assert [chunk.seq for chunk in selectors.log_since(lease, 1)] == [2]


def test_repeated_numbers_are_ignored_and_a_gap_is_asked_for_again(lease: Lease) -> None:
    assert append(lease, (1, "a")) == 2
    assert append(lease, (1, "changed"), (2, "b"), (4, "d")) == 3
    assert append(lease, (4, "d")) == 3
    assert append(lease, (3, "c"), (4, "d")) == 5
    assert "".join(chunk.text for chunk in LogChunk.objects.all()) == "abcd"


def test_a_log_is_cut_at_its_limit_and_the_agent_goes_on(lease: Lease) -> None:
    assert append(lease, (1, "x" * 990)) == 2
    assert append(lease, (2, "y" * 20), (3, "z")) == 4  # the specification's limit is 1000 bytes
    assert append(lease, (4, "w" * 100)) == 5
    lease.refresh_from_db()
    assert (lease.log_bytes, lease.log_truncated) == (1000, True)
    assert sum(len(chunk.text) for chunk in LogChunk.objects.all()) == 1000


def test_no_log_is_longer_than_the_sites_limit_whatever_a_job_asks_for(
    lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "MOST_LOG_BYTES", 10)
    append(lease, (1, "x" * 11))
    lease.refresh_from_db()
    assert (lease.log_bytes, lease.log_truncated) == (10, True)


def test_a_log_for_a_stale_fence_another_node_or_an_ended_lease_changes_nothing(lease: Lease) -> None:
    append(lease, (1, "a"))
    with pytest.raises(StaleFence):
        append(lease, (2, "b"), fence=lease.fence + 1)
    with pytest.raises(LeaseUnknown):
        outputs.append_log(
            node_id=lease.node_id + 1, lease_uid=lease.uid, fence=lease.fence, chunks=[Printed(2, "b")], at=AT
        )
    end(lease)
    with pytest.raises(StaleFence):
        append(lease, (2, "b"))
    assert append(lease, (1, "a")) == 2  # what is so already may be repeated
    assert LogChunk.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_piece_sent_eight_times_at_once_is_kept_once() -> None:
    lease = make_lease(factories.make_node(), at=AT)
    answers = races.at_once(*[partial(append, lease, (1, "a"), (2, "b"))] * 8)
    assert answers == [3] * 8
    assert LogChunk.objects.count() == 2


# --- files -------------------------------------------------------------------------------
def test_a_file_is_kept_under_a_name_of_our_own(lease: Lease) -> None:
    file = store(lease, "out/x.html", b"<script>")
    (path,) = kept_files()
    assert path.read_bytes() == b"<script>"
    assert path.suffix == ".bin"
    assert "x.html" not in file.content.name
    assert (file.name, file.size) == ("out/x.html", 8)


def test_the_same_file_twice_is_kept_once_and_other_contents_are_refused(lease: Lease) -> None:
    first = store(lease)
    assert store(lease) == first
    with pytest.raises(BodyInvalid):
        store(lease, content=b"other")
    assert len(kept_files()) == 1


@pytest.mark.parametrize(
    "lie",
    [
        {"sha256": "0" * 64},
        {"size": 5},
        {"size": 7},
        {"body": io.BytesIO(b"resul")},
        {"body": io.BytesIO(b"")},
    ],
)
def test_a_file_that_is_not_as_announced_is_not_kept(lease: Lease, lie: dict[str, Any]) -> None:
    with pytest.raises(BodyInvalid):
        store(lease, **lie)
    assert kept_files() == []
    assert not OutputFile.objects.exists()


def test_a_file_that_breaks_off_is_not_kept(lease: Lease) -> None:
    class Breaks(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        store(lease, body=Breaks())
    assert kept_files() == []


def test_a_file_above_the_jobs_limit_is_refused_before_it_is_read(lease: Lease) -> None:
    body = io.BytesIO(b"x" * 5001)  # the specification's limit is 5000 bytes
    with pytest.raises(FileTooLarge):
        store(lease, size=5001, body=body)
    assert body.tell() == 0


def test_a_job_brings_back_so_many_files_and_bytes_at_most(
    lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "MOST_FILES", 2)
    monkeypatch.setattr(outputs, "MOST_FILE_BYTES", 10)
    store(lease, "a", b"123456")
    with pytest.raises(FileTooLarge):
        store(lease, "b", b"12345")
    store(lease, "b", b"1234")
    with pytest.raises(FileTooLarge):
        store(lease, "c", b"")


@pytest.mark.parametrize("name", ["../x", "/x", "a\nb"])
def test_a_name_that_leads_elsewhere_is_refused(lease: Lease, name: str) -> None:
    with pytest.raises(BodyInvalid):
        store(lease, name)
    assert kept_files() == []


def test_a_file_for_a_stale_fence_or_an_ended_lease_is_not_kept(lease: Lease) -> None:
    with pytest.raises(StaleFence):
        store(lease, fence=lease.fence + 1)
    end(lease)
    with pytest.raises(StaleFence):
        store(lease)
    assert kept_files() == []


def test_a_lease_that_ends_while_its_file_arrives_gets_nothing(lease: Lease) -> None:
    class EndsMeanwhile(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() == 0:
                end(lease)
            return super().read(size)

    with pytest.raises(StaleFence):
        store(lease, body=EndsMeanwhile(b"result"))
    assert kept_files() == []
    assert not OutputFile.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_same_file_sent_eight_times_at_once_is_kept_once() -> None:
    lease = make_lease(factories.make_node(), at=AT)
    answers = races.at_once(*[partial(store, lease)] * 8)
    assert len({file.pk for file in answers}) == 1
    assert len(kept_files()) == 1


def test_large_files_are_taken_in_pieces(lease: Lease) -> None:
    class Counts(io.BytesIO):
        largest = 0

        def read(self, size: int | None = -1, /) -> bytes:
            piece = super().read(size)
            self.largest = max(self.largest, len(piece))
            return piece

    Lease.objects.update(specification={"limits": {}})
    content = b"x" * (3 * outputs.PIECE + 1)
    body = Counts(content)
    store(lease, content=content, body=body)
    assert body.largest <= outputs.PIECE
