#!/usr/bin/env python3
"""limits.py KITH_LIMIT: every job of kith-limit for a moment; each must measure something, and report a mistake."""

import json
import pathlib
import subprocess
import sys
import tempfile

LIMIT = sys.argv[1]


def run(*job: str, status: int = 0) -> dict:
    done = subprocess.run([LIMIT, *job], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, f"{job}: {done.returncode}\n{done.stdout}{done.stderr}"
    return json.loads(done.stdout) if status == 0 else {"error": done.stderr}


with tempfile.TemporaryDirectory(prefix="kith_limits_") as place:
    append = str(pathlib.Path(place) / "append")
    for job in (["echo", "10", "2", "0.2"], ["talk", append, "10", "2", "0.3"], ["append", append, "8", "0.2"],
                ["memory", "1024", "0.2"], ["handshake", "0.2"], ["tls", "4", "0.3"]):
        report = run(*job)
        print(json.dumps(report))
        assert report["scenario"] == "limit_" + job[0]
        assert report["per_s"] > 0 and report["cpu_us_each"] > 0, job
    # Both processes took part, what connected waited for its answer, and others followed it.
    assert report["at_a_time"] == 4 and report["load_cpu_us_each"] > 0
    assert report["per_s"] * 0.3 > 8
    assert 0 < report["p50_ms"] <= report["p99_ms"]
    assert "kith-limit tls" in run("nonsense", status=2)["error"]
print("every limit was measured")
