#!/usr/bin/env python3
"""bars_quick.py TOOLS_BARS BIN: tools/bars --quick measures every bar, and tells held from missed."""

import json
import pathlib
import subprocess
import sys
import tempfile

BARS, BIN = sys.argv[1:3]
REPORT = pathlib.Path(BARS).with_name("bars_report.py")
sys.path.insert(0, str(REPORT.parent))
from bars_report import BARS as WANTED  # noqa: E402


def report(runs: list[dict], place: str) -> subprocess.CompletedProcess:
    file = pathlib.Path(place) / "made_up.jsonl"
    file.write_text("".join(json.dumps(run) + "\n" for run in runs), encoding="utf-8")
    return subprocess.run([sys.executable, REPORT, file], capture_output=True, text=True, check=False)


def check_verdicts(place: str):
    fast = [{"bar": "pairs", "per_s": per_s, "server_cpu_us_each": 30} for per_s in (29_000, 31_000, 45_000)]
    done = report(fast, place)
    assert done.returncode == 0 and "MISSED" not in done.stdout, "the median counts, not the worst: " + done.stdout
    slow = [{**run, "per_s": run["per_s"] - 2_000} for run in fast]
    done = report(slow, place)
    assert done.returncode == 1 and "1 bars missed" in done.stdout, done.stdout
    done = report([{**fast[0], "per_s": 50_000, "lost": 1}], place)
    assert done.returncode == 1 and "0 bars missed, 1 messages lost" in done.stdout, done.stdout
    shares = [{"bar": "history", "per_s": 900}, {"bar": "history-fresh", "per_s": 1_000}]
    assert report(shares, place).returncode == 0
    assert report([{**shares[0], "per_s": 899}, shares[1]], place).returncode == 1
    check_shares(place)


def check_shares(place: str):
    """A share of the machine's limit is printed and is no bar: a small one misses nothing."""
    runs = [{"bar": "pairs", "per_s": 31_000, "server_cpu_us_each": 30}, {"bar": "limit-talk", "per_s": 310_000}]
    done = report(runs, place)
    told, = [line for line in done.stdout.splitlines() if "barest program" in line]
    assert told.split()[-5:] == ["0.1", "x", "of", "310,000", "/s"], told
    assert done.returncode == 0 and "held" not in told and "MISSED" not in told, done.stdout


with tempfile.TemporaryDirectory(prefix="kith_bars_") as home:
    check_verdicts(home)
    quick = subprocess.run([BARS, "--quick", "--long", "--bin", BIN, "--out", home], capture_output=True, text=True,
                           timeout=280, check=False)
    assert quick.returncode == 0, quick.stdout + quick.stderr
    out = pathlib.Path(home) / "bars"
    named = [json.loads(line)["bar"] for line in (out / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    for bar in WANTED:
        assert bar.name in named and (not bar.beside or bar.beside in named), f"{bar.name} was not measured"
        assert bar.text in quick.stdout, f"{bar.name} is not in the report"
    refused = subprocess.run([BARS, "--bin", BIN, "nonsense"], capture_output=True, text=True, check=False)
    assert refused.returncode != 0 and "'nonsense'" in refused.stderr
print("all bars measured")
