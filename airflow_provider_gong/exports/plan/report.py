"""A plan for a backfill, in words and in JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_gong.exports.plan.cadence import Cadence
    from airflow_provider_gong.exports.plan.estimate import Estimate, Quota
    from airflow_provider_gong.exports.window import Window

BETWEEN = """\
Windows that were not asked lie on a line between those that were; the bounds take each for the
emptier or the fuller of its neighbours."""
LOGS_CAVEAT = "Gong's count may run ahead of what it returns."
CALLS_CAVEAT = "Gong's count holds private calls, and calls that it does not show yet."


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What was asked for, what Gong counted, and the quota that pays for it."""

    stream: str
    workspace_id: str | None
    log_type: str | None
    cadence: Cadence
    estimate: Estimate
    quota: Quota
    #: Requests that the plan itself took.
    spent: int

    @property
    def windows(self) -> list[Window]:
        """Return the windows of the range, at least one."""
        return self.estimate.windows

    @property
    def requests(self) -> dict[str, int]:
        """Return the requests of the backfill, by operation."""
        return self.estimate.requests(self.stream)

    @property
    def timetable(self) -> str | None:
        """Return the timetable whose runs have these windows, if there is one."""
        return self.cadence.timetable(self.windows[0].start) if self._whole else None

    @property
    def command(self) -> str | None:
        """Return the backfill of a Dag with that timetable."""
        if self.timetable is None:
            return None
        # Both dates name runs by the start of their windows, and both are inclusive.
        first, last = _stamp(self._whole[0].start), _stamp(self._whole[-1].start)
        return f"airflow backfill create --dag-id YOUR_DAG --from-date {first} --to-date {last}"

    @property
    def cut_off(self) -> Window | None:
        """Return the last window, if the range ends before it does."""
        return None if self._whole and self._whole[-1] == self.windows[-1] else self.windows[-1]

    @property
    def _whole(self) -> list[Window]:
        return self.cadence.whole(self.windows)


def as_json(plan: Plan) -> str:
    """Write the plan for machines."""
    estimate, quota, requests = plan.estimate, plan.quota, sum(plan.requests.values())
    body: dict[str, Any] = {
        "stream": plan.stream,
        "workspace_id": plan.workspace_id,
        "log_type": plan.log_type,
        "from": _stamp(plan.windows[0].start),
        "to": _stamp(plan.windows[-1].end),
        "window": plan.cadence.text,
        "windows": len(plan.windows),
        "records": {"likely": estimate.records, "lowest": estimate.lowest, "highest": estimate.highest},
        "requests": {"total": requests, "by_operation": plan.requests},
        "minutes": round(quota.minutes(requests), 2),
        "requests_per_second": quota.per_second,
        "daily_budget": quota.budget,
        "percent_of_daily_budget": round(quota.percent_of_budget(requests), 2),
        "share": quota.backfill_share,
        "days": quota.days(requests),
        "asked": {
            "requests": plan.spent,
            "windows": [
                {
                    "from": _stamp(plan.windows[index].start),
                    "to": _stamp(plan.windows[index].end),
                    "records": estimate.counts[index],
                    "per_day": round(per_day, 2),
                }
                for index, per_day in estimate.per_day.items()
            ],
        },
        "timetable": plan.timetable,
        "command": plan.command,
        "cut_off": plan.cut_off and [_stamp(plan.cut_off.start), _stamp(plan.cut_off.end)],
    }
    return f"{json.dumps(body, indent=2)}\n"


def as_text(plan: Plan) -> str:
    """Write the plan for people."""
    rows = {**_cost(plan), **_basis(plan)}
    head = f"Backfill of {_selection(plan)}, {_day(plan.windows[0].start)} to {_day(plan.windows[-1].end)}"
    lines = [head, "", *(f"{name:<14}{value}" for name, value in rows.items()), "", *_caveats(plan)]
    return "\n".join([*lines, *_commands(plan), ""])


def _selection(plan: Plan) -> str:
    return " ".join(
        [
            plan.stream,
            *([f"of {plan.log_type}"] if plan.log_type else []),
            *([f"of workspace {plan.workspace_id}"] if plan.workspace_id else []),
        ]
    )


def _cost(plan: Plan) -> dict[str, str]:
    quota, requests = plan.quota, sum(plan.requests.values())
    parts = ", ".join(f"{number:,} {operation}" for operation, number in plan.requests.items())
    return {
        "Records": _records(plan),
        "Requests": f"about {requests:,}: {parts}",
        "Time": f"{quota.minutes(requests):,.1f} minutes at {quota.per_second} requests a second, more where Gong "
        "is slower",
        "Daily budget": f"{quota.percent_of_budget(requests):,.1f} % of {quota.budget:,} requests "
        f"({quota.daily_share:g} % of {quota.per_day:,})",
        "Days": f"{quota.days(requests):,}, spending {quota.of_a_day:,} requests a day at most "
        f"(the backfill's {quota.backfill_share:g} %)",
    }


def _records(plan: Plan) -> str:
    estimate, noun = plan.estimate, "entries" if plan.stream == "logs" else "calls"
    if estimate.lowest == estimate.highest:
        return f"about {estimate.records:,} {noun}"
    return f"about {estimate.records:,} {noun}, between {estimate.lowest:,} and {estimate.highest:,}"


def _basis(plan: Plan) -> dict[str, str]:
    per_day, number = plan.estimate.per_day, len(plan.windows)
    low, high = min(per_day, key=per_day.__getitem__), max(per_day, key=per_day.__getitem__)
    asked = f"{len(per_day)} of the {number:,}" if len(per_day) < number else f"all {number:,}"
    return {
        "Windows": f"{number:,} of {plan.cadence.text}",
        "Asked": f"{plan.spent:,} requests, for {asked} windows",
        "Spread": f"{per_day[low]:,.1f} records a day (window of {_day(plan.windows[low].start)}) to "
        f"{per_day[high]:,.1f} ({_day(plan.windows[high].start)})",
    }


def _caveats(plan: Plan) -> list[str]:
    caveats = [f"These are estimates. {LOGS_CAVEAT if plan.stream == 'logs' else CALLS_CAVEAT}"]
    return [*caveats, BETWEEN] if len(plan.estimate.counts) < len(plan.windows) else caveats


def _commands(plan: Plan) -> list[str]:
    lines = []
    if plan.command is not None:
        lines += [
            "",
            "Runs of a Dag with this schedule have these windows:",
            f"  schedule={plan.timetable}",
            f"  {plan.command}",
        ]
    elif plan.cut_off is None or len(plan.windows) > 1:
        lines += [
            "",
            f"No cron expression has windows of {plan.cadence.text} from {_stamp(plan.windows[0].start)} on: give each "
            "run its own with from_datetime= and to_datetime=.",
        ]
    if plan.cut_off is not None:
        lines += [
            "",
            f"The range cuts the last window short: export {_day(plan.cut_off.start)} to {_day(plan.cut_off.end)} with "
            "from_datetime= and to_datetime=.",
        ]
    return lines


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _day(moment: datetime) -> str:
    """Write a moment as short as it can be."""
    is_midnight = not (moment.hour or moment.minute or moment.second)
    return f"{moment:%Y-%m-%d}" if is_midnight else _stamp(moment)
