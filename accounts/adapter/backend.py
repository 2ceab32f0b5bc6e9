"""Finding the person of a session, with what every page shows of them, in one query."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend

from accounts.models import User
from accounts.selectors.notices import people_with_unread


class PersonBackend(AuthenticationBackend):  # type: ignore[misc]  # allauth has no types
    def get_user(self, user_id: Any) -> User | None:
        return self._if_open(people_with_unread().filter(pk=user_id).first())

    async def aget_user(self, user_id: Any) -> User | None:
        return self._if_open(await people_with_unread().filter(pk=user_id).afirst())

    def _if_open(self, user: User | None) -> User | None:
        return user if user is not None and self.user_can_authenticate(user) else None
