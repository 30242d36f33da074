"""What gives each server something to hold: clients, keys, names, pages, series.

Each function starts its load, waits until the server answered, and keeps connections open in
`stack` until the cores are taken. All of it happens on the loopback interface, in bounded loops.
"""

from __future__ import annotations

import base64
import http.server
import itertools
import json
import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
PATIENCE = 60.0  # seconds until a server that does not answer is given up

Load = Callable[[Mapping[str, int], ExitStack], None]


class NoAnswer(Exception):
    """The server did not answer, or not as expected."""


def free_ports(names: tuple[str, ...]) -> dict[str, int]:
    """A free port for each name: all are held until all are known, so that they differ."""
    with ExitStack() as stack:
        held = [stack.enter_context(socket.create_server((HOST, 0))) for _ in names]
        ports = {name: one.getsockname()[1] for name, one in zip(names, held)}
    return ports


def wait_for(port: int, alive: Callable[[], bool]) -> None:
    """Until something listens at the port. NoAnswer: the server ended, or time is up."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and alive():
        try:
            socket.create_connection((HOST, port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise NoAnswer(f"nothing answers at port {port}")


def http_call(url: str, body: Any = None) -> bytes:
    """GET, or POST of JSON; what an error's page says is an answer too. NoAnswer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        return error.read()
    except OSError as error:
        raise NoAnswer(f"'{url}': {error}") from error


# ---- nats-server: its protocol is text -----------------------------------------------------------


class NatsClient:
    """A connection; `ask` waits for the server, so that what was sent before has been done."""

    def __init__(self, port: int, name: str, stack: ExitStack) -> None:
        self.socket = stack.enter_context(socket.create_connection((HOST, port), PATIENCE))
        self.lines = stack.enter_context(self.socket.makefile("rb"))
        hello = {"verbose": False, "pedantic": False, "name": name, "lang": "none", "version": "1"}
        self.send("CONNECT " + json.dumps(hello))

    def send(self, line: str) -> None:
        self.socket.sendall(line.encode() + b"\r\n")

    def publish(self, subject: str, text: str, reply: str = "") -> None:
        self.send(f"PUB {subject} {reply} {len(text.encode())}\r\n{text}")

    def settle(self) -> None:
        self.send("PING")
        while (line := self.lines.readline()) != b"PONG\r\n":
            if not line:
                raise NoAnswer("nats-server closed a connection")


def load_nats(ports: Mapping[str, int], stack: ExitStack) -> None:
    """40 clients with 25 subscriptions each, 12 streams of 200 messages with 3 consumers each."""
    clients = [NatsClient(ports["client"], f"client-{n}", stack) for n in range(40)]
    for (n, client), k in itertools.product(enumerate(clients), range(25)):
        client.send(f"SUB region.{k}.client.{n}.{'>' if k % 3 else '*'} {k + 1}")
    admin = clients[0]
    admin.send("SUB answers.> 100")
    for s in range(12):
        stream = {"name": f"S{s}", "subjects": [f"orders.{s}.>"], "storage": "memory"}
        admin.publish(f"$JS.API.STREAM.CREATE.S{s}", json.dumps(stream), "answers.stream")
    admin.settle()
    time.sleep(1)  # the streams' answers come later than PONG
    for s, n in itertools.product(range(12), range(200)):
        admin.publish(f"orders.{s}.customer.{n % 60}", f"order {n}")
    for s, n in itertools.product(range(12), range(3)):
        consumer = {
            "stream_name": f"S{s}",
            "config": {
                "durable_name": f"C{n}",
                "ack_policy": "explicit",
                "deliver_subject": f"deliver.{s}.{n}",
            },
        }
        name = f"$JS.API.CONSUMER.DURABLE.CREATE.S{s}.C{n}"
        clients[1 + n].send(f"SUB deliver.{s}.{n} {200 + s}")
        admin.publish(name, json.dumps(consumer), "answers.consumer")
    for client in clients:
        client.settle()
    time.sleep(1)


# ---- coredns -------------------------------------------------------------------------------------


def dns_query(name: str, kind: int, number: int) -> bytes:
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">BHH", 0, kind, 1)


