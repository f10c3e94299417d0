"""The plot of time against size."""

from __future__ import annotations

from pathlib import Path

__all__ = ["plot"]


def plot(curves: dict[str, dict[int, float]], machine: str, target: Path) -> None:
    """Both axes logarithmic: cost that grows with the pixels is a straight line of slope 1."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    styles = {
        "out.copy_(x)": ("0.45", ":", None),
        "denormalize": ("C0", "-", "o"),
        "to_uint8": ("C2", "-", "s"),
        "second Normalize": ("C1", "--", "o"),
        "second Normalize, to bytes": ("C3", "--", "s"),
    }
    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    for name, points in curves.items():
        color, line, marker = styles[name]
        axes.loglog(list(points), list(points.values()), color=color, ls=line, marker=marker, ms=5, label=name)
    axes.set_xlabel("pixels of one RGB image, float32")
    axes.set_ylabel("milliseconds, median")
    axes.set_title(machine.replace("; ", "\n"), fontsize=8)
    axes.grid(True, which="major", color="0.88")
    axes.legend(frameon=False)
    figure.savefig(target, dpi=110, metadata={"Software": None})
    plt.close(figure)
