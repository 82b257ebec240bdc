"""The tables of the comparison, and on what they were measured."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

import numpy as np

from tests.bench.packages import OURS, TORCHDR

FIGURES = ("recall@10", "KL", "accuracy", "trustworthiness", "triplets", "Spearman")
DISTRIBUTIONS = (
    "ne-interactive",
    "openTSNE",
    "scikit-learn",
    "umap-learn",
    "pacmap",
    "torchdr",
    "torch",
    "numba",
)
TITLES = {
    "digits": "{n:,} digits, {d} dimensions",
    "fashion": "{n:,} images of Fashion-MNIST, {d} dimensions",
    "glove": "{n:,} word vectors of GloVe, {d} dimensions",
    "blobs": "{n:,} points in 100 round clusters, {d} dimensions",
}


def machine() -> str:
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        cpu = next((line.split(":")[1].strip() for line in lines if "model name" in line), cpu)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GiB; Python {platform.python_version()}"


def versions() -> dict[str, str]:
    found = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name).partition("+")[0]  # without the build's name
        except metadata.PackageNotFoundError:
            found[name] = "from its folder" if name == "ne-interactive" else "not installed"
    return found


def head(command: str, threads: int) -> str:
    """The machine, what was installed on it, and the command."""
    used = ", ".join(f"{name} {version}" for name, version in versions().items())
    return f"{machine()}; {threads} threads each.\n{used}.\n\n```console\n$ {command}\n```"


def title(name: str, X: np.ndarray, fits: str) -> str:
    heading = "### " + TITLES[name].format(n=X.shape[0], d=X.shape[1])
    return "\n\n".join([heading, f"{fits[:1].upper()}{fits[1:]}.", ""] if fits else [heading, ""])


def table(groups: dict[str, list[str]], records: list[dict], per_iteration: bool) -> str:
    """Markdown, method by method, ours first."""
    if per_iteration:
        return _iterations(groups, records)
    columns = ["method", "package", "cold s", "warm s", "ratio", "peak MiB", *FIGURES]
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    for names in groups.values():
        ours = [record for record in records if record["package"] == names[0]]
        for at, package in enumerate(names):
            cells = _cells([record for record in records if record["package"] == package], ours)
            method = names[0].split()[-1] if at == 0 else ""
            shown = f"**{OURS.strip()}**" if package.startswith(OURS) else package
            lines.append("| " + " | ".join([method, shown, *cells]) + " |")
    return "\n".join(lines)


def _times(own: list[dict]) -> tuple[float | None, float | None]:
    """Shortest cold and warm seconds."""
    fits = [record for record in own if "fit" in record]
    cold = [record["seconds"] for record in fits if record["fit"] == 0]
    warm = [record["seconds"] for record in fits if record["fit"] > 0]
    return min(cold, default=None), min(warm, default=None)


def _ratio(own: list[dict], ours: list[dict]) -> float | None:
    """How many times as long as ours: of warm times, and of cold ones where a warm one is missing."""
    for other, mine in reversed(list(zip(_times(own), _times(ours), strict=True))):
        if other and mine:
            return other / mine
    return None


def _cells(own: list[dict], ours: list[dict]) -> list[str]:
    """Shortest cold and warm time, their ratio to ours, the most memory, then means of the figures.

    What ended a package early stands where a time is missing.
    """
    fits = [record for record in own if "fit" in record]
    ended = next((record["ended"] for record in own if "ended" in record), "")
    cold, warm = _times(own)
    cells = [f"{cold:.1f}" if cold else ended, f"{warm:.1f}" if warm else ended if cold else ""]
    ratio, peaks = _ratio(own, ours), [record["peak_mib"] for record in fits]
    cells.append(f"{ratio:.2g}" if ratio else "")
    cells.append(f"{max(peaks):.0f}" if peaks else "")
    for figure in FIGURES:
        found = [record[figure] for record in fits if figure in record]
        cells.append(f"{np.mean(found):.3f}" if found else "")
    return [cell or "-" for cell in cells]


def _iterations(groups: dict[str, list[str]], records: list[dict]) -> str:
    lines = ["| method | ne_interactive, ms | torchdr, ms | ratio |", "|---|---|---|---|"]
    for names in groups.values():
        best, shown = {}, {}
        for prefix in (OURS, TORCHDR):
            own = [record for record in records if record["package"].startswith(prefix)]
            own = [record for record in own if record["package"] in names]
            times = [1e3 * record["seconds"] for record in own if "fit" in record]
            ended = next((record["ended"] for record in own if "ended" in record), "-")
            if times:
                best[prefix] = min(times)
            shown[prefix] = f"{min(times):.3g}" if times else ended
        ratio = f"{best[TORCHDR] / best[OURS]:.1f}" if len(best) == 2 else "-"
        lines.append(f"| {names[0].split()[-1]} | {shown[OURS]} | {shown[TORCHDR]} | {ratio} |")
    return "\n".join(lines)
