"""Runs the notebooks, one kernel each, and says what they found; binder/reproduce sets up what this needs.

A notebook whose inputs (its cells, setup.jshell, the jars, the data, the model, the size) have not changed since it last ran well is
not run again. What a run leaves in target/notebooks (target/notebooks/quick at smoke size): the executed notebook, the same as HTML,
the recorded values as csv.
"""
import argparse
import base64
import hashlib
import json
import os
import re
import shutil
import sys
import time
import zipfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert import HTMLExporter

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "notebooks"
QUICK = os.environ.get("RUDDER_QUICK", "") not in ("", "0")
OUT = ROOT / "target" / "notebooks" / ("quick" if QUICK else "")
KERNEL = {"display_name": "Java", "language": "java", "name": "java"}
MOST_FIGURES, MOST_BYTES = 8, 300_000  # of a committed notebook
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
PNG_START = b"\x89PNG\r\n\x1a\n"
PNG_END = b"\0\0\0\0IEND\xaeB`\x82"  # the last chunk: length 0, type, checksum


def read(path):
    """The notebook without outputs; every cell has an id that does not change from run to run."""
    notebook = json.loads(path.read_text())
    notebook["nbformat_minor"] = 5
    for i, cell in enumerate(notebook["cells"]):
        cell.setdefault("id", f"cell-{i}")
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return nbformat.reads(json.dumps(notebook), as_version=4)


def fingerprint(notebook=None):
    """Of everything that the outputs depend on; without a notebook, of what all depend on."""
    digest = hashlib.sha256()

    def add(*parts):
        digest.update(json.dumps(parts).encode())

    add(notebook and [(cell.id, cell.cell_type, cell.source) for cell in notebook.cells], QUICK)
    add((SOURCE / "setup.jshell").read_text(), (ROOT / "binder" / "requirements.txt").read_text())
    for jar in sorted((ROOT / "lib" / "target" / "jars").glob("*.jar")):
        with zipfile.ZipFile(jar) as file:  # contents: a jar's own bytes hold the time it was built
            add(jar.name, sorted((entry.filename, entry.CRC) for entry in file.infolist()))
    for file in sorted(path for path in (ROOT / "data").rglob("*") if path.is_file()):
        add(str(file.relative_to(ROOT)), hashlib.sha256(file.read_bytes()).hexdigest())
    model = os.environ.get("RUDDER_MODEL", "")
    add(model, Path(model).stat().st_mtime if Path(model).is_file() else None)
    return digest.hexdigest()


def peak_megabytes(client):
    """Largest resident memory of the kernel's process; 0 where the system does not tell."""
    try:
        status = Path("/proc", str(client.km.provisioner.pid), "status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) // 1024
    except (OSError, AttributeError):
        return 0


def runs(name):
    """The folder of completions that a stopped run goes on with, as long as library, data and size are the same; others are removed."""
    folder = OUT / "runs" / name / fingerprint()[:16]
    for other in folder.parent.glob("*"):
        if other != folder:
            shutil.rmtree(other)
    return folder


def execute(notebook, name, show):
    """Runs every cell in place; returns the kernel's peak memory in MB."""
    os.environ["RUDDER_RUNS"] = str(runs(name))
    os.environ["RUDDER_RECORD"] = str(OUT / f"{name}.csv")
    (OUT / f"{name}.csv").unlink(missing_ok=True)
    client = NotebookClient(notebook, timeout=None, startup_timeout=180, kernel_name="java", record_timing=False,
                            resources={"metadata": {"path": str(SOURCE)}})
    with open(OUT / f"{name}.log", "w") as log, client.setup_kernel(stdout=log, stderr=log):
        for i, cell in enumerate(notebook.cells):
            show(f"cell {i + 1} of {len(notebook.cells)}")
            client.execute_cell(cell, i)
        return peak_megabytes(client)


def texts(notebook):
    return [output.text for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == "stream"]


def claims(notebook):
    return [line for text in texts(notebook) for line in text.splitlines() if line.startswith("holds: ")]


def figures(notebook):
    return [output.data["image/png"] for cell in notebook.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]


def is_progress(output):
    return "rudder-progress" in output.get("data", {}).get("text/html", "")


def complete(png):
    """Returns the PNG with its last chunk whole. The renderer of IJava, and of JJava without Rudder's, cuts up to two bytes off."""
    if png.startswith(PNG_START):
        for missing in range(5):
            if png.endswith(PNG_END[:len(PNG_END) - missing]):
                return png + PNG_END[len(PNG_END) - missing:]
    raise ValueError(f"a figure of {len(png)} bytes does not begin and end as a PNG does")


def clean(notebook):
    """What is committed: without progress bars, versions and ids of one run; printed text in one piece, figures whole."""
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "java", "file_extension": ".jshell"}})
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({key: value for key, value in cell.metadata.items() if key == "tags"})
        kept = []
        for output in cell.get("outputs", []):
            if is_progress(output):
                continue
            if output.output_type == "stream" and kept and kept[-1].get("name") == output.name:
                kept[-1].text += output.text
                continue
            if "metadata" in output:
                output.metadata = nbformat.from_dict({})
            data = output.get("data", {})
            if data.get("text/plain") == data.get("text/html"):  # shown as HTML: JJava repeats it as text
                data.pop("text/plain", None)
            if "image/png" in data:
                data["image/png"] = base64.b64encode(complete(base64.b64decode(data["image/png"]))).decode()
            kept.append(output)
        if cell.cell_type == "code":
            cell.outputs = kept
    return notebook


