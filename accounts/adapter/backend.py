"""Finding the person of a session, with what every page shows of them, in one query."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from asgiref.sync import sync_to_async

from accounts.models import User
from accounts.selectors.notices import people_with_unread
from common.compiled import Compiled

_PERSON = Compiled(lambda pk: people_with_unread().filter(pk=pk))


class PersonBackend(AuthenticationBackend):  # type: ignore[misc]  # allauth has no types
    def get_user(self, user_id: Any) -> User | None:
        return self._if_open(_PERSON.first(user_id))

    async def aget_user(self, user_id: Any) -> User | None:
        return self._if_open(await sync_to_async(_PERSON.first)(user_id))

    def _if_open(self, user: User | None) -> User | None:
        return user if user is not None and self.user_can_authenticate(user) else None
