"""The five servers: what they are built from, how they start, what loads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.servers import load


@dataclass(frozen=True)
class Server:
    """A server of the module proxy. The words of `arguments` may name {folder} and {a port}."""

    name: str
    module: str
    version: str
    package: str
    arguments: tuple[str, ...]
    ports: tuple[str, ...]  # their names; the server listens at the first when it is ready
    write_files: Callable[[Path, Mapping[str, int]], None]
    load: load.Load

    def command(self, folder: Path, ports: Mapping[str, int]) -> list[str]:
        return [word.format(folder=folder, **ports) for word in self.arguments]


def _no_files(_folder: Path, _ports: Mapping[str, int]) -> None:
    """The server needs none."""


SERVERS = (
    Server(
        "nats",
        "github.com/nats-io/nats-server/v2",
        "v2.15.2",
        "github.com/nats-io/nats-server/v2",
        ("-c", "{folder}/nats.conf"),
        ("client", "monitor"),
        load.write_nats,
        load.load_nats,
    ),
    Server(
        "coredns",
        "github.com/coredns/coredns",
        "v1.15.0",
        "github.com/coredns/coredns",
        ("-conf", "{folder}/Corefile"),
        ("metrics", "client"),
        load.write_coredns,
        load.load_coredns,
    ),
    Server(
        "etcd",
        "go.etcd.io/etcd/server/v3",
        "v3.7.3",
        "go.etcd.io/etcd/server/v3",
        (
            *("--data-dir", "{folder}/data", "--log-level", "error"),
            *("--listen-client-urls", f"http://{load.HOST}:{{client}}"),
            *("--advertise-client-urls", f"http://{load.HOST}:{{client}}"),
            *("--listen-peer-urls", f"http://{load.HOST}:{{peer}}"),
            *("--initial-advertise-peer-urls", f"http://{load.HOST}:{{peer}}"),
            *("--initial-cluster", f"default=http://{load.HOST}:{{peer}}"),
        ),
        ("client", "peer"),
        _no_files,
        load.load_etcd,
    ),
    Server(
        "caddy",
        "github.com/caddyserver/caddy/v2",
        "v2.11.9",
        "github.com/caddyserver/caddy/v2/cmd/caddy",
        ("run", "--config", "{folder}/caddy.json"),
        ("client", "admin", "back"),
        load.write_caddy,
        load.load_caddy,
    ),
    Server(
        "prometheus",
        "github.com/prometheus/prometheus",
        "v0.316.0",
        "github.com/prometheus/prometheus/cmd/prometheus",
        (
            *("--config.file", "{folder}/prometheus.yml", "--storage.tsdb.path", "{folder}/data"),
            *("--web.listen-address", f"{load.HOST}:{{client}}", "--log.level", "error"),
        ),
        ("client", "target"),
        load.write_prometheus,
        load.load_prometheus,
    ),
)
