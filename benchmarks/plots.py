"""Draws what was measured last (`results.json`) for the documentation, as SVG with its text as text.

python -m benchmarks.plots [FOLDER]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.record import kept

IMAGES = Path(__file__).parent.parent / "docs" / "images"
OURS, OTHERS = "#b5462f", "#8a94a0"  # those of this project, and those it is compared with
INK = "#5b6570"  # readable on light pages and dark


def figure(height: float) -> tuple[Any, Any]:
    """An empty drawing; the same numbers make the same file."""
    matplotlib = import_module("matplotlib")
    matplotlib.use("svg")
    matplotlib.rcParams.update(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "policykit",
            "font.size": 10,
            "text.color": INK,
            "axes.labelcolor": INK,
            "axes.edgecolor": INK,
            "xtick.color": INK,
            "ytick.color": INK,
        }
    )
    drawing, axes = import_module("matplotlib.pyplot").subplots(figsize=(8, height), layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    return drawing, axes


def saved(drawing: Any, file: Path) -> Path:
    drawing.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = file.read_text("utf-8")
    file.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n", "utf-8")
    return file


def powers(axes: Any, *which: str) -> None:
    """Scales of powers of ten, written as plain numbers."""
    ticker = import_module("matplotlib.ticker")
    for one in which:
        axes.set(**{f"{one}scale": "log"})
        axis = getattr(axes, f"{one}axis")
        axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,g}"))
        axis.set_minor_formatter(ticker.NullFormatter())


def bars(file: Path, rows: Sequence[tuple[str, float, bool]], label: str) -> Path:
    """Bars of ratios from top to bottom, on a scale of powers of ten."""
    drawing, axes = figure(0.8 + 0.3 * len(rows))
    names = [name for name, _, _ in rows]
    axes.barh(names, [value for _, value, _ in rows], color=[OURS if ours else OTHERS for _, _, ours in rows])
    powers(axes, "x")
    axes.invert_yaxis()
    axes.axvline(1, color=INK, linewidth=0.8)
    for place, (_, value, _) in enumerate(rows):
        axes.annotate(
            f"{value:,.2f}" if value < 10 else f"{value:,.0f}",
            (max(value, 1), place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
        )
    axes.set_xlabel(label)
    axes.margins(x=0.12, y=0.02)
    return saved(drawing, file)


def w1(found: dict[str, Any], folder: Path) -> Path:
    theirs = ("plain Python", "zen", "common-", "openfisca", "policyengine")
    rows = [(name, ratio, not name.startswith(theirs)) for name, ratio in found["ratios"].items()]
    return bars(folder / "w1.svg", rows, "processor time × plain Python without checks")


def w2(found: dict[str, Any], folder: Path) -> Path:
    table = next(iter(found["tables"].values()))
    rows = [(row["name"], row["processor"], row["name"].startswith("policykit")) for row in table["rows"]]
    label = f"processor time × {rows[0][0]}; {found['households']:,} households, one thread"
    return bars(folder / "w2.svg", rows, label)


def growth(found: dict[str, Any], folder: Path) -> Path:
    """Seconds against households, with the straight line through the largest."""
    drawing, axes = figure(4)
    households = [row["households"] for row in found["rows"]]
    seconds = [row["processor"] for row in found["rows"]]
    each = seconds[-1] / households[-1]
    ends = [households[0], households[-1]]
    axes.plot(
        ends,
        [each * one for one in ends],
        color=OTHERS,
        linewidth=1,
        label=f"{1e6 * each:.0f} µs a household",
    )
    axes.plot(households, seconds, "o-", color=OURS, label="policykit batch, the bundled policies")
    powers(axes, "x", "y")
    axes.set_xlabel("households")
    axes.set_ylabel("seconds of processor time")
    axes.legend(frameon=False)
    return saved(drawing, folder / "growth.svg")


def main(folder: str = str(IMAGES)) -> int:
    found = kept()
    for name, draw in {"w1": w1, "w2": w2, "growth": growth}.items():
        if name in found:
            print(draw(found[name], Path(folder)))
        else:
            print(f"{name}: nothing was measured yet", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
