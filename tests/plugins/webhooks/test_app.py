"""The receiver over real HTTP, on Airflow's real tables."""

from __future__ import annotations

import json
import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.plugins.webhooks import app as app_module
from airflow_provider_gong.plugins.webhooks import body as body_module
from airflow_provider_gong.sandbox.signing import SigningKey
from airflow_provider_gong.sandbox.webhooks import Delivery, Webhooks
from tests.plugins.conftest import URL_KEY
from tests.plugins.hostile import Forger, send

if TYPE_CHECKING:
    from tests.plugins.receiving import Airflow, Counter, Server


def test_signed_delivery_starts_a_run_that_knows_the_call(
    server: Server, webhooks: Webhooks, airflow: Airflow
) -> None:
    answer = webhooks.fire(server.rule("runs"))
    assert answer.status == 200, answer.text
    meta = json.loads(webhooks.body())["callData"]["metaData"]
    assert airflow.runs() == {
        f"gong__runs__{meta['id']}": {
            "rule": "runs",
            "call_id": meta["id"],
            "url": meta["url"],
            "started": meta["started"],
            "is_test": False,
            "delivery_id": answer.json()["delivery_id"],
        }
    }
    assert airflow.events() == []


def test_signed_delivery_emits_an_event_that_knows_the_call(
    server: Server, webhooks: Webhooks, airflow: Airflow
) -> None:
    answer = webhooks.fire(server.rule("events"))
    assert answer.json()["status"] == "accepted"
    [event] = airflow.events()
    assert event["call_id"] == json.loads(webhooks.body())["callData"]["metaData"]["id"]
    assert event["delivery_id"] == answer.json()["delivery_id"]
    assert airflow.runs() == {}


def test_rule_may_start_a_run_and_emit_an_event(server: Server, webhooks: Webhooks, airflow: Airflow) -> None:
    assert webhooks.fire(server.rule("both")).status == 200
    assert list(airflow.runs().values()) == airflow.events("both")


def test_all_hostile_deliveries_are_refused_and_leave_nothing(
    server: Server, webhooks: Webhooks, airflow: Airflow
) -> None:
    hostile = dict(Forger(webhooks, server.port).all())
    assert len(hostile) >= 100
    wrong = {
        name: answer
        for name, one in hostile.items()
        if (answer := told(send(server.port, one.raw))) != (one.status, one.reason)
    }
    assert wrong == {}
    assert (airflow.runs(), airflow.events("both")) == ({}, [])
    # The same with an honest token and body is taken: it was not for want of an open door.
    assert send(server.port, Forger(webhooks, server.port).request())[0] == 200


def told(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    return answer[0], answer[1].get("reason", "")


@pytest.mark.parametrize("prefix", ["Bearer ", "bearer ", "BEARER  ", " "])
def test_token_may_follow_the_word_bearer(
    prefix: str, server: Server, webhooks: Webhooks, airflow: Airflow
) -> None:
    honest = webhooks.delivery(server.rule("runs"))
    headers = {"Authorization": f"{prefix}{honest.headers['Authorization']}"}
    assert Delivery(honest.url, honest.body, headers).send().status == 200


@pytest.mark.parametrize("rule", ["runs", "events", "both"])
def test_the_same_delivery_again_is_answered_and_starts_nothing(
    rule: str, server: Server, webhooks: Webhooks, airflow: Airflow
) -> None:
    delivery = webhooks.delivery(server.rule(rule))
    assert [delivery.send().json()["status"] for _ in range(3)] == ["accepted", "duplicate", "duplicate"]
    assert (len(airflow.runs()), len(airflow.events(rule))) == (rule != "events", rule != "runs")


@pytest.mark.parametrize("rule", ["runs", "events", "both"])
def test_the_same_call_with_another_token_is_answered_and_starts_nothing(
    rule: str, server: Server, webhooks: Webhooks, airflow: Airflow
) -> None:
    url, body = server.rule(rule), webhooks.body()
    tokens = [webhooks.key.token({**webhooks.claims(url, body), "jti": number}) for number in range(3)]
    answers = [Delivery(url, body, {"Authorization": token}).send() for token in tokens]
    assert [answer.json()["status"] for answer in answers] == ["accepted", "duplicate", "duplicate"]
    assert len({answer.json()["delivery_id"] for answer in answers}) == 3
    assert (len(airflow.runs()), len(airflow.events(rule))) == (rule != "events", rule != "runs")


def test_signature_written_another_way_is_the_same_delivery(
    server: Server, webhooks: Webhooks, airflow: Airflow
) -> None:
    # The last character of a signature holds bits that mean nothing.
    delivery = webhooks.delivery(server.rule("events"), is_test=True)
    token = delivery.headers["Authorization"]
    twin = token[:-1] + chr(ord(token[-1]) + 1)
    first = delivery.send()
    again = Delivery(delivery.url, delivery.body, {"Authorization": twin}).send()
    if again.status == 200:
        assert again.json() == {**first.json(), "status": "duplicate"}
    assert len(airflow.events()) == 1


@pytest.mark.parametrize("rule", ["runs", "events", "both"])
def test_deliveries_of_one_call_at_one_instant_start_one_thing(
    rule: str, server: Server, webhooks: Webhooks, airflow: Airflow
) -> None:
    delivery = webhooks.delivery(server.rule(rule))
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda _: delivery.send(), range(12)))
    assert [answer.status for answer in answers] == [200] * 12
    assert sorted(answer.json()["status"] for answer in answers) == ["accepted", *["duplicate"] * 11]
    assert (len(airflow.runs()), len(airflow.events(rule))) == (rule != "events", rule != "runs")


