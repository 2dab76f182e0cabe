"""What the arguments of a raw request mean: pairs, bodies, forms, retries, and arguments of described endpoints."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.operators import arguments as read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_gong.api.endpoint import Request, RequestFunction
    from airflow_provider_gong.api.form import FilePart, Form
    from airflow_provider_gong.api.retry import RetryPolicy


def as_pairs(name: str, value: Any) -> list[tuple[str, str]]:
    """Read names and values: an object, a list of pairs or of {"key", "value"}, or the JSON text of one.

    A list in the place of a value repeats its name; None leaves it out.
    """
    given = read.as_objects(name, value)
    pairs = given.items() if isinstance(given, dict) else map(_pair, given or [])
    read_pairs: list[tuple[str, str]] = []
    for number, pair in enumerate(pairs):
        if pair is None or not isinstance(pair[0], str) or not pair[0]:
            raise GongConfigurationError(
                f'{name}: entry {number} is no pair: give {{"key": ..., "value": ...}} or [key, value].'
            )
        values = pair[1] if isinstance(pair[1], (list, tuple)) else [pair[1]]
        read_pairs += [(pair[0], _scalar(name, number, one)) for one in values if one is not None]
    return read_pairs


def _pair(entry: Any) -> tuple[Any, Any] | None:
    if isinstance(entry, dict) and entry.keys() == {"key", "value"}:
        return entry["key"], entry["value"]
    return (entry[0], entry[1]) if isinstance(entry, (list, tuple)) and len(entry) == 2 else None


def _scalar(name: str, number: int, value: Any) -> str:
    # Not shown: values may be personal.
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, (str, int, float)):
        raise GongConfigurationError(
            f"{name}: the value of entry {number} is {type(value).__name__}: give text, numbers or booleans."
        )
    return str(value)


def as_body(value: Any, content_type: str | None) -> Any:
    """Read a body: an object, a list or the JSON text of one; any other text is returned as it is.

    :param content_type: what a header says the body is; a text that is no JSON by it is not read as such.
    """
    if value in (None, "", "None"):
        return None
    if isinstance(value, str):
        is_json = content_type is None or "json" in content_type.lower()
        return read.as_object("data", value) if is_json else value
    if not isinstance(value, (dict, list, tuple)):
        raise GongConfigurationError(f"data is {type(value).__name__}: give an object, a list or a text.")
    return value


def as_form(form_data: Any, file_data: Any, file_names: Any, conn_id: str | None) -> Form | None:
    """Read the fields and files of a form; None when there are none."""
    from airflow_provider_gong.api.form import Form

    fields = dict(as_pairs("form_data", _object("form_data", form_data)))
    locations = dict(as_pairs("file_data", _object("file_data", file_data)))
    names = dict(as_pairs("file_data_file_names", _object("file_data_file_names", file_names)))
    if unknown := sorted(names.keys() - locations.keys()):
        raise GongConfigurationError(
            f"file_data_file_names has {', '.join(unknown)}, which file_data has not: the keys must match."
        )
    if both := sorted(fields.keys() & locations.keys()):
        raise GongConfigurationError(f"form_data and file_data both have {', '.join(both)}: rename one.")
    files = tuple(_part(name, place, names.get(name), conn_id) for name, place in locations.items())
    return Form(files, fields) if files or fields else None


def _object(name: str, value: Any) -> dict[str, Any]:
    given = read.as_objects(name, value) or {}
    if not isinstance(given, dict) or any(isinstance(one, (list, tuple)) for one in given.values()):
        raise GongConfigurationError(f"{name} is no object of names and single values.")
    return given


def _part(name: str, location: str, file_name: str | None, conn_id: str | None) -> FilePart:
    from airflow_provider_gong.api.form import FilePart
    from airflow_provider_gong.operators.media import stored_file

    shown = file_name or location.rstrip("/").rpartition("/")[2]
    if not shown.isprintable():
        raise GongConfigurationError(f"The file name of {name} has a line break or a control character.")
    try:
        return FilePart(name, shown, stored_file(location, conn_id))
    except GongConfigurationError as error:
        raise GongConfigurationError(f"file_data has {name}: {error}") from None


def retry_policy(
    own: RetryPolicy, *, count: Any, delay_ms: Any, all_errors: Any, backoff: Any
) -> RetryPolicy:
    """Return the retries that a task asks for, within the longest wait of its connection.

    :param own: the retries of the connection.
    """
    seconds = (read.as_number("retry_delay_ms", delay_ms) or 0.0) / 1000
    exponential = read.as_bool("use_exponential_backoff", backoff)
    if not exponential and seconds > own.max_wait:
        raise GongConfigurationError(
            f"retry_delay_ms={delay_ms} is longer than the longest wait of the connection, {own.max_wait:g} s: "
            "shorten it, raise 'Longest wait (s)' (extra max_wait), or use Airflow's retries and retry_delay."
        )
    return replace(
        own,
        attempts=1 + (read.as_count("max_retry_count", count) or 0),
        delay=None if exponential else seconds,
        all_errors=read.as_bool("retry_on_all_errors", all_errors),
    )


def described_request(endpoint: str, arguments: Any) -> Request:
    """Return the request of a function in `airflow_provider_gong.api`.

    :param endpoint: module and name of the function, such as ``calls.list_calls``.
    :param arguments: its arguments, as an object or its JSON text.
    """
    function = _function(endpoint)
    given = read.as_objects("arguments", arguments) or {}
    if not isinstance(given, dict):
        raise GongConfigurationError(
            "arguments is a list: give an object, with the arguments by their names."
        )
    kinds, required = _parameters(function)
    problems = [f"{name!r} is unknown" for name in given if name not in kinds]
    problems += [f"{name} is missing" for name in required if given.get(name) in (None, "", "None")]
    if problems:
        raise GongConfigurationError(
            f"arguments of {endpoint}: {', '.join(problems)}; it takes {', '.join(kinds) or 'none'}."
        )
    return function(**{name: _typed(name, value, kinds[name]) for name, value in given.items()})


def _function(endpoint: str) -> RequestFunction[...]:
    from airflow_provider_gong.api.raw import described

    function = described().get(endpoint)
    if function is None:
        near = get_close_matches(endpoint, described(), n=3) or sorted(described())
        raise GongConfigurationError(f"endpoint={endpoint!r} is unknown; there are {', '.join(near)}.")
    return function


def _parameters(function: RequestFunction[...]) -> tuple[dict[str, str], list[str]]:
    """Return the parameters of a function with their annotations, and which are required.

    A TypedDict stands for all of its keys.
    """
    kinds: dict[str, str] = {}
    required: list[str] = []
    for name, one in inspect.signature(function).parameters.items():
        if one.kind is one.VAR_KEYWORD:
            named = str(one.annotation).removeprefix("Unpack[").removesuffix("]")
            typed = inspect.unwrap(function).__globals__[named]
            keys = typed.__annotations__.items()
            kinds |= {key: getattr(kind, "__forward_arg__", str(kind)) for key, kind in keys}
            required += [key for key, _ in keys if key in typed.__required_keys__]
        else:
            kinds[name] = str(one.annotation)
            required += [name] if one.default is one.empty else []
    return kinds, required


def _typed(name: str, value: Any, annotation: str) -> Any:
    """Read a rendered text as what the function asks for; what is no text is its own matter."""
    kinds = set(_kinds(annotation))
    if "Source" in kinds:
        raise GongConfigurationError(
            f"arguments: {name} is a file, which only an operator of its own can send."
        )
    if not isinstance(value, str) or kinds & {"str", "Any", "object"}:
        return None if value in ("", "None") else value
    if "bool" in kinds:
        return None if value in ("", "None") else read.as_bool(name, value)
    if "int" in kinds:
        return read.as_count(name, value)
    return read.as_number(name, value) if "float" in kinds else read.as_objects(name, value)


def _kinds(annotation: str) -> Iterator[str]:
    without_items = annotation
    while "[" in without_items:
        without_items, done = re.subn(r"\[[^\[\]]*\]", "", without_items)
        if not done:
            break
    yield from (kind.strip() for kind in without_items.split("|"))
