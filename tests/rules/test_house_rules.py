"""Rules that every operator and sensor of the package keeps."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from typing import Any, TypeGuard

import pytest
from airflow.sdk import DAG, BaseOperator, BaseSensorOperator
from airflow.serialization.serialized_objects import DagSerialization

import airflow_provider_gong as package
from airflow_provider_gong import operators, sensors

# Arguments that are not templates, each with the reason.
NOT_TEMPLATED = {
    "deferrable": "as in all of Airflow's sensors: how to wait is decided where the Dag is written"
}

# Sensors may give them other defaults.
WAITING = {"poke_interval", "timeout", "mode"}

# Arguments whose attribute has another name, each with the reason.
STORED_AS = {
    "dry_run": "preview",  # dry_run is a method of Airflow's operators
}

AIRFLOW_OWNS = {
    *("email", "owner", "queue", "params", "resources", "timeout"),
    *("output", "log", "start_date", "end_date"),
    *inspect.signature(BaseOperator.__init__).parameters,
    *dir(BaseOperator),
}


def _operators() -> list[type[BaseOperator]]:
    found: list[type[BaseOperator]] = []
    infos = [
        *pkgutil.walk_packages(operators.__path__, f"{operators.__name__}."),
        *pkgutil.walk_packages(sensors.__path__, f"{sensors.__name__}."),
    ]
    for module_info in infos:
        module = importlib.import_module(module_info.name)
        classes = inspect.getmembers(module, inspect.isclass)
        found += [cls for _, cls in classes if _is_ours(cls) and cls.__module__ == module.__name__]
    return found


def _is_ours(cls: type) -> TypeGuard[type[BaseOperator]]:
    return (
        issubclass(cls, BaseOperator)
        and cls.__module__.startswith(package.__name__)
        and not inspect.isabstract(cls)
    )


OPERATORS = _operators()
each_operator = pytest.mark.parametrize("operator", OPERATORS, ids=lambda cls: cls.__name__)


def own_arguments(operator: type[BaseOperator]) -> dict[str, inspect.Parameter]:
    """Return the arguments that the operator and its bases in this package declare."""
    ours = [cls for cls in operator.__mro__ if cls.__module__.startswith(package.__name__)]
    parameters = [
        parameter
        for cls in ours
        if "__init__" in cls.__dict__
        for parameter in inspect.signature(cls.__dict__["__init__"]).parameters.values()
    ]
    return {
        parameter.name: parameter
        for parameter in parameters
        if parameter.name != "self" and parameter.kind is not parameter.VAR_KEYWORD
        if not (issubclass(operator, BaseSensorOperator) and parameter.name in WAITING)
    }


def attributes(operator: type[BaseOperator]) -> set[str]:
    """Return the names under which the operator keeps its arguments."""
    return {STORED_AS.get(name, name) for name in own_arguments(operator)}


def parameter_docs(operator: type[BaseOperator]) -> dict[str, str]:
    """Return what the class docstring says of each parameter."""
    parts = re.split(r"^\s*:param (\w+):", inspect.getdoc(operator) or "", flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def made(operator: type[BaseOperator], value: Any) -> BaseOperator:
    return operator(task_id="task", **dict.fromkeys(own_arguments(operator), value))


def test_the_operators_are_found() -> None:
    assert {
        "GongExportCallsOperator",
        "GongExportTranscriptsOperator",
        "GongExportUsersOperator",
        "GongExportLogsOperator",
        "GongErasePhoneNumberOperator",
        "GongErasureSensor",
    } <= {operator.__name__ for operator in OPERATORS}


@each_operator
def test_name_begins_with_gong_and_ends_with_its_kind(operator: type[BaseOperator]) -> None:
    kind = "Sensor" if issubclass(operator, BaseSensorOperator) else "Operator"
    assert re.fullmatch(rf"Gong[A-Z]\w+{kind}", operator.__name__)


@each_operator
def test_arguments_are_keyword_only(operator: type[BaseOperator]) -> None:
    positional = [
        name
        for name, parameter in own_arguments(operator).items()
        if parameter.kind is not parameter.KEYWORD_ONLY
    ]
    assert positional == []


@each_operator
def test_arguments_are_templated(operator: type[BaseOperator]) -> None:
    assert attributes(operator) - set(operator.template_fields) - NOT_TEMPLATED.keys() == set()


@each_operator
def test_template_fields_are_arguments(operator: type[BaseOperator]) -> None:
    assert set(operator.template_fields) - attributes(operator) == set()


@each_operator
def test_arguments_shadow_nothing_of_airflow(operator: type[BaseOperator]) -> None:
    assert attributes(operator) & AIRFLOW_OWNS == set()


@each_operator
def test_arguments_are_documented(operator: type[BaseOperator]) -> None:
    may_be_documented = WAITING if issubclass(operator, BaseSensorOperator) else set()
    assert own_arguments(operator).keys() ^ parameter_docs(operator).keys() <= may_be_documented


@each_operator
def test_documentation_tells_defaults_and_templates(operator: type[BaseOperator]) -> None:
    docs = parameter_docs(operator)
    for name, parameter in own_arguments(operator).items():
        if parameter.default is not parameter.empty:
            assert "Default: " in docs[name], f"the default of {name}"
        assert ("(templated)" in docs[name]) == (name not in NOT_TEMPLATED), f"whether {name} is templated"


@each_operator
def test_docstring_links_to_gong(operator: type[BaseOperator]) -> None:
    assert re.search(r"https://help\.gong\.io/\S+", inspect.getdoc(operator) or "")


@each_operator
@pytest.mark.parametrize(
    "nonsense", [object(), -1, "no such thing", None], ids=["object", "number", "text", "none"]
)
def test_constructor_only_assigns(operator: type[BaseOperator], nonsense: Any) -> None:
    task = made(operator, nonsense)
    kept = attributes(operator)
    assert {name: getattr(task, name) for name in kept} == dict.fromkeys(kept, nonsense)


@each_operator
def test_serialises_in_a_dag(operator: type[BaseOperator]) -> None:
    with DAG("serialised", schedule=None) as dag:
        made(operator, "{{ run_id }}")
    restored = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    task = restored.get_task("task")
    assert task.task_type == operator.__name__
    assert {getattr(task, name) for name in operator.template_fields} == {"{{ run_id }}"}
