"""The code that proves an address, and another one where the first did not come."""

from __future__ import annotations

from typing import Any

from allauth.account.views import ConfirmEmailVerificationCodeView
from django.http import HttpResponse, HttpResponseRedirect

from accounts.access import ANYONE
from common.access import guard


class AddressCode(ConfirmEmailVerificationCodeView):  # type: ignore[misc]
    """As allauth's; but another code goes out for an address that is taken, too.

    allauth sends nothing then, and the answer that comes sooner would tell who has an account here.
    """

    def _resend_form_valid(self, form: Any) -> HttpResponse:
        process = self._process
        process.generate_code()
        process.send()
        process.record_resend()
        process.persist()
        return HttpResponseRedirect(self.passthrough_next_url(self.request.path))


address_code = guard({"GET": ANYONE, "POST": ANYONE})(AddressCode.as_view())
