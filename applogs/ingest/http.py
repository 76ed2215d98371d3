"""`POST /api/v2/logs/ingest`: from the request to the answer. No part of the REST framework is on the way."""

import time
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from applogs.ingest.bodies import MediaTypeRefused
from applogs.ingest.entries import Incoming, read_entries
from applogs.ingest.pressure import TooBusy, pressure
from applogs.senders import Sender, SenderDenied, sender_of
from applogs.storing import prepare, store
from logsite.intake.answers import answered, not_authenticated, refusal, too_many
from logsite.intake.bodies import BodyRefused, body_of
from logsite.intake.rates import rates
from logsite.intake.rejected import Rejection, keep_rejected
from logsite.intake.repeated import once
from logsite.records.live import publish
from logsite.tables.writing import writing
from logsite.web.addresses import address_of

PROTOCOL = "http"
SHOWN_ERRORS = 1000  # of one request; the counts are of all
BUSY = "the site works on as many requests as it can hold"
NEEDED = "the request needs an ingest token that is not revoked, or a user's token"


@csrf_exempt
@transaction.non_atomic_requests
@answered
def ingest(request: HttpRequest) -> HttpResponse:
    """202 with the counts. With any other answer nothing is stored; after 429 and 503 the sender shall try again."""
    if request.method != "POST":
        answer = refusal(405, f"method {request.method} is not allowed", hint="send entries by POST")
        answer["Allow"] = "POST"
        return answer
    try:
        sender = sender_of(request)
    except SenderDenied as error:
        return refusal(403, str(error), field="Authorization")
    if sender is None:
        return not_authenticated(NEEDED)
    try:
        body = body_of(request)
        with pressure.working_on(len(body)):
            return _taken(request, body, sender)
    except TooBusy:
        return too_many(1, BUSY)
    except BodyRefused as error:
        _keep(request, sender, [Rejection(error.reason)])
        if isinstance(error, MediaTypeRefused):
            return refusal(415, error.reason, field="Content-Type")
        raise


def _taken(request: HttpRequest, body: bytes, sender: Sender) -> HttpResponse:
    received_at = time.time_ns()
    incoming = read_entries(
        body,
        request.headers.get("Content-Type", ""),
        received_at=received_at,
        app=sender.app,
        host=sender.host,
    )
    if sender.token and (seconds := rates.take(sender.token, len(incoming.indexes), len(body))):
        return too_many(seconds, f"the rate of the token {sender.token.name} is used up")
    key = request.headers.get("Idempotency-Key")

    def carry_out() -> dict[str, Any]:
        return _stored(request, sender, incoming, received_at)

    prepare(incoming.columns)
    with writing():
        answer = carry_out() if key is None else once(sender.owner, key, body, carry_out)[0]
    publish("app")
    return JsonResponse(answer, status=202)


def _stored(request: HttpRequest, sender: Sender, incoming: Incoming, received_at: int) -> dict[str, Any]:
    """Store the entries and the rejections in the transaction that runs; returns the answer to the sender."""
    repeated = store(incoming.columns, sender, protocol=PROTOCOL, received_at=received_at)
    _keep(request, sender, incoming.rejections)
    answer: dict[str, Any] = {
        "accepted": len(incoming.indexes),
        "rejected": len(incoming.rejections),
        "errors": [_error(rejection) for rejection in incoming.rejections[:SHOWN_ERRORS]],
    }
    return answer | ({"repeated": repeated} if repeated else {})


def _error(rejection: Rejection) -> dict[str, Any]:
    field = {"field": rejection.field} if rejection.field else {}
    return {"index": rejection.index, **field, "reason": rejection.reason}


def _keep(request: HttpRequest, sender: Sender, rejections: list[Rejection]) -> None:
    keep_rejected(rejections, token=sender.token, protocol=PROTOCOL, address=address_of(request))