def test_old_events_do_not_keep_out_a_call_for_ever(
    server: Server, webhooks: Webhooks, airflow: Airflow
) -> None:
    delivery = webhooks.delivery(server.rule("events"))
    assert delivery.send().json()["status"] == "accepted"
    airflow.age_events(hours=25)
    assert delivery.send().json()["status"] == "accepted"
    assert len(airflow.events()) == 2


@pytest.mark.parametrize("rule", ["runs", "events"])
def test_test_deliveries_are_marked_and_keep_no_call_out(
    rule: str, server: Server, webhooks: Webhooks, airflow: Airflow
) -> None:
    url = server.rule(rule)
    statuses = [webhooks.fire(url, is_test=test).json()["status"] for test in (True, False)]
    assert statuses == ["accepted", "accepted"]
    facts = airflow.events() or list(airflow.runs().values())
    assert sorted(one["is_test"] for one in facts) == [False, True]


def test_test_deliveries_are_ignored_when_the_rule_says_so(
    server: Server, webhooks: Webhooks, airflow: Airflow
) -> None:
    assert webhooks.fire(server.rule("summary"), is_test=True).json()["status"] == "ignored"
    assert airflow.runs() == {}
    assert webhooks.fire(server.rule("summary")).json()["status"] == "accepted"


def test_rule_keeps_as_much_of_the_payload_as_it_says(
    server: Server, webhooks: Webhooks, airflow: Airflow
) -> None:
    call = json.loads(webhooks.body())["callData"]
    for rule in ("runs", "summary", "full"):
        assert webhooks.fire(server.rule(rule)).status == 200
    conf = {run_id.split("__")[1]: conf for run_id, conf in airflow.runs().items()}
    # Links to recordings are not kept: they open them to everyone who has them.
    assert conf["full"]["call"] == {name: block for name, block in call.items() if name != "media"}
    assert "media" in call
    assert conf["summary"]["summary"]["title"] == call["metaData"]["title"]
    assert "parties" not in conf["summary"]["summary"]
    mails = [party["emailAddress"] for party in call["parties"] if party.get("emailAddress")]
    assert mails
    for mail in mails:
        assert mail not in json.dumps([conf["runs"], conf["summary"]])
    assert call["metaData"]["title"] not in json.dumps(conf["runs"])


@pytest.mark.parametrize("where", ["?key={}", "?a=b&anything={}", "/{}", "/{}/"])
def test_url_key_opens_a_rule_without_public_keys(
    where: str, server: Server, webhooks: Webhooks, airflow: Airflow
) -> None:
    url = server.rule("keyed")
    wrong = ["", where.format("x" * 26), where.format(URL_KEY[:-1]), where.format(URL_KEY.upper())]
    for suffix in wrong:
        answer = webhooks.fire(f"{url}{suffix}", kind="unsigned")
        assert (answer.status, answer.json()["reason"]) == (401, "wrong_url_key"), suffix
    assert airflow.runs() == {}
    assert webhooks.fire(f"{url}{where.format(URL_KEY)}", kind="unsigned").status == 200


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("where", ["keyed?a=b&anything={}", "keyed/{}", "keyed/{}/", "keyed/x/{}", "typo/{}"])
def test_url_key_gets_into_no_access_log(method: str, where: str, server: Server, airflow: Airflow) -> None:
    path = f"/gong/webhooks/{where.format(URL_KEY)}"
    raw = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    send(server.port, raw.encode())
    [written] = server.written
    assert URL_KEY not in written
    assert written.startswith(f"/gong/webhooks/{where[:4]}")


