from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from airflow.sdk import Connection

from airflow_provider_gong.api import calls, users
from airflow_provider_gong.api.endpoint import Params, endpoint
from airflow_provider_gong.exceptions import (
    GongAuthenticationError,
    GongConfigurationError,
    GongError,
    GongMissingScope,
    GongRateLimited,
    GongTimeout,
    GongUnexpectedResponse,
)
from airflow_provider_gong.hooks.gong import GongHook

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_gong.sandbox import GongSandbox

pytestmark = pytest.mark.usefixtures("connect")


@pytest.fixture
def hook() -> Any:
    hook = GongHook()
    yield hook
    hook.close()


@endpoint("PUT", "/v2/calls/{id}/media", result=None, scope="api:calls:create")
def put_media() -> Params:
    return Params(path={"id": "7"}, body={})


# Reading


def test_items_come_from_all_pages(hook: GongHook, gong: GongSandbox) -> None:
    found = list(hook.items(calls.list_calls(from_datetime="2020-01-01", to_datetime="2100-01-01")))
    ids = {call["id"] for call in found}
    assert len(ids) == len(found) > 100
    assert len(gong.requests) == len(found) // 100 + 1


def test_pages_of_a_post_are_followed_too(hook: GongHook, gong: GongSandbox) -> None:
    pages = list(hook.pages(calls.list_calls_extensive(from_datetime="2020-01-01", to_datetime="2100-01-01")))
    assert len(pages) > 1
    assert len({call["metaData"]["id"] for page in pages for call in page.items}) > 100
    assert [one.has_cursor for one in gong.requests] == [False] + [True] * (len(pages) - 1)


def test_one_user_is_sent_for(hook: GongHook) -> None:
    first = hook.send(users.list_users())[0]
    assert hook.send(users.get_user(first["id"])) == first


def test_a_window_without_calls_is_one_empty_page(hook: GongHook) -> None:
    (page,) = hook.pages(calls.list_calls(from_datetime="2001-01-01", to_datetime="2001-01-02"))
    assert (page.items, page.total) == ([], 0)


def test_the_client_is_made_once(hook: GongHook) -> None:
    assert hook.get_conn() is hook.get_conn()


def test_a_closed_hook_opens_again(hook: GongHook) -> None:
    first = hook.get_conn()
    hook.close()
    assert hook.get_conn() is not first
    assert hook.send(users.list_users())


def test_a_hook_closes_itself_behind_a_block(mocker: Any) -> None:
    with GongHook() as hook:
        assert hook.send(users.list_users())
        closed = mocker.spy(hook.get_conn(), "close")
    assert closed.call_count == 1


def test_host_is_a_name_without_port(hook: GongHook) -> None:
    assert hook.host == "127.0.0.1"