def load_coredns(ports: Mapping[str, int], stack: ExitStack) -> None:
    """900 queries for 300 names of a zone, of hosts and of a template, and the server's metrics."""
    answers = 0
    asked = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    asked.settimeout(5)
    for number in range(900):
        n = number % 300
        name = (f"host{n}.example.test", f"h{n}.hosts.test", f"x{n}.made.test")[n % 3]
        asked.sendto(dns_query(name, (1, 28, 16)[number // 300], number), (HOST, ports["client"]))
        try:
            answers += len(asked.recv(4096)) > 12
        except TimeoutError:
            pass
    if answers < 800:
        raise NoAnswer(f"coredns answered {answers} of 900 queries")
    http_call(f"http://{HOST}:{ports['metrics']}/metrics")


# ---- etcd: its gateway speaks JSON ---------------------------------------------------------------


def base(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def load_etcd(ports: Mapping[str, int], stack: ExitStack) -> None:
    """500 keys, a third of them with one of 40 leases, 20 watchers, 10 users and roles."""
    url = f"http://{HOST}:{ports['client']}/v3"

    def call(path: str, body: Any) -> Any:
        answer = json.loads(http_call(f"{url}/{path}", body))
        if "error" in answer:
            raise NoAnswer(f"etcd: {path}: {answer['error']}")
        return answer

    leases = [call("lease/grant", {"TTL": 3600})["ID"] for _ in range(40)]
    for n in range(500):
        put = {"key": base(f"/registry/pods/ns{n % 20}/pod-{n}"), "value": base(f"value {n}" * 8)}
        call("kv/put", put | ({"lease": leases[n % 40]} if n % 3 == 0 else {}))
    for n in range(10):
        call("auth/user/add", {"name": f"user{n}", "password": "secret"})
        call("auth/role/add", {"name": f"role{n}"})
        call("auth/user/grant", {"user": f"user{n}", "role": f"role{n}"})
    for n in range(20):
        watch = {"create_request": {"key": base(f"/registry/pods/ns{n}/"), "range_end": base("0")}}
        text = json.dumps(watch)
        head = f"POST /v3/watch HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(text)}\r\n\r\n"
        stream = stack.enter_context(socket.create_connection((HOST, ports["client"]), PATIENCE))
        stream.sendall((head + text).encode())
        if not stream.recv(4096):
            raise NoAnswer("etcd closed a watch")


# ---- caddy ---------------------------------------------------------------------------------------


def load_caddy(ports: Mapping[str, int], stack: ExitStack) -> None:
    """600 requests for 300 paths, through files, a proxy and fixed answers; 40 stay connected."""
    for n in range(600):
        kind = ("files", "proxy", "fixed")[n % 3]
        http_call(f"http://{HOST}:{ports['client']}/{kind}/{n % 300}.txt")
    http_call(f"http://{HOST}:{ports['admin']}/config/")
    http_call(f"http://{HOST}:{ports['admin']}/metrics")
    for n in range(40):
        held = stack.enter_context(socket.create_connection((HOST, ports["client"]), PATIENCE))
        held.sendall(f"GET /fixed/{n} HTTP/1.1\r\nHost: site{n}.test\r\n\r\n".encode())
        held.recv(4096)


# ---- prometheus ----------------------------------------------------------------------------------


class Series(http.server.BaseHTTPRequestHandler):
    """A scrape target of 600 series."""

    def do_GET(self) -> None:
        now = int(time.time())
        lines = (
            f'requests_total{{path="/p{n % 60}",code="{200 + n // 60}"}} {now + n}\n'
            for n in range(600)
        )
        page = "# TYPE requests_total counter\n" + "".join(lines)
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, *_: Any) -> None:
        """Nothing: the benchmark's output is the table."""


def load_prometheus(ports: Mapping[str, int], stack: ExitStack) -> None:
    """Seconds of scrapes of itself and of a target of 600 series, and a few queries and rules."""
    target = stack.enter_context(http.server.ThreadingHTTPServer((HOST, ports["target"]), Series))
    thread = threading.Thread(target=target.serve_forever, daemon=True)
    thread.start()
    stack.callback(target.shutdown)
    url = f"http://{HOST}:{ports['client']}/api/v1"
    end = time.monotonic() + PATIENCE
    seen = 0
    while seen < 600:
        if time.monotonic() > end:
            raise NoAnswer(f"prometheus has {seen} of 600 series of its target")
        time.sleep(1)
        result = json.loads(http_call(f"{url}/query?query=count(requests_total)"))["data"]["result"]
        seen = int(result[0]["value"][1]) if result else 0
    for query in ("sum(rate(requests_total[1m]))by(path)", "up", "path:requests:sum", "targets"):
        http_call(f"{url}/query?query={query}")
    http_call(f"{url}/targets")
    time.sleep(3)


# ---- the files that the servers start from -------------------------------------------------------


def write_nats(folder: Path, ports: Mapping[str, int]) -> None:
    (folder / "nats.conf").write_text(
        f'listen: "{HOST}:{ports["client"]}"\nhttp: "{HOST}:{ports["monitor"]}"\n'
        f'jetstream {{ store_dir: "{folder}/jetstream", max_mem: 64M, max_file: 64M }}\n',
        encoding="utf-8",
    )


def write_coredns(folder: Path, ports: Mapping[str, int]) -> None:
    hosts = "\n".join(f"10.1.{n // 250}.{n % 250} h{n}.hosts.test" for n in range(300))
    (folder / "hosts").write_text(hosts, encoding="utf-8")
    zone = "\n".join(f"host{n} IN A 10.0.{n // 250}.{n % 250}" for n in range(300))
    head = "$ORIGIN example.test.\n@ 3600 IN SOA ns a 1 7200 3600 86400 3600\n@ IN NS ns\n"
    (folder / "zone").write_text(f"{head}ns IN A 10.0.0.1\n{zone}\n", encoding="utf-8")
    port, metrics = ports["client"], ports["metrics"]
    (folder / "Corefile").write_text(
        f"""
        example.test:{port} {{
            bind {HOST}
            file {folder}/zone
            cache 300
            prometheus {HOST}:{metrics}
        }}
        hosts.test:{port} {{
            bind {HOST}
            hosts {folder}/hosts
            cache 300
            prometheus {HOST}:{metrics}
        }}
        made.test:{port} {{
            bind {HOST}
            template IN A {{
                answer "{{{{ .Name }}}} 60 IN A 10.9.9.9"
            }}
            cache 300
            loadbalance
            prometheus {HOST}:{metrics}
        }}
        """,
        encoding="utf-8",
    )


def write_caddy(folder: Path, ports: Mapping[str, int]) -> None:
    for n in range(0, 300, 3):
        page = folder / "site" / "files" / f"{n}.txt"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(f"page {n}\n", encoding="utf-8")
    back = f"{HOST}:{ports['back']}"

    def route(path: str, *handlers: dict[str, Any]) -> dict[str, Any]:
        return {"match": [{"path": [path]}], "handle": list(handlers)}

    fixed = {"handler": "static_response", "status_code": 200, "body": "fixed {http.request.uri}"}
    sites = [{"match": [{"host": [f"site{n}.test"]}], "handle": [fixed]} for n in range(40)]
    files = {"handler": "file_server", "root": str(folder / "site")}
    proxy = {"handler": "reverse_proxy", "upstreams": [{"dial": back}]}
    routes = [route("/files/*", files), route("/proxy/*", proxy), route("/fixed/*", fixed), *sites]
    servers = {
        "front": {"listen": [f"{HOST}:{ports['client']}"], "routes": routes},
        "back": {"listen": [back], "routes": [{"handle": [fixed]}]},
    }
    off = {"automatic_https": {"disable": True}}
    config = {
        "admin": {"listen": f"{HOST}:{ports['admin']}"},
        "apps": {"http": {"servers": {name: one | off for name, one in servers.items()}}},
    }
    (folder / "caddy.json").write_text(json.dumps(config), encoding="utf-8")


def write_prometheus(folder: Path, ports: Mapping[str, int]) -> None:
    (folder / "rules.yml").write_text(
        "groups:\n- name: requests\n  interval: 1s\n  rules:\n"
        "  - record: path:requests:sum\n    expr: sum by (path) (requests_total)\n"
        "  - alert: Many\n    expr: sum by (code) (requests_total) > 1\n    for: 1m\n",
        encoding="utf-8",
    )
    (folder / "prometheus.yml").write_text(
        "global:\n  scrape_interval: 1s\nrule_files: [rules.yml]\nscrape_configs:\n"
        f"- job_name: itself\n  static_configs: [targets: ['{HOST}:{ports['client']}']]\n"
        f"- job_name: target\n  static_configs: [targets: ['{HOST}:{ports['target']}']]\n",
        encoding="utf-8",
    )
