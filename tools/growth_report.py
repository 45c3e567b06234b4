#!/usr/bin/env python3
"""growth_report.py RESULTS.jsonl DIRECTORY: a table of what tools/growth measured, and a picture of each series."""

import collections
import html
import json
import math
import pathlib
import statistics
import sys

# How a series is printed: title (figures of its last run in braces), and what its x axis counts.
SERIES = {
    "connections": ("Connections: {pairs:,.0f} pairs talk, {rate:,.0f} messages/s, the others are idle", "connections"),
    "conversations": ("Conversations: {rate:,.0f} messages/s over all of them, {fill_messages:,.0f} messages stored",
                      "1:1 conversations"),
    "stored": ("Stored messages: {rate:,.0f} messages/s into {conversations:,.0f} conversations", "stored messages"),
    "group": ("Group size: one member sends, one message at a time, all others are online", "members"),
    "rate": ("Rate: {pairs:,.0f} pairs send, whatever the server does", "messages per second"),
}
# Pictures below one another: the unit of the y axis, and its lines with their names. In groups of more than 256
# passive members get a push every 2 s, so the cost is per message sent.
CPU = ("server CPU per message, µs", {"server_cpu_us_each": "CPU"})
LATENCY = ("meant to be sent → received, ms", {"p50_ms": "p50", "p99_ms": "p99"})
READING = ("newest 50 events read from the store, µs", {"page_p50_us": "p50", "page_p99_us": "p99"})
DELIVERY = ("server CPU per delivery, µs", {"cpu_us_per_delivery": "CPU"})
PANELS = {"stored": [CPU, LATENCY, READING], "group": [CPU, DELIVERY, LATENCY]}

FILLED = {"series", "x", "disk_bytes_each", "written_bytes_each", "page_p50_us", "page_p99_us"}

WIDTH, PANEL, LEFT, RIGHT, TOP, GAP = 760, 210, 80, 90, 64, 46
COLOURS = ["#1f5fa8", "#c2410c", "#2c7a3f"]


def medians(path: str) -> dict[str, dict[float, dict[str, float]]]:
    runs = collections.defaultdict(lambda: collections.defaultdict(lambda: collections.defaultdict(list)))
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        run = json.loads(line)
        if run["scenario"] == "fill":  # what it shares with the run that follows is told apart
            run = {key if key in FILLED else "fill_" + key: value for key, value in run.items()}
        deliveries = run.get("deliveries", 0)
        if deliveries > 0 and "server_cpu_s" in run:
            run["cpu_us_per_delivery"] = 1e6 * run["server_cpu_s"] / deliveries
        for key, value in run.items():
            if isinstance(value, (int, float)):
                runs[run["series"]][run["x"]][key].append(value)
    return {name: {x: {key: statistics.median(values) for key, values in keys.items()}
                   for x, keys in sorted(points.items())} for name, points in runs.items()}


def number(value: float) -> str:
    if value >= 1e5 and math.log10(value) % 1 == 0:
        return f"{value:,.0f}"
    return f"{value:,.0f}" if value >= 20 else f"{value:.3g}"


def table(name: str, points: dict[float, dict[str, float]]) -> str:
    columns = [("per s", "per_s", 1), ("CPU µs", "server_cpu_us_each", 1), ("µs/delivery", "cpu_us_per_delivery", 1),
               ("p50 ms", "p50_ms", 1), ("p99 ms", "p99_ms", 1), ("RSS MiB", "server_rss", 1 / 1048576),
               ("load CPU %", "load_cpu_percent", 1), ("lost", "lost", 1), ("twice", "duplicated", 1),
               ("B on disk", "disk_bytes_each", 1), ("B written", "written_bytes_each", 1),
               ("page p50 µs", "page_p50_us", 1), ("page p99 µs", "page_p99_us", 1)]
    columns = [column for column in columns if any(column[1] in figures for figures in points.values())]
    rows = [f"{SERIES[name][1]:>20}" + "".join(f"{head:>13}" for head, _, _ in columns)]
    for x, figures in points.items():
        cells = (number(figures[key] * unit) if key in figures else "-" for _, key, unit in columns)
        rows.append(f"{x:>20,.0f}" + "".join(f"{cell:>13}" for cell in cells))
    return "\n".join(rows)


