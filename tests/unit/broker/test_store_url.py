"""Every form of a store's URL is read, and a wrong one is refused without showing its password."""

import pytest

from latentflow.errors import InvalidInput
from services.broker.store_url import Node, StoreForm, StoreUrl, parse_store_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("memory://", StoreUrl(form=StoreForm.MEMORY)),
        (
            "redis://u:p@h:1/2",
            StoreUrl(form=StoreForm.SINGLE, server_url="redis://u:p@h:1/2"),
        ),
        ("unix:///run/s", StoreUrl(form=StoreForm.SINGLE, server_url="unix:///run/s")),
        (
            "redis+cluster://u:p@a:1,b",
            StoreUrl(
                form=StoreForm.CLUSTER,
                server_url="redis://u:p@a:1",
                nodes=(Node(host="a", port=1), Node(host="b", port=6379)),
            ),
        ),
        (
            "rediss+cluster://[::1]:7?ssl_ca_certs=/ca.pem",
            StoreUrl(
                form=StoreForm.CLUSTER,
                server_url="rediss://[::1]:7?ssl_ca_certs=/ca.pem",
                nodes=(Node(host="::1", port=7),),
            ),
        ),
        (
            "redis+sentinel://a,b:2/main/3",
            StoreUrl(
                form=StoreForm.SENTINEL,
                server_url="redis://a:26379/3",
                nodes=(Node(host="a", port=26379), Node(host="b", port=2)),
                primary="main",
            ),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_url_says_form_and_servers(url: str, expected: StoreUrl) -> None:
    assert parse_store_url(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "postgres://u:secret@h",
        "u:secret@h",
        "redis://u:secret@h:many",
        "redis+cluster://u:secret@h:99999",
        "redis+cluster://u:secret@a:1,,b:2",
        "redis+cluster://u:secret@a:1/3",
        "redis+sentinel://u:secret@a:1",
        "redis://user:secret\u2100@host",
        "redis://u:se[secret@h",
        "redis://[::1",
        "redis+cluster://u:secret@[::1",
        "redis+sentinel://u:secret@a:1/main/first",
    ],
)
def test_a_wrong_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(InvalidInput, match="store_url") as refusal:
        parse_store_url(url)
    assert "secret" not in str(refusal.value)
