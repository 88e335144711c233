"""What a store URL says: which kind of store, where its servers are. Opens nothing.

    memory://
    redis://user:password@host:6379/0          unix:///path/of/socket
    redis+cluster://host:6379,host:6380        redis+sentinel://host:26379,host:26380/primary/0

`rediss` in place of `redis` is TLS, with options behind a `?` (`ssl_ca_certs`, `ssl_certfile`,
`ssl_keyfile`, `ssl_check_hostname`); a user and a password are those of the Redis servers.
"""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from latentflow.errors import InvalidInput

REDIS_PORT = 6379
SENTINEL_PORT = 26379


class StoreForm(StrEnum):
    MEMORY = "memory"
    SINGLE = "single"
    CLUSTER = "cluster"
    SENTINEL = "sentinel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreUrl:
    """`nodes` are those to ask first: a Cluster's, or the Sentinels that watch `primary`.

    `server_url` has what holds for every Redis server: credentials, database and TLS options.
    """

    form: StoreForm
    server_url: str = ""
    nodes: tuple[Node, ...] = ()
    primary: str = ""


_FORMS = {
    "memory": StoreForm.MEMORY,
    "redis": StoreForm.SINGLE,
    "rediss": StoreForm.SINGLE,
    "unix": StoreForm.SINGLE,
    "redis+cluster": StoreForm.CLUSTER,
    "rediss+cluster": StoreForm.CLUSTER,
    "redis+sentinel": StoreForm.SENTINEL,
    "rediss+sentinel": StoreForm.SENTINEL,
}


def parse_store_url(url: str, field: str = "store_url") -> StoreUrl:
    """Raises InvalidInput naming `field`; its text never has the URL, which may hold a password."""
    parts = _split(url, field)
    match _FORMS.get(parts.scheme):
        case None:
            raise InvalidInput(field=field, problem=f"must begin with one of {', '.join(_FORMS)}")
        case StoreForm.MEMORY:
            return StoreUrl(form=StoreForm.MEMORY)
        case StoreForm.SINGLE:
            _require_port(parts, field)
            return StoreUrl(form=StoreForm.SINGLE, server_url=url)
        case StoreForm.CLUSTER:
            return _cluster(parts, field)
        case StoreForm.SENTINEL:
            return _sentinel(parts, field)


def _cluster(parts: SplitResult, field: str) -> StoreUrl:
    if parts.path.strip("/") not in ("", "0"):
        raise InvalidInput(field=field, problem="a Cluster has no database but 0")
    nodes = _nodes(parts, REDIS_PORT, field)
    return StoreUrl(form=StoreForm.CLUSTER, server_url=_server_url(parts, "", nodes), nodes=nodes)


def _sentinel(parts: SplitResult, field: str) -> StoreUrl:
    primary, _, database = parts.path.strip("/").partition("/")
    if not primary or not (database or "0").isdecimal():
        raise InvalidInput(field=field, problem="must end with /primary or /primary/database")
    nodes = _nodes(parts, SENTINEL_PORT, field)
    return StoreUrl(
        form=StoreForm.SENTINEL,
        server_url=_server_url(parts, database, nodes),
        nodes=nodes,
        primary=unquote(primary),
    )


def _nodes(parts: SplitResult, default_port: int, field: str) -> tuple[Node, ...]:
    hosts = parts.netloc.rpartition("@")[2]
    return tuple(_node(host, default_port, field) for host in hosts.split(","))


def _node(text: str, default_port: int, field: str) -> Node:
    parts = _split(f"//{text}", field)
    _require_port(parts, field)
    if not parts.hostname:
        raise InvalidInput(field=field, problem="every server must have a host")
    return Node(host=parts.hostname, port=parts.port or default_port)


def _split(url: str, field: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # whose text has the URL
        raise InvalidInput(field=field, problem="is no URL") from None


def _require_port(parts: SplitResult, field: str) -> None:
    try:
        _ = parts.port
    except ValueError:
        raise InvalidInput(field=field, problem="a port must be a number up to 65535") from None


def _server_url(parts: SplitResult, database: str, nodes: tuple[Node, ...]) -> str:
    login, at, _ = parts.netloc.rpartition("@")
    scheme = parts.scheme.partition("+")[0]
    host = f"[{nodes[0].host}]" if ":" in nodes[0].host else nodes[0].host
    netloc = f"{login}{at}{host}:{nodes[0].port}"
    return urlunsplit((scheme, netloc, f"/{database}" if database else "", parts.query, ""))
