"""How long each notebook takes, and how much memory: notebooks/durations.csv, and a cell at each notebook's top.

    target/venv/bin/python binder/durations.py            # writes the cells anew from the table
    target/venv/bin/python binder/durations.py --check    # fails if a cell disagrees with the table

`binder/reproduce --write` records a run at full size here. The columns quick_seconds and quick_mb (the smoke size) and
fetches_mb (what a first run downloads beside the default model) are written by hand. The prose of a notebook does not
know how long it takes: only this table does.
"""
import argparse
import csv
import io
import re
import sys
from pathlib import Path

import nbformat

SOURCE = Path(__file__).resolve().parents[1] / "notebooks"
TABLE = SOURCE / "durations.csv"
CELL = "time"  # the id of the cell at the top
BINDER_MB = 1700  # of a session's 2 GB; Jupyter itself takes the rest


def read():
    """Returns the table's rows by notebook, in order."""
    with open(TABLE, newline="") as file:
        return {row["notebook"]: row for row in csv.DictReader(file)}


def machine():
    """Names this machine: its cores, its processor, and the vectors that decide about speed."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return "unknown"
    name = re.search(r"model name\s*: (.*)", text)
    vectors = next((label for flag, label in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if f" {flag} " in text), "")
    return ", ".join(part for part in (f"{text.count('processor' + chr(9))} cores", name and name.group(1), vectors)
                     if part)


def record(name, seconds, mb):
    """Stores what a run at full size took on this machine."""
    rows = read()
    row = rows.setdefault(name, {"notebook": name, "quick_seconds": seconds, "quick_mb": mb, "fetches_mb": 0})
    row.update(seconds=seconds, mb=mb, machine=machine())
    text = io.StringIO()
    writer = csv.DictWriter(text, ["notebook", "seconds", "mb", "quick_seconds", "quick_mb", "fetches_mb", "machine"],
                            lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[key] for key in sorted(rows))
    TABLE.write_text(text.getvalue())


def spoken(seconds):
    """Returns seconds as a person would say them: 50 seconds, 7 minutes."""
    return f"{seconds} seconds" if seconds < 90 else f"{(seconds + 30) // 60} minutes"


def gigabytes(mb):
    return f"{mb / 1000:.1f} GB"


def needs_spark(notebook):
    """Tells whether a cell puts Spark's jars on the class path. Binder's image is built without them."""
    return any("target/sweep" in cell.source for cell in notebook.cells)


def sentence(row, spark):
    """Returns what the cell at a notebook's top says; spark tells whether the notebook needs Spark.

    It names the small run only where that is quicker and takes no more memory.
    """
    seconds, mb, quick_seconds, quick_mb, fetches = (
        int(row[key]) for key in ("seconds", "mb", "quick_seconds", "quick_mb", "fetches_mb"))
    fetch = f" Its first run fetches {fetches} MB." if fetches else ""
    smaller = quick_seconds < seconds and quick_mb <= mb
    small = (f' For a small run ({spoken(quick_seconds)}, {gigabytes(quick_mb)}), run '
             '`System.setProperty("rudder.quick", "1");` before any other cell.' if smaller else "")
    if spark:
        binder = "It does not run on Binder, which has no Spark. Run `binder/reproduce --with-sweep` first."
    elif mb <= BINDER_MB:
        binder = "It fits a session on Binder (2 GB)."
    elif smaller and quick_mb <= BINDER_MB:
        binder = "On Binder (2 GB) run it small."
    else:
        binder = "It does not fit a session on Binder (2 GB)."
    return (f"**Time.** On two cores this notebook takes {spoken(seconds)} and {gigabytes(mb)} of memory."
            f"{fetch}{small} {binder}")


def head(notebook, name):
    """Puts the cell below the notebook's title, or renews it."""
    text = sentence(read()[name], needs_spark(notebook))
    for cell in notebook.cells:
        if cell.get("id") == CELL:
            cell.source = text
            return
    notebook.cells.insert(1, nbformat.from_dict(
        {"cell_type": "markdown", "id": CELL, "metadata": {}, "source": text}))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true", help="change nothing, and fail if a cell is not the table's")
    options = parser.parse_args()
    rows, wrong = read(), []
    for path in sorted(SOURCE.glob("*.ipynb")):
        if path.stem not in rows:
            wrong.append(f"{path.stem} has no row in {TABLE.name}: run binder/reproduce --write {path.stem}")
            continue
        before = path.read_text()
        notebook = nbformat.reads(before, as_version=4)
        head(notebook, path.stem)
        after = nbformat.writes(notebook) + "\n"
        if after != before and options.check:
            wrong.append(f"{path.name}: its cell \"{CELL}\" is not what {TABLE.name} says: run binder/durations.py")
        elif after != before:
            path.write_text(after)
    wrong += [f"{TABLE.name} has a row {name}, and there is no such notebook"
              for name in rows if not (SOURCE / f"{name}.ipynb").exists()]
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
