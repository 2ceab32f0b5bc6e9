"""Telling people: once, what holds now, and by mail only where they want it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from accounts.domain.notices import KINDS, SETTLING
from accounts.models import MailPreference, Notice, User
from accounts.services.notices import notify
from tests.races import at_once, split

MOMENT = datetime(2026, 11, 24, 9, 42, tzinfo=UTC)


def tell(*users: User, ratio: str = "0.8", dedupe: str = "grant:1:80", at: datetime = MOMENT) -> None:
    params: dict[str, object] = {"project": "Atlas", "grant": "Winter", "used_ratio": Decimal(ratio)}
    notify(users=users, kind="grant_used", params=params, url="/projects/atlas/", dedupe=dedupe, at=at)


def test_a_notice_is_in_the_inbox_at_once_and_its_mail_settles_first(ada: User) -> None:
    tell(ada)
    notice = Notice.objects.get(user=ada)
    assert (notice.kind, notice.url, notice.read_at) == ("grant_used", "/projects/atlas/", None)
    assert (notice.mail, notice.created_at, notice.mail_due_at) == ("waiting", MOMENT, MOMENT + SETTLING)


def test_everybody_is_told_in_one_statement(
    ada: User, lena: User, omar: User, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        tell(ada, lena, omar, ada)
    assert Notice.objects.count() == 3


def test_a_change_told_again_before_anybody_saw_it_is_one_notice_with_the_newest_facts(ada: User) -> None:
    tell(ada, ratio="0.8")
    tell(ada, ratio="1", at=MOMENT + timedelta(seconds=30))
    notice = Notice.objects.get(user=ada)
    assert notice.params["used_ratio"] == "1"
    assert notice.mail_due_at == MOMENT + SETTLING  # steady changes do not put it off


@pytest.mark.parametrize(
    "seen", [{"read_at": MOMENT}, {"mail": "sent"}, {"mail": "sending"}, {"mail": "failed"}]
)
def test_what_was_read_or_mailed_is_not_told_again(ada: User, seen: dict[str, Any]) -> None:
    tell(ada, ratio="0.8")
    Notice.objects.update(**seen)
    tell(ada, ratio="1")
    notice = Notice.objects.get(user=ada)
    assert notice.params["used_ratio"] == "0.8"


def test_another_change_is_another_notice(ada: User) -> None:
    tell(ada, dedupe="grant:1:80")
    tell(ada, dedupe="grant:1:100")
    assert Notice.objects.filter(user=ada).count() == 2


def test_who_wants_no_mail_has_it_in_the_inbox_only(ada: User, lena: User) -> None:
    MailPreference.objects.create(user=ada, kind="grant_used", by_mail=False)
    MailPreference.objects.create(user=lena, kind="job_ended", by_mail=False)  # of something else
    tell(ada, lena)
    assert dict(Notice.objects.values_list("user__name", "mail")) == {"Ada": "none", "Lena": "waiting"}


def test_a_kind_that_is_not_mailed_is_mailed_to_who_asks_for_it(ada: User, lena: User) -> None:
    MailPreference.objects.create(user=ada, kind="invitation_received", by_mail=True)
    notify(
        users=[ada, lena], kind="invitation_received", params={"group": "Atlas", "by": ada},
        url="", dedupe="invitation:1", at=MOMENT,
    )  # fmt: skip
    assert not KINDS["invitation_received"].by_mail
    assert dict(Notice.objects.values_list("user__name", "mail")) == {"Ada": "waiting", "Lena": "none"}


def test_a_closed_account_is_not_told(ada: User, lena: User) -> None:
    User.objects.filter(pk=ada.pk).update(is_active=False)
    User.objects.filter(pk=lena.pk).update(erased_at=MOMENT)
    tell(ada, lena)
    assert not Notice.objects.exists()


def test_a_change_that_is_undone_is_not_told(ada: User) -> None:
    with transaction.atomic():
        tell(ada)
        transaction.set_rollback(True)
    assert not Notice.objects.exists()


def test_facts_that_the_texts_do_not_know_are_refused(ada: User) -> None:
    with pytest.raises(ValueError, match="used_ratio"):
        notify(users=[ada], kind="grant_used", params={"project": "Atlas"}, url="", dedupe="1", at=MOMENT)


@pytest.mark.django_db(transaction=True)
def test_two_who_tell_the_same_at_once_make_one_notice() -> None:
    ada = User.objects.create_user("ada@example.org", "correct horse battery", name="Ada")
    answers = at_once(*[partial(tell, ada, ratio=ratio) for ratio in ("0.8", "0.9", "0.95", "1")])
    _told, refused = split(answers)
    assert refused == []
    assert Notice.objects.filter(user=ada).count() == 1
