"""Looks at what a person sees in a notebook's kernel: text while it is written, help, and the errors people make.

    target/venv/bin/python binder/test_kernel.py

binder/reproduce prepares all that this program needs. It prints a line for each thing that it saw, and ends with an
error if one is not as it should be. Seconds are printed and not judged: a busy machine is no fault.
"""
import os
import queue
import shutil
import sys
import tempfile
import time
from pathlib import Path

from jupyter_client.manager import KernelManager

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
PROMPT = '"The most important thing about"'


class Kernel:
    """A kernel that reports every message of a cell with the seconds since the cell began."""

    def __init__(self, folder=NOTEBOOKS, **environment):
        self.manager = KernelManager(kernel_name="java")
        self.manager.start_kernel(cwd=str(folder), env=os.environ | environment)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=180)

    def messages(self, code, timeout=300, interrupt_after=None):
        cell, start, interrupted = self.client.execute(code), time.monotonic(), False
        while time.monotonic() - start < timeout:
            if interrupt_after is not None and not interrupted and time.monotonic() - start > interrupt_after:
                self.manager.interrupt_kernel()
                interrupted = True
            try:
                message = self.client.get_iopub_msg(timeout=0.05)
            except queue.Empty:
                continue
            if message["parent_header"].get("msg_id") != cell:
                continue
            yield time.monotonic() - start, message["msg_type"], message["content"]
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return
        raise TimeoutError(f"busy after {timeout} s: {code}")

    def run(self, code, timeout=600):
        """Returns what the cell printed on each stream, and its error."""
        texts, error = {"stdout": "", "stderr": ""}, None
        for _, kind, content in self.messages(code, timeout):
            if kind == "stream":
                texts[content["name"]] += content["text"]
            elif kind == "error":
                error = content["evalue"]
        return texts["stdout"], texts["stderr"], error

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


failed = []


def see(good, what):
    print("seen    " if good else "FAILED  ", what, flush=True)
    if not good:
        failed.append(what)


def shown(messages):
    """Returns (seconds, html) of each time that a job was shown, and the cell's error."""
    jobs, error = [], None
    for seconds, kind, content in messages:
        html = content.get("data", {}).get("text/html", "") if kind in ("display_data", "update_display_data") else ""
        if "rudder-progress" in html:
            jobs.append((seconds, html))
        elif kind == "error":
            error = content["evalue"]
    return jobs, error


def texts_while_they_are_written():
    kernel = Kernel()
    try:
        out, err, error = kernel.run("%load setup.jshell")
        see(not err and error is None, f"the set-up is silent (stderr {err!r}, error {error!r})")
        kernel.run("var model = LanguageModel.load(modelName());")
        jobs, error = shown(kernel.messages(f"model.generate({PROMPT}, 200, Sampling.greedy())"))
        bar = jobs[0][0] if jobs else float("inf")
        text = next((seconds for seconds, html in jobs if "pre-wrap" in html), float("inf"))
        moved = len({html.split('value="')[1].split('"')[0] for _, html in jobs if 'value="' in html})
        see(error is None and bar < text < float("inf"), f"a bar after {bar:.2f} s, its text after {text:.2f} s; the bar took {moved} places")
        see(moved > 2 and "pre-wrap" not in jobs[-1][1], "the bar moves, and the display of a whole text ends as a line")

        many = f'model.generate(Collections.nCopies(64, {PROMPT}), 24, Sampling.greedy()).size()'
        jobs, error = shown(kernel.messages(many))
        see(error is None and jobs, f"a batch shows its bar after {jobs[0][0]:.2f} s" if jobs else many)

        jobs, error = shown(kernel.messages(f"model.generate({PROMPT}, 1500, Sampling.greedy())", interrupt_after=3))
        kept = jobs[-1][1] if jobs else ""
        see("pre-wrap" in kept and error is not None, f"a stopped cell keeps its text ({len(kept)} letters; {error})")
        out, err, error = kernel.run(f"System.out.println(model.generate({PROMPT}, 2, Sampling.greedy()).text());")
        see(error is None and out.strip(), f"the next cell works ({out.strip()!r}, {error})")

        out, err, error = kernel.run("help(LqrSolution.class);")
        see(error is None and "gain(int k)" in out, f"help names the methods ({error}): {out[:60]!r}")
        out, err, error = kernel.run("help(model);")
        see(error is None and "Completion generate(String prompt, int maxTokens)" in out, "help takes an object")
    finally:
        kernel.close()


def errors_people_make():
    with tempfile.TemporaryDirectory() as folder:
        for name in ("setup.jshell", "imports.jshell"):
            shutil.copy(NOTEBOOKS / name, folder)
        kernel = Kernel(folder)
        try:
            out, err, error = kernel.run("%load setup.jshell")
            see(error is None and err.startswith("Rudder is not built: run binder/reproduce") and err.count("\n") == 1,
                f"a notebook before the build: {err!r}, {error!r}")
        finally:
            kernel.close()
    for heap, least, most, sentence in (("4 GB", 0.9, 1.1, True), ("2g", 1.8, 2.1, False)):
        kernel = Kernel(RUDDER_HEAP=heap)
        try:
            out, err, error = kernel.run("%load setup.jshell")
            said = err.startswith(f'RUDDER_HEAP is "{heap}"') and err.count("\n") == 1
            see(error is None and (said if sentence else not err), f"RUDDER_HEAP={heap}: {err!r}, {error!r}")
            out, err, error = kernel.run("System.out.println(Runtime.getRuntime().maxMemory() / 1e9);")
            see(least < float(out) * 1e9 / (1 << 30) < most, f"the heap is {float(out):.2f} GB")
        finally:
            kernel.close()


def main():
    errors_people_make()
    texts_while_they_are_written()
    if failed:
        sys.exit("not as they should be: " + "; ".join(failed))


if __name__ == "__main__":
    main()
