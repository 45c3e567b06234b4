#!/usr/bin/env python3
"""growth_quick.py TOOLS_GROWTH BIN: tools/growth --quick measures every point of every series, and draws it."""

import json
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

GROWTH, BIN = sys.argv[1:3]
# Runs at each x, and figures that each run must have, above 0.
WANTED = {
    "connections": {20: 1, 200: 1},
    "conversations": {10: 2, 100: 2},
    "stored": {1000: 2, 10000: 2},
    "group": {2: 1, 20: 1},
    "rate": {100: 1, 400: 1},
}
OF_A_FILL = ("messages", "disk_bytes_each", "written_bytes_each", "page_p50_us", "page_p99_us")
OF_A_LOAD = ("messages", "per_s", "p50_ms", "p99_ms", "server_cpu_us_each", "server_rss", "server_rss_start")


def check_runs(runs: list[dict]):
    for series, points in WANTED.items():
        for x, count in points.items():
            found = [run for run in runs if run["series"] == series and run["x"] == x]
            assert len(found) == count, f"{series} {x}: {len(found)} runs"
            for run in found:
                for figure in OF_A_FILL if run["scenario"] == "fill" else OF_A_LOAD:
                    assert run[figure] > 0, f"{series} {x}: {figure} in {run}"
                assert run.get("lost", 0) == run.get("duplicated", 0) == run.get("wrong", 0) == 0, run
    for run in runs:
        if run["series"] == "conversations" and run["scenario"] == "open":
            assert run["conversations_used"] == run["x"], "the messages are spread over all conversations"
        if run["series"] == "stored" and run["scenario"] == "fill":
            assert run["messages"] == run["x"]


def check_picture(file: pathlib.Path):
    root = xml.etree.ElementTree.parse(file).getroot()
    marks = [element for element in root.iter() if element.tag.endswith("circle")]
    words = " ".join(element.text or "" for element in root.iter() if element.tag.endswith("text"))
    assert len(marks) >= 6, f"{file.name}: two points of CPU, p50 and p99 each"
    for word in ("CPU per message, µs", "ms", "log scale", "p50", "p99"):
        assert word in words, f"{file.name} does not say '{word}'"


with tempfile.TemporaryDirectory(prefix="kith_growth_") as place:
    done = subprocess.run([GROWTH, "--quick", "--bin", BIN, "--out", place], capture_output=True, text=True,
                          timeout=170, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    out = pathlib.Path(place) / "growth"
    check_runs([json.loads(row) for row in (out / "results.jsonl").read_text(encoding="utf-8").splitlines()])
    for name in WANTED:
        check_picture(out / f"growth_{name}.svg")
    refused = subprocess.run([GROWTH, "--bin", BIN, "nonsense"], capture_output=True, text=True, check=False)
    assert refused.returncode != 0 and "unknown option 'nonsense'" in refused.stderr
print("all series measured and drawn")
