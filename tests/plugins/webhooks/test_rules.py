"""What an administrator may write into ``[gong] webhook_rules``."""

from __future__ import annotations

import pytest

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.plugins.webhooks.rules import Rule, configured_rules, read_rules


def test_rule_with_a_dag_starts_runs_and_no_events() -> None:
    assert read_rules('{"new_calls": {"dag_id": "my_dag"}}') == {
        "new_calls": Rule("new_calls", "gong_webhook_new_calls", dag_id="my_dag", asset=False)
    }


def test_rule_without_options_emits_events() -> None:
    [rule] = read_rules('{"new-calls-2": {}}').values()
    assert (rule.dag_id, rule.asset, rule.asset_uri) == (None, True, "gong://rules/new-calls-2")
    assert (rule.conn_id, rule.payload, rule.tests, rule.replay_window) == (
        "gong_webhook_new-calls-2",
        "ids",
        "mark",
        86_400,
    )


def test_all_options_can_be_given() -> None:
    text = (
        '{"a": {"dag_id": "d", "asset": true, "conn_id": "c", "payload": "full", "tests": "ignore", '
        '"replay_window": 3600}}'
    )
    assert read_rules(text) == {"a": Rule("a", "c", "d", True, "full", "ignore", 3600)}


@pytest.mark.parametrize("text", ["", "  ", "{}"])
def test_nothing_is_no_rule(text: str) -> None:
    assert read_rules(text) == {}


def test_rules_come_from_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__GONG__WEBHOOK_RULES", '{"a": {}}')
    assert list(configured_rules()) == ["a"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("new_calls", "cannot be read"),
        ('{"a": {}', "cannot be read"),
        ('{"a": {}, "a": {}}', "'a' is given twice"),
        ("[" * 100_000, "cannot be read"),
        ('["a"]', "is not an object"),
        ('{"a": "my_dag"}', "is 'my_dag': give an object"),
        ('{"A": {}}', "name that cannot be used"),
        ('{"a__b": {}}', "name that cannot be used"),
        ('{"a/b": {}}', "name that cannot be used"),
        ('{"": {}}', "name that cannot be used"),
        ('{"a\\n": {}}', "name that cannot be used"),
        (f'{{"{"a" * 65}": {{}}}}', "name that cannot be used"),
        ('{"a": {"dag": "d"}}', "has no option 'dag': use dag_id"),
        ('{"a": {"dag_id": ""}}', "has dag_id '': give the id of a Dag"),
        ('{"a": {"dag_id": null}}', "has dag_id None"),
        ('{"a": {"asset": "yes"}}', "has asset 'yes': give true or false"),
        ('{"a": {"asset": false}}', "starts nothing: give a dag_id"),
        ('{"a": {"conn_id": 7}}', "has conn_id 7"),
        ('{"a": {"payload": "all"}}', "has payload 'all': give one of ids, summary, full"),
        ('{"a": {"tests": true}}', "has tests True: give one of mark, ignore"),
        ('{"a": {"replay_window": 59}}', "has replay_window 59: give a number of seconds"),
        ('{"a": {"replay_window": true}}', "has replay_window True"),
        ('{"a": {"replay_window": "3600"}}', "has replay_window '3600'"),
    ],
)
def test_mistakes_are_named(text: str, said: str) -> None:
    with pytest.raises(GongConfigurationError, match="webhook_rules") as caught:
        read_rules(text)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 400
