"""Uses a finished Binder image as a visitor does, and prints what binder/dryrun reports: times and memory.

    binder/start python binder/visit.py

Jupyter runs beside the notebook, as on Binder, so that its memory counts.
"""
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "00-quickstart.ipynb"
LAB = [sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0", "--ServerApp.token="]


def figure(name, value):
    print(f"{name:<58} {value}", flush=True)


def family(pid):
    """Returns the process and all that it started."""
    pids, found = [pid], []
    while pids:
        pid = pids.pop()
        found.append(pid)
        try:
            for task in Path("/proc", str(pid), "task").iterdir():
                pids += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def megabytes():
    """Returns the resident memory of this process and all below it; shared pages count once."""
    total = 0
    for pid in family(int(Path("/proc/self").resolve().name)):
        try:
            total += int(re.search(r"Pss:\s+(\d+) kB", Path("/proc", str(pid), "smaps_rollup").read_text()).group(1))
        except (OSError, AttributeError):
            continue
    return total // 1024


def main():
    start = time.monotonic()
    lab = subprocess.Popen(LAB, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=NOTEBOOK.parents[1])
    peak, ended = [0], threading.Event()

    def watch():
        while not ended.wait(0.5):
            peak[0] = max(peak[0], megabytes())

    threading.Thread(target=watch, daemon=True).start()
    notebook = nbformat.read(NOTEBOOK, 4)
    first = {}

    def message(kind):
        if kind not in first:
            first[kind] = time.monotonic() - start

    client = NotebookClient(notebook, timeout=None, startup_timeout=180, kernel_name="java",
                            resources={"metadata": {"path": str(NOTEBOOK.parent)}})
    try:
        with client.setup_kernel():
            message("kernel")
            for i, cell in enumerate(notebook.cells):
                if cell.cell_type != "code":
                    continue
                client.execute_cell(cell, i)
                if ".generate(" in cell.source:
                    message("text")
                if ".steered(" in cell.source:
                    message("steered")
            message("end")
    finally:
        ended.set()
        lab.terminate()
        lab.wait()
    figure("seconds from the kernel's start to the first text", f"{first['text']:.0f}")
    figure("seconds to the first steered text", f"{first['steered']:.0f}")
    figure("seconds to the end of notebook 00, at full size", f"{first['end']:.0f}")
    figure("peak memory in MB, Jupyter and the kernel", peak[0])
    group = Path("/proc/self/cgroup").read_text()
    own = re.search(r"^\d+:memory:(.*)", group, re.M)
    folder = (Path("/sys/fs/cgroup/memory" + own.group(1)) if own
              else Path("/sys/fs/cgroup" + re.search(r"^0::(.*)", group, re.M).group(1)))
    if folder.name == "rudder-dryrun":
        for name in ("memory.max_usage_in_bytes", "memory.peak"):
            if (folder / name).exists():
                figure("peak memory in MB of the limited group, files' cache included",
                       int((folder / name).read_text()) >> 20)
        for name, pattern in (("memory.oom_control", r"oom_kill (\d+)"), ("memory.events", r"oom_kill (\d+)")):
            if (folder / name).exists():
                found = re.search(pattern, (folder / name).read_text())
                figure("processes killed for memory", found.group(1) if found else "unknown")


if __name__ == "__main__":
    main()
