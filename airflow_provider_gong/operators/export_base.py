"""What the export operators share: destination, window, and what they return.

Thin over `airflow_provider_gong.exports`: arguments become a stream and a window, the engine does the rest.
"""

from __future__ import annotations

import json
import logging
import time
from abc import abstractmethod
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias
from airflow.sdk.exceptions import AirflowSkipException

from airflow_provider_gong.exceptions import GongConfigurationError, GongUnavailable
from airflow_provider_gong.hooks import metrics
from airflow_provider_gong.operators import arguments as read
from airflow_provider_gong.operators.base import gong_fields
from airflow_provider_gong.operators.deferring import GongDeferrableOperator
from airflow_provider_gong.operators.links import GongCompanyLink, company_url, push_company_url

# The engine is imported where it is used: each parse of each Dag file would pay for it.
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from airflow.sdk import Context, ObjectStoragePath

    from airflow_provider_gong.exports.batches import Stream
    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.engine import Export
    from airflow_provider_gong.exports.history import History
    from airflow_provider_gong.exports.lineage import Trail
    from airflow_provider_gong.exports.run import Run
    from airflow_provider_gong.exports.window import Choice, Window, WindowArguments

log = logging.getLogger(__name__)

_DESTINATION_FIELDS = ("destination", "destination_conn_id", "file_format", "skip_if_empty")
_WINDOW_FIELDS = ("from_datetime", "to_datetime", "interval", "initial_from_datetime", "settle")


