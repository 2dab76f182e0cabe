"""How a request proves who sends it."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from requests.auth import AuthBase

from airflow_provider_gong.exceptions import GongConfigurationError

if TYPE_CHECKING:
    from requests import PreparedRequest


class ApiKeyAuth(AuthBase):
    """Sign requests with an access key and its secret (HTTP Basic).

    :param access_key: the access key that Gong shows on its API page.
    :param access_key_secret: the secret that Gong shows once, when the key is made.
    """

    def __init__(self, access_key: str, access_key_secret: str) -> None:
        if not access_key or not access_key_secret:
            missing = "Access Key" if not access_key else "Access Key Secret"
            raise GongConfigurationError(
                f"{missing} is empty: create an access key on Gong's API page and put "
                "both parts into the connection."
            )
        # UTF-8, since the default of HTTP libraries (Latin-1) fails on other characters.
        self.token = b64encode(f"{access_key}:{access_key_secret}".encode()).decode()

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign a request."""
        request.headers["Authorization"] = f"Basic {self.token}"
        return request

    def __repr__(self) -> str:
        return "ApiKeyAuth(***)"


class BearerAuth(AuthBase):
    """Sign requests with an OAuth access token.

    :param access_token: the token, without a word before it.
    """

    def __init__(self, access_token: str) -> None:
        self.access_token = access_token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign a request."""
        request.headers["Authorization"] = f"Bearer {self.access_token}"
        return request

    def __repr__(self) -> str:
        return "BearerAuth(***)"
