import pickle
from typing import Any

import pytest

from airflow_provider_gong import exceptions
from airflow_provider_gong.exceptions import (
    GongConfigurationError,
    GongError,
    GongFileError,
    GongMissingScope,
    GongQuotaUnavailable,
    GongRateLimited,
    GongReplyError,
    GongRequestRefused,
    GongTokensUnavailable,
    GongUnavailable,
    GongUnexpectedResponse,
)

KINDS = [kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, GongError)]
REPLIES = [kind for kind in KINDS if issubclass(kind, GongReplyError)]

FACTS: dict[str, Any] = {
    "operation": "GET /v2/calls",
    "status": 400,
    "request_id": "abc",
    "messages": ("first", "second"),
}


def test_text_tells_what_was_asked_what_gong_said_and_what_to_do() -> None:
    error = GongRequestRefused("Mend it.", **FACTS)
    assert str(error) == "GET /v2/calls: 400: first; second: Mend it. (request id abc)"


def test_text_leaves_out_what_is_unknown() -> None:
    assert str(GongUnavailable("The connection failed.", operation="GET /v2/calls")) == (
        "GET /v2/calls: The connection failed."
    )
    assert str(GongRateLimited("Spent.", retry_after=5)) == "Spent."


@pytest.mark.parametrize("kind", REPLIES)
def test_errors_survive_pickling(kind: type[GongReplyError]) -> None:
    special: dict[str, Any] = {"scope": "api:logs:read", "retry_after": 7.5, "cut_off": True}
    own = {name: value for name, value in special.items() if hasattr(kind(), name)}
    error = kind("Mend it.", **FACTS, **own)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert (str(copy), vars(copy)) == (str(error), vars(error))
    assert vars(copy) == FACTS | own | {"message": "Mend it."} | (
        {"retryable": True} if "cut_off" in own else {}
    )


def test_configuration_errors_survive_pickling() -> None:
    assert str(pickle.loads(pickle.dumps(GongConfigurationError("Mend it.")))) == "Mend it."


@pytest.mark.parametrize("kind", KINDS)
def test_what_nobody_needs_to_mend_may_be_tried_again(kind: type[GongError]) -> None:
    assert kind().retryable is issubclass(
        kind, GongUnavailable | GongFileError | GongQuotaUnavailable | GongTokensUnavailable
    )
    assert GongUnexpectedResponse(cut_off=True).retryable


def test_a_write_that_may_have_been_done_stays_not_retryable_when_pickled() -> None:
    error = GongUnavailable("Failed.")
    error.retryable = False
    assert not pickle.loads(pickle.dumps(error)).retryable


@pytest.mark.parametrize("kind", KINDS)
def test_each_error_is_in_the_tree_that_is_drawn(kind: type[GongError]) -> None:
    assert kind.__name__ in (exceptions.__doc__ or "")


def test_refusals_are_told_apart_from_outages() -> None:
    assert issubclass(GongMissingScope, GongRequestRefused)
    assert not issubclass(GongRequestRefused, GongUnavailable)
