"""Telling the site what this machine is: when the agent starts, and when something changed since."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

from equinode_agent import inventory
from equinode_agent.errors import AgentError, Refused

# A GPU that fell off its bus is told within the hour.
LOOK_EVERY = 3600.0
# After a call that failed.
TRY_AGAIN = 60.0

log = logging.getLogger(__name__)


class Line(Protocol):
    """What of the client is needed."""

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]: ...


class Teller:
    def __init__(self, line: Line, *, collect: Callable[[], dict[str, Any]] = inventory.collect) -> None:
        self._line, self._collect = line, collect
        self._told = ""  # the digest of what the site knows from us
        self._is_known = True

    def tell(self) -> bool:
        """Look, and tell the site if it does not know this yet; True if it was told."""
        try:
            found = self._collect()
            digest = inventory.digest(found)
            if digest == self._told:
                return False
            self._line.post("inventory", {"inventory": found})
        except Refused as exc:
            # An older site does not know the call, and will not know it in a minute.
            self._is_known = exc.status != HTTPStatus.NOT_FOUND
            log.warning("The site did not take what this machine is: %s", exc)
        except AgentError as exc:
            log.warning("The site was not told what this machine is: %s", exc)
        except Exception:
            # The node is worth more than a description of it.
            log.exception("This machine could not be described")
        else:
            self._told, self._is_known = digest, True
            return True
        return False

    def keep_telling(self, stopping: threading.Event) -> None:
        """Until the agent stops. In a thread of its own: programs that are asked may hang for a minute."""
        while not stopping.is_set():
            self.tell()
            stopping.wait(self.pause)

    @property
    def pause(self) -> float:
        return LOOK_EVERY if self._told or not self._is_known else TRY_AGAIN
