# SPDX-License-Identifier: BSD-2-Clause
"""docs/performance.md and its plots from the figures in docs/performance.json: same figures, same bytes.

Between `<!-- NAME -->` and `<!-- end -->` the page belongs to this script, everything else to people.
Usage: page.py [--check]   writes them anew; --check: says which are not what the figures say, and exits 1."""
import json
import re
import sys
from dataclasses import fields
from pathlib import Path
from statistics import median

import plot
import scale
import table
import transforms as stages
from lanes import LANES
from measure import Cost

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, FIGURES, PLOTS = DOCS / "performance.md", DOCS / "performance.json", DOCS / "performance"
TITLES = {lane.name: lane.title for lane in LANES} | {
    scale.SPREAD: "file → Kafka, at random",
    scale.LIMIT: "kcat to /dev/null",
    scale.LIMIT_WRITE: "kcat idempotent",
}
NAMES = {"startup": "start", "lanes": "the four lanes", "transforms": "transforms", "profile": "where the time goes", "scale": "as things grow"}
START, IDLE, FIT, FLAT = 0.15, 4e6, 1.2, 1.25  # seconds, bytes above kcat, times the fit, times the cheapest


def as_text(figures):
    """JSON with a line for each smallest object: a change can be read."""

    def lines(value, depth):
        if isinstance(value, dict) and any(isinstance(v, (dict, list)) for v in value.values()):
            inner = (f"{' ' * depth} {json.dumps(k)}: {lines(v, depth + 1)}" for k, v in value.items())
            return "{\n" + ",\n".join(inner) + f"\n{' ' * depth}}}"
        if isinstance(value, list) and value and isinstance(value[0], (dict, list)):
            return "[\n" + ",\n".join(f"{' ' * depth} {lines(v, depth + 1)}" for v in value) + f"\n{' ' * depth}]"
        return json.dumps(value, ensure_ascii=False)

    return lines(json.loads(json.dumps(figures)), 0) + "\n"  # fresh figures hold tuples where read ones hold lists


def costs_of(lane_figures):
    names = [f.name for f in fields(Cost)]
    return {
        name: [Cost(**{n: run[n] for n in names}) for run in runs] for name, runs in lane_figures["programs"].items()
    }


# ---- tables ------------------------------------------------------------------------------------------------------
def machine(figures):
    """One sentence for each build and day; commonly one."""
    shared = {}
    for part, m in figures["machine"].items():
        shared.setdefault((m["date"], m["commit"], m["cores"], m["cpu"], m["kernel"]), []).append((NAMES[part], m["load"]))
    said = []
    for (date, commit, cores, cpu, kernel), parts in shared.items():
        which = "" if len(shared) == 1 else ", ".join(name for name, _ in parts) + ": "
        loads = sorted({load for _, load in parts})
        load = f"{loads[0]}" if len(loads) == 1 else f"{loads[0]} to {loads[-1]}"
        said.append(f"{which}{date}, build of {commit}, {cores} cores ({cpu}), Linux {kernel}, load {load} as its parts began")
    m = next(iter(figures["machine"].values()))
    kcat, librdkafka = re.search(r"Version (\S+)", m["kcat"])[1], re.search(r"librdkafka (\S+)", m["kcat"])[1]
    rsyslog = re.search(r"rsyslogd\s+(\S+)", m["rsyslog"])[1]
    notes = "".join(sorted({"\n" + m["note"] for m in figures["machine"].values() if "note" in m}))
    return (
        f"Measured with `tests/bench/run --page` ([how it works](../tests/bench/README.md)): {'; '.join(said)}.\n"
        "Real Kafka 4.1.0 and Elasticsearch 8.15.3 run on the same cores; "
        f"kcat {kcat} and rsyslog {rsyslog} from Debian, librdkafka {librdkafka} below all three.{notes}"
    )


def judged(figure, aim, text="{:.2f}"):
    return text.format(aim), text.format(figure), "holds" if figure <= aim else "**missed**"


def lane_aims(lane, figures):
    costs = costs_of(figures["lanes"][lane.name])
    factor, peer = lane.aim
    yield f"{lane.title}, CPU ÷ {peer}", *judged(table.ratio(costs, "weir", peer), factor)
    for name, limit in zip(("weir memory=16M", "weir"), lane.memory):
        rss = median(c.rss for c in costs[name]) / 1e6
        yield f"{lane.title}, peak RSS of {name}", *judged(rss, limit, "{:.0f} MB")
    name = "weir fsync=none" if "weir fsync=none" in costs else "weir"
    peers = [p for p in costs if not p.startswith(("weir", "limit"))]
    fastest = peer if peer.startswith("kcat") else min(peers, key=lambda p: median(c.wall for c in costs[p]))
    wall = median(a.wall / b.wall for a, b in zip(costs[name], costs[fastest]))
    yield f"{lane.title}, wall time of {name} ÷ {fastest}", *judged(wall, 1.0)


