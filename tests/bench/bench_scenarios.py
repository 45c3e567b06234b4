#!/usr/bin/env python3
"""bench_scenarios.py KITHD KITH_BENCH: every scenario of kith-bench for two seconds against a real server, plain and
over TLS; nothing may be lost or doubled, and what cannot work must say why."""

import contextlib
import json
import pathlib
import socket
import subprocess
import sys
import tempfile

KITHD, BENCH = sys.argv[1:3]
SECRET = "a secret that only this test knows, 32 bytes or more"


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def server_command(directory: pathlib.Path, port: int, *more: str) -> list[str]:
    secret = directory / "secret"
    secret.write_text(SECRET + "\n")
    secret.chmod(0o600)
    return [KITHD, "--data", str(directory / "data"), "--port", str(port), "--token-secret-file", str(secret),
            "--handshakes-per-s", "10000", "--commands-per-s", "10000", "--commands-burst", "10000", *more]


class Server:
    def __init__(self, directory: pathlib.Path, *more: str):
        self.process = subprocess.Popen(server_command(directory, 0, *more), stdout=subprocess.PIPE, text=True)
        self.url, self.ca = "", ""
        while not self.url or ("--dev" in more and not self.ca):
            line = self.process.stdout.readline()
            assert line, "kithd ended instead of serving"
            word = line.split()[-1]
            if line.startswith("listening on "):
                self.url = word
            elif word.endswith(".pem"):
                self.ca = word

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)


def bench(scenario: str, url: str, directory: pathlib.Path, *more: str, status: int = 0) -> list[dict]:
    command = [BENCH, scenario, "--url", url, "--secret-file", str(directory / "secret"), "--prefix", scenario,
               "--json", "--seconds", "2", "--warmup", "0.3", *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines()] if status == 0 else [{"error": done.stderr}]


def check(report: dict, counted: str = "messages"):
    print(json.dumps(report))
    assert report[counted] > 0, f"{report['scenario']}: no {counted}"
    for name in ("lost", "duplicated"):
        assert report[name] == 0, f"{report['scenario']}: {name}"
    assert report.get("wrong", 0) == 0 and report.get("unfinished", 0) == 0, report["scenario"]
    assert 0 < report["p50_ms"] <= report["p99_ms"] <= report["p999_ms"], report["scenario"]


def talk(directory: pathlib.Path):
    with Server(directory, "--plain") as server:
        all_scenarios(server, directory)
        mistakes(server.url, directory)


def all_scenarios(server: Server, directory: pathlib.Path):
    pid = ["--pid", str(server.process.pid)]
    for scenario, counted, more in (
            ("pairs", "messages", ["--connections", "40", "--outstanding", "8"]),
            ("group", "messages", ["--connections", "40", "--group", "20"]),
            ("connect", "sessions", ["--connections", "200"]),
            ("signin", "sessions", ["--connections", "50"]),
            ("idle", "sessions", ["--connections", "100"]),
            ("reconnect", "messages", ["--connections", "100"]),
            ("catchup", "messages", ["--connections", "20", "--queued", "30"])):
        report, = bench(scenario, server.url, directory, *more, *pid)
        assert report["scenario"] == scenario and report["server_rss"] > 0
        check(report, counted)
    picture = directory / "plot.svg"
    reports = bench("open", server.url, directory, "--connections", "40", "--rate", "100,300", "--plot", str(picture))
    assert [report["rate"] for report in reports] == [100, 300]
    for report in reports:
        check(report)
        assert abs(report["messages"] / report["rate"] - 2) < 0.1, "an open loop sends what it said"
    assert picture.read_text().count("<circle") == 6
    # Each sender goes round among five receivers; memory is printed at both ends of the measured time.
    for scenario, more in (("pairs", ["--outstanding", "2"]), ("open", ["--rate", "400"])):
        report, = bench(scenario, server.url, directory, "--connections", "40", "--conversations", "100", *more, *pid)
        check(report)
        assert report["conversations"] == report["conversations_used"] == 100, "every conversation is used"
        assert report["server_rss_start"] > 0
    # A second run goes on in the same conversations.
    check(bench("pairs", server.url, directory, "--connections", "40", "--until", "received")[0])


def mistakes(url: str, directory: pathlib.Path):
    def said(*arguments: str, status: int = 1) -> str:
        return bench("pairs", *arguments, "--connections", "2", status=status)[0]["error"]

    assert "CONNECT_FAILED" in said(f"ws://127.0.0.1:{free_port()}/v1/ws", directory)
    assert "NOT_KITH_SERVER" in said(url.replace("/v1/ws", "/nothing"), directory)
    assert "BAD_CONFIG" in said("http://127.0.0.1", directory, "--rate", "many", status=2)
    assert "does not fit" in said(url, directory, "--conversations", "2", status=2)
    assert "LIMIT_EXCEEDED" in bench("idle", url, directory, "--connections", "9999999", status=1)[0]["error"]
    stranger = directory / "stranger"
    stranger.mkdir()
    (stranger / "secret").write_text("another secret, of the right length")
    assert "UNAUTHENTICATED" in said(url, stranger)


def tls(directory: pathlib.Path):
    with Server(directory, "--dev") as server:
        ca = ["--ca", server.ca, "--connections", "20"]
        check(bench("pairs", server.url, directory, *ca)[0])
        check(bench("reconnect", server.url, directory, *ca)[0])
        stranger, = bench("connect", server.url, directory, "--connections", "1", status=1)
        assert "TLS_CERTIFICATE" in stranger["error"], stranger


def crash(directory: pathlib.Path):
    port = free_port()
    command = " ".join(server_command(directory, port, "--plain"))
    report, = bench("crash", f"ws://127.0.0.1:{port}/v1/ws", directory, "--connections", "20", "--kills", "2",
                    "--server-cmd", command)
    check(report)
    assert report["kills"] == 2 and report["disconnects"] >= 20


for part in (talk, tls, crash):
    with tempfile.TemporaryDirectory(prefix="kith_bench_") as place:
        part(pathlib.Path(place))
print("all scenarios passed")
