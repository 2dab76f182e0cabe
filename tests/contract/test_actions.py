"""Each action of the connector has its operator, with all of its inputs, and requires what Gong requires."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.contract.actions import ACTIONS, Action
from tests.contract.facts import Operation, operation, resolve
from tests.rules.test_house_rules import OPERATORS, own_arguments

if TYPE_CHECKING:
    from inspect import Parameter

# Inputs under another name, each with the reason.
RENAMED = {
    "from_date_time": "from_datetime",  # one word, as in Python
    "to_date_time": "to_datetime",
    "timeout": "response_timeout",  # of a request; a timeout of Airflow's is that of a task
}

# What operators take beyond the inputs.
OF_GONG = {
    "GongCreateCallOperator": {"flow_task_id"},
    "GongCreateMeetingOperator": {"provider"},
    "GongUpdateMeetingOperator": {"provider"},
    "GongDeleteMeetingOperator": {"organizer_email"},
    "GongReportCustomActionOperator": {"tracking_id"},
    "GongReportContentSharedOperator": {"tracking_id"},
    "GongReportContentViewedOperator": {"tracking_id"},
}
OF_OURS = {
    "GongAddCallMediaOperator": {"file_conn_id"},
    "GongDeleteMeetingOperator": {"ignore_missing"},
    "GongEraseEmailAddressOperator": {"confirm", "dry_run"},
    "GongErasePhoneNumberOperator": {"confirm", "dry_run"},
    "GongGetCallTranscriptsOperator": {"max_pages", "include_private"},
    "GongListLogsOperator": {"max_pages"},
    "GongListCallsOperator": {"max_pages", "include_private"},
    "GongListUsersOperator": {"max_pages"},
    "GongRequestOperator": {"endpoint", "arguments", "file_conn_id", "save_to", "save_to_conn_id"},
}

# What Gong requires under a name that says less, and what only wraps other fields.
MEANT = {
    ("GET /v2/calls/{id}", "id"): {"call_id"},
    ("GET /v2/users/{id}", "id"): {"user_id"},
    ("PUT /v2/calls/{id}/media", "id"): {"call_id"},
    ("PUT /v2/calls/{id}/media", "mediaFile"): {"file"},
    ("POST /v2/calls/transcript", "filter"): set[str](),
}
# The document declares it optional, but there is no folder without it.
REQUIRED_BY_SENSE = {"GongListFolderCallsOperator": {"folder_id"}}

DOCS = Path(__file__).parent.parent.parent / "docs" / "operators.md"

each_action = pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.operator)


def arguments_of(action: Action) -> dict[str, Parameter]:
    [operator] = [cls for cls in OPERATORS if cls.__name__ == action.operator]
    return own_arguments(operator)


def inputs_of(action: Action) -> dict[str, object]:
    return {RENAMED.get(name, name): default for name, default in action.inputs.items()}


def required_by(facts: Operation) -> set[str]:
    names = {name for name, one in (facts.path | facts.query).items() if one.required}
    names |= set(resolve(facts.body_schema or {}).get("required", ()))
    return set().union(*(MEANT.get((facts.name, name), {_snake_case(name)}) for name in names))


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name.replace("DateTime", "Datetime")).lower()


def test_there_are_twenty_two() -> None:
    assert len({action.operator for action in ACTIONS}) == len(ACTIONS) == 22


@each_action
def test_each_input_is_an_argument(action: Action) -> None:
    of_gong, of_ours = OF_GONG.get(action.operator, set()), OF_OURS.get(action.operator, set())
    expected = inputs_of(action).keys() | of_gong | of_ours | {"gong_conn_id"}
    assert arguments_of(action).keys() == expected


@each_action
def test_defaults_are_those_of_the_connector(action: Action) -> None:
    arguments = arguments_of(action)
    declared = {name: default for name, default in inputs_of(action).items() if default is not None}
    assert {name: arguments[name].default for name in declared} == declared
    assert arguments["gong_conn_id"].default == "gong_default"


@pytest.mark.parametrize("action", [one for one in ACTIONS if one.operation], ids=lambda one: one.operator)
def test_what_gong_requires_is_required(action: Action) -> None:
    required = {name for name, one in arguments_of(action).items() if one.default is one.empty}
    expected = required_by(operation(action.operation or ""))
    assert required == expected | REQUIRED_BY_SENSE.get(action.operator, set())


@each_action
def test_the_docs_name_the_operation(action: Action) -> None:
    [row] = re.findall(rf"^\| \[`{action.operator}`\].*$", DOCS.read_text(encoding="utf-8"), re.M)
    assert f"`{action.operation}`" in row if action.operation else "| any |" in row
