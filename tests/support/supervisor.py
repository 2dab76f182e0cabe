"""What a task asks of its supervisor, answered from memory."""

from __future__ import annotations

from functools import singledispatchmethod
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import ErrorType
from airflow.sdk.execution_time import comms
from airflow.sdk.serde import deserialize, serialize

if TYPE_CHECKING:
    from collections.abc import Mapping

RETURN_VALUE = "return_value"


class InMemorySupervisor:
    """Stand in for the process that speaks with Airflow's API server on behalf of one task.

    Connections and variables come from the environment (``AIRFLOW_CONN_...``, ``AIRFLOW_VAR_...``), which the
    real secrets chain reads first; of its own the supervisor knows only the variables that it was given or that
    tasks have set. A message it does not know raises.
    """

    def __init__(
        self,
        xcoms: Mapping[str | tuple[str, str], Any] | None = None,
        task_state: dict[str, Any] | None = None,
        variables: dict[str, str] | None = None,
    ) -> None:
        self.variables = {} if variables is None else variables
        self.sent: list[Any] = []
        self.xcoms: dict[tuple[str, str], Any] = {}
        self.task_state = {} if task_state is None else task_state
        for where, value in (xcoms or {}).items():
            task_and_key = (where, RETURN_VALUE) if isinstance(where, str) else where
            self.xcoms[task_and_key] = serialize(value)

    def xcoms_of(self, task_id: str) -> dict[str, Any]:
        """Return what the task has pushed, by key."""
        return {key: deserialize(value) for (task, key), value in self.xcoms.items() if task == task_id}

    def send(self, msg: Any) -> Any:
        """Answer one message of the task."""
        self.sent.append(msg)
        return self._answer(msg)

    async def asend(self, msg: Any) -> Any:
        """Answer one message of an asynchronous task."""
        return self.send(msg)

    @singledispatchmethod
    def _answer(self, msg: Any) -> Any:
        raise NotImplementedError(f"the in-memory supervisor has no answer to {type(msg).__name__}")

    @_answer.register(comms.SucceedTask)
    @_answer.register(comms.TaskState)
    @_answer.register(comms.RetryTask)
    @_answer.register(comms.DeferTask)
    @_answer.register(comms.RescheduleTask)
    @_answer.register(comms.SkipDownstreamTasks)
    @_answer.register(comms.SetRenderedFields)
    @_answer.register(comms.SetRenderedMapIndex)
    @_answer.register(comms.MaskSecret)
    def _only_noted(self, msg: Any) -> None:
        return None

    @_answer.register
    def _(self, msg: comms.GetConnection) -> comms.ErrorResponse:
        return comms.ErrorResponse(error=ErrorType.CONNECTION_NOT_FOUND, detail={"conn_id": msg.conn_id})

    @_answer.register
    def _(self, msg: comms.GetVariable) -> comms.VariableResult | comms.ErrorResponse:
        if msg.key in self.variables:
            return comms.VariableResult(key=msg.key, value=self.variables[msg.key])
        return comms.ErrorResponse(error=ErrorType.VARIABLE_NOT_FOUND, detail={"key": msg.key})

    @_answer.register
    def _(self, msg: comms.PutVariable) -> None:
        assert msg.value is not None
        self.variables[msg.key] = msg.value

    @_answer.register
    def _(self, msg: comms.SetXCom) -> None:
        self.xcoms[msg.task_id, msg.key] = msg.value

    @_answer.register
    def _(self, msg: comms.DeleteXCom) -> None:
        self.xcoms.pop((msg.task_id, msg.key), None)

    @_answer.register
    def _(self, msg: comms.GetXCom) -> comms.XComResult:
        return comms.XComResult(key=msg.key, value=self.xcoms.get((msg.task_id, msg.key)))

    @_answer.register
    def _(self, msg: comms.GetXComSequenceSlice) -> comms.XComSequenceSliceResult:
        found = (msg.task_id, msg.key) in self.xcoms
        return comms.XComSequenceSliceResult(root=[self.xcoms[msg.task_id, msg.key]] if found else [])

    @_answer.register
    def _(self, msg: comms.GetTaskStateStore) -> comms.TaskStateStoreResult | comms.ErrorResponse:
        if msg.key not in self.task_state:
            return comms.ErrorResponse(error=ErrorType.TASK_STORE_NOT_FOUND, detail={"key": msg.key})
        return comms.TaskStateStoreResult(value=self.task_state[msg.key])

    @_answer.register
    def _(self, msg: comms.SetTaskStateStore) -> None:
        self.task_state[msg.key] = msg.value

    @_answer.register
    def _(self, msg: comms.ValidateInletsAndOutlets) -> comms.InactiveAssetsResult:
        return comms.InactiveAssetsResult(inactive_assets=[])

    @_answer.register
    def _(self, msg: comms.GetPrevSuccessfulDagRun) -> comms.PrevSuccessfulDagRunResult:
        return comms.PrevSuccessfulDagRunResult()