class GongExportOperator(GongDeferrableOperator):
    """Base of the exports: where they write and what they return.

    :param destination: where the dataset lies; see the subclasses. (templated) Default: None, which means XCom.
    :param destination_conn_id: Airflow connection of the storage. (templated) Default: None.
    :param file_format: `jsonl.gz`, `jsonl` or `parquet`. (templated) Default: `jsonl.gz`.
    :param skip_if_empty: skip the task when nothing was exported. (templated) Default: False.
    """

    template_fields: Sequence[str] = gong_fields(*_DESTINATION_FIELDS)
    operator_extra_links = (GongCompanyLink(),)

    def __init__(
        self,
        *,
        destination: str | None = None,
        destination_conn_id: str | None = None,
        file_format: str = "jsonl.gz",
        skip_if_empty: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.destination = destination
        self.destination_conn_id = destination_conn_id
        self.file_format = file_format
        self.skip_if_empty = skip_if_empty
        self._trail: Trail | None = None
        self._reads: Dataset | None = None
        self._sample: dict[str, Any] = {}

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Tell OpenLineage what was read and written; its provider asks for it."""
        from airflow_provider_gong.exports.lineage import lineage_of_export

        return lineage_of_export(self._trail)

    @abstractmethod
    def stream(self) -> Stream:
        """Return what to export, from the rendered arguments."""

    @abstractmethod
    def choose(self, stream: Stream, run: Run, dataset: Dataset | None) -> Choice:
        """Choose the window of this run."""

    def perform(self, context: Context) -> Any:
        """Export, and return the records (without a destination) or the summary."""
        from airflow_provider_gong.exports.run import Run
        from airflow_provider_gong.exports.storage import local_disk

        with local_disk():
            run, stream = Run.from_context(context), self.stream()
            skip_if_empty = read.as_bool("skip_if_empty", self.skip_if_empty)
            with _counted(stream.name) as told:
                if self.destination is None:
                    result: Any = told(self._to_xcom(run, stream))
                else:
                    result = told(self._to_dataset(run, stream))
                    self._tell_assets(context, result)
        self._tell_link(context)
        rows = len(result) if isinstance(result, list) else result["rows"]
        if not rows and skip_if_empty:
            raise AirflowSkipException("Nothing was exported, and skip_if_empty is set.")
        return result

    def _to_xcom(self, run: Run, stream: Stream) -> list[dict[str, Any]]:
        from airflow_provider_gong.exports.lineage import Trail
        from airflow_provider_gong.exports.records import collect

        choice = self.choose(stream, run, None)
        log.info("Exporting %s of %s (%s) to XCom", stream.name, choice.window, choice.rule)
        if choice.window is None:
            return []
        self._trail = Trail(stream=stream, host=self.hook.host)
        records = collect(stream, self.hook.get_conn(), choice.window)
        self._sample = records[0] if records else {}
        return records

    def _to_dataset(self, run: Run, stream: Stream) -> dict[str, Any]:
        from airflow_provider_gong.exports.dataset import Dataset
        from airflow_provider_gong.exports.engine import Export
        from airflow_provider_gong.exports.formats import FORMATS, writing
        from airflow_provider_gong.exports.lineage import Trail
        from airflow_provider_gong.exports.storage import open_destination
        from airflow_provider_gong.exports.summary import empty_summary

        if read.as_text(self.destination) is None:
            # An empty variable must not send the records to XCom.
            raise GongConfigurationError("destination= is empty: name a place, or leave it out to use XCom.")
        file_format = read.as_choice("file_format", self.file_format, FORMATS)
        # Whether the format can be written shows here, before anything is asked of Gong.
        writing(file_format, stream.name)
        destination = open_destination(str(self.destination), read.as_text(self.destination_conn_id))
        dataset = Dataset(destination / stream.folder)
        trail = Trail(stream=stream, dataset=dataset, file_format=file_format, reads=self._reads)
        self._trail = trail
        with dataset.listed_once():
            choice = self.choose(stream, run, dataset)
            if choice.gap is not None:
                log.warning(
                    "Nothing covers %s of %s: export it with from_datetime= and to_datetime=, if it is wanted",
                    choice.gap,
                    stream.name,
                )
            if choice.window is None:
                log.info("Nothing to export of %s: %s", stream.name, choice.rule)
                return empty_summary(dataset)
            log.info("Exporting %s of %s (%s) to %s", stream.name, choice.window, choice.rule, dataset.root)
            history = self.history(stream, run, choice.window, dataset, destination)
        self._trail = replace(trail, host=self.hook.host)
        return self._export(
            Export(
                stream=stream,
                client=self.hook.get_conn(),
                host=self.hook.host,
                dataset=dataset,
                run=run,
                window=choice.window,
                file_format=file_format,
                history=history,
            )
        )

    def history(
        self, stream: Stream, run: Run, window: Window, dataset: Dataset, destination: ObjectStoragePath
    ) -> History | None:
        """Return what this run does about the windows before its own; by default nothing."""
        return None

    def _export(self, export: Export) -> dict[str, Any]:
        from airflow_provider_gong.exports.summary import summary_of

        manifest = export.execute()
        self._sample = json.loads(export.sample or b"{}")
        if self._trail:
            self._trail = replace(self._trail, manifest=manifest)
        log.info("Exported %d rows with %d requests", manifest.rows, manifest.requests)
        return summary_of(export.dataset, manifest)

    def _tell_link(self, context: Context) -> None:
        from airflow_provider_gong.exports.rows import told_url

        # Without a host nothing was asked for, and no connection is opened for the sake of a link.
        if self._trail and self._trail.host:
            push_company_url(context, company_url(told_url(self._sample), self._trail.host))

    def _tell_assets(self, context: Context, summary: dict[str, Any]) -> None:
        for outlet in self.outlets:
            event = context["outlet_events"][outlet]
            if isinstance(outlet, AssetAlias):
                event.add(Asset(_place(summary)), extra=summary)
            else:
                event.extra.update(summary)


@contextmanager
def _counted(stream: str) -> Iterator[Callable[[Any], Any]]:
    """Count an attempt and the rows of the result that the caller passes through the yielded function."""
    began, outcome = time.monotonic(), "failed"

    def told(result: Any) -> Any:
        nonlocal outcome
        outcome = "complete" if isinstance(result, list) or result["complete"] else "incomplete"
        # A snapshot that existed is not exported again.
        rows = len(result) if isinstance(result, list) else result["rows"] if result["requests"] else 0
        if rows:
            metrics.count("gong.rows", rows, stream=stream)
        return result

    try:
        yield told
    except GongUnavailable:
        # It is deferred or retried.
        outcome = "interrupted"
        raise
    finally:
        metrics.count("gong.exports", stream=stream, outcome=outcome)
        metrics.timing("gong.export.duration", time.monotonic() - began, stream=stream, outcome=outcome)


def _place(summary: dict[str, Any]) -> str:
    """Return the address of a dataset without the connection, which is no business of those who read it."""
    scheme = str(summary["uri"] or "file://").partition("://")[0]
    return f"{scheme}://{summary['bucket']}/{summary['prefix'].lstrip('/')}"


class GongWindowedExportOperator(GongExportOperator):
    """Base of the exports of a stretch of time.

    :param from_datetime: start of the window, inclusive. (templated) Default: None.
    :param to_datetime: end of the window, exclusive. (templated) Default: None.
    :param interval: length of the window that ends when the run was due. (templated) Default: None.
    :param initial_from_datetime: where the first export of a dataset begins. (templated) Default: None.
    :param settle: how far windows that follow from the run are held back. (templated) Default: nothing.
    """

    template_fields: Sequence[str] = gong_fields(*_DESTINATION_FIELDS, *_WINDOW_FIELDS)

    def __init__(
        self,
        *,
        from_datetime: datetime | str | None = None,
        to_datetime: datetime | str | None = None,
        interval: timedelta | str | None = None,
        initial_from_datetime: datetime | str | None = None,
        settle: timedelta | str = timedelta(0),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.from_datetime = from_datetime
        self.to_datetime = to_datetime
        self.interval = interval
        self.initial_from_datetime = initial_from_datetime
        self.settle = settle

    def choose(self, stream: Stream, run: Run, dataset: Dataset | None) -> Choice:
        """Choose the window by the rules of `airflow_provider_gong.exports.window`."""
        from airflow_provider_gong.exports.window import choose_window

        kept = dataset.kept_window(run) if dataset else None
        return choose_window(self._window_arguments(), run, dataset, kept)

    def _window_arguments(self) -> WindowArguments:
        from airflow_provider_gong.exports.window import WindowArguments

        return WindowArguments(
            from_datetime=read.as_datetime("from_datetime", self.from_datetime),
            to_datetime=read.as_datetime("to_datetime", self.to_datetime),
            interval=read.as_duration("interval", self.interval),
            initial_from_datetime=read.as_datetime("initial_from_datetime", self.initial_from_datetime),
            settle=self._settle(),
        )

    def _settle(self) -> timedelta:
        settle = read.as_duration("settle", self.settle)
        if settle is None or settle < timedelta(0):
            raise GongConfigurationError(
                f"settle={self.settle!r} must be zero or longer: it holds windows back, never ahead of the run."
            )
        return settle

    def _not_negative(self, name: str, value: timedelta | str) -> timedelta:
        duration = read.as_duration(name, value)
        if duration is None or duration < timedelta(0):
            raise GongConfigurationError(f"{name}={value!r} must be zero or longer.")
        return duration
