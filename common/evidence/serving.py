"""Giving a kept file out: always a download, never shown, of the type that its content told when it came."""

from __future__ import annotations

from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response

from common.evidence import store
from common.evidence.kinds import KINDS, extension_of

# What somebody handed in is theirs, never part of this site: nothing in it may run or be guessed at.
_SANDBOX = "default-src 'none'; sandbox"


def download(request: HttpRequest, *, path: str, sha256: str, media_type: str = "") -> HttpResponseBase:
    """The file, streamed from wherever it is kept; 304 to who has it; 404 where it is gone.

    `media_type` where it is always the same, whatever the file is.
    """
    files = store.storage()
    if not path or not files.exists(path):
        raise Http404
    extension = extension_of(path)
    kept = get_conditional_response(request, etag=f'"{sha256}"')
    response: HttpResponseBase
    if kept is not None:
        response = kept
    else:
        response = FileResponse(
            files.open(path),
            as_attachment=True,
            filename=f"evidence-{sha256[:12]}.{extension}",
            content_type=media_type or next(one.media_type for one in KINDS if one.extension == extension),
        )
    response.headers["ETag"] = f'"{sha256}"'
    response.headers["Content-Security-Policy"] = _SANDBOX
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
