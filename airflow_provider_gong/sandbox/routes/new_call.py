"""What a request to create a call must look like.

https://help.gong.io/apidocs/add-new-call-v2calls-2
"""

from collections.abc import Iterator
from typing import Any

from airflow_provider_gong.sandbox.replies import Refusal
from airflow_provider_gong.sandbox.routes.shapes import (
    Check,
    check_body,
    list_of,
    moment,
    one_of,
    record,
    text,
)
from airflow_provider_gong.sandbox.state import Gong
from airflow_provider_gong.sandbox.world import User

LANGUAGES = """
af-ZA am-ET ar-AE ar-BH ar-DZ ar-EG ar-IL ar-IQ ar-JO ar-KW ar-LB ar-MA ar-MR ar-OM ar-PS ar-QA ar-SA
ar-TN ar-YE az-AZ bg-BG bn-BD bn-IN bs-BA ca-ES cs-CZ da-DK de-AT de-CH de-DE el-GR en-AB en-AU en-CA
en-GB en-IE en-IN en-NZ en-PH en-SG en-US en-WL en-ZA es-AR es-BO es-CL es-CO es-CR es-DO es-EC es-ES
es-GT es-HN es-MX es-NI es-PA es-PE es-PR es-PY es-SV es-US es-UY et-EE eu-ES fa-IR fi-FI fil-PH fr-BE
fr-CA fr-CH fr-FR gl-ES gu-IN he-IL hi-IN hr-HR hu-HU hy-AM id-ID is-IS it-CH it-IT ja-JP jv-ID ka-GE
kk-KZ km-KH kn-IN ko-KR lo-LA lt-LT lv-LV mk-MK ml-IN mn-MN mr-IN ms-MY my-MM ne-NP nl-BE nl-NL no-NO
pa-Guru-IN pl-PL pt-BR pt-PT ro-RO ru-RU si-LK sk-SK sl-SI sq-AL sr-RS su-ID sv-SE sw-KE sw-TZ ta-IN ta-LK
ta-MY ta-SG te-IN th-TH tr-TR uk-UA ur-IN ur-PK uz-UZ vi-VN yue-Hant-HK zh-CN zh-TW zu-ZA
"""


def _text_up_to(longest: int) -> Check:
    def check(value: Any, where: str) -> Iterator[str]:
        yield from text(value, where)
        if isinstance(value, str) and len(value) > longest:
            yield f"{where}: size must be between 0 and {longest}"

    return check


def _seconds(value: Any, where: str) -> Iterator[str]:
    # The document sets no limit, Python's dates do.
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e8:
        yield f"{where}: must be a number of seconds"


def _whole(most: int) -> Check:
    def check(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            yield f"{where}: must be a whole number between 0 and {most}"

    return check


def _flag(value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, bool):
        yield f"{where}: must be true or false"


def _not_empty(check: Check) -> Check:
    def check_size(value: Any, where: str) -> Iterator[str]:
        yield from check(value, where)
        if value == []:
            yield f"{where}: size must be between 1 and {LARGEST}"

    return check_size


def _links(*kinds: str) -> Check:
    """Check a list of links to objects of other systems."""
    fields = list_of(record({"name": text}))
    link = record(
        {"objectType": one_of(*kinds), "objectId": text, "fields": fields},
        required=("objectType", "objectId"),
    )
    return list_of(record({"system": one_of(*SYSTEMS), "objects": list_of(link)}, required=("system",)))


LARGEST = 2**31 - 1
SYSTEMS = ("Salesforce", "HubSpot", "MicrosoftDynamic", "Generic")
PARTY = record(
    {
        **dict.fromkeys(("phoneNumber", "emailAddress", "name", "partyId", "userId"), text),
        "mediaChannelId": _whole(1),
        "context": _links("Lead", "Contact", "Account", "Opportunity", "User", "Lead,Contact"),
    }
)
SEGMENT = record(
    {"fromTime": _whole(LARGEST), "toTime": _whole(LARGEST), "partyIds": list_of(text)},
    required=("fromTime", "toTime", "partyIds"),
)
NEW_CALL = record(
    {
        "clientUniqueId": _text_up_to(2048),
        **dict.fromkeys(("purpose", "disposition"), _text_up_to(255)),
        **dict.fromkeys(("scheduledStart", "scheduledEnd", "actualStart"), moment),
        **dict.fromkeys(("title", "customData", "meetingUrl", "callProviderCode"), text),
        **dict.fromkeys(("downloadMediaUrl", "workspaceId", "primaryUser"), text),
        "duration": _seconds,
        "parties": _not_empty(list_of(PARTY)),
        "direction": one_of("Inbound", "Outbound", "Conference", "Unknown"),
        "context": _links("Opportunity", "Account", "Lead", "Contact", "User", "Opportunity,Account"),
        "speakersTimeline": record({"precise": _flag, "speechSegments": list_of(SEGMENT)}),
        "languageCode": one_of(*LANGUAGES.split()),
        "flowContext": record({"taskId": text}),
    },
    required=("clientUniqueId", "actualStart", "parties", "direction", "primaryUser"),
)


def check_new_call(body: dict[str, Any], gong: Gong) -> None:
    """Refuse a call that is not as documented, or that does not fit to itself or to the company."""
    check_body(body, NEW_CALL)
    # Of these the rules are documented, the messages are not.
    messages = [*_trouble_with_host(body, gong), *_trouble_with_speakers(body)]
    workspace_id = body.get("workspaceId")
    if workspace_id is not None and workspace_id not in [one["id"] for one in gong.world.workspaces]:
        messages.append("workspaceId: Workspace not found")
    if messages:
        raise Refusal(400, *messages)


def find_host(body: dict[str, Any], gong: Gong) -> User:
    """Return the primary user of a call that was checked."""
    [host] = _hosts(body, gong)
    return host


def _hosts(body: dict[str, Any], gong: Gong) -> list[User]:
    return gong.world.find_users(user_ids=frozenset({body["primaryUser"]}))


def _trouble_with_host(body: dict[str, Any], gong: Gong) -> Iterator[str]:
    hosts = _hosts(body, gong)
    if not hosts:
        yield "primaryUser: User not found"
    elif not any(hosts[0].is_party(party) for party in body["parties"]):
        yield "parties: must contain the primary user"


def _trouble_with_speakers(body: dict[str, Any]) -> Iterator[str]:
    segments = (body.get("speakersTimeline") or {}).get("speechSegments") or []
    known = {party.get("partyId") for party in body["parties"]}
    for number, segment in enumerate(segments):
        for party_id in segment["partyIds"]:
            if party_id not in known:
                where = f"speakersTimeline.speechSegments[{number}].partyIds"
                yield f"{where}: there is no party {party_id!r}"