def text(x: float, y: float, what: str, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{html.escape(what)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, colour: str = "#e2e2e2") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


class Axis:
    """Logarithmic, from start to end on the paper: marks at 1, 2 and 5 of each power of ten, or at powers alone."""

    def __init__(self, values: list[float], start: float, end: float, exact: bool = False):
        low, high = min(values), max(values)
        if not exact:
            low, high = low / 1.15, high * 1.15
        if high / low < 1.5:
            low, high = low / 1.5, high * 1.5
        self.low, self.high, self.start, self.end = math.log10(low), math.log10(high), start, end
        factors = (1,) if high / low > 2000 else (1, 2, 5)
        powers = range(math.floor(self.low) - 1, math.ceil(self.high) + 1)
        self.marks = [f * 10.0**p for p in powers for f in factors if low * 0.999 <= f * 10.0**p <= high * 1.001]

    def at(self, value: float) -> float:
        return self.start + (self.end - self.start) * (math.log10(value) - self.low) / (self.high - self.low)


class FromZero:
    """Linear, from 0: so that a constant cost looks flat."""

    def __init__(self, values: list[float], start: float, end: float):
        self.high, self.start, self.end = max(values) * 1.15, start, end
        step = 10.0 ** math.floor(math.log10(self.high))
        step = next(step * f for f in (0.1, 0.2, 0.5, 1, 2) if self.high / (step * f) <= 5)
        self.marks = [step * i for i in range(math.floor(self.high / step) + 1)]

    def at(self, value: float) -> float:
        return self.start + (self.end - self.start) * value / self.high


def lines_of(across: Axis, up: Axis | FromZero, drawn: dict[str, list[tuple[float, float]]]) -> list[str]:
    parts, labels = [], []
    for colour, (name, points) in zip(COLOURS, drawn.items()):
        places = [(across.at(x), up.at(y)) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline fill="none" stroke-width="2" stroke="{colour}" points="{path}"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"><title>{html.escape(name)} at '
                  f'{given[0]:,.0f}: {number(given[1])}</title></circle>' for (x, y), given in zip(places, points)]
        parts += [text(x, y - 7, number(given[1]), more=f' font-size="10" fill="{colour}"')
                  for (x, y), given in zip(places, points)]
        labels.append((places[-1][1], places[-1][0], name, colour))
    lowest = -math.inf
    for y, x, name, colour in sorted(labels):  # names keep apart
        lowest = max(y, lowest + 13)
        parts.append(text(x + 28, lowest + 4, name, "start", f' fill="{colour}" font-weight="bold"'))
    return parts


def panel(top: float, across: Axis, what: str, drawn: dict[str, list[tuple[float, float]]]) -> list[str]:
    bottom, right = top + PANEL, WIDTH - RIGHT
    values = [y for points in drawn.values() for _, y in points]
    wide = max(values) > 25 * min(values)
    up = (Axis if wide else FromZero)(values, bottom, top + 12)
    what += " (log scale)" if wide else ""
    parts = [line(across.at(mark), top, across.at(mark), bottom) for mark in across.marks]
    parts += [line(LEFT, up.at(mark), right, up.at(mark)) for mark in up.marks]
    parts += [line(LEFT, bottom, right, bottom, "#888"), line(LEFT, top, LEFT, bottom, "#888")]
    parts += [text(LEFT - 8, up.at(mark) + 4, number(mark), "end") for mark in up.marks]
    parts += [text(across.at(mark), bottom + 16, number(mark)) for mark in across.marks]
    return parts + [text(LEFT, top - 8, what, "start", ' font-weight="bold"')] + lines_of(across, up, drawn)


def title_of(name: str, points: dict[float, dict[str, float]]) -> str:
    known = collections.defaultdict(float)
    for figures in points.values():
        known.update(figures)
    return SERIES[name][0].format_map(known)


def picture(name: str, points: dict[float, dict[str, float]]) -> str:
    counted = SERIES[name][1]
    across = Axis(list(points), LEFT + 16, WIDTH - RIGHT - 16, exact=True)
    parts, top = [], TOP
    for what, wanted in PANELS.get(name, [CPU, LATENCY]):
        drawn = {label: [(x, figures[key]) for x, figures in points.items() if figures.get(key, 0) > 0]
                 for key, label in wanted.items()}
        drawn = {label: values for label, values in drawn.items() if values}
        if drawn:
            parts += panel(top, across, what, drawn)
            top += PANEL + GAP
    height = top + 4
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
            f'height="{height}" font-family="sans-serif" font-size="12">',
            '<rect width="100%" height="100%" fill="white"/>',
            text(WIDTH / 2, 24, title_of(name, points), more=' font-size="15"')]
    foot = [text((LEFT + WIDTH - RIGHT) / 2, height - 8, f"{counted} (log scale)"), "</svg>\n"]
    return "\n".join(head + parts + foot)


def main() -> None:
    directory = pathlib.Path(sys.argv[2])
    directory.mkdir(parents=True, exist_ok=True)
    for name, points in medians(sys.argv[1]).items():
        print(f"\n{title_of(name, points)}\n{table(name, points)}")
        (directory / f"growth_{name}.svg").write_text(picture(name, points), encoding="utf-8")


if __name__ == "__main__":
    main()