def store(name):
    """Puts the executed notebook and its values where they are committed; of a run on another model than the default one, the values alone."""
    model = os.environ.get("RUDDER_MODEL", "")
    if model:
        (SOURCE / "results" / f"{name}.{Path(model).name}.csv").write_bytes((OUT / f"{name}.csv").read_bytes())
        return
    notebook = clean(nbformat.read(OUT / f"{name}.ipynb", 4))
    text = nbformat.writes(notebook) + "\n"
    drawn = figures(notebook)
    if len(drawn) > MOST_FIGURES or len(text.encode()) > MOST_BYTES:
        raise SystemExit(f"{name}: {len(drawn)} figures, {len(text.encode())} bytes; at most {MOST_FIGURES} and {MOST_BYTES} are committed")
    (SOURCE / f"{name}.ipynb").write_text(text)
    (SOURCE / "results").mkdir(exist_ok=True)
    values = OUT / f"{name}.csv"
    if values.exists():
        (SOURCE / "results" / values.name).write_bytes(values.read_bytes())
    if drawn:  # for pages that cannot show a notebook
        (SOURCE / "results" / f"{name}.png").write_bytes(base64.b64decode(drawn[0]))


def run(path):
    """Runs one notebook unless nothing changed; prints its line; whether all went well."""
    name = path.stem
    done = OUT / f"{name}.done"

    def show(text, last=False):
        terminal = sys.stdout.isatty()  # there the line is written again and again, elsewhere once
        if last or terminal:
            print(("\r" if terminal else "") + f"        {name:<28}{text}", end="\n" if last else "", flush=True)

    notebook = read(path)
    inputs = fingerprint(notebook)
    if done.exists() and json.loads(done.read_text())["inputs"] == inputs:
        show(f"unchanged; {json.loads(done.read_text())['line']}", last=True)
        return True
    done.unlink(missing_ok=True)
    start = time.monotonic()
    try:
        peak = execute(notebook, name, show)
        failure = None
    except CellExecutionError as e:
        failure = f"{COLOUR.sub('', e.ename)}: {COLOUR.sub('', e.evalue)}"
    except DeadKernelError:
        failure = "the kernel died:\n" + "\n".join((OUT / f"{name}.log").read_text().splitlines()[-10:])
    nbformat.write(notebook, OUT / f"{name}.ipynb")
    if failure:
        show(f"FAILED after {time.monotonic() - start:.0f} s", last=True)
        print(failure, f"the executed part: {OUT / name}.ipynb", sep="\n", file=sys.stderr)
        return False
    html, _ = HTMLExporter().from_notebook_node(notebook, resources={"metadata": {"name": name}})
    (OUT / f"{name}.html").write_text(html)
    line = f"{time.monotonic() - start:.0f} s, peak {peak} MB, {len(claims(notebook))} claims hold"
    done.write_text(json.dumps({"inputs": inputs, "line": line}))
    show(line, last=True)
    return True


def values(file):
    return dict(line.split(",", 1) for line in file.read_text().splitlines()[1:]) if file.exists() else {}


def summary(names):
    """Every claim and recorded value; at full size, the committed one beside it where they differ."""
    for name in names:
        found, committed = values(OUT / f"{name}.csv"), {} if QUICK else values(SOURCE / "results" / f"{name}.csv")
        print(f"\n{name}")
        for claim in claims(nbformat.read(OUT / f"{name}.ipynb", 4)):
            print(f"    {claim}")
        for key, value in found.items():
            differs = f"   (committed: {committed[key]})" if committed.get(key, value) != value else ""
            print(f"    {key:<50} {value}{differs}")
    print(f"\nExecuted notebooks, HTML and values: {OUT.relative_to(ROOT)}    To open them yourself: target/venv/bin/jupyter lab notebooks")


def main():
    parser = argparse.ArgumentParser(prog="binder/reproduce")
    parser.add_argument("--write", action="store_true", help="store what was executed in notebooks/")
    parser.add_argument("notebook", nargs="*", help="names, say 00-quickstart; all if none is given")
    options = parser.parse_args()
    if options.write and QUICK:
        parser.error("--write stores a full run: unset RUDDER_QUICK")
    known = {path.stem: path for path in sorted(SOURCE.glob("*.ipynb"))}
    names = options.notebook or list(known)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        parser.error(f"no notebook {', '.join(unknown)}; there are {', '.join(known)}")
    OUT.mkdir(parents=True, exist_ok=True)
    well = [name for name in names if run(known[name])]
    summary(well)
    if options.write:
        for name in well:
            store(name)
    if well != names:
        sys.exit(f"failed: {', '.join(name for name in names if name not in well)}")


if __name__ == "__main__":
    main()
