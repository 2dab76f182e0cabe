import inspect
import json
import pkgutil
import re
import subprocess
import sys
from dataclasses import MISSING, fields
from importlib import import_module
from importlib.metadata import entry_points
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from airflow.sdk import BaseOperator
from airflow.triggers.base import BaseTrigger

from airflow_provider_gong.api.oauth_app import DEFAULT_SCOPES
from airflow_provider_gong.hooks.settings import OAUTH_READERS, READERS, Settings
from airflow_provider_gong.provider_info import get_provider_info

INFO = get_provider_info()
TYPES = {one["connection-type"]: one for one in INFO["connection-types"]}
CONNECTION, OAUTH = TYPES["gong"], TYPES["gong_oauth"]
FIELDS = CONNECTION["conn-fields"]


def schema(name: str) -> Any:
    return json.loads(files("airflow").joinpath(name).read_text())


def test_airflow_finds_it() -> None:
    (found,) = entry_points(
        group="apache_airflow_provider", name="provider_info", module="airflow_provider_gong.provider_info"
    )
    assert found.load()() == INFO


def test_info_is_as_airflow_wants_it() -> None:
    jsonschema.validate(INFO, schema("provider_info.schema.json"))


def test_connection_type_is_as_airflow_wants_it() -> None:
    wanted = schema("provider.yaml.schema.json")
    jsonschema.validate(INFO["connection-types"], wanted["properties"]["connection-types"])


def test_every_module_and_class_exists() -> None:
    for kind in ("hooks", "operators", "sensors", "triggers"):
        for listed in INFO.get(kind, []):
            for module in listed["python-modules"]:
                import_module(module)
    for link in INFO["extra-links"]:
        module, _, name = link.rpartition(".")
        assert hasattr(import_module(module), name)
    for connection in TYPES.values():
        module, _, name = connection["hook-class-name"].rpartition(".")
        hook = getattr(import_module(module), name)
        assert (hook.conn_type, hook.hook_name) == (connection["connection-type"], connection["hook-name"])


@pytest.mark.parametrize("kind", ["operators", "sensors"])
def test_every_module_of_operators_and_sensors_is_listed(kind: str) -> None:
    package = import_module(f"airflow_provider_gong.{kind}")
    modules = [
        import_module(f"{package.__name__}.{one.name}") for one in pkgutil.iter_modules(package.__path__)
    ]
    expected = [
        module.__name__
        for module in modules
        if any(
            inspect.isclass(one) and issubclass(one, BaseOperator) and one.__module__ == module.__name__
            for one in vars(module).values()
            if not inspect.isabstract(one)
        )
    ]
    assert sorted(module for listed in INFO[kind] for module in listed["python-modules"]) == expected


def test_every_module_with_a_trigger_is_listed() -> None:
    package = import_module("airflow_provider_gong.triggers")
    modules = [
        import_module(f"{package.__name__}.{one.name}") for one in pkgutil.iter_modules(package.__path__)
    ]
    expected = [
        module.__name__
        for module in modules
        if any(
            inspect.isclass(one) and issubclass(one, BaseTrigger) and one.__module__ == module.__name__
            for one in vars(module).values()
        )
    ]
    assert sorted(module for listed in INFO["triggers"] for module in listed["python-modules"]) == expected


def test_form_is_what_airflow_shows() -> None:
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

    (form,) = [meta for meta in HookMetaService.hook_meta_data() if meta.connection_type == "gong"]
    assert form.hook_name == "Gong"
    standard = form.standard_fields
    assert standard is not None
    assert standard.host is not None
    assert standard.host.title == "Base URL"
    assert standard.login is not None
    assert standard.login.title == "Access Key"
    assert standard.password is not None
    assert standard.password.title == "Access Key Secret"
    assert standard.url_schema is not None
    assert standard.url_schema.hidden
    assert standard.port is not None
    assert (standard.port.hidden, standard.port.title) == (False, "Port (enter 443)")
    assert list(form.extra_fields or {}) == list(FIELDS)


