"""Any request to Gong, for what has no operator of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.operators import arguments as read
from airflow_provider_gong.operators.base import GongActionOperator, gong_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from airflow_provider_gong.api.endpoint import Request
    from airflow_provider_gong.operators.request_reply import Exchange

# What says how a `url` is asked; a described endpoint knows all this itself.
_OF_URL: dict[str, Any] = {
    "method": "GET",
    "data": None,
    "form_data": None,
    "file_data": None,
    "file_data_file_names": None,
    "file_conn_id": None,
    "query_parameter": None,
    "header": None,
    "response_type": "json",
    "save_to": None,
    "save_to_conn_id": None,
    "response_timeout": None,
    "retry_delay_ms": 0,
    "retry_on_all_errors": False,
    "max_retry_count": 0,
    "use_exponential_backoff": False,
}


class GongRequestOperator(GongActionOperator):
    """Send any request to Gong: one of your own (`url`), or a described one by name (`endpoint`).

    Give either `url` or `endpoint`. A `url` is sent as it is and answered as it is: one request, one page, the
    whole reply, and a 404 is an error with Gong's text even where it means an empty list. It goes to the host of
    the connection only, with the credentials, the quota and the proxy of the connection. An `endpoint` is a
    function of `airflow_provider_gong.api` with `arguments`: checked before it is sent, repeated as the
    connection says, a list with the items of all its pages, an empty one without error; the arguments from
    `method` to `use_exponential_backoff` are those of `url` and then refused.

    Returns what `response_type` says: the JSON value, the text, None for an empty body; up to 1,000,000 bytes.
    With `save_to` the body goes to a file, and the task returns `path`, `bytes` and `content_type`.

    GET and HEAD read, and so does a POST that this package knows to read, such as `/v2/calls/extensive`; every
    other request counts as a write, which a read-only connection refuses. When the outcome of a write is unknown,
    as after a 5xx or a dropped connection, it may have been carried out: the task then fails without Airflow's
    retries, unless `retry_on_all_errors` allows repeating. Rendered arguments are shown in Airflow's UI: put no
    secrets into them, and nothing personal: the operators of data privacy mask that and ask for a confirmation.

    See https://help.gong.io/apidocs/introduction-2

    :param url: Path such as `/v2/calls`, or an address on the scheme, host and port of the connection; may have a
        query. (templated) Default: None.
    :param method: `GET`, `HEAD`, `OPTIONS`, `POST`, `PUT`, `PATCH` or `DELETE`. (templated) Default: `GET`.
    :param data: Body: an object, a list or the JSON text of one, sent as JSON; any other text is sent as it is,
        with the Content-Type of `header`, else `text/plain`. Not together with a form. (templated) Default: None.
    :param form_data: Fields of a multipart form, as an object. (templated) Default: None.
    :param file_data: Files of a multipart form: an object of part names and the paths or object storage URLs of
        the files, which are read while they are sent. (templated) Default: None.
    :param file_data_file_names: What the files are called for Gong: an object with keys of `file_data`.
        (templated) Default: None, their own names.
    :param file_conn_id: Airflow connection of the storage in `file_data`, if its URLs name none. (templated)
        Default: None.
    :param query_parameter: Query, added to that of `url`: an object, or a list of `{"key": ..., "value": ...}` or
        `[key, value]`; a repeated key is sent repeatedly. (templated) Default: None.
    :param header: Headers, in the forms of `query_parameter`. Those that carry credentials, steer the connection
        or reroute the request are refused. (templated) Default: None.
    :param response_type: `json`, `text` or `binary`; the latter needs `save_to` and is never held in memory.
        (templated) Default: `json`.
    :param save_to: File for the body of the reply: an absolute path or object storage URL. It appears whole or
        not at all, by way of the worker's temporary folder, and replaces an older one. (templated)
        Default: None, the reply goes to XCom.
    :param save_to_conn_id: Airflow connection of that storage, if the URL names none. (templated) Default: None.
    :param response_timeout: Seconds to wait for the reply to begin and for each further part of it; unlike
        Airflow's `execution_timeout`, which limits the whole task. (templated) Default: None, the read timeout of
        the connection.
    :param debug_request: Log the method, the path, names of parameters, headers and fields, status, duration and
        sizes, but no values: they may be secret or personal. (templated) Default: False.
    :param retry_delay_ms: Milliseconds between two attempts, at most the longest wait of the connection; more
        when Gong asks for more. (templated) Default: 0.
    :param retry_on_all_errors: Repeat after every reply that is no success, also a write that may have been
        carried out, which Airflow's retries then repeat, too. Otherwise only 5xx, 429 and network errors are repeated,
        and of a write those after which it has surely not been carried out, because Gong would do it twice.
        (templated) Default: False.
    :param max_retry_count: How often the request is repeated at most, within this attempt of the task. A wait
        that Gong asks for is kept; one beyond the longest wait of the connection is left to Airflow's retries.
        (templated) Default: 0.
    :param use_exponential_backoff: Wait longer before each repetition, in place of `retry_delay_ms`. (templated)
        Default: False.
    :param endpoint: Function of `airflow_provider_gong.api`, such as `calls.list_calls_extensive`. (templated)
        Default: None.
    :param arguments: Arguments of `endpoint`, as an object or its JSON text. (templated) Default: None.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = gong_fields("url", *_OF_URL, "debug_request", "endpoint", "arguments")

    def __init__(
        self,
        *,
        url: str | None = None,
        method: str = "GET",
        data: Any = None,
        form_data: dict[str, Any] | str | None = None,
        file_data: dict[str, str] | str | None = None,
        file_data_file_names: dict[str, str] | str | None = None,
        file_conn_id: str | None = None,
        query_parameter: dict[str, Any] | list[Any] | str | None = None,
        header: dict[str, Any] | list[Any] | str | None = None,
        response_type: str = "json",
        save_to: str | None = None,
        save_to_conn_id: str | None = None,
        response_timeout: float | str | None = None,
        debug_request: bool | str = False,
        retry_delay_ms: float | str = 0,
        retry_on_all_errors: bool | str = False,
        max_retry_count: int | str = 0,
        use_exponential_backoff: bool | str = False,
        endpoint: str | None = None,
        arguments: dict[str, Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.url = url
        self.method = method
        self.data = data
        self.form_data = form_data
        self.file_data = file_data
        self.file_data_file_names = file_data_file_names
        self.file_conn_id = file_conn_id
        self.query_parameter = query_parameter
        self.header = header
        self.response_type = response_type
        self.save_to = save_to
        self.save_to_conn_id = save_to_conn_id
        self.response_timeout = response_timeout
        self.debug_request = debug_request
        self.retry_delay_ms = retry_delay_ms
        self.retry_on_all_errors = retry_on_all_errors
        self.max_retry_count = max_retry_count
        self.use_exponential_backoff = use_exponential_backoff
        self.endpoint = endpoint
        self.arguments = arguments

    @property
    def repeatable(self) -> bool:
        """Tell whether the task lets everything be repeated; then Airflow may do so as well."""
        return read.as_bool("retry_on_all_errors", self.retry_on_all_errors)

    def perform(self, context: Context) -> Any:
        """Send the request and return its reply, or where it was saved."""
        from airflow_provider_gong.operators.request_reply import collect, log_request

        request, client = self.request(), self.hook.get_conn()
        if self._url() is not None:
            return self._exchange().run(client, request)
        if read.as_bool("debug_request", self.debug_request):
            log_request(request)
        return collect(client, request)

    def request(self) -> Request:
        """Return the request, from the rendered arguments."""
        from airflow_provider_gong.operators.request_arguments import described_request

        url, endpoint = self._url(), read.as_text(self.endpoint)
        if (url is None) == (endpoint is None):
            given = "neither" if url is None else "both"
            raise GongConfigurationError(f"Of url and endpoint {given} was given: give exactly one of them.")
        if endpoint is None:
            self._refuse("url", ["arguments"] if self.arguments not in (None, "", "None") else [])
            return self._raw(url or "")
        meant = {name: (None, "", "None", default, str(default)) for name, default in _OF_URL.items()}
        self._refuse("endpoint", [name for name in meant if getattr(self, name) not in meant[name]])
        return described_request(endpoint, self.arguments)

    def _url(self) -> str | None:
        return read.as_text(self.url)

    def _refuse(self, beside: str, names: list[str]) -> None:
        if names:
            raise GongConfigurationError(f"{', '.join(names)} cannot be given beside {beside}: leave it out.")

    def _raw(self, url: str) -> Request:
        from airflow_provider_gong.api.raw import raw_request
        from airflow_provider_gong.operators.request_arguments import as_body, as_form, as_pairs

        headers = as_pairs("header", self.header)
        kind = next((value for name, value in headers if name.lower() == "content-type"), None)
        body = as_body(self.data, kind)
        form = as_form(
            self.form_data, self.file_data, self.file_data_file_names, read.as_text(self.file_conn_id)
        )
        if body is not None and form is not None:
            raise GongConfigurationError(
                "data was given with form_data or file_data: a request has one body."
            )
        return raw_request(
            base_url=self.hook.get_conn().base_url,
            url=url,
            method=read.as_text(self.method) or _OF_URL["method"],
            query=as_pairs("query_parameter", self.query_parameter),
            headers=headers,
            body=body,
            form=form,
        )

    def _exchange(self) -> Exchange:
        from airflow_provider_gong.operators.request_arguments import retry_policy
        from airflow_provider_gong.operators.request_reply import RESPONSE_TYPES, Exchange

        place = read.as_text(self.save_to)
        given = read.as_text(self.response_type) or _OF_URL["response_type"]
        response_type = read.as_choice("response_type", given, RESPONSE_TYPES)
        if response_type == "binary" and place is None:
            raise GongConfigurationError("response_type='binary' needs save_to=: the file for the reply.")
        seconds = read.as_number("response_timeout", self.response_timeout)
        if seconds is not None and not 0 < seconds <= 86_400:
            raise GongConfigurationError("response_timeout must be more than 0 and at most 86400 seconds.")
        return Exchange(
            retry=retry_policy(
                self.hook.get_conn().retry,
                count=self.max_retry_count,
                delay_ms=self.retry_delay_ms,
                all_errors=self.retry_on_all_errors,
                backoff=self.use_exponential_backoff,
            ),
            read_timeout=seconds,
            response_type=response_type,
            place=place,
            place_conn_id=read.as_text(self.save_to_conn_id),
            debug=read.as_bool("debug_request", self.debug_request),
        )
