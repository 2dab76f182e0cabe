"""The receipt of a check as a web page: one file that opens from a disk, without anything from elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from airflow_provider_gong import __version__
from airflow_provider_gong.exports.check.calendar import Day, days_of, month_of, shade, told_gap
from airflow_provider_gong.exports.check.receipt import first_of_each_kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_gong.exports.check.receipt import Receipt

#: The file beside the data; names that begin with `_` are no data.
PAGE_NAME = "_coverage.html"
_LISTED = 200
_OPEN = 5
_SHADES = 5

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2330; --soft: #5b6172; --line: #d9dce5; --paper: #fff; --none: #eef0f4;
  --s1: #d9d3f7; --s2: #b5a8ee; --s3: #8f7ce2; --s4: #6a52cf; --s5: #4a33a8; --gap: #c2410c; --good: #14733b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaf2; --soft: #a3a9bb; --line: #3a3f4e; --paper: #171a22;
  --none: #262a35; --s1: #352c63; --s2: #4c3d91; --s3: #6854c0; --s4: #8f7ce2; --s5: #c3b8f5; --gap: #fb923c;
  --good: #4ade80; } }
body { margin: 2rem auto; padding: 0 1.5rem; max-width: 64rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
code { font-size: .9em; overflow-wrap: anywhere; } .soft { color: var(--soft); }
.verdict { font-size: 1.1rem; font-weight: 600; margin: 1rem 0; padding: .5rem .9rem; border-left: .35rem solid; }
.good { border-color: var(--good); color: var(--good); } .bad { border-color: var(--gap); color: var(--gap); }
dl { display: flex; flex-wrap: wrap; gap: .75rem 2.25rem; margin: 1rem 0; }
dt { color: var(--soft); font-size: .85rem; } dd { margin: 0; font-weight: 600; }
.scroll { overflow-x: auto; }
table { border-collapse: separate; border-spacing: 2px; font-variant-numeric: tabular-nums; }
th { color: var(--soft); font-size: .75rem; font-weight: 400; text-align: center; padding: 0; }
th[scope=row] { text-align: left; padding-right: .5rem; white-space: nowrap; font-size: .85rem; }
.calendar td { width: 1.35rem; min-width: 1.1rem; height: 1.35rem; padding: 0; text-align: center;
  font-size: .8rem; font-weight: 700; line-height: 1; border-radius: 3px; position: relative; }
.calendar td.sum { width: auto; min-width: 4rem; text-align: right; font-weight: 400; padding-left: .75rem;
  white-space: nowrap; }
.s0 { background: var(--none); } .s1 { background: var(--s1); } .s2 { background: var(--s2); }
.s3 { background: var(--s3); } .s4 { background: var(--s4); } .s5 { background: var(--s5); }
.gap { color: var(--gap); box-shadow: inset 0 0 0 2px var(--gap); background: var(--paper); }
.legend { display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; list-style: none; padding: 0; font-size: .85rem; }
.legend span { display: inline-block; width: 1.1rem; height: 1.1rem; margin-right: .35rem; border-radius: 3px;
  vertical-align: text-bottom; text-align: center; font-weight: 700; line-height: 1.1rem; }
.listed { padding-left: 1.2rem; } .listed li { margin: .5rem 0; overflow-wrap: anywhere; font-size: .9rem; }
.listed strong { font-weight: 600; } summary { cursor: pointer; }
.gaps { border-collapse: collapse; font-size: .9rem; }
.gaps th, .gaps td { text-align: left; padding: .2rem 1.5rem .2rem 0; border-bottom: 1px solid var(--line); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
"""


def page(receipt: Receipt, written_at: datetime | None = None) -> bytes:
    """Draw the page."""
    at = (written_at or datetime.now(UTC)).isoformat(timespec="seconds")
    title = f"Coverage of {escape(receipt.address)}"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Is it all there?</h1>