def test_form_of_oauth_is_what_airflow_shows() -> None:
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

    (form,) = [meta for meta in HookMetaService.hook_meta_data() if meta.connection_type == "gong_oauth"]
    standard = form.standard_fields
    assert standard is not None
    assert standard.host is not None
    assert standard.login is not None
    assert standard.password is not None
    titles = (form.hook_name, standard.host.title, standard.login.title, standard.password.title)
    assert titles == ("Gong OAuth 2.0", "Sign-in URL", "API Key", "API Secret")
    fields = OAUTH["conn-fields"]
    assert list(form.extra_fields or {}) == list(fields)
    assert {name: one["label"] for name, one in fields.items()} == {
        name: label for name, (label, _, _) in OAUTH_READERS.items()
    }
    # The quota and the rest are those of the other kind.
    assert {name: one["schema"] for name, one in fields.items() if name in FIELDS} == {
        name: one["schema"] for name, one in FIELDS.items()
    }
    assert OAUTH_READERS["scopes"][1](fields["scopes"]["schema"]["default"]) == DEFAULT_SCOPES


def test_airflow_hides_the_refresh_token_of_a_connection() -> None:
    from airflow.sdk._shared.secrets_masker import redact

    assert redact({"refresh_token": "abc"}) == {"refresh_token": "***"}
    assert OAUTH["conn-fields"]["refresh_token"]["schema"]["format"] == "password"


def test_form_of_webhooks_is_what_airflow_shows() -> None:
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

    (form,) = [meta for meta in HookMetaService.hook_meta_data() if meta.connection_type == "gongwebhook"]
    standard = form.standard_fields
    assert standard is not None
    assert standard.host is not None
    assert standard.password is not None
    assert standard.login is not None
    assert (form.hook_name, standard.host.title, standard.password.title) == (
        "Gong Webhook",
        "Public URL",
        "URL key",
    )
    assert standard.login.hidden
    assert list(form.extra_fields or {}) == ["public_keys"]


def test_example_of_webhook_rules_can_be_read() -> None:
    from airflow_provider_gong.plugins.webhooks.rules import OPTIONS, read_rules

    option = INFO["config"]["gong"]["options"]["webhook_rules"]
    assert read_rules(option["example"])
    for name in OPTIONS:
        assert name in option["description"]


def test_form_and_hook_know_the_same_fields_by_the_same_labels() -> None:
    assert {name: one["label"] for name, one in FIELDS.items()} == {
        name: label for name, (label, _, _) in READERS.items()
    }


def test_form_and_hook_have_the_same_defaults() -> None:
    defaults = {
        one.name: one.default for one in fields(Settings) if one.default not in (MISSING, (), None, "")
    }
    assert {
        name: one["schema"]["default"] for name, one in FIELDS.items() if "default" in one["schema"]
    } == defaults


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_optional_and_described(name: str) -> None:
    assert FIELDS[name]["schema"]["type"][1] == "null"
    assert FIELDS[name]["description"].endswith(".")


@pytest.mark.parametrize("name", FIELDS)
def test_what_the_form_suggests_the_hook_accepts(name: str) -> None:
    reader = READERS[name][1]
    suggested = FIELDS[name]["schema"]
    for key in ("default", "minimum", "maximum"):
        if key in suggested:
            assert reader(suggested[key]) == suggested[key]


@pytest.mark.parametrize("name", ["allowed_hosts", "quota_group"])
def test_the_example_of_a_text_is_in_its_description(name: str) -> None:
    # Airflow shows no placeholder in the fields of a provider.
    example = re.search(r"Example: (.+?)\. ", FIELDS[name]["description"])
    assert example
    assert READERS[name][1](example[1])


def test_there_is_no_default_host() -> None:
    assert "host" not in FIELDS
    assert MISSING in [one.default for one in fields(Settings) if one.name == "base_url"]


def test_option_has_a_text_as_default() -> None:
    from airflow.sdk import conf

    assert INFO["config"]["gong"]["options"]["quota_dir"]["default"] == ""
    # The tests set it in the environment; that it is known at all comes from the metadata.
    assert conf.get("gong", "quota_dir").endswith("/quota")


def test_discovery_imports_nothing_but_the_standard_library() -> None:
    code = (
        "import sys\n"
        "from airflow_provider_gong.provider_info import get_provider_info\n"
        "get_provider_info()\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(loaded - sys.stdlib_module_names - {'airflow_provider_gong', '__main__'}))\n"
    )
    # -I and -S keep out what site-packages add on their own.
    command = [sys.executable, "-S", "-c", code]
    told = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=files("tests").joinpath("..")
    )  # type: ignore[call-overload]
    assert told.stdout.strip() == "[]"
