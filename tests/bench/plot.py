# SPDX-License-Identifier: BSD-2-Clause
"""A line plot as SVG: same figures, same bytes.  Text and lines take the colour scheme of whoever looks."""
import math
from html import escape

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 66, 190, 34, 46
COLOURS = ("#2f81f7", "#d9541e", "#2da44e", "#a371f7", "#8b949e")
STYLE = """\
text { font: 12px sans-serif; fill: #24292f }
.title { font-weight: bold; font-size: 14px }
.grid { stroke: #8b949e; stroke-opacity: .3 }
.axis { stroke: #57606a }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .axis { stroke: #9da7b3 } }
"""


def short(value):
    """A number for an axis: 1M, 300k, 0.5."""
    for size, letter in ((1 << 20, "Mi"), (1e6, "M"), (1e3, "k")):
        if value >= size and value % size == 0:
            return f"{value / size:g}{letter}"
    return f"{value:.4g}" if value < 1000 else f"{value / 1000:.4g}k"


def steps(top):
    """Round numbers from 0 to at least top, four to eight of them."""
    size = 10 ** math.floor(math.log10(top))
    step = next(size * f for f in (0.2, 0.5, 1, 2) if top / (size * f) <= 7)
    return [round(i * step, 6) for i in range(math.ceil(top / step - 1e-9) + 1)]


def decades(low, high):
    return [10.0**e for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


class Scale:
    def __init__(self, marks, begin, end, log):
        self.turn = (lambda v: math.log10(max(v, marks[0]))) if log else (lambda v: v)
        self.low, self.high = self.turn(marks[0]), self.turn(marks[-1])
        self.begin, self.end = begin, end

    def __call__(self, value):
        part = (self.turn(value) - self.low) / ((self.high - self.low) or 1)
        return round(self.begin + part * (self.end - self.begin), 1)


def marker(kind, x, y, colour):
    if kind == 0:
        return f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>'
    if kind == 1:
        return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7" fill="{colour}"/>'
    turns = {2: "0,-5 5,4 -5,4", 3: "0,-5 5,0 0,5 -5,0", 4: "-5,-4 5,-4 0,5"}
    return f'<polygon points="{turns[kind]}" transform="translate({x} {y})" fill="{colour}"/>'


def draw(title, across, up, lines, dashed=(), log_y=False):
    """lines: (name, [(x, y)]); x is drawn by its logarithm.  dashed: the same, without marks and in the same colours."""
    xs = sorted({x for _, points in lines for x, _ in points})
    ys = [y for _, points in lines for _, y in points if y > 0] or [1]
    marks = decades(min(ys), max(ys)) if log_y else steps(max(ys))
    to_x, to_y = Scale(xs, LEFT, WIDTH - RIGHT, True), Scale(marks, HEIGHT - BOTTOM, TOP, log_y)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">',
        f"<title>{escape(title)}</title>\n<style>\n{STYLE}</style>",
        f'<text class="title" x="{LEFT}" y="18">{escape(title)}</text>',
    ]
    for y in marks:
        out.append(f'<line class="grid" x1="{LEFT}" y1="{to_y(y)}" x2="{WIDTH - RIGHT}" y2="{to_y(y)}"/>')
        out.append(f'<text x="{LEFT - 8}" y="{to_y(y) + 4:.1f}" text-anchor="end">{short(y)}</text>')
    for x in xs:
        out.append(f'<line class="axis" x1="{to_x(x)}" y1="{HEIGHT - BOTTOM}" x2="{to_x(x)}" y2="{HEIGHT - BOTTOM + 5}"/>')
        out.append(f'<text x="{to_x(x)}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{short(x)}</text>')
    out.append(f'<line class="axis" x1="{LEFT}" y1="{HEIGHT - BOTTOM}" x2="{WIDTH - RIGHT}" y2="{HEIGHT - BOTTOM}"/>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(across)}</text>')
    out.append(f'<text transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">{escape(up)}</text>')
    for i, (_, points) in enumerate(dashed):
        way = " ".join(f"{to_x(x)},{to_y(y)}" for x, y in points)
        out.append(f'<polyline points="{way}" fill="none" stroke="{COLOURS[i]}" stroke-dasharray="4 4" stroke-opacity=".7"/>')
    for i, (name, points) in enumerate(lines):
        way = " ".join(f"{to_x(x)},{to_y(y)}" for x, y in points)
        out.append(f'<polyline points="{way}" fill="none" stroke="{COLOURS[i]}" stroke-width="2"/>')
        out += (marker(i, to_x(x), to_y(y), COLOURS[i]) for x, y in points)
        at = TOP + 12 + 20 * i
        out.append(marker(i, WIDTH - RIGHT + 20, at, COLOURS[i]))
        out.append(f'<text x="{WIDTH - RIGHT + 32}" y="{at + 4}">{escape(name)}</text>')
    return "\n".join([*out, "</svg>", ""])


def bars(title, across, rows):
    """rows: (name, value, whether it begins a group).  One bar below the other."""
    left, high = 270, 20
    tops, at = [], TOP + 8
    for _, _, first in rows:
        at += 8 if first and tops else 0
        tops.append(at)
        at += high
    end, marks = at + 8, steps(max(value for _, value, _ in rows))
    to_x = Scale(marks, left, WIDTH - 60, False)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {end + BOTTOM}" width="{WIDTH}" height="{end + BOTTOM}" role="img">',
        f"<title>{escape(title)}</title>\n<style>\n{STYLE}</style>",
        f'<text class="title" x="{left}" y="18">{escape(title)}</text>',
    ]
    for x in marks:
        out.append(f'<line class="grid" x1="{to_x(x)}" y1="{TOP}" x2="{to_x(x)}" y2="{end}"/>')
        out.append(f'<text x="{to_x(x)}" y="{end + 18}" text-anchor="middle">{short(x)}</text>')
    out.append(f'<text x="{(left + WIDTH - 60) / 2}" y="{end + BOTTOM - 8}" text-anchor="middle">{escape(across)}</text>')
    for (name, value, first), y in zip(rows, tops):
        width = max(to_x(max(value, 0)) - left, 0.5)
        out.append(f'<rect x="{left}" y="{y + 3}" width="{width:.1f}" height="{high - 6}" fill="{COLOURS[0 if first else 1]}"/>')
        out.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>')
        out.append(f'<text x="{left + width + 6:.1f}" y="{y + 14}">{value:.2f}</text>')
    return "\n".join([*out, "</svg>", ""])