def aims(figures):
    beside = {}
    rows = [row for lane in LANES for row in lane_aims(lane, figures)]
    rows += [(what, *judged(figure, most)) for what, figure, most in stages.aims(figures["transforms"])]
    s = figures["startup"]
    rows.append(("start to first record, Kafka → file", *judged(s["weir"]["first"], START, "{:.3f} s")))
    most = (s["kcat"]["idle_rss"] + IDLE) / 1e6
    rows.append(("RSS idle", *judged(s["weir"]["idle_rss"] / 1e6, most, "{:.1f} MB")))
    for lane, points in figures["scale"]["size"].items():
        if lane not in scale.LIMITS:
            rows.append((f"{TITLES[lane]}, dearest size ÷ fit", *judged(scale.worst(points, scale.fit(points))[0], FIT)))
    spread = {
        lane: max(p["us"] for p in points) / min(p["us"] for p in points)
        for lane, points in figures["scale"]["partitions"].items()
    }
    for limit, lane in scale.LIMITS.items():
        if limit in spread and lane in spread:
            beside[lane] = f" (of the limit alone: {spread[limit]:.2f})"
    for lane, found in spread.items():
        if lane not in scale.LIMITS:
            what = f"{TITLES[lane]}, dearest ÷ cheapest number of partitions{beside.get(lane, '')}"
            rows.append((what, *judged(found, FLAT)))
    return table.markdown(("what", "at most", "measured", ""), rows)


def lanes(figures):
    blocks = []
    for lane in LANES:
        f = figures["lanes"][lane.name]
        costs = costs_of(f)
        said = table.title(lane, f["records"], len(next(iter(costs.values()))))
        blocks.append(f"**{said}**\n\n{table.markdown(table.HEAD, table.lane_rows(f['records'], costs))}")
    return "\n\n".join(blocks)


def limits(figures):
    rows = []
    for lane in LANES:
        f = figures["lanes"][lane.name]
        us = {name: median(c.cpu for c in all_of) / f["records"] * 1e6 for name, all_of in costs_of(f).items()}
        least = sum(us[name] for name in lane.limit)
        names = " + ".join(name.removeprefix("limit: ") for name in lane.limit)
        rows.append((lane.title, f"{us['weir']:.2f}", f"{least:.2f}", names, f"{us['weir'] / least:.2f}"))
    return table.markdown(("lane", "weir, µs", "limit, µs", "which is", "weir ÷ limit"), rows)


def start(figures):
    head = ("", "start to first record", "RSS idle", "thread wake-ups a second, idle")
    rows = [
        (name, f"{f['first']:.3f} s", f"{f['idle_rss'] / 1e6:.1f} MB", f"{f['idle_waits']:.0f}")
        for name, f in figures["startup"].items()
    ]
    return table.markdown(head, rows)


def transforms(figures):
    found = figures["transforms"]
    head, rows = stages.rows(found)
    said = f"**{found['records']} records, per record, median of {len(found['ways'][0]['us'])}**"
    return f"![Transforms](performance/transforms.svg)\n\n{said}\n\n{table.markdown(head, rows)}"


def profile(figures):
    from profiles import PLACES

    blocks = []
    for name, p in figures["profile"].items():
        rows = []
        for thread, places in p["threads"].items():
            cells = [f"{places[at]:.3f}" if at in places else "–" for at in PLACES]
            rows.append((thread, *cells, f"{sum(places.values()):.3f}"))
        whole = [sum(t.get(at, 0) for t in p["threads"].values()) for at in PLACES]
        rows.append(("**all**", *(f"{w:.3f}" for w in whole), f"{sum(whole):.3f}"))
        most = ", ".join(f"{function(f, at)} {100 * share:.0f} %" for f, at, share in p["functions"])
        head = (f"{TITLES[name]}: µs per record", *PLACES, "sum")
        blocks.append(f"{table.markdown(head, rows)}\n\nMost samples: {most}.")
    return "\n\n".join(blocks)


def function(name, at):
    return f"{at} (no symbol)" if name.startswith("0x") else name.split("@")[0].replace("_", "\\_")


