import json
import logging
from typing import Any

import pytest
from airflow.sdk import BaseHook, Connection

from airflow_provider_gong.api.oauth_app import OAuthApp
from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.hooks.settings import Settings, read_settings

GIVEN: dict[str, Any] = {
    "conn_type": "gong",
    "host": "https://us-1.api.gong.io",
    "login": "KEY",
    "password": "hunter2secret",
}

EVERYTHING: dict[str, Any] = {
    "allowed_hosts": "127.0.0.1, http://sandbox:8080",
    "requests_per_second": 5,
    "requests_per_day": 20_000,
    "daily_share": 50,
    "backfill_share": 25,
    "redis_conn_id": "quota",
    "quota_group": "acme",
    "max_wait": 30,
    "connect_timeout": 3,
    "read_timeout": 20,
    "read_only": True,
}


@pytest.fixture
def settings_of(monkeypatch: pytest.MonkeyPatch) -> Any:
    def read(value: Any) -> Settings:
        text = value if isinstance(value, str) else json.dumps(value)
        monkeypatch.setenv("AIRFLOW_CONN_GONG_DEFAULT", text)
        return read_settings(BaseHook.get_connection("gong_default"))

    return read


def test_a_connection_of_three_fields_is_enough(settings_of: Any) -> None:
    assert settings_of(GIVEN) == Settings(
        base_url="https://us-1.api.gong.io",
        access_key="KEY",
        access_key_secret="hunter2secret",
        quota_group="https://us-1.api.gong.io\nKEY",
        allowed_hosts=(),
        requests_per_second=3,
        requests_per_day=10_000,
        daily_share=80,
        backfill_share=50,
        redis_conn_id=None,
        max_wait=60,
        connect_timeout=10,
        read_timeout=60,
        read_only=False,
    )


READ = Settings(
    base_url="https://us-1.api.gong.io",
    access_key="KEY",
    access_key_secret="hunter2secret",
    quota_group="acme",
    allowed_hosts=("127.0.0.1", "http://sandbox:8080"),
    requests_per_second=5,
    requests_per_day=20_000,
    daily_share=50,
    backfill_share=25,
    redis_conn_id="quota",
    max_wait=30,
    connect_timeout=3,
    read_timeout=20,
    read_only=True,
)


def test_every_extra_is_read(settings_of: Any) -> None:
    assert settings_of(GIVEN | {"extra": EVERYTHING}) == READ


def test_extras_of_a_uri_arrive_as_text(settings_of: Any) -> None:
    uri = (
        "gong://KEY:hunter2secret@us-1.api.gong.io/?allowed_hosts=127.0.0.1,http%3A%2F%2Fsandbox%3A8080"
        "&requests_per_second=5&requests_per_day=20000&daily_share=50&backfill_share=25&redis_conn_id=quota&quota_group=acme&max_wait=30"
        "&connect_timeout=3&read_timeout=20&read_only=true"
    )
    assert settings_of(uri) == READ


def test_fields_left_empty_in_the_form_mean_the_defaults(settings_of: Any) -> None:
    empty = dict.fromkeys(EVERYTHING, None) | {"quota_group": "", "allowed_hosts": ""}
    assert settings_of(GIVEN | {"extra": empty}) == settings_of(GIVEN)


def test_the_same_key_shares_a_quota_however_its_host_is_spelled(settings_of: Any) -> None:
    first = settings_of(GIVEN)
    assert settings_of(GIVEN | {"host": "US-1.api.gong.io/v2/", "port": 443}).quota_group == first.quota_group
    assert settings_of(GIVEN | {"login": "OTHER"}).quota_group != first.quota_group


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("gong://K:S@us-1.api.gong.io", "https://us-1.api.gong.io"),
        ("gong://K:S@us-1.api.gong.io/https", "https://us-1.api.gong.io"),
        ("gong://K:S@us-1.api.gong.io/v2", "https://us-1.api.gong.io"),
        ("gong://https://K:S@us-1.api.gong.io", "https://us-1.api.gong.io"),
        ("gong://K:S@https%3A%2F%2Fus-1.api.gong.io", "https://us-1.api.gong.io"),
        ("gong://K:S@127.0.0.1:8080/http?allowed_hosts=127.0.0.1", "http://127.0.0.1:8080"),
        ("gong://http://K:S@127.0.0.1:8080?allowed_hosts=127.0.0.1", "http://127.0.0.1:8080"),
        ("gong://K:S@http%3A%2F%2F127.0.0.1%3A8080/?allowed_hosts=127.0.0.1", "http://127.0.0.1:8080"),
        (GIVEN | {"port": 443}, "https://us-1.api.gong.io"),
        (GIVEN | {"port": 0}, "https://us-1.api.gong.io"),
        (GIVEN | {"port": 8443}, "https://us-1.api.gong.io:8443"),
        (GIVEN | {"host": "us-1.api.gong.io/v2", "port": 8443}, "https://us-1.api.gong.io:8443"),
        (GIVEN | {"host": "https://us-1.api.gong.io:9443", "port": 443}, "https://us-1.api.gong.io:9443"),
        (
            GIVEN | {"host": "http://127.0.0.1", "port": 443, "extra": {"allowed_hosts": "127.0.0.1"}},
            "http://127.0.0.1",
        ),
        (
            GIVEN | {"host": "http://[::1]", "port": 8080, "extra": {"allowed_hosts": ["[::1]"]}},
            "http://[::1]:8080",
        ),
    ],
)
def test_base_url_comes_from_any_spelling(settings_of: Any, value: Any, url: str) -> None:
    assert settings_of(value).base_url == url


