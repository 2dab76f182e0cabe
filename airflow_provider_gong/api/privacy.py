"""Data privacy: what refers to a person, and its erasure.

Errors say what is wrong with an address or a number, never the address or number itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.api.endpoint import Params, endpoint
from airflow_provider_gong.exceptions import GongConfigurationError, GongUnexpectedResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

# The shortest numbers of any country have 7 digits with its code, and none may have more than 15.
FEWEST_DIGITS = 7
MOST_DIGITS = 15

HOST = re.compile(r"[\w-]+(\.[\w-]+)*")
# Signs of a name, of several addresses, or of a list or bytes that were turned into text.
SPECIAL = re.compile(r'[,;:<>()\[\]"]')


@endpoint("GET", "/v2/data-privacy/data-for-email-address", result=None, scope="api:data-privacy:read")
def list_email_address_references(email_address: str) -> Params:
    """List what refers to an e-mail address: messages, calls, meetings, customer data and engagement.

    https://help.gong.io/apidocs/retrieve-all-references-to-an-email-address-v2data-privacydata-for-email-address

    :param email_address: one address, without a name.
    :raises GongConfigurationError: naming the argument that must be mended.
    """
    return Params(query={"emailAddress": wire_email_address(email_address)})


@endpoint("GET", "/v2/data-privacy/data-for-phone-number", result=None, scope="api:data-privacy:read")
def list_phone_number_references(phone_number: str) -> Params:
    """List what refers to the leads and contacts with a phone number: messages, calls, meetings, customer data.

    https://help.gong.io/apidocs/introduction-2

    :param phone_number: number with ``+`` and country code; blanks, hyphens and the like do not matter.
    :raises GongConfigurationError: naming the argument that must be mended.
    """
    return Params(query={"phoneNumber": wire_phone_number(phone_number)})


@endpoint(
    "POST", "/v2/data-privacy/erase-data-for-email-address", result=None, scope="api:data-privacy:delete"
)
def erase_email_address(email_address: str) -> Params:
    """Erase an e-mail address and all calls, messages, leads and contacts that refer to it, within hours.

    It cannot be undone, and a success does not say that anything was found.

    https://help.gong.io/apidocs/delete-the-email-address-and-all-associated-elements-v2data-privacyerase-data-for-email-address

    :param email_address: one address, without a name.
    :raises GongConfigurationError: naming the argument that must be mended.
    """
    return Params(query={"emailAddress": wire_email_address(email_address)})


@endpoint(
    "POST", "/v2/data-privacy/erase-data-for-phone-number", result=None, scope="api:data-privacy:delete"
)
def erase_phone_number(phone_number: str) -> Params:
    """Erase the leads and contacts with a phone number, and their calls and messages, within hours.

    It cannot be undone, and a success does not say that anything was found.

    https://help.gong.io/apidocs/delete-the-phone-number-and-all-associated-elements-v2data-privacyerase-data-for-phone-number

    :param phone_number: number with ``+`` and country code; blanks, hyphens and the like do not matter.
    :raises GongConfigurationError: naming the argument that must be mended.
    """
    return Params(query={"phoneNumber": wire_phone_number(phone_number)})


def reference_ids(reply: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ids of what a list of references holds, and counts of what has none; nothing personal.

    :raises GongUnexpectedResponse: when the reply lacks one of the lists: absence must not pass for "nothing".
    """
    found = {
        "call_ids": _ids(_list(reply, "calls")),
        "email_ids": _ids(_list(reply, "emails")),
        "meeting_ids": _ids(_list(reply, "meetings")),
        "customer_data_ids": _ids(_customer_data(reply)),
        # Of a phone number Gong lists no engagement.
        "customer_engagement_count": len(reply.get("customerEngagement") or []),
    }
    if "emailAddresses" in reply:
        found["email_address_count"] = len(reply["emailAddresses"] or [])
    return found


