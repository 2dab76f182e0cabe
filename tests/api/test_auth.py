import base64

import pytest
from requests import PreparedRequest

from airflow_provider_gong.api.auth import ApiKeyAuth
from airflow_provider_gong.exceptions import GongConfigurationError


def signed(key: str, secret: str) -> str:
    request = PreparedRequest()
    request.prepare(method="GET", url="https://us-1.api.gong.io", auth=ApiKeyAuth(key, secret))
    return base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()


def test_key_and_secret_go_into_the_header() -> None:
    assert signed("key", "se:cret") == "key:se:cret"


def test_other_characters_than_latin_are_sent() -> None:
    assert signed("key", "sécret→") == "key:sécret→"


def test_repr_shows_neither() -> None:
    assert repr(ApiKeyAuth("key", "secret")) == "ApiKeyAuth(***)"


@pytest.mark.parametrize(
    ("key", "secret", "named"), [("", "b", "Access Key is"), ("a", "", "Access Key Secret is")]
)
def test_an_empty_part_is_named(key: str, secret: str, named: str) -> None:
    with pytest.raises(GongConfigurationError, match=named):
        ApiKeyAuth(key, secret)
