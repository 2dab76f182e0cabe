"""What the Test button asks Gong, and what it tells the user."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_gong.api import calls, logs, transcripts, users
from airflow_provider_gong.exceptions import (
    GongAuthenticationError,
    GongForbidden,
    GongMissingScope,
    GongNotFound,
    GongRateLimited,
    GongReplyError,
    GongTimeout,
    GongUnavailable,
    GongUnexpectedResponse,
)

if TYPE_CHECKING:
    from airflow_provider_gong.api.client import GongClient
    from airflow_provider_gong.api.endpoint import Request


# What the credential is called, and where scopes are added to it.
API_KEY = ("access key", "add them to the key in Gong, if they are needed")
OAUTH = ("OAuth token", "add them to Scopes and to the app in Gong and connect again, if they are needed")
OAUTH_HINT = "When Gong gives no other reason, connect again."
# Seconds from which on people count in minutes, and minutes from which on they count in hours.
LONG = 120


def probe(client: GongClient, access_key: str, credential: tuple[str, str] = API_KEY) -> tuple[bool, str]:
    """Ask for something of each basic scope; say whether the key is accepted and what is missing.

    :param client: sends each request once.
    :param access_key: only looked at, to recognise a secret in its place.
    :param credential: what to call it, and where scopes are added.
    """
    host = urlsplit(client.base_url).hostname or ""
    answering: list[str] = []
    missing: dict[str, str] = {}
    problems: dict[str, GongReplyError] = {}
    for name, request in _requests().items():
        try:
            client.send(request)
            answering.append(name)
        except GongMissingScope as error:
            missing[name] = error.scope
        except GongForbidden as error:
            problems[name] = error
        except GongReplyError as error:
            problems[name] = error
            # What stands in the way of one request stands in the way of the next.
            break
    refusal = next((error for error in problems.values() if isinstance(error, GongAuthenticationError)), None)
    if (answering or missing) and not refusal:
        return True, _accepted(host, credential, answering, missing, problems)
    if refusal and credential is OAUTH:
        return False, f"Reached {host}, but the OAuth token is not accepted. {OAUTH_HINT} {_said(refusal)}"
    if refusal:
        return (
            False,
            f"Reached {host}, but the access key is not accepted. {_key_hint(access_key)} {_said(refusal)}",
        )
    return False, _failed(client.base_url, next(iter(problems.values())))


def _requests() -> dict[str, Request]:
    # The last minute is usually empty: the answer tells as much and costs little.
    now = datetime.now(UTC)
    start = now - timedelta(minutes=1)
    return {
        "calls": calls.list_calls(from_datetime=start, to_datetime=now),
        "transcripts": transcripts.list_call_transcripts(from_datetime=start, to_datetime=now),
        "users": users.list_users(),
        "logs": logs.list_logs(log_type="AccessLog", from_datetime=start, to_datetime=now),
    }


def _accepted(
    host: str,
    credential: tuple[str, str],
    answering: list[str],
    missing: dict[str, str],
    problems: dict[str, GongReplyError],
) -> str:
    called, mend = credential
    parts = [f"Reached {host}; the {called} is accepted."]
    if answering:
        parts.append(f"Answering: {', '.join(answering)}.")
    if missing:
        scopes = ", ".join(f"{scope} ({name})" for name, scope in missing.items())
        parts.append(f"Missing scopes: {scopes}; {mend}.")
    parts.extend(f"Not answering: {name}: {error}" for name, error in problems.items())
    return " ".join(parts)


def _failed(base_url: str, error: GongReplyError) -> str:
    address = urlsplit(base_url)
    if isinstance(error, GongRateLimited) and error.status is None:
        return f"Not tested: {_spent(error)}"
    if error.status is None:
        return f"No answer from {address.netloc}. {error.message}"
    if isinstance(error, GongNotFound):
        return f"Reached {address.hostname}, but Gong's API is not there: check Base URL. {_said(error)}"
    return f"Reached {address.hostname}, but {_state(error)} {_said(error)}"


def _spent(error: GongRateLimited) -> str:
    if (error.retry_after or 0) < LONG:
        return error.message
    return (
        "today's requests of this connection are spent (fields Requests per day and Share of the day); "
        f"they renew in {_length(error.retry_after or 0)}."
    )


def _state(error: GongReplyError) -> str:
    if isinstance(error, GongRateLimited):
        return f"it is busy: Gong's limit for the whole company is reached; {_when(error)}."
    if isinstance(error, GongTimeout):
        return f"its answer did not come in time. {error.message}"
    if isinstance(error, GongUnavailable):
        return f"it failed. {error.message}"
    if isinstance(error, GongUnexpectedResponse) and not error.cut_off:
        return f"it does not answer as Gong does. {error.message}"
    if isinstance(error, GongUnexpectedResponse):
        return f"its answer was cut off. {error.message}"
    return f"it does not let us in. {error.message}"


def _when(error: GongRateLimited) -> str:
    return "try again later" if error.retry_after is None else f"try again in {_length(error.retry_after)}"


def _length(seconds: float) -> str:
    if seconds < LONG:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < LONG else f"{minutes / 60:.0f} h"


def _said(error: GongReplyError) -> str:
    """Tell last what only Gong's support needs."""
    facts = f"{error.operation}: {error.status}" + (
        f", request id {error.request_id}" * bool(error.request_id)
    )
    return f"Gong said: {'; '.join(error.messages)} ({facts})." if error.messages else f"({facts})"


def _key_hint(access_key: str) -> str:
    # Gong's secrets are JSON web tokens, its keys are not.
    if access_key.startswith("eyJ"):
        return "Access Key looks like a secret; if it is, swap Access Key and Access Key Secret."
    return (
        "Check that Access Key and Access Key Secret are complete, not swapped, not expired, "
        "and that Base URL is the one that Gong shows beside them."
    )
