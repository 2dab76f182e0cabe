"""Incremental exports of calls, transcripts, users and logs to object storage or XCom."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_provider_gong.operators import arguments as read
from airflow_provider_gong.operators.export_base import GongExportOperator, GongWindowedExportOperator
from airflow_provider_gong.operators.export_transcripts import GongExportTranscriptsOperator

# The engine is imported where it is used: each parse of each Dag file would pay for it.
if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import ObjectStoragePath

    from airflow_provider_gong.exports.batches import Stream
    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.engine import Export
    from airflow_provider_gong.exports.history import CallsHistory, History
    from airflow_provider_gong.exports.run import Run
    from airflow_provider_gong.exports.streams import Calls
    from airflow_provider_gong.exports.window import Choice, Window

__all__ = [
    "GongExportCallsOperator",
    "GongExportLogsOperator",
    "GongExportTranscriptsOperator",
    "GongExportUsersOperator",
]

log = logging.getLogger(__name__)


class GongExportCallsOperator(GongWindowedExportOperator):
    """Export the calls that started in a window, with their parties and CRM context.

    One request brings 100 whole records. Private calls and media URLs are left out. Returns the summary of the
    export: `uri` of its manifest, `bucket`, `prefix`, `files`, `rows`, `window_from`, `window_to`, `complete`,
    `complete_through`, `pending`, `requests`; without a destination the records themselves.

    See https://help.gong.io/apidocs/retrieve-detailed-call-data-by-various-filters-v2callsextensive-2

    :param destination: Where the dataset lies: `s3://conn@bucket/gong`, `gs://...`, `abfs://...`, `file:///data/gong`
        or an absolute path; rows land in `<destination>/calls/`. (templated) Default: None, the records go to
        XCom, up to 1,000,000 bytes of JSON.
    :param destination_conn_id: Airflow connection of the storage, if the URL names none. (templated) Default: None.
    :param file_format: `jsonl.gz` or `jsonl`, one record a line, UTF-8; or `parquet`, typed columns, with the extra
        `[parquet]`. (templated) Default: `jsonl.gz`.
    :param skip_if_empty: Skip this task, and so those after it, when nothing was exported. (templated)
        Default: False.
    :param deferrable: Wait in the triggerer, holding no worker, when Gong or the quota asks for more than the
        connection's longest wait; the export goes on then. Default: Airflow's option `[operators] default_deferrable`.
    :param from_datetime: Start of the window, inclusive; a datetime or ISO 8601 text, UTC without an offset.
        Needs `to_datetime`. (templated) Default: None, the window follows from the run.
    :param to_datetime: End of the window, exclusive; must have passed. (templated) Default: None.
    :param interval: Length of the window of a run: it ends when the run was due, or begins at the partition
        date; a timedelta or an ISO 8601 duration such as `P1D`. (templated) Default: None, the data
        interval of the run, or what no manifest covers yet.
    :param initial_from_datetime: Where the first export of a dataset begins, inclusive; needed once for runs
        without a data interval. (templated) Default: None.
    :param settle: How far to hold back windows that follow from the run, for calls that Gong shows late;
        a timedelta or an ISO 8601 duration. (templated) Default: no time.
    :param lookback: How far the newest run of the dataset looks back for calls that came late, changed, turned
        private or vanished; a timedelta or an ISO 8601 duration, zero for not at all. Only in Dags with
        `max_active_runs=1`. (templated) Default: 7 days.
    :param workspace_id: Export the calls of one workspace only, to a dataset of its own. (templated)
        Default: None, all workspaces.
    :param primary_user_ids: Export the calls hosted by these users only. (templated) Default: None, all users.
    :param content: What a row holds: `basic` (metaData), `default` (metaData, parties, context), `full` (all but
        media) or Gong's own contentSelector object. (templated) Default: `default`.
    :param include_private: Export private calls too. (templated) Default: False.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = (
        *GongWindowedExportOperator.template_fields,
        *("lookback", "workspace_id", "primary_user_ids", "content", "include_private"),
    )

    def __init__(
        self,
        *,
        lookback: timedelta | str = timedelta(days=7),
        workspace_id: str | None = None,
        primary_user_ids: list[str] | str | None = None,
        content: str | dict[str, Any] = "default",
        include_private: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.lookback = lookback
        self.workspace_id = workspace_id
        self.primary_user_ids = primary_user_ids
        self.content = content
        self.include_private = include_private

    def stream(self) -> Stream:
        """Return the calls that the arguments select."""
        from airflow_provider_gong.exports.content import content_selector
        from airflow_provider_gong.exports.streams import Calls

        content = read.as_object("content", self.content)
        content_selector(content)
        return Calls(
            workspace_id=read.as_id("workspace_id", self.workspace_id),
            primary_user_ids=read.as_ids("primary_user_ids", self.primary_user_ids),
            content=content,
            include_private=read.as_bool("include_private", self.include_private),
        )

    def history(
        self, stream: Stream, run: Run, window: Window, dataset: Dataset, destination: ObjectStoragePath
    ) -> History | None:
        """Return what the newest run does about the windows before its own, and all do about calls they lost."""
        from airflow_provider_gong.exports.dataset import Dataset as Files
        from airflow_provider_gong.exports.streams import Calls

        assert isinstance(stream, Calls)  # noqa: S101 - for the type checker
        deletions = Files(destination / stream.deletions_folder)
        return self.calls_history(stream, run, window, dataset, deletions)

    def calls_history(
        self, stream: Calls, run: Run, window: Window, dataset: Dataset, deletions: Dataset
    ) -> CallsHistory:
        """Return how this run looks back, if it is the newest, and where it tells deletions."""
        from airflow_provider_gong.exports.history import CallsHistory, is_head

        lookback = self._not_negative("lookback", self.lookback)
        head = bool(lookback) and is_head(run, window, self._window_arguments(), dataset)
        return CallsHistory(
            stream=stream,
            client=self.hook.get_conn(),
            dataset=dataset,
            deletions=deletions,
            window=window,
            lookback=lookback,
            is_head=head,
        )


class GongExportUsersOperator(GongExportOperator):
    """Export all users of the company as they are now, one snapshot a run.

    A snapshot that exists is returned without a request. A backfill run is skipped: Gong does not tell who the
    users were in the past. Returns the summary of the export; without a destination the records themselves.

    See https://help.gong.io/apidocs/list-all-users-v2users

    :param destination: Where the dataset lies: `s3://conn@bucket/gong`, `gs://...`, `abfs://...`, `file:///data/gong`
        or an absolute path; rows land in `<destination>/users/`. (templated) Default: None, the records go to
        XCom, up to 1,000,000 bytes of JSON.
    :param destination_conn_id: Airflow connection of the storage, if the URL names none. (templated) Default: None.
    :param file_format: `jsonl.gz` or `jsonl`, one record a line, UTF-8; or `parquet`, typed columns, with the extra
        `[parquet]`. (templated) Default: `jsonl.gz`.
    :param skip_if_empty: Skip this task, and so those after it, when nothing was exported. (templated)
        Default: False.
    :param deferrable: Wait in the triggerer, holding no worker, when Gong or the quota asks for more than the
        connection's longest wait; the export goes on then. Default: Airflow's option `[operators] default_deferrable`.
    :param include_avatars: Export the synthetic users that stand for Gong's own staff too. (templated)
        Default: False.
    :param overwrite: Take the snapshot of this run again when it exists. (templated) Default: False.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = (*GongExportOperator.template_fields, "include_avatars", "overwrite")

    def __init__(
        self, *, include_avatars: bool | str = False, overwrite: bool | str = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.include_avatars = include_avatars
        self.overwrite = overwrite

    def stream(self) -> Stream:
        """Return the users that the arguments select."""
        from airflow_provider_gong.exports.streams import Users

        return Users(include_avatars=read.as_bool("include_avatars", self.include_avatars))

    def choose(self, stream: Stream, run: Run, dataset: Dataset | None) -> Choice:
        """Choose the moment of the snapshot; a backfill run has none."""
        from airflow_provider_gong.exports.window import Choice, Window

        if run.is_backfill:
            raise AirflowSkipException(
                "A backfill run exports no users: Gong only tells who they are now, not who they were."
            )
        return Choice(Window.snapshot(run.run_after), "a snapshot of now, named by run_after")

    def _export(self, export: Export) -> dict[str, Any]:
        from airflow_provider_gong.exports.manifest import check_identity
        from airflow_provider_gong.exports.summary import summary_of

        dataset, existing = export.dataset, export.dataset.manifest(export.window)
        if read.as_bool("overwrite", self.overwrite) or existing is None:
            return super()._export(export)
        check_identity(export.identity, existing, str(dataset.root))
        log.info("The snapshot exists: returned without a request (overwrite=True takes it again)")
        return summary_of(dataset, existing) | {"requests": 0}


class GongExportLogsOperator(GongWindowedExportOperator):
    """Export Gong's audit log entries of one type and a window.

    Gong gives log entries no id, so each row carries `_id`: the hash of the entry and its occurrence number among
    equal entries of the window. Entries hold personal data (IP addresses, sometimes tokens): mind who may read the
    destination. Returns the summary of the export; without a destination the records themselves.

    See https://help.gong.io/apidocs/retrieve-logs-data-by-type-and-time-range-v2logs

    :param log_type: `AccessLog`, `UserActivityLog`, `UserCallPlay`, `ExternallySharedCallAccess` or
        `ExternallySharedCallPlay`; each is a dataset of its own. (templated) Default: none, it is required.
    :param destination: Where the dataset lies: `s3://conn@bucket/gong`, `gs://...`, `abfs://...`, `file:///data/gong`
        or an absolute path; rows land in `<destination>/logs/`. (templated) Default: None, the records go to
        XCom, up to 1,000,000 bytes of JSON.
    :param destination_conn_id: Airflow connection of the storage, if the URL names none. (templated) Default: None.
    :param file_format: `jsonl.gz` or `jsonl`, one record a line, UTF-8; or `parquet`, typed columns, with the extra
        `[parquet]`. (templated) Default: `jsonl.gz`.
    :param skip_if_empty: Skip this task, and so those after it, when nothing was exported. (templated)
        Default: False.
    :param deferrable: Wait in the triggerer, holding no worker, when Gong or the quota asks for more than the
        connection's longest wait; the export goes on then. Default: Airflow's option `[operators] default_deferrable`.
    :param from_datetime: Start of the window, inclusive; a datetime or ISO 8601 text, UTC without an offset.
        Needs `to_datetime`. (templated) Default: None, the window follows from the run.
    :param to_datetime: End of the window, exclusive; must have passed. (templated) Default: None.
    :param interval: Length of the window of a run: it ends when the run was due, or begins at the partition
        date; a timedelta or an ISO 8601 duration such as `P1D`. (templated) Default: None, the data
        interval of the run, or what no manifest covers yet.
    :param initial_from_datetime: Where the first export of a dataset begins, inclusive; needed once for runs
        without a data interval. (templated) Default: None.
    :param settle: How far to hold back windows that follow from the run, for entries that Gong records late;
        a timedelta or an ISO 8601 duration. (templated) Default: 1 hour.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = (*GongWindowedExportOperator.template_fields, "log_type")

    def __init__(self, *, log_type: str, settle: timedelta | str = timedelta(hours=1), **kwargs: Any) -> None:
        super().__init__(settle=settle, **kwargs)
        self.log_type = log_type

    def stream(self) -> Stream:
        """Return the log entries that the arguments select."""
        from airflow_provider_gong.api.logs import LOG_TYPES
        from airflow_provider_gong.exports.streams import Logs

        return Logs(log_type=read.as_choice("log_type", self.log_type, LOG_TYPES))
