"""Data privacy: finding people, and forgetting them hours later."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from airflow_provider_gong.sandbox import Call, GongSandbox
from airflow_provider_gong.sandbox.world.cast import Participant, cast
from airflow_provider_gong.sandbox.world.mentions import Subject
from tests.sandbox.client import Client, errors
from tests.sandbox.conftest import NOW

FIND_ADDRESS = "/v2/data-privacy/data-for-email-address"
FIND_NUMBER = "/v2/data-privacy/data-for-phone-number"
ERASE_ADDRESS = "/v2/data-privacy/erase-data-for-email-address"
ERASE_NUMBER = "/v2/data-privacy/erase-data-for-phone-number"
NOTHING: dict[str, Any] = {"emails": [], "calls": [], "meetings": [], "customerData": []}


def find_address(client: Client, address: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(FIND_ADDRESS, emailAddress=address).json()
    del found["requestId"]
    return found


def find_number(client: Client, number: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(FIND_NUMBER, phoneNumber=number).json()
    del found["requestId"]
    return found


def erase(client: Client, path: str, **query: str) -> requests.Response:
    return client.ask("POST", path, params=query)


def ids(found: dict[str, Any]) -> set[str]:
    return {call["id"] for call in found["calls"]}


def with_person(gong: GongSandbox, is_meant: Callable[[Participant], bool]) -> set[str]:
    """Return the ids of the calls that are over and have somebody, found the long way."""

    def counts(call: Call) -> bool:
        return call.ended <= gong.clock.now() and any(map(is_meant, cast(call).participants))

    return {call.id for call in gong.world.calls() if counts(call)}


def has_address(address: str) -> Callable[[Participant], bool]:
    return lambda person: person.email == address


def test_an_address_is_found_in_every_call_visible_or_not(shared: GongSandbox, reader: Client) -> None:
    hosts = {call.host.email for call in shared.world.calls()}
    guest = shared.privacy.known_email_address()
    for address in (guest, *sorted(hosts)[:5]):
        expected = with_person(shared, has_address(address))
        assert ids(find_address(reader, address)) == expected, address


def test_a_call_refers_to_its_people_from_its_end_on(client: Client) -> None:
    host = client.gong.world.find_users()[0]
    started = NOW + timedelta(days=1)
    call = client.gong.world.add_call(started, host=host, visible_at=started + timedelta(hours=5))
    states = []
    for minutes in (9, 10, 299, 300):
        client.gong.clock.set(started + timedelta(minutes=minutes))
        calls = find_address(client, host.email)["calls"]
        states.append(next((one["status"] for one in calls if one["id"] == call.id), None))
    assert states == [None, "PROCESSING", "PROCESSING", "COMPLETED"]


def test_the_case_of_an_address_does_not_matter(reader: Client) -> None:
    address = reader.gong.privacy.known_email_address()
    assert find_address(reader, address.upper()) == find_address(reader, address)


def test_a_guest_has_mails_and_an_entry_in_the_crm(reader: Client) -> None:
    address = reader.gong.privacy.known_email_address()
    found = find_address(reader, address)
    assert found["emails"]
    assert {len(mail["id"]) for mail in found["emails"]} == {32}
    users = {user.email for user in reader.gong.world.users}
    assert {mail["mailbox"] for mail in found["emails"]} <= users
    assert {mail["from"] for mail in found["emails"]} <= {address, *users}
    fields = [
        {field["name"]: field["value"] for field in record["fields"]}
        for system in found["customerData"]
        for record in system["objects"]
    ]
    assert {one["Email"] for one in fields} == {address}


def test_known_people_are_in_calls_that_the_api_shows_with_transcripts(reader: Client) -> None:
    privacy = reader.gong.privacy
    shown = set(reader.gong.world.call_ids(transcribed=True))
    assert ids(find_address(reader, privacy.known_email_address())) & shown
    assert ids(find_number(reader, privacy.known_phone_number())) & shown


def test_nobody_is_an_answer_too(reader: Client) -> None:
    assert find_address(reader, "nobody@example.org") == {**NOTHING, "customerEngagement": []}
    about = {"suppliedPhoneNumber": "+49 30 1", "matchingPhoneNumbers": [], "emailAddresses": []}
    assert find_number(reader, "+49 30 1") == {**NOTHING, **about}


def test_a_number_is_found_with_the_addresses_of_its_people(shared: GongSandbox, reader: Client) -> None:
    number = shared.privacy.known_phone_number()
    found = find_number(reader, number)
    calls = with_person(shared, lambda person: person.phone == number)
    assert ids(found) == calls
    people = [one for call_id in calls for one in cast(shared.world.call(call_id)).participants]
    assert found["suppliedPhoneNumber"] == number
    assert found["matchingPhoneNumbers"] == [number]
    assert set(found["emailAddresses"]) == {one.email for one in people if one.phone == number and one.email}


@pytest.mark.parametrize(
    "spelling",
    ["+{0} {1} {2}", "+{0}-{1}-{2}", "+{0}{1}{2}", "+{0}({1}) {2}", "+{0} ({1}) {2}"],
)
def test_all_spellings_of_a_number_are_equal(reader: Client, spelling: str) -> None:
    number = reader.gong.privacy.known_phone_number()
    supplied = spelling.format(*number.lstrip("+").split("-"))
    assert find_number(reader, supplied) == {**find_number(reader, number), "suppliedPhoneNumber": supplied}


def test_a_plus_that_is_not_encoded_is_a_400(client: Client) -> None:
    number = client.gong.privacy.known_phone_number()
    for method, path in (("GET", FIND_NUMBER), ("POST", ERASE_NUMBER)):
        assert client.ask(method, f"{path}?phoneNumber={number}").status_code == 400
        assert client.ask(method, f"{path}?phoneNumber={number.lstrip('+')}").status_code == 400
        encoded = number.replace("+", "%2B")
        assert client.ask(method, f"{path}?phoneNumber={encoded}").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", FIND_ADDRESS, "emailAddress"),
        ("POST", ERASE_ADDRESS, "emailAddress"),
        ("GET", FIND_NUMBER, "phoneNumber"),
        ("POST", ERASE_NUMBER, "phoneNumber"),
    ],
)
def test_without_address_or_number_nobody_is_meant(client: Client, method: str, path: str, name: str) -> None:
    for query in ({}, {name: ""}):
        reply = client.ask(method, path, params=query)
        assert (reply.status_code, errors(reply)) == (400, [f"{name}: must not be null"])
    # In a body it is not looked for.
    assert client.ask(method, path, json={name: "+1 555"}).status_code == 400
    assert client.gong.privacy.erasures == []


def test_meetings_and_events_refer_to_the_people_they_name(client: Client) -> None:
    organizer = client.gong.world.find_users()[0].email
    body = {
        "startTime": "2026-02-01T10:00:00Z",
        "endTime": "2026-02-01T11:00:00Z",
        "invitees": [{"email": "Buyer@example.org"}],
        "organizerEmail": organizer,
    }
    meeting = client.post("/v2/meetings", body).json()["meetingId"]
    event = {
        "reportingSystem": "docs",
        "eventTimestamp": "2026-01-10T08:00:00Z",
        "eventId": "1",
        "contentId": "7",
        "contentUrl": "https://docs.example.com/7",
        "contentTitle": "Offer",
    }
    buyer = {"email": "buyer@Example.org"}
    client.ask("PUT", "/v2/customer-engagement/content/viewed", json={**event, "viewer": buyer})
    client.ask("PUT", "/v2/customer-engagement/content/shared", json={**event, "recipients": [buyer]})
    client.ask("PUT", "/v2/customer-engagement/action", json={**event, "actor": buyer})
    client.ask("PUT", "/v2/customer-engagement/action", json={**event, "eventId": "2"})
    found = find_address(client, "buyer@example.org")
    assert found["meetings"] == find_address(client, organizer)["meetings"] == [{"id": meeting}]
    kinds = [one["eventType"] for one in found["customerEngagement"]]
    assert kinds == ["contentViewed", "contentShared", "customEvent"]
    assert {one["sourceEventId"] for one in found["customerEngagement"]} == {"1"}
    erase(client, ERASE_ADDRESS, emailAddress="buyer@example.org")
    client.gong.clock.advance(timedelta(hours=3))
    assert find_address(client, "buyer@example.org") == {**NOTHING, "customerEngagement": []}
    assert find_address(client, organizer)["meetings"] == [{"id": meeting}]


def everywhere(client: Client) -> dict[str, set[str]]:
    """Return the ids of the calls that each read shows."""
    window = {"fromDateTime": "2026-01-01T00:00:00Z", "toDateTime": "2026-01-20T00:00:00Z"}
    lists = {
        "list": client.all("GET", "/v2/calls", "calls", window),
        "extensive": client.all("POST", "/v2/calls/extensive", "calls", {"filter": window}),
        "transcripts": client.all("POST", "/v2/calls/transcript", "callTranscripts", {"filter": window}),
    }
    shown = {
        name: {one.get("id") or one.get("callId") or one["metaData"]["id"] for one in records}
        for name, records in lists.items()
    }
    return {**shown, "world": {call.id for call in client.gong.world.visible_calls()}}


@pytest.mark.parametrize("by", ["address", "number"])
def test_an_erasure_takes_hours_and_then_everything_is_gone(client: Client, by: str) -> None:
    privacy = client.gong.privacy
    find: Callable[[Client, str], dict[str, Any]] = find_address
    path, person = ERASE_ADDRESS, {"emailAddress": privacy.known_email_address()}
    if by == "number":
        find, path, person = find_number, ERASE_NUMBER, {"phoneNumber": privacy.known_phone_number()}
    (who,) = person.values()
    before, calls = find(client, who), everywhere(client)
    assert ids(before) & calls["transcripts"]
    reply = erase(client, path, **person)
    assert (reply.status_code, set(reply.json())) == (200, {"requestId"})
    client.gong.clock.advance(timedelta(hours=3, seconds=-1))
    still = find(client, who)
    assert all(one in still[name] for name in NOTHING for one in before[name])
    calls = everywhere(client)
    total = client.get("/v2/calls").json()["records"]["totalRecords"]
    client.gong.clock.advance(timedelta(seconds=1))
    about = {"suppliedPhoneNumber": who, "matchingPhoneNumbers": [], "emailAddresses": []}
    rest = {"customerEngagement": []} if by == "address" else about
    assert find(client, who) == {**NOTHING, **rest}
    for name, shown in everywhere(client).items():
        assert shown >= calls[name] - ids(before), name
        assert not shown & ids(before), name
    for call_id in ids(before):
        assert client.get(f"/v2/calls/{call_id}").status_code == 404
        asked = {"filter": {"callIds": [call_id]}}
        assert client.post("/v2/calls/extensive", asked).status_code == 404
        assert client.post("/v2/calls/transcript", asked).status_code == 404
    assert client.get("/v2/calls").json()["records"]["totalRecords"] == total - len(ids(before))


def test_an_erasure_takes_what_comes_in_until_it_is_done_and_nothing_later(client: Client) -> None:
    gong, due = client.gong, NOW + timedelta(hours=3)
    host = next(call.host for call in gong.world.calls() if call.ended > due)
    erase(client, ERASE_ADDRESS, emailAddress=host.email)
    gong.clock.set(due)
    assert find_address(client, host.email) == {**NOTHING, "customerEngagement": []}
    gong.clock.set(due + timedelta(days=5))
    all_calls = with_person(gong, has_address(host.email))
    came = {call_id for call_id in all_calls if gong.world.call(call_id).ended > due}
    assert came < all_calls
    found = find_address(client, host.email)
    assert ids(found) == came
    assert found["emails"]
    assert all(datetime.fromisoformat(mail["sentTime"]) > due for mail in found["emails"])


def test_an_erasure_reaches_over_midnight(client: Client) -> None:
    gong = client.gong
    gong.privacy.erasure_time = timedelta(days=2)
    host = gong.world.call(gong.world.call_ids()[0]).host
    erase(client, ERASE_ADDRESS, emailAddress=host.email)
    gong.clock.advance(timedelta(days=2))
    assert with_person(gong, has_address(host.email))
    assert find_address(client, host.email) == {**NOTHING, "customerEngagement": []}


def test_others_of_an_erased_call_keep_their_mails(client: Client) -> None:
    gong = client.gong
    call = next(
        one
        for one in gong.world.visible_calls()
        if len({person.email for person in cast(one).participants[1:] if person.email}) > 1
    )
    first, second, *_ = (person.email for person in cast(call).participants[1:] if person.email)
    assert first
    assert second
    before = find_address(client, second)
    erase(client, ERASE_ADDRESS, emailAddress=first)
    gong.clock.advance(timedelta(hours=3))
    after = find_address(client, second)
    assert call.id in ids(before) - ids(after)
    assert after["emails"] == before["emails"] != []


def test_somebody_unknown_is_erased_with_the_same_answer(client: Client) -> None:
    assert erase(client, ERASE_ADDRESS, emailAddress="nobody@example.org").status_code == 200
    assert erase(client, ERASE_NUMBER, phoneNumber="+49 30 1").status_code == 200
    asked = [one.subject for one in client.gong.privacy.erasures]
    assert asked == [Subject.of_address("Nobody@example.org"), Subject.of_number("+49301")]


def test_the_time_of_an_erasure_can_be_set(client: Client) -> None:
    client.gong.privacy.erasure_time = timedelta(0)
    address = client.gong.privacy.known_email_address()
    erase(client, ERASE_ADDRESS, emailAddress=address)
    assert find_address(client, address) == {**NOTHING, "customerEngagement": []}
    assert client.gong.privacy.known_email_address() != address


def test_the_guard_against_abnormal_deletions_refuses(client: Client) -> None:
    client.gong.privacy.refuses_erasures = True
    address = client.gong.privacy.known_email_address()
    assert erase(client, ERASE_ADDRESS, emailAddress=address).status_code == 400
    assert erase(client, ERASE_NUMBER, phoneNumber="+1 555").status_code == 400
    client.gong.clock.advance(timedelta(days=1))
    assert client.gong.privacy.erasures == []
    assert find_address(client, address)["calls"]


def test_new_calls_are_found(client: Client) -> None:
    host = client.gong.world.find_users()[0]
    before = ids(find_address(client, host.email))
    call = client.gong.world.add_call(NOW - timedelta(hours=1), host=host)
    assert ids(find_address(client, host.email)) == {*before, call.id}


def test_the_people_of_a_created_call_are_found_and_forgotten(client: Client) -> None:
    gong = client.gong
    host = gong.uploads.hosts()[0]
    body = {
        "clientUniqueId": "dialer-1",
        "actualStart": "2026-01-10T09:00:00Z",
        "duration": 300,
        "direction": "Outbound",
        "primaryUser": host.id,
        "parties": [
            {"userId": host.id},
            {"emailAddress": "Buyer@Example.org", "phoneNumber": "+49 (30) 901820"},
        ],
        "downloadMediaUrl": "https://media.example.com/1.mp3",
    }
    created = client.post("/v2/calls", body)
    assert created.status_code == 200, created.text
    call_id = created.json()["callId"]
    found = find_address(client, "buyer@example.org")
    assert (ids(found), found["emails"], found["customerData"]) == ({call_id}, [], [])
    found = find_number(client, "+4930901820")
    assert ids(found) == {call_id}
    assert found["matchingPhoneNumbers"] == ["+49 (30) 901820"]
    assert found["emailAddresses"] == ["Buyer@Example.org"]
    erase(client, ERASE_NUMBER, phoneNumber="+49 30 901820")
    gong.clock.advance(timedelta(hours=3, seconds=-1))
    assert client.get(f"/v2/calls/{call_id}").status_code == 200
    gong.clock.advance(timedelta(seconds=1))
    assert client.get(f"/v2/calls/{call_id}").status_code == 404
    assert find_address(client, "buyer@example.org") == {**NOTHING, "customerEngagement": []}


def test_an_erased_call_leaves_the_library(client: Client) -> None:
    def content(folder_id: str) -> list[str]:
        folder = client.get("/v2/library/folder-content", folderId=folder_id).json()
        return [call["id"] for call in folder["calls"]]

    folders = [folder["id"] for folder in client.get("/v2/library/folders").json()["folders"]]
    folder_id = next(one for one in folders if len(content(one)) > 1)
    call, *others = content(folder_id)
    client.gong.privacy.erasure_time = timedelta(0)
    guests = (person.email for person in cast(client.gong.world.call(call)).participants[1:])
    erase(client, ERASE_ADDRESS, emailAddress=next(address for address in guests if address))
    assert content(folder_id) == others


def test_a_call_that_was_deleted_refers_to_nobody(client: Client) -> None:
    address = client.gong.privacy.known_email_address()
    for call in client.gong.privacy.calls_of(Subject.of_address(address)):
        client.gong.world.hide_call(call.id)
    assert find_address(client, address)["calls"] == []


def test_other_requests_are_answered_while_people_are_looked_for(client: Client) -> None:
    privacy = client.gong.privacy
    with ThreadPoolExecutor(1) as pool:
        with privacy._mentions._lock:  # As long as this is held, nobody is found.
            search = pool.submit(find_address, Client(client.gong), "nobody@example.org")
            wait_for(lambda: client.gong.requests.to(FIND_ADDRESS))
            assert client.get("/v2/users").status_code == 200
            assert not search.done()
        assert search.result(10) == {**NOTHING, "customerEngagement": []}


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
