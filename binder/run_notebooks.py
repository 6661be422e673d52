"""Runs the notebooks, one kernel each, and prints their claims and values.

binder/reproduce prepares all that this program needs.

The inputs of a notebook are its cells, setup.jshell and what it loads, the jars, the data, the model and the size. If
none has changed since its last good run, the notebook is not run again. A run writes to target/notebooks, or
target/notebooks/quick at smoke size: the executed notebook, the same as HTML, and the recorded values as csv.

--write stores them, and with them how long the notebook took and how much memory (notebooks/durations.csv). The first
cell of each notebook says so: see durations.py.
"""
import argparse
import base64
import hashlib
import html
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

import durations

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "notebooks"
QUICK = os.environ.get("RUDDER_QUICK", "") not in ("", "0")
OUT = ROOT / "target" / "notebooks" / ("quick" if QUICK else "")
KERNEL = {"display_name": "Java", "language": "java", "name": "java"}
MOST_FIGURES, MOST_BYTES = 8, 300_000  # of a committed notebook
KEPT_METADATA = ("tags", "jupyter")  # the latter hides the source of a solution
NO_WORDS = 'alt="No description has been provided for this image"'
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
PNG_START = b"\x89PNG\r\n\x1a\n"
PNG_END = b"\0\0\0\0IEND\xaeB`\x82"  # the last chunk: length 0, type, checksum


def read(path):
    """Returns the notebook without outputs. Every cell has an id that is the same in every run."""
    notebook = json.loads(path.read_text())
    notebook["nbformat_minor"] = 5
    for i, cell in enumerate(notebook["cells"]):
        cell.setdefault("id", f"cell-{i}")
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return nbformat.reads(json.dumps(notebook), as_version=4)


def fingerprint(notebook=None):
    """Returns a digest of all that the outputs depend on; without a notebook, of all that every notebook depends on."""
    digest = hashlib.sha256()

    def add(*parts):
        digest.update(json.dumps(parts).encode())

    add(notebook and [(cell.id, cell.cell_type, cell.source) for cell in notebook.cells if cell.id != durations.CELL],
        QUICK)
    add((SOURCE / "setup.jshell").read_text(), (SOURCE / "imports.jshell").read_text())
    add((ROOT / "binder" / "requirements.txt").read_text())
    sweep = notebook and durations.needs_spark(notebook)
    folders = [ROOT / "lib" / "target" / name for name in (["jars", "sweep"] if sweep else ["jars"])]
    for jar in sorted(jar for folder in folders for jar in folder.glob("*.jar")):
        with zipfile.ZipFile(jar) as file:  # of its contents: a jar's bytes hold its build time
            add(jar.name, sorted((entry.filename, entry.CRC) for entry in file.infolist()))
    for file in sorted(path for path in (ROOT / "data").rglob("*") if path.is_file()):
        add(str(file.relative_to(ROOT)), hashlib.sha256(file.read_bytes()).hexdigest())
    model = os.environ.get("RUDDER_MODEL", "")
    add(model, state(model))
    return digest.hexdigest()


def absolute(model):
    """Returns the path from the root on, if the model is one: kernels run in another folder. A name stays."""
    path = Path(model).expanduser()
    return str(path.absolute()) if model and path.exists() else model


def state(model):
    """Returns the newest time and the total size of a model's file, or of all files of its folder; None for a name."""
    path = Path(model).expanduser()
    if not model or not path.exists():
        return None
    files = [file.stat() for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
    return max((file.st_mtime for file in files), default=0), sum(file.st_size for file in files)


def kept(file):
    """Returns what keep() left of a good run; nothing if the file is missing or damaged, as on a full disk."""
    try:
        record = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) and record.keys() >= {"inputs", "line", "seconds", "mb"} else {}


def keep(file, record):
    """Writes a good run's record beside its place and renames it, so that it is whole or the old one."""
    beside = file.with_name(file.name + ".part")
    beside.write_text(json.dumps(record))
    beside.replace(file)


