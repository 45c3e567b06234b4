#!/usr/bin/env python3
"""bars_report.py [--median BAR KEY] RESULTS.jsonl: the figures of tools/bars, beside each bar.
bars_report.py --compare SHARE BEFORE.jsonl NOW.jsonl: the medians of two trees, measured in turns.

Medians, with the spread behind them. Exit status 1 if a bar was missed or a message was lost; with --compare, if
a median of NOW is worse than SHARE of BEFORE's."""

import collections
import dataclasses
import json
import pathlib
import statistics
import sys
from typing import Callable

Runs = dict[str, list[dict]]


@dataclasses.dataclass(frozen=True)
class Bar:
    """A figure of every run of `name` that must be at least, or at most, `bound`; without one it is only printed."""

    name: str
    text: str
    of: Callable[[dict], float]
    bound: float | None = None
    at_least: bool = True
    unit: str = "/s"
    beside: str = ""  # runs of the same round that it is a share of
    worst: bool = False  # every run must hold it, not their median


def key(name: str, scale: float = 1) -> Callable[[dict], float]:
    return lambda run: run[name] * scale


PER_S = key("per_s")
SHARE = "  share of the barest program (kith-limit talk)"
BARS = [
    Bar("pairs", "closed loop, 1 outstanding, durable to DELIVERED", PER_S, 30_000),
    Bar("pairs", "  CPU of the server for 1,000 messages", key("server_cpu_us_each", 1e-3), 0.06, False, "s"),
    Bar("pairs", SHARE, PER_S, unit="x", beside="limit-talk"),
    Bar("pairs-tls", "  over TLS", PER_S, 20_000),
    Bar("pairs-16", "closed loop, 16 outstanding", PER_S, 120_000),
    Bar("pairs-16", SHARE, PER_S, unit="x", beside="limit-talk-16"),
    Bar("open", "open loop, 5,000 /s: p50", key("p50_ms"), 2, False, "ms"),
    Bar("open", "  p99", key("p99_ms"), 25, False, "ms"),
    Bar("open-rush", "open loop, 20,000 /s: p99", key("p99_ms"), 60, False, "ms"),
    Bar("open-most", "open loop at 80 % of the closed one: p99", key("p99_ms"), 200, False, "ms"),
    Bar("group", "group of 10,000, 2,000 online: last one, p50", key("last_p50_ms"), 60, False, "ms"),
    Bar("groups", "groups of 100: deliveries", key("deliveries_per_s"), 300_000),
    Bar("connect", "connects of new users", PER_S, 5_000),
    Bar("connect-tls", "TLS connects, share of bare ones (kith-limit tls)", PER_S, 0.6, unit="x", beside="limit-tls"),
    Bar("signin", "sign-ins", PER_S, 3_000),
    Bar("idle", "18,000 idle: memory of a connection", key("server_rss_per_connection", 1 / 1024), 8, False, "KiB"),
    Bar("idle", "  CPU", key("server_cpu_percent"), 3, False, "%"),
    Bar("idle", "  disconnects", key("disconnects"), 0, False, "", worst=True),
    Bar("idle-tls", "10,000 idle over TLS: memory", key("server_rss_per_connection", 1 / 1024), 24, False, "KiB"),
    Bar("beside", "p50 of 100 beside 18,000, to that of 100 alone", key("p50_ms"), 1.5, False, "x", "beside-nobody"),
    Bar("reconnect", "10,000 cut at once: all in sync", key("all_in_sync_s"), 15, False, "s"),
    Bar("catchup", "1,000 x 100 queued messages delivered", key("all_delivered_s"), 1.5, False, "s"),
    Bar("crash", "kill -9: acknowledged and gone", key("lost"), 0, False, "", worst=True),
    Bar("history", "closed loop, 10^6 stored, share of the fresh one", PER_S, 0.9, unit="x", beside="history-fresh"),
    Bar("minutes", "ten minutes over 100,000 conversations", PER_S, 15_000),
    Bar("minutes-memory", "  memory at the end, to that after a minute",
        lambda run: run["late_rss"] / run["early_rss"], 1.1, False, "x"),
    Bar("ten-million", "10^7 stored: newest page, p99", key("page_p99_us", 1e-3), 5, False, "ms"),
    Bar("ten-million", "  bytes on disk, to payload and ids", key("disk_to_event_bytes"), 2.2, False, "x"),
    Bar("ten-million-crash", "  first message accepted after kill -9, worst", key("accepted_again_max_ms", 1e-3),
        1, False, "s"),
]


def read(path: str) -> Runs:
    runs = collections.defaultdict(list)
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        run = json.loads(line)
        runs[run["bar"]].append(run)
    return runs


def figures(bar: Bar, runs: Runs) -> list[float]:
    found = [bar.of(run) for run in runs[bar.name]]
    if not bar.beside:
        return found
    return [figure / bar.of(other) for figure, other in zip(found, runs[bar.beside])]


def number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def line(verdict: str, bar: Bar, middle: float, wanted: str, found: list[float]) -> str:
    spread = f"{number(min(found))} ... {number(max(found))}" if len(found) > 1 else ""
    return f"  {verdict:8}{bar.text:54}{number(middle) + ' ' + bar.unit:>16}  {wanted:22}{spread}".rstrip()


def row(bar: Bar, found: list[float], runs: Runs) -> tuple[str, bool]:
    middle = (max if bar.worst and not bar.at_least else statistics.median)(found)
    if bar.bound is None:
        whole = statistics.median(bar.of(run) for run in runs[bar.beside])
        return line("", bar, middle, f"of {number(whole)} /s", found), True
    held = middle >= bar.bound if bar.at_least else middle <= bar.bound
    wanted = ("at least " if bar.at_least else "at most ") + f"{number(bar.bound)} {bar.unit}"
    return line("held" if held else "MISSED", bar, middle, wanted, found), held


def compare(least: float, before: Runs, now: Runs) -> int:
    worse = 0
    for bar in BARS:
        if bar.worst or not {bar.name, bar.beside or bar.name} <= before.keys() & now.keys():
            continue
        old, new = (statistics.median(figures(bar, runs)) for runs in (before, now))
        share = (new / old if bar.at_least else old / new) if old and new else 1.0
        worse += share < least
        verdict = "WORSE" if share < least else "held"
        print(f"  {verdict:8}{bar.text:54}{number(old):>10} -> {number(new):>8} {bar.unit:4} {share:.2f} x")
    return worse


def main() -> int:
    if sys.argv[1] == "--compare":
        return 1 if compare(float(sys.argv[2]), read(sys.argv[3]), read(sys.argv[4])) else 0
    if sys.argv[1] == "--median":
        print(statistics.median(run[sys.argv[3]] for run in read(sys.argv[4])[sys.argv[2]]))
        return 0
    runs = read(sys.argv[1])
    missed = 0
    for bar in BARS:
        found = figures(bar, runs)
        if not found:
            continue
        text, held = row(bar, found, runs)
        print(text)
        missed += not held
    wrong = sum(run.get(what, 0) for all_runs in runs.values() for run in all_runs
                for what in ("lost", "duplicated", "wrong"))
    print(f"  {missed} bars missed, {wrong:.0f} messages lost, doubled or wrong")
    return 1 if missed or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