def test_the_connection_may_be_a_uri(gong: GongSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    address = gong.url.removeprefix("http://")
    uri = f"gong://{gong.access_key}:{gong.access_key_secret}@{address}/http?allowed_hosts=127.0.0.1"
    monkeypatch.setenv("AIRFLOW_CONN_COMPANY_B", uri)
    hook = GongHook("company_b")
    assert hook.send(users.list_users())
    hook.close()


def test_the_connection_may_be_a_uri_within_a_uri(gong: GongSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"gong://{gong.access_key}:{gong.access_key_secret}@{quote(gong.url, safe='')}/?allowed_hosts=127.0.0.1"
    monkeypatch.setenv("AIRFLOW_CONN_COMPANY_B", uri)
    hook = GongHook("company_b")
    assert hook.send(users.list_users())
    hook.close()


# Trouble


def test_a_read_survives_a_bad_moment(hook: GongHook, gong: GongSandbox) -> None:
    fault = gong.faults.add("dropped_connection", path="/v2/calls/extensive")
    pages = hook.pages(calls.list_calls_extensive(from_datetime="2020-01-01", to_datetime="2100-01-01"))
    assert len(next(pages).items) == 100
    assert fault.struck == 1


@pytest.mark.parametrize("kind", ["not_json", "missing_items", "redirect"])
def test_a_reply_not_as_promised_is_told(hook: GongHook, gong: GongSandbox, kind: str) -> None:
    gong.faults.add(kind)
    with pytest.raises(GongUnexpectedResponse):
        hook.send(users.list_users())


def test_a_repeated_cursor_is_told(hook: GongHook, gong: GongSandbox) -> None:
    gong.faults.add("repeated_cursor", times=None)
    with pytest.raises(GongUnexpectedResponse, match="second time"):
        list(hook.items(calls.list_calls(from_datetime="2020-01-01", to_datetime="2100-01-01")))


def test_time_outs_come_from_the_connection(connect: Callable[..., None], gong: GongSandbox) -> None:
    connect(read_timeout=0.2, max_wait=0.1)
    gong.faults.add("slow", seconds=0.5)
    hook = GongHook()
    with pytest.raises(GongTimeout):
        hook.send(put_media())
    hook.close()


def test_a_long_wait_is_given_back_instead_of_slept(connect: Callable[..., None], gong: GongSandbox) -> None:
    connect(max_wait=5)
    gong.faults.add("rate_limited", retry_after=1200)
    hook = GongHook()
    with pytest.raises(GongRateLimited) as caught:
        hook.send(users.list_users())
    assert caught.value.retry_after == 1200
    assert len(gong.requests) == 1
    hook.close()


def test_a_missing_scope_is_named(connect: Callable[..., None], gong: GongSandbox) -> None:
    key = gong.access.add_key(scopes={"api:users:read"})
    connect({"login": key.access_key, "password": key.access_key_secret})
    hook = GongHook()
    with pytest.raises(GongMissingScope, match="api:calls:read:basic"):
        hook.send(calls.list_calls())
    hook.close()


def test_a_wrong_key_is_told(connect: Callable[..., None]) -> None:
    connect({"password": "wrong"})
    hook = GongHook()
    with pytest.raises(GongAuthenticationError):
        hook.send(calls.list_calls())
    hook.close()


# What the connection sets


def test_read_only_comes_from_the_connection(connect: Callable[..., None], gong: GongSandbox) -> None:
    connect(read_only=True)
    hook = GongHook()
    with pytest.raises(GongConfigurationError, match="read_only"):
        hook.send(put_media())
    assert hook.send(users.list_users())
    assert len(gong.requests) == 1
    hook.close()


def test_the_quota_comes_from_the_connection(connect: Callable[..., None], gong: GongSandbox) -> None:
    connect(requests_per_day=10, daily_share=20)
    first, second = GongHook(), GongHook()
    first.send(users.list_users())
    second.send(users.list_users())
    with pytest.raises(GongRateLimited) as caught:
        first.send(users.list_users())
    assert 86_000 < (caught.value.retry_after or 0) <= 86_400
    assert len(gong.requests) == 2
    first.close()
    second.close()


def test_the_quota_is_counted_where_the_option_says(hook: GongHook, tmp_path: Path) -> None:
    hook.send(users.list_users())
    assert list((tmp_path / "quota").glob("*.sqlite"))


def test_gong_never_has_to_refuse_a_request(connect: Callable[..., None]) -> None:
    from airflow_provider_gong.sandbox import GongSandbox

    with GongSandbox(seed=7, calls=1, days=1) as strict:
        connect(
            {"host": strict.url, "login": strict.access_key, "password": strict.access_key_secret},
            requests_per_second=3,
        )
        hook = GongHook()
        for _ in range(8):
            hook.send(users.list_users())
        assert [one.status for one in strict.requests] == [200] * 8
        hook.close()


def test_a_connection_that_must_be_mended_is_told_before_any_request(
    connect: Callable[..., None], gong: GongSandbox
) -> None:
    connect({"host": "https://example.com"})
    with pytest.raises(GongConfigurationError, match="Base URL"):
        GongHook().get_conn()
    assert len(gong.requests) == 0


# What must not be told


def test_secret_is_masked_in_airflows_logs(connect: Callable[..., None], gong: GongSandbox) -> None:
    from airflow.sdk._shared.secrets_masker import _secrets_masker

    masker = _secrets_masker()
    masker.reset_masker()  # type: ignore[no-untyped-call]
    # Airflow masks the password as it was typed; what is sent comes without the blanks.
    connect({"password": f" {gong.access_key_secret} "})
    client = GongHook().get_conn()
    token = client._auth.token  # type: ignore[union-attr]
    client.close()
    assert masker.redact(f"a={gong.access_key_secret};b={token};c") == "a=***;b=***;c"


@pytest.mark.parametrize(
    "kind", ["server_error", "not_json", "truncated_json", "redirect", "missing_items", None]
)
def test_neither_logs_nor_errors_hold_credentials(
    connect: Callable[..., None], gong: GongSandbox, caplog: pytest.LogCaptureFixture, kind: str | None
) -> None:
    connect(max_wait=0.1)
    if kind:
        gong.faults.add(kind, times=None)
    else:
        gong.access.company_active = False
    hook = GongHook()
    told = ""
    with caplog.at_level(logging.DEBUG):
        try:
            hook.send(put_media())
        except GongError as error:
            told = f"{error} {error!r} {error.__context__!r}"
    told += f"{caplog.text} {hook!r} {vars(hook)} {hook.get_conn()!r} {vars(hook.get_conn())}"
    hook.close()
    assert "PUT /v2/calls/{id}/media" in told
    assert gong.access_key not in told
    assert gong.access_key_secret not in told


# The price of importing it


def test_importing_the_hook_imports_no_library_of_the_client() -> None:
    code = (
        "import sys, json\n"
        "from airflow.sdk import BaseHook\n"
        "before = set(sys.modules)\n"
        "import airflow_provider_gong.hooks.gong\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    added = {name.partition(".")[0] for name in json.loads(told.stdout.splitlines()[-1])}
    assert added <= {"airflow_provider_gong", *sys.stdlib_module_names}


# The Test button


def press_button() -> tuple[bool, str]:
    """Press the button as Airflow does."""
    connection = Connection.get("gong_default")
    ok, message = connection.test_connection()
    return ok, message


def test_button_tells_host_and_what_answers(gong: GongSandbox) -> None:
    assert press_button() == (
        True,
        "Reached 127.0.0.1; the access key is accepted. Answering: calls, transcripts, users, logs.",
    )
    assert len(gong.requests) == 4


def test_button_names_the_missing_scopes(connect: Callable[..., None], gong: GongSandbox) -> None:
    key = gong.access.add_key(scopes={"api:users:read", "api:calls:read:basic"})
    connect({"login": key.access_key, "password": key.access_key_secret})
    ok, message = press_button()
    assert ok
    assert "Answering: calls, users." in message
    assert "Missing scopes: api:calls:read:transcript (transcripts), api:logs:read (logs)" in message


def test_button_accepts_a_key_without_any_of_the_scopes(
    connect: Callable[..., None], gong: GongSandbox
) -> None:
    key = gong.access.add_key(scopes=set())
    connect({"login": key.access_key, "password": key.access_key_secret})
    ok, message = press_button()
    assert ok
    assert "Answering" not in message


def test_button_counts_an_empty_404_as_an_answer(connect: Callable[..., None], gong: GongSandbox) -> None:
    key = gong.access.add_key(sees_calls=False)
    connect({"login": key.access_key, "password": key.access_key_secret})
    assert "Answering: calls, transcripts, users, logs." in press_button()[1]


def test_button_tells_of_a_key_not_accepted_after_one_request(
    connect: Callable[..., None], gong: GongSandbox
) -> None:
    connect({"password": "wrong"})
    ok, message = press_button()
    assert not ok
    assert "Reached 127.0.0.1, but the access key is not accepted." in message
    assert "not swapped" in message
    assert len(gong.requests) == 1


def test_button_says_each_thing_once(connect: Callable[..., None]) -> None:
    connect({"password": "wrong"})
    message = press_button()[1]
    assert re.fullmatch(
        r"Reached 127\.0\.0\.1, but the access key is not accepted\. Check that Access Key and Access Key Secret are "
        r"complete, not swapped, not expired, and that Base URL is the one that Gong shows beside them\. Gong said: "
        r"Invalid access key or access key secret \(GET /v2/calls: 401, request id \w+\)\.",
        message,
    )


def test_button_tells_that_a_connection_only_reads(connect: Callable[..., None]) -> None:
    connect(read_only=True)
    ok, message = press_button()
    assert ok
    assert message.endswith("Read only: Airflow refuses to change anything in Gong.")


def test_button_speaks_of_hours_when_the_wait_is_long(gong: GongSandbox) -> None:
    gong.faults.add("rate_limited", retry_after=18_000, times=None)
    assert "try again in 5 h." in press_button()[1]


def test_button_speaks_of_minutes_when_the_wait_is_shorter(gong: GongSandbox) -> None:
    gong.faults.add("rate_limited", retry_after=300, times=None)
    assert "try again in 5 min." in press_button()[1]


@pytest.mark.parametrize(
    ("conn_id", "named", "command"),
    [
        ("aB3dE6gH", "This connection", "airflow gong connect CONNECTION_ID"),
        ("gong_a", "The Gong connection 'gong_a'", "airflow gong connect gong_a"),
    ],
)
def test_button_does_not_name_the_stand_in_that_airflow_tests(
    monkeypatch: pytest.MonkeyPatch, conn_id: str, named: str, command: str
) -> None:
    # Airflow's button gives a connection eight letters and digits for a name, for as long as it tests it.
    fields = {"conn_type": "gong_oauth", "login": "app", "password": "secret"}
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))
    succeeded, said = GongHook(conn_id).test_connection()
    assert not succeeded
    assert said.startswith(f"{named} is not connected: it has no tokens yet. Connect it: `{command}`")


def test_button_recognises_swapped_fields(connect: Callable[..., None]) -> None:
    connect({"login": "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3.c2ln", "password": "KEY"})
    ok, message = press_button()
    assert not ok
    assert "looks like a secret; if it is, swap Access Key and Access Key Secret" in message


def test_button_hints_at_trusted_ips(gong: GongSandbox) -> None:
    gong.access.trusted_ip = False
    ok, message = press_button()
    assert not ok
    assert "Reached 127.0.0.1, but it does not let us in." in message
    assert "Trusted IPs" in message


def test_button_names_the_host_of_a_redirect(gong: GongSandbox) -> None:
    gong.faults.add("redirect", times=None)
    ok, message = press_button()
    assert not ok
    assert "set https://other-host.example.com as Base URL" in message
    assert len(gong.requests) == 1


def test_button_tells_of_a_host_without_address(connect: Callable[..., None]) -> None:
    connect({"host": "https://us-1.api.gong.invalid"}, allowed_hosts="us-1.api.gong.invalid")
    ok, message = press_button()
    assert not ok
    assert message.startswith("No answer from us-1.api.gong.invalid.")
    assert "check the spelling of Base URL" in message


def test_button_tells_of_a_closed_port(connect: Callable[..., None], unused_port: int) -> None:
    connect({"host": f"http://127.0.0.1:{unused_port}"})
    ok, message = press_button()
    assert not ok
    assert message.startswith(f"No answer from 127.0.0.1:{unused_port}. ")
    assert "The connection was refused: check host, port and firewall." in message


def test_button_tells_of_an_address_that_is_not_gongs(
    connect: Callable[..., None], gong: GongSandbox
) -> None:
    gong.faults.add("server_error", status=404, times=None)
    ok, message = press_button()
    assert not ok
    assert "Gong's API is not there: check Base URL." in message


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"login": ""}, "Access Key (field login) is empty"),
        ({"password": ""}, "Access Key Secret (field password) is empty"),
        ({"host": ""}, "Base URL: it is empty"),
        ({"host": "https://example.com"}, "Base URL: example.com is not a host of Gong"),
    ],
)
def test_button_names_the_field_to_mend(
    connect: Callable[..., None], gong: GongSandbox, fields: dict[str, str], named: str
) -> None:
    connect(fields)
    ok, message = press_button()
    assert not ok
    assert named in message
    assert len(gong.requests) == 0