def peak_megabytes(client):
    """Returns the largest resident memory of the kernel's process, or 0 where the system does not know it."""
    try:
        status = Path("/proc", str(client.km.provisioner.pid), "status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) // 1024
    except (OSError, AttributeError):
        return 0


def runs(name):
    """Returns the folder of completions from which a stopped run continues, and removes those of other inputs."""
    folder = OUT / "runs" / name / fingerprint()[:16]
    for other in folder.parent.glob("*"):
        if other != folder:
            shutil.rmtree(other)
    return folder


def execute(notebook, name, show):
    """Runs every cell in place and returns the kernel's peak memory in MB."""
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


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def texts(notebook):
    return [output.text for output in outputs(notebook) if output.output_type == "stream"]


def claims(notebook):
    return [line for text in texts(notebook) for line in text.splitlines() if line.startswith("holds: ")]


def figures(notebook):
    return [output.data["image/png"] for output in outputs(notebook) if "image/png" in output.get("data", {})]


def is_progress(output):
    return "rudder-progress" in output.get("data", {}).get("text/html", "")


def complete(png):
    """Returns the PNG with its last chunk whole. The renderer of IJava, and JJava's own, cut off up to two bytes."""
    if png.startswith(PNG_START):
        for missing in range(5):
            if png.endswith(PNG_END[:len(PNG_END) - missing]):
                return png + PNG_END[len(PNG_END) - missing:]
    raise ValueError(f"a figure of {len(png)} bytes is no PNG or lacks over 4 bytes: run the notebook again")


def alternative(output):
    """Returns the metadata by which a page says what a figure shows: nbconvert writes it into the img element."""
    data = output.get("data", {})
    return nbformat.from_dict({"image/png": {"alt": data["text/plain"]}} if "image/png" in data else {})


def described(page, notebook):
    """Returns the page with each figure's words, which nbconvert's template of JupyterLab leaves out."""
    for output in outputs(notebook):
        if "image/png" in output.get("data", {}):
            page = page.replace(NO_WORDS, f'alt="{html.escape(output.data["text/plain"])}"', 1)
    return page


def clean(notebook):
    """Makes the notebook fit to be committed: without the traces of one run, with text joined and figures whole."""
    language = {"name": "java", "file_extension": ".jshell"}
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": language})
    for cell in notebook.cells:
        kept = {key: value for key, value in cell.metadata.items() if key in KEPT_METADATA}
        cell.metadata = nbformat.from_dict(kept)
        kept = []
        for output in cell.get("outputs", []):
            if is_progress(output):
                continue
            if output.output_type == "stream" and kept and kept[-1].get("name") == output.name:
                kept[-1].text += output.text
                continue
            if "metadata" in output:
                output.metadata = alternative(output)
            data = output.get("data", {})
            if data.get("text/plain") == data.get("text/html"):  # JJava repeats HTML as text
                data.pop("text/plain", None)
            if "image/png" in data:
                data["image/png"] = base64.b64encode(complete(base64.b64decode(data["image/png"]))).decode()
            kept.append(output)
        if cell.cell_type == "code":
            cell.outputs = kept
    return notebook


def store(name):
    """Copies the executed notebook and its values to where they are committed; with RUDDER_MODEL, the values alone."""
    model = os.environ.get("RUDDER_MODEL", "")
    if model:
        (SOURCE / "results" / f"{name}.{Path(model).name}.csv").write_bytes((OUT / f"{name}.csv").read_bytes())
        return
    done = kept(OUT / f"{name}.done")
    durations.record(name, done["seconds"], done["mb"])
    notebook = clean(nbformat.read(OUT / f"{name}.ipynb", 4))
    durations.head(notebook, name)
    text = nbformat.writes(notebook) + "\n"
    drawn = figures(notebook)
    if len(drawn) > MOST_FIGURES or len(text.encode()) > MOST_BYTES:
        raise SystemExit(f"{name} has {len(drawn)} figures and {len(text.encode())} bytes; "
                         f"at most {MOST_FIGURES} figures and {MOST_BYTES} bytes are committed")
    (SOURCE / f"{name}.ipynb").write_text(text)
    (SOURCE / "results").mkdir(exist_ok=True)
    values = OUT / f"{name}.csv"
    if values.exists():
        (SOURCE / "results" / values.name).write_bytes(values.read_bytes())
    if drawn:  # for pages that cannot show a notebook, such as the README
        (SOURCE / "results" / f"{name}.png").write_bytes(base64.b64decode(drawn[0]))


def run(path):
    """Runs one notebook unless nothing changed, prints a line about it, and returns whether all went well."""
    name = path.stem
    done = OUT / f"{name}.done"

    def show(text, last=False):
        terminal = sys.stdout.isatty()  # a terminal's line is rewritten, a log gets the last one
        if last or terminal:
            print(("\r" if terminal else "") + f"        {name:<28}{text}", end="\n" if last else "", flush=True)

    notebook = read(path)
    inputs = fingerprint(notebook)
    before = kept(done)
    if before.get("inputs") == inputs:
        show(f"unchanged; {before['line']}", last=True)
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
        print(failure, f"executed so far: {OUT / name}.ipynb", sep="\n", file=sys.stderr)
        return False
    for output in outputs(notebook):
        if "metadata" in output:
            output.metadata.update(alternative(output))
    page, _ = HTMLExporter().from_notebook_node(notebook, resources={"metadata": {"name": name}})
    (OUT / f"{name}.html").write_text(described(page, notebook))
    seconds = round(time.monotonic() - start)
    line = f"{seconds} s, peak {peak} MB, {len(claims(notebook))} claims hold"
    keep(done, {"inputs": inputs, "line": line, "seconds": seconds, "mb": peak})
    show(line, last=True)
    return True


def values(file):
    return dict(line.split(",", 1) for line in file.read_text().splitlines()[1:]) if file.exists() else {}


def summary(names):
    """Prints every claim and recorded value; at full size, also the committed value where it differs."""
    for name in names:
        found, committed = values(OUT / f"{name}.csv"), {} if QUICK else values(SOURCE / "results" / f"{name}.csv")
        print(f"\n{name}")
        for claim in claims(nbformat.read(OUT / f"{name}.ipynb", 4)):
            print(f"    {claim}")
        for key, value in found.items():
            differs = f"   (committed: {committed[key]})" if committed.get(key, value) != value else ""
            print(f"    {key:<50} {value}{differs}")
    print(f"\nExecuted notebooks, HTML and values are in {OUT.relative_to(ROOT)}.")
    print("To open the notebooks yourself: target/venv/bin/jupyter lab notebooks/00-quickstart.ipynb")


def main():
    parser = argparse.ArgumentParser(prog="binder/reproduce")
    parser.add_argument("--write", action="store_true", help="store the executed notebooks and values in notebooks/")
    parser.add_argument("notebook", nargs="+", help="names, such as 00-quickstart")
    options = parser.parse_args()
    if options.write and QUICK:
        parser.error("--write needs a full run, and RUDDER_QUICK is set: unset it")
    known = {path.stem: path for path in sorted(SOURCE.glob("*.ipynb"))}
    names = options.notebook
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"there is no notebook {', '.join(unknown)}, only {', '.join(known)}")
    os.environ["RUDDER_MODEL"] = absolute(os.environ.get("RUDDER_MODEL", ""))
    OUT.mkdir(parents=True, exist_ok=True)
    try:
        well = [name for name in names if run(known[name])]
    except KeyboardInterrupt:
        sys.exit("\nStopped. The same command goes on from here: what is done is kept in target/notebooks.")
    summary(well)
    if options.write:
        for name in well:
            store(name)
    if well != names:
        sys.exit(f"failed: {', '.join(name for name in names if name not in well)}")


if __name__ == "__main__":
    main()