# ---- growth ------------------------------------------------------------------------------------------------------
def scale_rows(lanes_found):
    """Head and rows: µs per record of each lane, value by value; the fit of sizes below."""
    values = sorted({p["value"] for points in lanes_found.values() for p in points})
    at = {lane: {p["value"]: p for p in points} for lane, points in lanes_found.items()}
    rows = [[plot.short(v), *(f"{at[lane][v]['us']:.2f}" if v in at[lane] else "–" for lane in at)] for v in values]
    weir = [lane for lane in at if lane not in scale.LIMITS]
    for v, row in zip(values, rows):
        row.append(" / ".join(f"{at[lane][v]['start_ms']:.0f}" for lane in weir if v in at[lane]))
        row.append(" / ".join(f"{at[lane][v]['rss'] / 1e6:.0f}" for lane in weir if v in at[lane]))
    return ("", *(TITLES[lane] for lane in at), "start, CPU ms", "peak RSS, MB"), rows


def fits(lanes_found):
    rows = []
    for lane, points in lanes_found.items():
        line = scale.fit(points)
        most, size = scale.worst(points, line)
        rows.append((TITLES[lane], f"{line[0]:.2f} µs", f"{line[1] * 1000:.3f} ns", f"{most:.2f}", plot.short(size)))
    return table.markdown(("", "a record", "a byte", "dearest size ÷ fit", "which is"), rows)


def above(lanes_found):
    """How many times a lane's limit it costs, value by value: what of the growth is weir's own."""
    pairs = [(lane, limit) for limit, lane in scale.LIMITS.items() if limit in lanes_found and lane in lanes_found]
    rows = {}
    for lane, limit in pairs:
        for p, least in zip(lanes_found[lane], lanes_found[limit]):
            rows.setdefault(plot.short(p["value"]), []).append(f"{p['us'] / least['us']:.2f}" if least["us"] else "–")
    head = ("", *(f"{TITLES[lane]} ÷ {TITLES[limit]}" for lane, limit in pairs))
    return table.markdown(head, [(value, *cells) for value, cells in rows.items()])


def growth(sweep, found):
    head, rows = scale_rows(found)
    beside = {"size": fits, "partitions": above}
    text = f"![{sweep.title}](performance/{sweep.name}.svg)\n\n{table.markdown(head, rows)}"
    return f"{text}\n\n{beside[sweep.name](found)}" if sweep.name in beside else text


def drawing(sweep, found):
    lines = [(TITLES[lane], [(p["value"], p["us"]) for p in points]) for lane, points in found.items()]
    sizes = sweep.name == "size"
    fitted = []
    for points in found.values() if sizes else ():
        a, b = scale.fit(points)
        fitted.append(("", [(p["size"], a + b * p["size"]) for p in points]))
    return plot.draw(f"{sweep.title}: CPU of a record", sweep.axis, "µs per record", lines, fitted, sizes)


def render(figures, text):
    """{path: content} of everything that follows from the figures."""
    blocks = {part.__name__: part(figures) for part in (machine, aims, lanes, limits, start, transforms, profile)}
    files = {PLOTS / "transforms.svg": plot.bars("Transforms: CPU of a record", "µs per record", list(stages.bars(figures["transforms"])))}
    for sweep in scale.SWEEPS:
        blocks[sweep.name] = growth(sweep, figures["scale"][sweep.name])
        files[PLOTS / f"{sweep.name}.svg"] = drawing(sweep, figures["scale"][sweep.name])
    for name, block in blocks.items():
        begin = f"<!-- {name} -->\n"
        if text.count(begin) != 1:
            raise ValueError(f"{PAGE} has not one place {begin.strip()}")
        before, after = text.split(begin)
        text = f"{before}{begin}{block}\n<!-- end -->{after[after.index('<!-- end -->') + len('<!-- end -->'):]}"
    return files | {PAGE: text, FIGURES: as_text(figures)}


def write(figures):
    """With the parts that were measured; the others stay."""
    if FIGURES.exists():
        old = json.loads(FIGURES.read_text())
        figures = old | figures | {"machine": old["machine"] | figures["machine"]}
    PLOTS.mkdir(exist_ok=True)
    for path, content in render(figures, PAGE.read_text()).items():
        path.write_text(content)


def main():
    made = render(json.loads(FIGURES.read_text()), PAGE.read_text())
    if sys.argv[1:] == ["--check"]:
        wrong = [str(path) for path, text in made.items() if not path.exists() or path.read_text() != text]
        for path in wrong:
            print(f"{path} is not what the figures say: tests/bench/page.py")
        sys.exit(bool(wrong))
    write(json.loads(FIGURES.read_text()))


if __name__ == "__main__":
    main()
