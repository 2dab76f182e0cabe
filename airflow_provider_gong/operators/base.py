"""What all operators share: the connection, and errors that Airflow understands."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gong.exceptions import GongError, GongReplyError
from airflow_provider_gong.operators.retries import GongRetryPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from airflow_provider_gong.api.endpoint import Request
    from airflow_provider_gong.hooks.gong import GongHook


def gong_fields(*names: str) -> tuple[str, ...]:
    """Return the template fields of an operator: its own arguments and the connection."""
    return ("gong_conn_id", *names)


class GongOperator(BaseOperator):
    """Base of all Gong operators.

    Subclasses assign in `__init__` and do their work in `perform`: templates are rendered between the two. Where Gong
    or the quota says when to come back, Airflow's retries come then, unless the task has a `retry_policy` of its own.

    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = gong_fields()
    ui_color = "#ece4ff"

    def __init__(self, *, gong_conn_id: str = "gong_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gong_conn_id = gong_conn_id
        if self.retry_policy is None:
            self.retry_policy = GongRetryPolicy()

    @property
    def repeatable(self) -> bool:
        """Tell whether doing it twice does no more than doing it once.

        Then Airflow may retry a write whose reply was lost.
        """
        return False

    @cached_property
    def hook(self) -> GongHook:
        """Return the hook of the connection."""
        from airflow_provider_gong.hooks.gong import GongHook

        return GongHook(self.gong_conn_id)

    def execute(self, context: Context) -> Any:
        """Do the work; a failure that no retry can mend fails the task at once."""
        return self.carry_out(context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after a deferral, as part of the same Dag run."""
        self.hook.backfill = _is_backfill(context)
        return super().resume_execution(next_method, next_kwargs, context)

    def carry_out(self, context: Context) -> Any:
        """Do what `execute` promises; Airflow lets nobody else call that."""
        self.hook.backfill = _is_backfill(context)
        try:
            return self.perform(context)
        except GongError as error:
            if isinstance(error, GongReplyError) and error.in_doubt and self.repeatable:
                error.in_doubt = False
                raise
            if error.retryable:
                raise
            raise AirflowFailException(str(error)) from error
        finally:
            self.hook.close()

    @abstractmethod
    def perform(self, context: Context) -> Any:
        """Do the work of the operator."""


def _is_backfill(context: Context) -> bool:
    """Tell whether `airflow backfill` made the run."""
    # A test may call `execute({})`: that is no backfill.
    run_type = getattr(context.get("dag_run"), "run_type", None)
    return str(getattr(run_type, "value", run_type)) == "backfill"


class GongActionOperator(GongOperator):
    """Base of the operators that send one request."""

    @abstractmethod
    def request(self) -> Request:
        """Return the request, from the rendered arguments."""

    def perform(self, context: Context) -> Any:
        """Send the request and return what comes of it."""
        return self.outcome(self.hook.send(self.request()))

    def outcome(self, reply: Any) -> Any:
        """Return what the task returns, from what Gong replied."""
        return reply
