"""The headers that go with each page, and the files that pages are made of."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

from tests.hooks.oauth import decide

if TYPE_CHECKING:
    from airflow_provider_gong.sandbox import GongSandbox
    from tests.plugins.oauth.served import ServedAirflow, Visit


def policy(answer: object) -> dict[str, str]:
    value: str = answer.headers["Content-Security-Policy"]  # type: ignore[attr-defined]
    return {name: rest for name, _, rest in (rule.partition(" ") for rule in value.split("; "))}


def test_every_answer_is_guarded(airflow: ServedAirflow, admin: Visit) -> None:
    back = decide(admin.begin())
    answers = [
        admin.get(),
        admin.get(conn_id="gone"),
        admin.get(f"{airflow.page}elsewhere"),
        admin.get(back),
        admin.get(back),
        admin.post("connect", {}),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 404, 303, 400, 403]
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    # An address with a code is told to nobody; where a form comes from has to be told to us.
    assert [answer.headers["Referrer-Policy"] for answer in answers] == ["same-origin"] + ["no-referrer"] * 5


def test_policy_lets_nothing_in_and_forms_only_to_gong(gong: GongSandbox, admin: Visit) -> None:
    answer = admin.get()
    rules = policy(answer)
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert rules["form-action"] == f"'self' {gong.url}"
    found = re.search("<style>(.*?)</style>", answer.text, re.DOTALL)
    assert found
    digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
    assert rules["style-src"] == f"'sha256-{digest}'"
    assert "script-src" not in rules
    assert "<script" not in answer.text
    assert " style=" not in answer.text
    assert policy(admin.get(conn_id="gone"))["form-action"] == "'self'"