def test_what_urls_reserve_may_be_part_of_the_secret(settings_of: Any) -> None:
    assert settings_of("gong://K%3Ay:s%2Fe%40c@us-1.api.gong.io").access_key_secret == "s/e@c"


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("host", "", "Base URL: it is empty"),
        ("host", None, "Base URL: it is empty"),
        ("host", "https://example.com", "Base URL: example.com is not a host of Gong"),
        ("host", "https://[", "Base URL: it is not a URL"),
        ("login", "", "Access Key .field login. is empty"),
        ("login", None, "Access Key .field login. is empty"),
        ("password", "  ", "Access Key Secret .field password. is empty"),
        ("password", None, "Access Key Secret .field password. is empty"),
    ],
)
def test_a_missing_or_wrong_field_is_named(settings_of: Any, field: str, value: Any, named: str) -> None:
    with pytest.raises(GongConfigurationError, match=named):
        settings_of(GIVEN | {field: value})


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        (
            "requests_per_second",
            0,
            r"Requests per second \(extra requests_per_second\) is 0: give a whole number",
        ),
        ("requests_per_second", 1001, "is 1001: give a whole number from 1 to 1000"),
        ("requests_per_day", 1e12, "give a whole number from 1 to 10000000"),
        ("quota_group", ["acme"], r"Quota group .* is \['acme'\]: give a name as text"),
        ("quota_group", 7, "Quota group .* is 7"),
        ("requests_per_second", -3, "Requests per second .* is -3"),
        ("requests_per_second", 2.5, "is 2.5: give a whole number"),
        ("requests_per_second", "three", "is 'three'"),
        ("requests_per_second", True, "is True"),
        ("requests_per_day", [], r"Requests per day .* is \[\]"),
        ("requests_per_day", "inf", "is 'inf'"),
        ("requests_per_day", "nan", "is 'nan'"),
        ("daily_share", 0, r"Share of the day .* is 0: give a percentage above 0, at most 100"),
        ("daily_share", 101, "is 101"),
        ("backfill_share", 0, r"Backfills' share of the day .* is 0: give a percentage above 0, at most 100"),
        ("redis_conn_id", 7, "Redis connection .* is 7: give the name of an Airflow connection as text"),
        ("daily_share", "nan", "is 'nan'"),
        ("max_wait", -1, r"Longest wait .* is -1: give a number of seconds"),
        ("max_wait", False, "is False"),
        ("connect_timeout", 0, "Connect timeout .* is 0"),
        ("read_timeout", 86_401, "is 86401: give a number of seconds above 0, at most 86400"),
        ("read_timeout", "1m", "Read timeout .* is '1m'"),
        ("read_only", "maybe", "Read only .* is 'maybe': give true or false"),
        ("read_only", 2, "Read only .* is 2"),
        ("allowed_hosts", 5, "Allowed hosts .* is 5"),
    ],
)
def test_a_bad_extra_is_named_with_what_was_given(
    settings_of: Any, name: str, value: Any, named: str
) -> None:
    with pytest.raises(GongConfigurationError, match=named):
        settings_of(GIVEN | {"extra": {name: value}})


