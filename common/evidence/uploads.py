"""Forms with files: what is far too large is not taken in, and the form can still say so in its place."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

from common.evidence.kinds import LARGEST

# A form's other fields, and the lines between them.
SLACK = 256 * 1024
_REFUSED = "equinode.refused_upload"


class NotTooLarge(FileUploadHandler):
    """Stops at a file of a form that is too large as a whole, before a byte of it is written anywhere.

    Fields that stand before the file have been read by then: a form that has its file last keeps them.
    """

    received = 0

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, str],
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        self.announced = content_length

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if self.announced > LARGEST + SLACK:
            self._refuse(self.announced)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.received += len(raw_data)
        if self.received > LARGEST + SLACK:
            self._refuse(self.received)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None  # the handlers behind this one keep it

    def _refuse(self, size: int) -> None:
        request: Any = self.request
        request.META[_REFUSED] = size
        raise StopUpload(connection_reset=True)  # the rest is not read, either


def refused_size(request: HttpRequest) -> int:
    """Bytes of an upload that was too large to be read; 0 where none was."""
    request.POST  # noqa: B018  # read by now, or it would not be known
    return int(request.META.get(_REFUSED, 0))
