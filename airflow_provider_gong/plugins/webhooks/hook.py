"""The connection of a webhook: its form, and a test of what was filled in."""

from __future__ import annotations

from airflow.sdk import BaseHook

from airflow_provider_gong.exceptions import GongError


class GongWebhookHook(BaseHook):
    """Tell whether a connection of type ``gongwebhook`` can tell Gong's deliveries from others'.

    :param gong_webhook_conn_id: Airflow connection of type ``gongwebhook``.
    """

    conn_name_attr = "gong_webhook_conn_id"
    default_conn_name = "gong_webhook_default"
    conn_type = "gongwebhook"
    hook_name = "Gong Webhook"

    def __init__(self, gong_webhook_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.gong_webhook_conn_id = gong_webhook_conn_id

    def test_connection(self) -> tuple[bool, str]:
        """Read what was filled in; nothing is sent anywhere."""
        from airflow_provider_gong.plugins.webhooks.credentials import read_credentials

        found = self.get_connection(self.gong_webhook_conn_id)
        try:
            read = read_credentials(found)
        except GongError as error:
            # Under the Test button it has a name that means nothing to anybody.
            return False, str(error).replace(f"Connection {found.conn_id!r}", "This connection", 1)
        count = len(read.public_keys)
        signed = f"a signature ({count} public key{'s' * (count > 1)})"
        proofs = [signed] * bool(count) + ["a URL key"] * bool(read.url_key)
        return True, f"Complete; nothing was sent. Deliveries need {' and '.join(proofs)}."
