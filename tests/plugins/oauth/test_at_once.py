"""What happens to the way to Gong's consent and back when something else happens meanwhile, or at the same moment."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.exceptions import GongNotConnected, GongTimeout
from airflow_provider_gong.hooks import oauth, variables
from tests.hooks.oauth import decide, fields_of, granted, settings_of
from tests.plugins.oauth.served import ServedAirflow, Visit, heading

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox

TOKENS = {"gong_oauth_token__gong_default"}


def test_state_that_comes_back_several_times_at_once_is_good_once(
    airflow: ServedAirflow, gong: GongSandbox, admin: Visit
) -> None:
    url = admin.begin()
    assert admin.at_once([decide(url) for _ in range(5)]) == [303] + [400] * 4
    assert gong.oauth.chains == 1, "one code was spent"


def test_token_of_airflow_may_be_renewed_meanwhile(airflow: ServedAirflow, admin: Visit) -> None:
    back = decide(admin.begin())
    admin.sign_in("admin")
    assert admin.get(back).status_code == 303
    assert airflow.tokens() == TOKENS


def test_who_may_not_any_more_is_refused_on_the_way_back(
    airflow: ServedAirflow, admin: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.api_fastapi.app import get_auth_manager

    back = decide(admin.begin())
    monkeypatch.setattr(type(get_auth_manager()), "is_authorized_connection", lambda *_, **__: False)
    answer = admin.get(back)
    assert (answer.status_code, heading(answer)) == (403, "You may not connect to Gong")
    assert airflow.variables() == {}


def test_who_is_signed_out_meanwhile_is_told(airflow: ServedAirflow, admin: Visit) -> None:
    back = decide(admin.begin())
    admin.browser.cookies.clear("127.0.0.1", "/", "_token")
    answer = admin.get(back)
    assert (answer.status_code, heading(answer)) == (401, "You are not signed in to Airflow any more")
    assert airflow.tokens() == set()


def test_two_tabs_at_once_do_not_disturb_each_other(
    airflow: ServedAirflow, gong: GongSandbox, admin: Visit
) -> None:
    airflow.add(gong, "gong_sales")
    one, other = admin.begin("gong_default"), admin.begin("gong_sales")
    assert "conn_id=gong_sales" in admin.get(decide(other)).headers["Location"]
    assert "conn_id=gong_default" in admin.get(decide(one)).headers["Location"]
    assert airflow.tokens() == TOKENS | {"gong_oauth_token__gong_sales"}


def test_consents_that_never_came_back_do_not_pile_up(
    airflow: ServedAirflow, admin: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("airflow_provider_gong.hooks.oauth.CONSENT", -1.0)
        admin.begin()
        admin.begin()
    admin.begin()
    assert len(airflow.variables()) == 1


def test_connection_that_was_deleted_meanwhile_is_told(airflow: ServedAirflow, admin: Visit) -> None:
    back = decide(admin.begin())
    airflow.remove("gong_default")
    answer = admin.get(back)
    assert (answer.status_code, heading(answer)) == (404, "There is no such connection")
    assert airflow.variables() == {}


@pytest.mark.parametrize(
    ("change", "status", "title"),
    [
        ({"login": "another-app"}, 409, "The connection has to be mended first"),
        ({"host": "https://elsewhere.example.com"}, 409, "The connection has to be mended first"),
        ({"conn_type": "gong"}, 409, "The connection has to be mended first"),
    ],
    ids=str,
)
def test_connection_that_was_edited_meanwhile_gets_no_tokens(
    airflow: ServedAirflow, gong: GongSandbox, admin: Visit, change: dict[str, str], status: int, title: str
) -> None:
    back = decide(admin.begin())
    airflow.remove("gong_default")
    airflow.add(gong, "gong_default", **change)
    answer = admin.get(back)
    assert (answer.status_code, heading(answer)) == (status, title)
    assert airflow.variables() == {}


def test_gong_that_is_slow_leaves_the_page_to_others(
    airflow: ServedAirflow, admin: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answered = threading.Semaphore(0), threading.Event()

    def slow(*_: Any, **__: Any) -> None:
        asked.release()
        assert answered.wait(60)
        raise GongTimeout("Gong took long.")

    monkeypatch.setattr("airflow_provider_gong.api.oauth.TokenClient.exchange", slow)
    backs = [decide(admin.begin()) for _ in range(6)]
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(admin.at_once, backs)
        try:
            assert asked.acquire(timeout=30)
            assert asked.acquire(timeout=30)
            assert admin.get().status_code == 200
            assert not told.done()
            assert not asked.acquire(blocking=False), "of Airflow's threads, most are left to it"
        finally:
            answered.set()
        assert told.result(60) == [503] * 6
    assert airflow.variables() == {}


@pytest.mark.parametrize("moment", ["before", "while"])
def test_task_that_refreshes_meanwhile_does_not_connect_again(
    airflow: ServedAirflow, gong: GongSandbox, admin: Visit, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Disconnect before a task stores what it got, and between its last look and its writing."""
    admin.connect()
    store = oauth.store_of("gong_default", settings_of(fields_of(gong)))
    old = store.load()
    new = replace(old, refresh_token="another", access_token="another")
    if moment == "before":
        admin.post("disconnect", admin.form())
        with pytest.raises(GongNotConnected):
            store.replace(old, new)
    else:
        form, write = admin.form(), variables.write

        def late(*given: str) -> None:
            assert admin.post("disconnect", form).status_code == 303
            write(*given)

        with monkeypatch.context() as patch:
            patch.setattr(variables, "write", late)
            store.replace(old, new)
    with pytest.raises(GongNotConnected):
        store.load()
    assert "Not connected" in admin.get().text
    admin.connect()
    assert store.load() not in (old, new)


def test_connecting_again_wins_over_a_task_that_refreshes_meanwhile(
    airflow: ServedAirflow, gong: GongSandbox, admin: Visit
) -> None:
    admin.connect()
    store = oauth.store_of("gong_default", settings_of(fields_of(gong)))
    old = store.load()
    admin.connect()
    anew = store.load()
    assert store.replace(old, replace(old, refresh_token="another")) == anew != old
    assert store.load() == anew


def test_of_two_who_connect_at_once_the_last_one_wins(
    airflow: ServedAirflow, gong: GongSandbox, admin: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = oauth.store_of("gong_default", settings_of(fields_of(gong)))
    read, theirs = variables.read, granted(gong)

    def late(key: str) -> str | None:
        if key == store.key:
            monkeypatch.setattr(variables, "read", read)
            store.connect(theirs)
        return read(key)

    back = decide(admin.begin())
    monkeypatch.setattr(variables, "read", late)
    assert admin.get(back).status_code == 303
    assert store.load() == theirs


def test_connections_whose_names_look_like_keys_do_not_disturb_each_other(
    airflow: ServedAirflow, gong: GongSandbox, admin: Visit
) -> None:
    admin.connect()
    before = airflow.variables()
    for name in ("gong_default__rotated", "state__gong"):
        airflow.add(gong, name)
        assert admin.connect(name).status_code == 303
        after = airflow.variables()
        assert len(after) == len(before) + 1
        assert not [key for key in after.keys() - before.keys() if key.endswith(name)]
        before = after