def test_button_does_not_wait_for_a_limit(gong: GongSandbox) -> None:
    gong.faults.add("rate_limited", retry_after=3, times=None)
    ok, message = press_button()
    assert not ok
    assert (
        "Reached 127.0.0.1, but it is busy: Gong's limit for the whole company is reached; try again in 3 s."
        in message
    )
    assert "429" in message
    assert len(gong.requests) == 1


@pytest.mark.parametrize(
    ("kind", "lead"),
    [
        ("server_error", "it failed"),
        ("not_json", "it does not answer as Gong does"),
        ("redirect", "it does not answer as Gong does"),
        ("truncated_json", "its answer was cut off"),
    ],
)
def test_button_says_first_what_is_the_matter(gong: GongSandbox, kind: str, lead: str) -> None:
    gong.faults.add(kind, times=None)
    ok, message = press_button()
    assert not ok
    assert message.startswith(f"Reached 127.0.0.1, but {lead}.")


def test_button_refuses_a_key_that_is_not_accepted_anywhere(
    connect: Callable[..., None], gong: GongSandbox
) -> None:
    # Calls lack a scope, and then the key is switched off.
    key = gong.access.add_key(scopes=set())
    connect({"login": key.access_key, "password": key.access_key_secret})
    gong.faults.add("server_error", path="/v2/users", status=401, times=None)
    ok, message = press_button()
    assert not ok
    assert "the access key is not accepted" in message


