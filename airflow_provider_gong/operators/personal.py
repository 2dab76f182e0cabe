"""Keep the personal arguments of operators out of logs, rendered fields and errors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, quote_plus

from airflow_provider_gong.api.privacy import FEWEST_DIGITS
from airflow_provider_gong.exceptions import GongReplyError
from airflow_provider_gong.operators.base import GongOperator

if TYPE_CHECKING:
    from collections.abc import Iterable

    import jinja2
    from airflow.sdk import Context

# Airflow masks nothing shorter either, unless it is told to ([logging] min_length_masked_secret).
SHORTEST = 5
MASK = "***"
# Between two digits of a phone number.
GAP = "[^0-9A-Za-z]{0,3}"


class GongPersonalOperator(GongOperator):
    """Base of the operators with arguments that nobody may read afterwards: addresses and phone numbers.

    Airflow masks them, in all spellings, in the task's log and in the rendered fields that it stores and shows.
    It cannot mask what it stores apart from the task: values that are written into the Dag file, the parameters
    of the run, and what other tasks returned. An Airflow variable or a secrets backend hides those, too.
    """

    personal_fields: ClassVar[tuple[str, ...]]

    def _do_render_template_fields(
        self,
        parent: Any,
        template_fields: Iterable[str],
        context: Context,
        jinja_env: jinja2.Environment,
        seen_oids: set[int],
    ) -> None:
        # Not in render_template_fields, which a mapped task never calls. Airflow stores the fields right after.
        super()._do_render_template_fields(parent, template_fields, context, jinja_env, seen_oids)
        if parent is self:
            self._mask()

    def execute(self, context: Context) -> Any:
        """Do the work; what it raises tells nothing personal."""
        try:
            return super().execute(context)
        except Exception as error:
            self.strip(error)
            raise

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after a deferral; what it raises tells nothing personal."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except Exception as error:
            self.strip(error)
            raise

    def strip(self, error: BaseException | None) -> None:
        """Take the personal arguments out of an error and its causes: Gong may quote them."""
        known = sorted(self._spellings(), key=len, reverse=True)
        if not known:
            return
        numbers = [of_number(value) for value in self._values() if "@" not in value]
        pattern = re.compile("|".join([*map(re.escape, known), *filter(None, numbers)]), re.IGNORECASE)
        while error is not None:
            error.args = tuple(pattern.sub(MASK, one) if isinstance(one, str) else one for one in error.args)
            if isinstance(error, GongReplyError):
                error.message = pattern.sub(MASK, error.message)
                error.messages = tuple(pattern.sub(MASK, one) for one in error.messages)
            error = error.__cause__ or error.__context__

    def _mask(self) -> None:
        from airflow.sdk.log import mask_secret

        for name in self.personal_fields:
            value = getattr(self, name)
            if value is not None:
                # Airflow masks texts only; templates rendered as native objects make numbers of numbers.
                setattr(self, name, str(value))
        mask_secret([*self._spellings()])

    def _spellings(self) -> set[str]:
        return {one for value in self._values() for one in spellings(value)}

    def _values(self) -> list[str]:
        values = (getattr(self, name) for name in self.personal_fields)
        return [str(value) for value in values if value]


def spellings(value: str) -> set[str]:
    """Return how an address or a number may appear in a log: as given, normalised, and in URLs."""
    bare = value.strip()
    plain = {value, bare, bare.lstrip("+")}
    digits = re.sub("[^0-9]", "", bare)
    if "@" not in bare:
        plain |= {digits, f"+{digits}"}
    plain |= {one.lower() for one in plain} | {one.upper() for one in plain}
    in_urls = {encode(one) for one in plain for encode in (quote, quote_plus, _quote_all, _quote_as_browsers)}
    return {one for one in plain | in_urls | {one.lower() for one in in_urls} if len(one) >= SHORTEST}


def of_number(value: str) -> str | None:
    """Return a pattern of a phone number however somebody else spells it, with or without its country code."""
    digits = re.sub("[^0-9]", "", value)
    # Country codes have one to three digits.
    code = min(3, len(digits) - FEWEST_DIGITS)
    if code < 0:
        return None
    optional = "".join(f"(?:{digit}{GAP})?" for digit in digits[:code])
    return rf"\+?(?<![0-9]){optional}{GAP.join(digits[code:])}(?![0-9])"


def _quote_all(text: str) -> str:
    return quote(text, safe="")


def _quote_as_browsers(text: str) -> str:
    return quote(text, safe="!~*'()")