<p class="soft"><code>{escape(receipt.address)}</code></p>
{_verdict(receipt)}
{_facts(receipt)}
{_problems(receipt)}
{_calendar(receipt)}
{_gaps(receipt)}
</main>
<footer class="soft"><p>Checked at {at} by airflow-provider-gong {__version__}. Times and days are those of UTC.</p>
</footer>
</body>
</html>
""".encode()


def _verdict(receipt: Receipt) -> str:
    if receipt.ok:
        return '<p class="verdict good">\u2713 Nothing is missing, doubled or damaged.</p>'
    count = len(receipt.problems)
    return f'<p class="verdict bad">\u2717 {count:,} problem{"s" if count != 1 else ""}</p>'


def _facts(receipt: Receipt) -> str:
    kind = "Snapshots" if receipt.holds_snapshots else "Windows"
    facts = {
        "From": _time(receipt.start),
        "To": _time(receipt.end),
        kind: f"{len(receipt.spans):,}",
        "Rows": f"{receipt.rows:,}",
        "Gaps": f"{len(receipt.gaps):,}",
        "Pending": f"{receipt.pending:,}",
        "Given up": f"{receipt.given_up:,}",
        "Doubled": f"{receipt.doubled:,}",
    }
    if not receipt.covers_time:
        facts = {name: facts[name] for name in ("From", "To", kind, "Rows")}
    return f"<dl>{''.join(f'<div><dt>{name}</dt><dd>{fact}</dd></div>' for name, fact in facts.items())}</dl>"


def _problems(receipt: Receipt) -> str:
    if receipt.ok:
        return ""
    shown = first_of_each_kind(receipt.problems, _LISTED)
    listed = [
        f'<li><strong>{escape(problem.what)}</strong><br><span class="soft">{escape(problem.mend)}</span></li>'
        for problem in shown
    ]
    left = len(receipt.problems) - len(shown)
    more = f"\n<p>and {left:,} more</p>" if left else ""
    few = _list(listed[:_OPEN])
    # The calendar must not be pushed off the screen by a hundred gaps.
    rest = listed[_OPEN:]
    folded = (
        f"\n<details><summary>Show {len(rest):,} others</summary>\n{_list(rest)}{more}</details>"
        if rest
        else ""
    )
    return f"<h2>Problems, and what mends them</h2>\n{few}{folded}"


def _list(items: list[str]) -> str:
    return '<ul class="listed">\n' + "\n".join(items) + "\n</ul>"


def _gaps(receipt: Receipt) -> str:
    if not receipt.gaps:
        return ""
    head = '<tr><th scope="col">From</th><th scope="col">To</th><th scope="col">Length</th></tr>'
    rows = "\n".join(
        f"<tr><td>{_time(gap.start)}</td><td>{_time(gap.end)}</td><td>{gap.end - gap.start}</td></tr>"
        for gap in receipt.gaps[:_LISTED]
    )
    left = len(receipt.gaps) - _LISTED
    more = f"<p>and {left:,} more</p>" if left > 0 else ""
    return f'<h2>Gaps</h2>\n<table class="gaps">\n{head}\n{rows}\n</table>{more}'


def _calendar(receipt: Receipt) -> str:
    days = days_of(receipt)
    if not days:
        return ""
    busiest = max(day.rows for day in days)
    numbers = "".join(f'<th scope="col">{number}</th>' for number in range(1, 32))
    months = "\n".join(_month(name, list(block), busiest) for name, block in groupby(days, month_of))
    return f"""<h2>Rows per day</h2>
<div class="scroll"><table class="calendar">
<thead><tr><th scope="col"><span class="hidden">Month</span></th>{numbers}<th scope="col">Rows</th></tr></thead>
<tbody>
{months}
</tbody></table></div>
{_legend(busiest, receipt)}"""


def _month(name: str, days: Iterable[Day], busiest: float) -> str:
    found = {day.date.day: day for day in days}
    cells = "".join(
        _cell(found[number], busiest) if number in found else "<td></td>" for number in range(1, 32)
    )
    total = sum(day.rows for day in found.values())
    return f'<tr><th scope="row">{name}</th>{cells}<td class="sum">{total:,.0f}</td></tr>'


def _cell(day: Day, busiest: float) -> str:
    told = ", ".join(filter(None, (f"{day.rows:,.0f} rows", told_gap(day)[2:])))
    text = f"{day.date:%Y-%m-%d}: {told}"
    sign = told_gap(day)[:1]
    style = "gap" if day.has_gap else f"s{shade(day.rows, busiest, _SHADES)}"
    shown = f'<span aria-hidden="true">{sign}</span>' if sign else ""
    return f'<td class="{style}" title="{text}">{shown}<span class="hidden">{told}</span></td>'


def _legend(busiest: float, receipt: Receipt) -> str:
    signs = [("s0", "", "no snapshot" if receipt.holds_snapshots else "no rows")]
    for step in range(1, _SHADES + 1):
        signs.append((f"s{step}", "", f"up to {busiest * step / _SHADES:,.0f}"))
    if receipt.covers_time:
        signs += [("gap", "!", "not exported"), ("gap", "?", "partly exported")]
    listed = "".join(
        f'<li><span class="{style}" aria-hidden="true">{sign}</span>{text}</li>'
        for style, sign, text in signs
    )
    return (
        f'<ul class="legend">{listed}</ul>\n<p class="soft">A day shows its rows when pointed at. Rows of a window '
        "longer or other than a day are spread evenly over the days that it covers.</p>"
    )


def _time(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if moment else "\u2013"
