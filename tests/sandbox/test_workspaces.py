from tests.sandbox.client import Client


def test_there_are_several_workspaces_and_no_pages(reader: Client) -> None:
    reply = reader.get("/v2/workspaces").json()
    assert set(reply) == {"requestId", "workspaces"}
    assert len(reply["workspaces"]) >= 2
    ids = {workspace["id"] for workspace in reply["workspaces"]}
    assert ids == {call.workspace_id for call in reader.gong.world.calls()}
