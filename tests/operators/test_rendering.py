"""Each argument means the same as a value and as the text that Airflow renders of a template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_gong.operators.base import GongActionOperator
from tests.contract.actions import ACTIONS
from tests.contract.test_requests import EXAMPLES
from tests.rules.test_house_rules import OPERATORS, own_arguments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_gong.api.endpoint import Request

NAMES = {action.operator for action in ACTIONS}
# What these send is no plain request; their own tests render templates.
OTHERS = {
    *("GongAddCallMediaOperator", "GongRequestOperator"),
    *("GongEraseEmailAddressOperator", "GongErasePhoneNumberOperator"),
}
# Required by the operator in one of several ways.
BESIDES = {"GongGetCallTranscriptsOperator": {"from_datetime"}}


def plain_operators() -> list[type[GongActionOperator]]:
    return [
        operator
        for operator in OPERATORS
        if issubclass(operator, GongActionOperator) and operator.__name__ in NAMES - OTHERS
    ]


def cases() -> Iterator[Any]:
    """Yield each operator with what it requires, and once more with each of its other arguments."""
    for operator in plain_operators():
        arguments = own_arguments(operator)
        required = {name for name, one in arguments.items() if one.default is one.empty}
        required |= BESIDES.get(operator.__name__, set())
        yield pytest.param(operator, required, id=operator.__name__)
        for name in sorted(arguments.keys() & EXAMPLES.keys() - required):
            yield pytest.param(operator, required | {name}, id=f"{operator.__name__}-{name}")


def template(name: str) -> str:
    is_text = not isinstance(EXAMPLES[name], (dict, list))
    return f"{{{{ {name} }}}}" if is_text else f"{{{{ {name} | tojson }}}}"


def request_of(operator: type[GongActionOperator], arguments: dict[str, Any]) -> Request:
    task = operator(task_id="task", **arguments)
    task.render_template_fields(EXAMPLES)  # type: ignore[arg-type]  # what templates may name
    return task.request()


def test_the_operators_are_found() -> None:
    assert {operator.__name__ for operator in plain_operators()} == NAMES - OTHERS


@pytest.mark.parametrize(("operator", "names"), list(cases()))
def test_rendered_text_means_what_the_value_means(
    operator: type[GongActionOperator], names: set[str]
) -> None:
    values = request_of(operator, {name: EXAMPLES[name] for name in names})
    assert request_of(operator, {name: template(name) for name in names}) == values


@pytest.mark.parametrize("nothing", ["", "{{ none }}"])
@pytest.mark.parametrize(
    ("operator", "names"), [case for case in cases() if "call_ids" not in case.values[1]]
)
def test_what_renders_to_nothing_is_left_out(
    operator: type[GongActionOperator], names: set[str], nothing: str
) -> None:
    # Not so call_ids: an earlier task that found no calls does not mean all of them.
    arguments = own_arguments(operator)
    required = {name for name in names if arguments[name].default is arguments[name].empty}
    required |= BESIDES.get(operator.__name__, set())
    given = {name: EXAMPLES[name] for name in required}
    left_out = dict.fromkeys(names - required, nothing)
    assert request_of(operator, given | left_out) == request_of(operator, given)
