#!/usr/bin/env python3
"""bench_table.py RESULTS.jsonl: the medians of all runs of the same name, and their share of the machine's limit."""

import collections
import json
import statistics
import sys

# The limit that a figure is a share of, measured in the same run: of a durable messenger if it counts to DELIVERED, of
# an echo if it counts to the receiver.
LIMIT_OF = {"pairs-1": "talk-1", "pairs-1-received": "echo-1", "pairs-16-received": "echo-16"}


def medians(lines: list[str]) -> dict[str, dict[str, float]]:
    runs = collections.defaultdict(list)
    for line in lines:
        run = json.loads(line)
        runs[run["name"]].append(run)
    return {name: {key: statistics.median(run[key] for run in all_runs) for key in all_runs[0]
                   if isinstance(all_runs[0][key], (int, float))} for name, all_runs in runs.items()}


def row(name: str, figures: dict[str, float], limits: dict[str, dict[str, float]]) -> str:
    limit = limits.get(LIMIT_OF.get(name, ""), {}).get("per_s")
    share = f"{100 * figures['per_s'] / limit:.1f} %" if limit else ""
    each = figures.get("server_cpu_us_each", figures.get("cpu_us_each"))
    cells = [f"{figures['per_s']:,.0f}", share, f"{each:.1f}" if each else "", f"{figures['p50_ms']:.1f}",
             f"{figures['p99_ms']:.1f}", f"{figures.get('load_cpu_percent', 0):.0f} %",
             f"{figures.get('lost', 0):.0f}/{figures.get('duplicated', 0):.0f}"]
    if "server_rss_per_connection" in figures:
        cells.append(f"{figures['server_rss_per_connection'] / 1024:.1f} KiB each")
    return f"{name:20}" + "".join(f"{cell:>12}" for cell in cells)


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        found = medians(file.read().splitlines())
    head = ["per s", "of limit", "CPU us each", "p50 ms", "p99 ms", "load CPU", "lost/twice"]
    print(f"{'':20}" + "".join(f"{cell:>12}" for cell in head))
    for name, figures in found.items():
        print(row(name, figures, found))


if __name__ == "__main__":
    main()