def joined_ids(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that two looks at the references of one person found, as `reference_ids` tells it.

    :param earlier: what the first look found; empty when there was none.
    """
    return {name: _joined(earlier.get(name), found) for name, found in now.items()}


def _joined(earlier: Any, now: Any) -> Any:
    if earlier is None:
        return now
    return list(dict.fromkeys([*earlier, *now])) if isinstance(now, list) else max(earlier, now)


def count_references(reply: Mapping[str, Any]) -> dict[str, int]:
    """Return how many references of each kind there are, with or without an id.

    :raises GongUnexpectedResponse: as `reference_ids` does.
    """
    return {
        "calls": len(_list(reply, "calls")),
        "emails": len(_list(reply, "emails")),
        "meetings": len(_list(reply, "meetings")),
        "customer data": len(_customer_data(reply)),
        "customer engagement": len(reply.get("customerEngagement") or []),
    }


def wire_email_address(value: object) -> str:
    """Return one e-mail address without the blanks around it."""
    text = _text(value)
    problem = _not_text(value) or _problem_of_email_address(text)
    if problem:
        raise GongConfigurationError(
            f"email_address {problem}: give one address and nothing else, such as name@example.com."
        )
    return text


def wire_phone_number(value: object) -> str:
    """Return a phone number as ``+`` and digits; whatever else is between the digits Gong ignores, too."""
    text = _text(value)
    problem = _not_text(value) or _problem_of_phone_number(text)
    if problem:
        raise GongConfigurationError(
            f"phone_number {problem}: give one number with + and country code, such as +1 425 555 2671."
        )
    return f"+{_digits(text)}"


def _problem_of_email_address(text: str) -> str | None:
    local, _, domain = text.partition("@")
    if not text:
        return "is empty"
    if text.count("@") != 1:
        return "has no @" if "@" not in text else f"has {text.count('@')} @"
    if not local or not domain:
        return f"has nothing {'after' if local else 'before'} its @"
    if re.search(r"\s", text):
        return "holds a blank"
    if not text.isprintable():
        return "holds a character that cannot be seen"
    if SPECIAL.search(text):
        return 'holds one of , ; : < > ( ) [ ] "'
    return None if HOST.fullmatch(domain) else "has no host after its @"


def _problem_of_phone_number(text: str) -> str | None:
    digits = len(_digits(text))
    if not text.startswith("+"):
        return "does not begin with +" if text else "is empty"
    if any(letter.isalpha() for letter in text):
        return "holds letters"
    if any(letter.isdigit() and not letter.isascii() for letter in text):
        return "holds digits other than 0 to 9"
    if "+" in text[1:] or re.search("[,;]", text):
        return "holds more than one number"
    if re.search(r"\(\s*0\s*\)", text):
        # Gong would count that zero, look for a number that nobody has, and find nothing.
        return "holds (0), which is not dialled from abroad"
    if not FEWEST_DIGITS <= digits <= MOST_DIGITS:
        return f"has {digits} digits, not {FEWEST_DIGITS} to {MOST_DIGITS}"
    return None


def _digits(text: str) -> str:
    return re.sub("[^0-9]", "", text)


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _not_text(value: object) -> str | None:
    return None if value is None or isinstance(value, str) else f"is {type(value).__name__}, not text"


def _ids(records: list[dict[str, Any]]) -> list[str]:
    return [str(one["id"]) for one in records if one.get("id")]


def _customer_data(reply: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        one
        for system in _list(reply, "customerData")
        if system.get("objects") is not None
        for one in _list(system, "objects")
    ]


def _list(reply: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = reply.get(key)
    if not isinstance(found, list):
        raise GongUnexpectedResponse(f"The list of references has no {key!r}; report it to Gong.")
    if not all(isinstance(one, dict) for one in found):
        raise GongUnexpectedResponse(
            f"In the list of references {key!r} holds no objects; report it to Gong."
        )
    return found