def test_button_tells_what_it_could_not_ask(gong: GongSandbox) -> None:
    gong.faults.add("server_error", path="/v2/logs", times=None)
    ok, message = press_button()
    assert ok
    assert "Answering: calls, transcripts, users." in message
    assert "Not answering: logs: GET /v2/logs: 503" in message


def test_button_tells_of_a_spent_budget(connect: Callable[..., None]) -> None:
    connect(requests_per_day=1, daily_share=100)
    assert press_button()[0]
    ok, message = press_button()
    assert not ok
    assert message.startswith("Not tested: today's requests of this connection are spent")
    assert message.endswith("they renew in 24 h.")


def test_button_tells_where_a_connection_was_looked_for() -> None:
    ok, message = GongHook("company_c").test_connection()
    assert not ok
    assert (
        "no connection 'company_c' in the environment (AIRFLOW_CONN_...) or the secrets backends" in message
    )
    assert "`AIRFLOW__CORE__TEST_CONNECTION=Enabled airflow connections test company_c`" in message


def test_button_never_raises(connect: Callable[..., None], mocker: Any, gong: GongSandbox) -> None:
    mocker.patch(
        "airflow_provider_gong.hooks.gong.read_settings", side_effect=ValueError(gong.access_key_secret)
    )
    ok, message = GongHook().test_connection()
    assert (ok, message) == (False, "The connection could not be tested (ValueError).")


@pytest.mark.parametrize("trouble", ["wrong key", "no scope", "closed"])
def test_button_shows_no_credentials(
    connect: Callable[..., None], gong: GongSandbox, trouble: str, unused_port: int
) -> None:
    if trouble == "wrong key":
        connect({"password": "hunter2secret"})
    elif trouble == "closed":
        connect({"host": f"http://127.0.0.1:{unused_port}"})
    else:
        gong.access.add_key(scopes=set())
    message = press_button()[1]
    for private in (gong.access_key, gong.access_key_secret, "hunter2secret"):
        assert private not in message