@pytest.mark.parametrize(
    "extra", ['{"read_only": true,}', "read_only=true", "[1]", '"text"', "7", "{", "[" * 100_000]
)
def test_an_extra_that_cannot_be_read_is_refused(extra: str) -> None:
    # It may have said read_only: true.
    connection = Connection(conn_id="gong_default", **GIVEN, extra=extra)
    with pytest.raises(GongConfigurationError, match=r"Extra \(field extra\) cannot be read: give one JSON"):
        read_settings(connection)


@pytest.mark.parametrize("extra", [None, "", "  ", "{}"])
def test_an_empty_extra_means_the_defaults(extra: str | None) -> None:
    assert not read_settings(Connection(conn_id="gong_default", **GIVEN, extra=extra)).read_only


@pytest.mark.parametrize("name", ["Read_Only", "readonly", "read-only", "READ_ONLY", "readOnly"])
def test_a_misspelled_extra_is_refused(settings_of: Any, name: str) -> None:
    with pytest.raises(GongConfigurationError, match=f"Extra '{name}' is misspelled: write read_only"):
        settings_of(GIVEN | {"extra": {name: True}})


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("true", True),
        ("True", True),
        ("1", True),
        ("yes", True),
        ("TRUE ", True),
        ("false", False),
        ("0", False),
        ("no", False),
    ],
)
def test_a_switch_is_understood_as_text(settings_of: Any, value: str, meant: bool) -> None:
    assert settings_of(GIVEN | {"extra": {"read_only": value}}).read_only is meant


def test_a_number_with_a_zero_behind_the_point_is_whole(settings_of: Any) -> None:
    assert settings_of(GIVEN | {"extra": {"requests_per_second": 4.0}}).requests_per_second == 4


def test_an_unknown_extra_is_warned_of_by_name_and_without_its_value(
    settings_of: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        settings_of(GIVEN | {"extra": {"request_per_second": 2, "b_side": "private"}})
    assert "b_side, request_per_second" in caplog.text
    assert "private" not in caplog.text


def test_known_extras_are_not_warned_of(settings_of: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        settings_of(GIVEN | {"extra": EVERYTHING})
    assert caplog.text == ""


def test_repr_shows_neither_key_nor_secret(settings_of: Any) -> None:
    shown = repr(settings_of(GIVEN))
    assert "KEY" not in shown
    assert "hunter2secret" not in shown


# OAuth

APP: dict[str, Any] = {"conn_type": "gong_oauth", "login": "APP", "password": "hunter2secret"}


def test_an_oauth_connection_of_two_fields_is_enough(settings_of: Any) -> None:
    settings = settings_of(APP)
    assert settings.oauth == OAuthApp(
        "APP",
        "hunter2secret",
        sign_in="https://app.gong.io",
        scopes=("api:calls:create", "api:calls:read:basic"),
    )
    assert (settings.base_url, settings.quota_group, settings.refresh_token) == ("", "", "")


def test_an_oauth_connection_has_the_extras_of_the_other_kind(settings_of: Any) -> None:
    settings = settings_of(APP | {"host": "http://127.0.0.1:8080", "extra": EVERYTHING})
    assert settings.oauth.sign_in == "http://127.0.0.1:8080"
    assert settings.oauth.allowed_hosts == READ.allowed_hosts
    assert (settings.quota_group, settings.redis_conn_id, settings.read_only) == ("acme", "quota", True)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"login": " "}, r"API Key \(field login\) is empty: create an app"),
        ({"password": ""}, r"API Secret \(field password\) is empty"),
        ({"host": "https://example.com"}, "Sign-in URL: example.com is not a host of Gong"),
        ({"host": "http://app.gong.io"}, "Sign-in URL: .* is not encrypted"),
        ({"extra": {"scopes": "calls"}}, "Scopes .* is 'calls': give scopes separated by spaces"),
        ({"extra": {"scopes": 7}}, "Scopes"),
        ({"extra": {"Refresh-Token": "x"}}, "misspelled: write refresh_token"),
    ],
)
def test_what_is_wrong_with_an_oauth_connection_is_named(
    settings_of: Any, fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(GongConfigurationError, match=said):
        settings_of(APP | fields)


def test_a_refresh_token_is_never_shown(settings_of: Any) -> None:
    with pytest.raises(GongConfigurationError) as caught:
        settings_of(APP | {"extra": {"refresh_token": ["hunter2token"]}})
    assert "hunter2" not in str(caught.value)
    settings = settings_of(APP | {"extra": {"refresh_token": "hunter2token"}})
    assert settings.refresh_token == "hunter2token"
    assert "hunter2" not in repr(settings)
