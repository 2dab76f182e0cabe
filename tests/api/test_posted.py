"""How Gong says that it has a call, and what must not be taken for that."""

from __future__ import annotations

import pytest

from airflow_provider_gong.api.posted import posted_before

KNOWN = "A call with clientUniqueId 'dialer-173' has already been posted for the call 7022652889306584427"


@pytest.mark.parametrize(
    "message",
    [
        KNOWN,
        f"{KNOWN}.",
        "A call with clientUniqueId 'dialer-173' was already posted, call id 7022652889306584427",
        "Call 7022652889306584427 already exists for the client unique ID dialer-173",
        "clientUniqueId: duplicate of call #7022652889306584427",
        'clientUniqueId "dialer-173" already exists (callId: "7022652889306584427")',
        f"A call with clientUniqueId '{'x' * 100} ... ' has already been posted for the call 7022652889306584427",
    ],
)
def test_the_call_is_found_in_other_words_too(message: str) -> None:
    assert posted_before(message, "dialer-173") == "7022652889306584427"


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Bad request",
        "parties: must not be null",
        "clientUniqueId: size must be between 0 and 2048",
        "A call with clientUniqueId 'dialer-173' has already been posted",
        "The user 234599484848423 has already reached the number of unique calls",
        "A call with clientUniqueId 'dialer-173' was already posted by the user 234599484848423",
        "A call of this time already exists: call 7022652889306584427",
        "clientUniqueId: there is no call 7022652889306584427",
        "clientUniqueId: already used by call 7022652889306584427 and call 7022652889306584428",
    ],
)
def test_other_refusals_name_no_call(message: str) -> None:
    assert posted_before(message, "dialer-173") is None


@pytest.mark.parametrize(
    "client_unique_id",
    ["7022652889306584000", "call 12345678", "call", "already", "A", "a.b*c(", "7022652889306584427"],
)
def test_the_clients_own_id_is_not_taken_for_the_call(client_unique_id: str) -> None:
    message = KNOWN.replace("dialer-173", client_unique_id)
    assert posted_before(message, client_unique_id) == "7022652889306584427"
