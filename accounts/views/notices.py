"""The inbox, what is mailed, and the link in mails that ends them."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from accounts.access import ANYONE, NOTICE_READER, SIGNED_IN, person
from accounts.domain.notices import KINDS
from accounts.models import Notice
from accounts.selectors import notices as selectors
from accounts.services import notices, unsubscribing
from accounts.wording.notices import SENTENCES
from common import clock
from common.access import guard


@never_cache
@guard(SIGNED_IN)
def inbox(request: HttpRequest) -> HttpResponse:
    asked = request.GET.get("page", "1")
    page = int(asked) if asked.isdecimal() and 0 < int(asked) < 10_000 else 1
    return render(
        request, "accounts/notices.html", {"inbox": selectors.inbox(user=person(request), page=page)}
    )


@guard({"POST": NOTICE_READER})
def notice_read(request: HttpRequest, notice: Notice) -> HttpResponse:
    """Mark one as read and, with `open`, go where it leads."""
    notices.mark_read(notice=notice, at=clock.now())
    if "open" in request.POST and url_has_allowed_host_and_scheme(notice.url, allowed_hosts=None):
        return redirect(notice.url)
    return redirect("notices")


@guard({"POST": SIGNED_IN})
def notices_read(request: HttpRequest) -> HttpResponse:
    count = notices.mark_all_read(user=person(request), at=clock.now())
    messages.success(
        request, ngettext("%(count)d marked as read.", "%(count)d marked as read.", count) % {"count": count}
    )
    return redirect("notices")


@guard({"GET": SIGNED_IN, "POST": SIGNED_IN})
def preferences(request: HttpRequest) -> HttpResponse:
    user = person(request)
    choices = selectors.choices(user=user)
    if request.method == "POST":
        wanted = set(request.POST.getlist("by_mail"))
        offered = {kind.kind: kind.by_mail for group in choices for kind in group.kinds}
        unsubscribing.set_preferences(
            user=user,
            by_mail={kind: kind in wanted for kind, now in offered.items() if (kind in wanted) != now},
        )
        messages.success(request, _("Saved."))
        return redirect("notice_preferences")
    return render(request, "accounts/notice_preferences.html", {"choices": choices})


@csrf_exempt  # programs that read mail press the button (RFC 8058); the signed link is the permission
@never_cache
@guard({"GET": ANYONE, "POST": ANYONE})
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Only POST acts: a program that follows the links of a mail changes nothing."""
    found = unsubscribing.read(token)
    if found is None:
        raise Http404
    user, kind = found
    if request.method == "POST":
        unsubscribing.set_preferences(user=user, by_mail={kind: False})
    return render(
        request,
        "accounts/unsubscribe.html",
        {"sentence": SENTENCES[KINDS[kind].name], "is_done": request.method == "POST"},
    )
