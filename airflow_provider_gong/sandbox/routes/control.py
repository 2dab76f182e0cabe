"""Control over the sandbox from outside its process: clock, faults and the count of requests.

None of this is Gong's. It asks for no key: the sandbox listens on the loopback interface only.
"""

import json
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from airflow_provider_gong.sandbox.faults import Fault, FaultKind
from airflow_provider_gong.sandbox.state import Gong

router = APIRouter(prefix="/_sandbox")


@router.get("")
@router.get("/")
async def describe(request: Request) -> JSONResponse:
    """Say what can be asked for here."""
    gong = _gong(request)
    return JSONResponse(
        {
            "now": gong.clock.now().isoformat(),
            "requests": len(gong.requests),
            "clock": 'POST /_sandbox/clock {"now": "2026-01-31T00:00:00Z"} or {"advance_seconds": 3600}; '
            "DELETE goes back to the real time",
            "faults": 'POST /_sandbox/faults {"kind": "server_error", "path": "/v2/users", "skip": 0, '
            '"times": 2}; GET lists them, DELETE clears them',
            "count": "GET /_sandbox/requests; DELETE starts anew",
            "fault_kinds": [kind.value for kind in FaultKind],
        }
    )


@router.get("/clock")
async def tell_time(request: Request) -> JSONResponse:
    """Tell the time of the sandbox."""
    return JSONResponse({"now": _gong(request).clock.now().isoformat()})


@router.post("/clock")
async def move_clock(request: Request) -> JSONResponse:
    """Stop the clock at a moment, or move it forward."""
    clock = _gong(request).clock
    try:
        body = await _body(request, {"now", "advance_seconds"})
        if "now" in body:
            clock.set(datetime.fromisoformat(body["now"]))
        if "advance_seconds" in body:
            clock.advance(timedelta(seconds=body["advance_seconds"]))
    except (TypeError, ValueError) as error:
        return _bad(error)
    return JSONResponse({"now": clock.now().isoformat()})


@router.delete("/clock")
async def run_clock(request: Request) -> JSONResponse:
    """Go back to the real time."""
    clock = _gong(request).clock
    clock.run()
    return JSONResponse({"now": clock.now().isoformat()})


@router.get("/faults")
async def list_faults(request: Request) -> JSONResponse:
    """List the faults, with how often each has struck."""
    return JSONResponse({"faults": [asdict(fault) for fault in _gong(request).faults.all()]})


@router.post("/faults")
async def add_fault(request: Request) -> JSONResponse:
    """Add a fault."""
    try:
        body = await _body(request, {one.name for one in fields(Fault) if one.init})
        fault = _gong(request).faults.add(body.pop("kind", ""), **body)
    except (TypeError, ValueError) as error:
        return _bad(error)
    return JSONResponse(asdict(fault), status_code=201)


@router.delete("/faults")
async def clear_faults(request: Request) -> JSONResponse:
    """Clear all faults."""
    _gong(request).faults.clear()
    return JSONResponse({"faults": []})


@router.get("/requests")
async def count_requests(request: Request) -> JSONResponse:
    """Count the requests to /v2, and list the newest hundred."""
    received = list(_gong(request).requests)
    newest = [
        {"method": one.method, "path": one.path, "status": one.status, "time": one.time.isoformat()}
        for one in received[-100:]
    ]
    return JSONResponse({"count": len(received), "newest": newest})


@router.delete("/requests")
async def forget_requests(request: Request) -> JSONResponse:
    """Start counting anew."""
    _gong(request).requests.clear()
    return JSONResponse({"count": 0, "newest": []})


def _gong(request: Request) -> Gong:
    gong: Gong = request.app.state.gong
    return gong


async def _body(request: Request, known: set[str]) -> dict[str, Any]:
    body = json.loads(await request.body())
    if not isinstance(body, dict) or not body or not set(body) <= known:
        raise ValueError(f"The body must be a JSON object with some of: {', '.join(sorted(known))}")
    return body


def _bad(error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, status_code=400)