def test_rule_with_both_needs_both(server: Server, webhooks: Webhooks, airflow: Airflow) -> None:
    url, keyed = server.rule("strict"), f"{server.rule('strict')}?key={URL_KEY}"
    assert webhooks.fire(url).json()["reason"] == "wrong_url_key"
    assert webhooks.fire(keyed, kind="unsigned").json()["reason"] == "no_token"
    assert webhooks.fire(url, sent_to=keyed).status == 200


def test_key_may_be_changed_without_a_restart(
    server: Server, webhooks: Webhooks, airflow: Airflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = SigningKey()
    both = {"public_keys": f"{webhooks.key.public_key}\n\n{new.public_key_pem}"}
    connection = {"conn_type": "gongwebhook", "host": server.rule("runs"), "extra": both}
    monkeypatch.setenv("AIRFLOW_CONN_GONG_WEBHOOK_RUNS", json.dumps(connection))
    renewed = type(webhooks)(webhooks._clock, webhooks._world, new)
    assert renewed.fire(server.rule("runs")).json()["status"] == "accepted"
    assert webhooks.fire(server.rule("runs")).json()["status"] == "duplicate"


@pytest.mark.parametrize("rule", ["open", "no_connection", "no_dag", "picky", "no_asset"])
def test_rule_that_is_not_ready_is_refused_and_the_log_says_why(
    rule: str, server: Server, webhooks: Webhooks, airflow: Airflow, caplog: pytest.LogCaptureFixture
) -> None:
    answer = webhooks.fire(server.rule(rule))
    assert (answer.status, answer.json()["reason"], answer.headers["retry-after"]) == (503, "not_ready", "30")
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    why = {
        "open": "holds neither Public keys (extra public_keys) nor URL key",
        "no_connection": "There is no connection 'gong_webhook_no_connection'",
        "no_dag": "Airflow has no Dag 'there_is_none'",
        "picky": "Dag 'webhook_picky' takes no such run (ParamValidationError)",
        "no_asset": "no Dag of Airflow refers to Asset('gong://rules/no_asset')",
    }
    assert why[rule] in record.getMessage()
    assert airflow.runs() == {}


def test_asset_that_no_dag_refers_to_any_more_gets_no_events(
    server: Server, webhooks: Webhooks, airflow: Airflow
) -> None:
    with airflow.orphaned("events"):
        answer = webhooks.fire(server.rule("events"))
        assert (answer.status, answer.json()["reason"]) == (503, "not_ready")
        assert airflow.events() == []
    assert webhooks.fire(server.rule("events")).status == 200


def test_event_that_airflow_does_not_take_is_not_accepted(
    server: Server, webhooks: Webhooks, airflow: Airflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a deployment's own asset manager may do.
    monkeypatch.setattr("airflow.assets.manager.AssetManager.register_asset_change", lambda *_, **__: None)
    answer = webhooks.fire(server.rule("both"))
    assert (answer.status, answer.json()["reason"]) == (503, "asset")
    assert (airflow.runs(), airflow.events("both")) == ({}, [])


def test_database_that_does_not_answer_is_said_and_loses_nothing(
    server: Server, webhooks: Webhooks, airflow: Airflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The patience of twenty seconds is tested, not waited for.
    monkeypatch.setattr(app_module, "PATIENCE", 0.2)
    delivery = webhooks.delivery(server.rule("both"))
    with airflow.locked():
        answer = delivery.send()
    assert (answer.status, answer.json()["reason"]) == (503, "database")
    assert answer.headers["retry-after"] == "30"
    assert (airflow.runs(), airflow.events("both")) == ({}, [])
    assert delivery.send().json()["status"] == "accepted"
    assert (len(airflow.runs()), len(airflow.events("both"))) == (1, 1)


def test_short_lock_of_the_database_is_waited_for(
    server: Server, webhooks: Webhooks, airflow: Airflow
) -> None:
    delivery = webhooks.delivery(server.rule("both"))
    with ThreadPoolExecutor(1) as thread:
        with airflow.locked():
            answer = thread.submit(delivery.send)
            with pytest.raises(TimeoutError):
                answer.result(timeout=1)
        assert answer.result().json()["status"] == "accepted"


def test_large_body_is_refused_as_soon_as_it_is_too_large(
    server: Server, webhooks: Webhooks, airflow: Airflow
) -> None:
    # Without Content-Length it has to be counted while it comes.
    forger = Forger(webhooks, server.port)
    head = forger.request(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(head)
        for _ in range(body_module.MAX_BYTES // 0x10000):
            connection.sendall(chunk)
        connection.sendall(chunk[:100] + chunk[100:])
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_slow_body_is_given_up(
    server: Server, webhooks: Webhooks, airflow: Airflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        body_module.read_body, "__kwdefaults__", {"limit": body_module.MAX_BYTES, "seconds": 0.3}
    )
    forger = Forger(webhooks, server.port)
    began = time.monotonic()
    assert told(send(server.port, forger.request()[:-1])) == (408, "too_slow")
    assert time.monotonic() - began < 5
    assert airflow.events("both") == []


def test_stranger_is_refused_before_the_body_has_come(
    server: Server, webhooks: Webhooks, airflow: Airflow
) -> None:
    forger = Forger(webhooks, server.port)
    raw = forger.request(headers=["Authorization: nonsense"])[: -len(forger.body)]
    assert told(send(server.port, raw)) == (401, "bad_token")


def test_broken_connection_is_no_error_of_ours(
    server: Server, webhooks: Webhooks, airflow: Airflow, metrics: Counter
) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(Forger(webhooks, server.port).request()[:-1])
    for _ in range(100):
        if metrics.counted:
            break
        time.sleep(0.05)
    assert metrics.counted == [("gong.webhook.refused", {"rule": "both", "reason": "cut_off"})]


def test_everything_is_counted_and_logged_without_personal_data(
    server: Server,
    webhooks: Webhooks,
    airflow: Airflow,
    metrics: Counter,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, logger="airflow_provider_gong")
    url = server.rule("full")
    for kind in ("signed", "signed", "unsigned", "expired", "tampered"):
        webhooks.fire(url, kind=kind)
    webhooks.fire(server.rule("somebody@example.com"))
    refused = "gong.webhook.refused"
    assert metrics.counted == [
        ("gong.webhook.accepted", {"rule": "full"}),
        ("gong.webhook.duplicate", {"rule": "full"}),
        (refused, {"rule": "full", "reason": "no_token"}),
        (refused, {"rule": "full", "reason": "expired"}),
        (refused, {"rule": "full", "reason": "wrong_body"}),
        (refused, {"rule": "unknown", "reason": "unknown_rule"}),
    ]
    said = [record.getMessage() for record in caplog.records if record.name.startswith("airflow_provider")]
    assert len(said) == 6
    call = json.loads(webhooks.body())["callData"]
    secrets = [call["metaData"]["title"], "somebody", webhooks.key.public_key]
    secrets += [party["emailAddress"] for party in call["parties"] if party.get("emailAddress")]
    secrets.append(webhooks.delivery(url).headers["Authorization"].split(".")[2])
    assert [secret for secret in secrets if secret in "\n".join(said)] == []


def test_unforeseen_error_tells_neither_sender_nor_log_what_it_quotes(
    server: Server,
    webhooks: Webhooks,
    airflow: Airflow,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise LookupError("somebody@example.com")

    monkeypatch.setattr("airflow.api.common.trigger_dag.trigger_dag", fail)
    answer = webhooks.fire(server.rule("runs"))
    assert (answer.status, answer.json()["reason"]) == (500, "error")
    assert "LookupError" in caplog.text
    assert "somebody" not in caplog.text + answer.text


def test_broken_configuration_refuses_everything(
    server: Server, webhooks: Webhooks, airflow: Airflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__GONG__WEBHOOK_RULES", '{"runs": ')
    answer = webhooks.fire(server.rule("runs"))
    assert (answer.status, answer.json()["reason"]) == (503, "not_ready")


def test_there_are_no_pages_about_the_receiver(server: Server, airflow: Airflow) -> None:
    for page in ("docs", "redoc", "openapi.json", "", "webhooks"):
        raw = f"GET /gong/{page} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert send(server.port, raw.encode())[0] == 404
