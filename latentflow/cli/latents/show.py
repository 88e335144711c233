"""`latentflow latents show ID`: everything that the broker knows of a latent."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import asdict

from latentflow.cli.broker_work import with_broker
from latentflow.cli.endpoints import add_endpoint_arguments
from latentflow.cli.latents.wording import Line, aligned, party, seal_of, signature_of, size_of
from latentflow.cli.settings import Settings
from latentflow.cli.shown import add_json_argument, counted, plain, print_json
from latentflow.dates import utc
from latentflow.latent import LatentInfo, Manifest, parse_latent_id


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    parser.add_argument("latent", metavar="ID")
    add_json_argument(parser)
    add_endpoint_arguments(parser, "broker")


def run(arguments: Namespace, settings: Settings) -> None:
    latent_id = parse_latent_id(arguments.latent)
    info = with_broker(
        arguments,
        settings,
        lambda broker, deadline: broker.get_latent(latent_id, timeout=deadline.remaining_seconds()),
    )
    if arguments.json:
        print_json(asdict(info))
    else:
        print(aligned([*_state(info), *_manifest(info.manifest)]))


def _state(info: LatentInfo) -> Iterator[Line]:
    is_renewed = info.expires_ms != info.manifest.expires_ms
    yield "latent", info.manifest.latent_id
    yield "flow", info.manifest.flow
    yield "state", f"{info.state}, {size_of(info)}"
    if info.commit is not None:
        yield "sha256", info.commit.sha256
        yield "signed", signature_of(info.commit)
    yield "created", utc(info.manifest.created_ms)
    yield "expires", utc(info.expires_ms)
    if is_renewed:
        yield "", f"renewed; the manifest says {utc(info.manifest.expires_ms)}"


def _manifest(manifest: Manifest) -> Iterator[Line]:
    layout, codec = manifest.layout, manifest.codec
    yield "method", f"{manifest.method}, position {manifest.position}"
    yield "adapter", manifest.adapter or "none"
    yield from party("sharer", manifest.sharer)
    yield from party("receiver", manifest.receiver)
    shape = f"{layout.slots} slots x {layout.layers} layers x {layout.width} wide"
    yield "layout", f"{shape}, {layout.dtype}, {counted(manifest.stream_bytes, 'byte')} unpacked"
    yield "codec", f"{codec.quantisation}, zstd level {codec.zstd_level}"
    yield "sealed", seal_of(manifest)
    yield "content", f"HMAC {manifest.content_digest}"
    yield "trace", plain(manifest.traceparent) or "none"
    for label in manifest.labels:
        yield "label", f"{plain(label.key)} = {plain(label.value)}"
