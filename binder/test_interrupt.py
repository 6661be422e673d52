"""Interrupts long work in a notebook's kernel, and checks that it stops.

    target/venv/bin/python binder/test_interrupt.py

binder/reproduce prepares all that this program needs: the kernel, the jars, a model. A cell begins work that would last
minutes. Some seconds later the kernel is interrupted, as Jupyter's square button does it. The kernelspec's
interrupt_mode is "message"; JJava then cancels the cell's call and interrupts its thread. It ends the cell at once,
whether or not the thread stops, so the end of the cell says little. The next cell looks for threads that still compute
in Rudder. --within is the time in seconds after which there may be none.
"""
import argparse
import queue
import shutil
import sys
import tempfile
import time
from pathlib import Path

from jupyter_client.manager import KernelManager

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
JARS = "../lib/target/jars/*.jar"

SETUP = """
var model = LanguageModel.load(%s);
var ocean = ContrastSet.read("../data/concepts/ocean.csv");
var many = IntStream.range(0, 500).mapToObj(i -> "Prompt " + i + " tells of the sea, its tides and its ships").toList();
var system = Linearisation.mean(model, many.subList(0, 1));
var runs = Path.of("%s");
var task = new Task("stopped", ocean, new PromptSet("tuning", List.of("Once upon a time")),
    new PromptSet("evaluation", many), List.of(), Comparison.settings().tokens(24));
System.out.println("ready");
"""

WORKS = {
    "generate": 'model.generate("Once upon a time", 1500, Sampling.greedy());',
    "chat": 'model.chat("Tell me a very long story.", 1500);',
    "Jacobians": "model.meanJacobians(many);",
    "Riccati": "for (int i = 0; i < 1000; i++) { Lqr.solve(system, new QuadraticCost(.1, 1, 1)); }",
    "task": "task.run(model, runs, Controller.none());",
}

# threads that compute in Rudder, but for this cell's own
WORKING = """
System.out.println("working " + Thread.getAllStackTraces().entrySet().stream()
    .filter(e -> e.getKey() != Thread.currentThread() && e.getKey().getState() == Thread.State.RUNNABLE)
    .filter(e -> Arrays.stream(e.getValue()).anyMatch(f -> f.getClassName().startsWith("rudder.")))
    .map(e -> e.getKey().getName() + " in " + Arrays.stream(e.getValue())
        .filter(f -> f.getClassName().startsWith("rudder.")).findFirst().get()).toList());
"""
NEXT = 'System.out.println(model.generate("Once", 2, Sampling.greedy()).text());'


def kept(folder):
    """Returns the number of completions below a task's folder."""
    return sum(text.count(b'"promptTokens"') for text in (file.read_bytes() for file in Path(folder).rglob("*.jsonl")))


class Kernel:
    """A kernel whose cells can be waited for, or left at work."""

    def __init__(self, name):
        self.manager = KernelManager(kernel_name=name)
        self.manager.start_kernel(cwd=str(NOTEBOOKS))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=180)

    def begin(self, code):
        return self.client.execute(code)

    def finish(self, cell, timeout):
        """Waits until the kernel is idle again; returns the cell's output and its error, if it had one."""
        text, error, end = "", None, time.monotonic() + timeout
        while time.monotonic() < end:
            try:
                message = self.client.get_iopub_msg(timeout=0.2)
            except queue.Empty:
                continue
            if message["parent_header"].get("msg_id") != cell:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                text += content["text"]
            elif kind == "error":
                error = f"{content['ename']}: {content['evalue']}"
            elif kind == "status" and content["execution_state"] == "idle":
                return text, error
        raise TimeoutError(f"busy after {timeout} s; so far: {text}")

    def run(self, code, timeout=300):
        text, error = self.finish(self.begin(code), timeout)
        if error:
            raise RuntimeError(f"{error}\n{text}")
        return text

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def interrupted(kernel, code, begun, within):
    """Returns the seconds until the cell ended, its error, and what still computes `within` seconds after."""
    cell = kernel.begin(code)
    begun()
    start = time.monotonic()
    kernel.manager.interrupt_kernel()
    _, error = kernel.finish(cell, 60)
    ended = time.monotonic() - start
    time.sleep(max(0, within - ended))
    return ended, error, kernel.run(WORKING).split("working ", 1)[1].strip()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--within", type=float, default=1.0, help="seconds until nothing computes any more")
    parser.add_argument("--after", type=float, default=3.0, help="seconds of work before the interrupt")
    parser.add_argument("--longest", type=float, default=300.0, help="seconds until a task must have kept something")
    parser.add_argument("--classpath", default=JARS, help="the jars, seen from notebooks/")
    parser.add_argument("--kernel", default="java")
    parser.add_argument("--model", default="modelName()", help="a Java expression")
    parser.add_argument("work", nargs="*", help=", ".join(WORKS) + "; all if none is given")
    options = parser.parse_args()
    setup = (NOTEBOOKS / "imports.jshell").read_text().replace(JARS, options.classpath)
    kernel, failed = None, []
    runs = tempfile.mkdtemp()

    def begun():
        time.sleep(options.after)
        end = time.monotonic() + options.longest
        while name == "task" and not kept(runs) and time.monotonic() < end:
            time.sleep(0.2)

    try:
        for name in options.work or WORKS:
            if kernel is None:
                kernel = Kernel(options.kernel)
                kernel.run(setup)
                kernel.run(SETUP % (options.model, runs), 600)
            ended, error, working = interrupted(kernel, WORKS[name], begun, options.within)
            good = ended <= options.within and working == "[]" and error is not None
            detail = "" if working == "[]" else f"; {options.within} s after the interrupt there computed {working}"
            print(f"{'stopped' if good else 'FAILED':<8}{name:<10} cell ended after {ended:.2f} s ({error}){detail}")
            if name == "task":
                good = good and kept(runs) > 0
                print(f"        {name:<10} {kept(runs)} completions kept")
            kernel.run(NEXT)
            print(f"        {name:<10} the next cell works", flush=True)
            if not good:
                failed.append(name)
                kernel.close()  # what still computes must not be blamed on the next work
                kernel = None
    finally:
        if kernel is not None:
            kernel.close()
        shutil.rmtree(runs)
    if failed:
        sys.exit("not stopped: " + ", ".join(failed))


if __name__ == "__main__":
    main()
