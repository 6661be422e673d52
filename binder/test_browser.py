"""Uses the project in a real browser, as a newcomer does.

    target/venv/bin/python binder/test_browser.py lab     # notebook 00 in JupyterLab, opened by README's command
    target/venv/bin/python binder/test_browser.py demo    # the live demo, opened from JupyterLab's launcher
    target/venv/bin/python binder/test_browser.py site    # the site of mvn -Psite, from the file system

It needs Playwright (.ci/requirements.txt) and a Chromium: the one on the path, or RUDDER_CHROMIUM. .ci/browser installs
both. RUDDER_QUICK=1 runs the notebook at smoke size. Screenshots go to target/browser.

lab: all cells run; while the first text is written, its beginning is on the page; a bar moves; both figures are whole
PNGs, both tables have rows, nothing is red. Then a long generation is stopped, its text stays, and one more cell works.
demo: the launcher's tile opens the page below Jupyter's address; tokens come while the text is written; the page stops,
and a visitor without Jupyter's token is sent away. It prints how much memory Jupyter and the demo took.
site: every page that a link leads to opens, without an error and without anything from outside. Links from one page of
Javadoc to another are left to test_site.py, which follows all.
"""
import base64
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urldefrag

from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import sync_playwright

import visit

ROOT = Path(__file__).resolve().parents[1]
SHOTS = ROOT / "target" / "browser"
NAMES = "chromium", "chromium-browser", "google-chrome"
COMMAND = re.compile(r"^ {4}(target/venv/bin/jupyter lab \S+)", re.M)
PNG_END = b"IEND\xaeB`\x82"
MINUTE = 60_000

# Notes each state of each cell's output that the page shows: [cell, still running, text, bars' values]
WATCH = """
() => {
  window.seen = [];
  const note = () => document.querySelectorAll('.jp-Notebook .jp-CodeCell').forEach((cell, i) => {
    const running = cell.querySelector('.jp-InputPrompt').textContent.includes('*');
    const output = cell.querySelector('.jp-Cell-outputArea');
    if (!running || !output) return;
    const bars = [...output.querySelectorAll('progress')].map(bar => Number(bar.getAttribute('value')));
    const entry = JSON.stringify([i, output.textContent, bars]);
    if (window.seen.at(-1) !== entry) window.seen.push(entry);
  });
  new MutationObserver(note).observe(document.body,
    {subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['value']});
}
"""


def require(holds, claim):
    if not holds:
        raise AssertionError(claim)
    print(f"holds: {claim}", flush=True)


def browser(playwright):
    found = os.environ.get("RUDDER_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        sys.exit("there is no Chromium: run .ci/browser, or set RUDDER_CHROMIUM to one")
    return playwright.chromium.launch(executable_path=found, args=["--no-sandbox"] if os.geteuid() == 0 else [])


class Lab:
    """JupyterLab in a folder of its own, so that what it saves changes nothing that is committed."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "notebooks").mkdir()
        for file in (ROOT / "notebooks").iterdir():
            if file.is_file():
                shutil.copy(file, folder / "notebooks")
        for name in ("target", "lib", "data"):
            (folder / name).symlink_to(ROOT / name)
        # a cell that is out of sight is left out of the page by default, and would not be seen here
        settings = folder / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
        settings.parent.mkdir(parents=True)
        settings.write_text('{"windowingMode": "none"}')
        # Jupyter opens what it was asked to open in the user's browser; this one only notes what
        self.opened = folder / "opened"
        note = self.opened.with_suffix(".part")
        (folder / "browser").write_text(f'#!/bin/sh\necho "$1" > {note}\nmv {note} {self.opened}\n')
        (folder / "browser").chmod(0o755)
        command = COMMAND.search((ROOT / "README.md").read_text()).group(1)
        self.log = open(folder / "lab.log", "w")
        self.process = subprocess.Popen(
            [*command.split(), "--port=0", "--allow-root"], cwd=folder, start_new_session=True,
            stdout=self.log, stderr=self.log,
            env={**os.environ, "BROWSER": f"{folder / 'browser'} %s", "JUPYTER_CONFIG_DIR": str(folder / "config"),
                 "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
                 "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces")})

    def address(self):
        """Returns the address that Jupyter opens in the user's browser."""
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            if self.opened.exists():
                return self.opened.read_text().strip()
            time.sleep(0.2)
        raise AssertionError(f"Jupyter opened no page:\n{self.said()}")

    def said(self):
        """Returns what Jupyter and its kernels have printed."""
        return (self.folder / "lab.log").read_text()

    def memory(self):
        """Returns the megabytes that Jupyter and what it started took at their peaks, by their commands' names."""
        taken = {}
        for pid in visit.family(self.process.pid):
            try:
                fields = dict(line.split(":", 1) for line in Path("/proc", str(pid), "status").read_text().splitlines())
                name = fields["Name"].strip()
                taken[name] = taken.get(name, 0) + int(fields["VmHWM"].split()[0]) // 1024
            except (OSError, KeyError):
                continue  # it ended meanwhile, or takes no memory
        return taken

    def close(self):
        """Ends Jupyter and its kernels. Jupyter leaves a kernel behind, or never ends, if it is told early."""
        started = visit.family(self.process.pid)
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in started:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue  # it ended as it was told
        self.log.close()


class Notebook:
    """The notebook that is open on a page of JupyterLab.

    Its kernel may still start: JupyterLab keeps what it is told to run. The kernel's shown state tells nothing. JJava
    does not answer JupyterLab's request for its history, and so stays "unknown" until the first cell has run.
    """

    def __init__(self, page):
        self.page = page
        self.cells = page.locator(".jp-Notebook .jp-CodeCell")
        self.cells.first.wait_for(timeout=MINUTE)
        page.locator(".jp-Toolbar-kernelName, .jp-KernelName").first.wait_for(timeout=MINUTE)
        page.evaluate(WATCH)

    def menu(self, menu, item):
        self.page.locator(".lm-MenuBar-itemLabel", has_text=re.compile(f"^{menu}$")).click()
        self.page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{item}$")).click()

    def wait(self, minutes):
        """Waits until no cell runs and none is queued."""
        self.page.wait_for_function(
            "() => ![...document.querySelectorAll('.jp-Notebook .jp-CodeCell .jp-InputPrompt')]"
            ".some(prompt => prompt.textContent.includes('*'))", timeout=minutes * MINUTE)

    def add(self, code):
        """Writes a new cell at the end and runs it; returns its number."""
        last = self.cells.count() - 1
        self.page.locator(".jp-Notebook .jp-Cell").last.locator(".jp-InputPrompt, .jp-MarkdownOutput").first.click()
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("b")
        self.page.keyboard.press("Enter")
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Control+Enter")
        number = last + 1
        require(self.cells.count() == last + 2 and code in self.cells.nth(number).locator(".cm-content").text_content(),
                f"a new cell holds {code}")
        return number

    def output(self, number):
        return self.cells.nth(number).locator(".jp-Cell-outputArea").text_content()

    def printed(self, number):
        """Returns what a cell printed, without the bar, which may stand amid the text."""
        texts = self.cells.nth(number).locator('[data-mime-type="application/vnd.jupyter.stdout"]').all_text_contents()
        return "".join(texts).strip()

    def errors(self):
        return self.page.locator('[data-mime-type="application/vnd.jupyter.error"],'
                                 '[data-mime-type="application/vnd.jupyter.stderr"]').all_inner_texts()

    def seen(self, number):
        """Returns what the page showed of a cell's output while the cell ran: texts, and bars' values."""
        return [(text, bars) for text, bars in self.page.evaluate(
            "n => window.seen.map(JSON.parse).filter(e => e[0] === n).map(e => [e[1], e[2]])", number)]


def first(notebook, word):
    """Returns the number of the first code cell with the word."""
    for i in range(notebook.cells.count()):
        if word in notebook.cells.nth(i).locator(".cm-content").text_content():
            return i
    raise AssertionError(f"no cell contains {word}")


def figures(notebook):
    return [base64.b64decode(source.split(",", 1)[1]) for source in notebook.page.evaluate(
        "() => [...document.querySelectorAll('.jp-OutputArea-output img')]"
        ".filter(i => i.complete && i.naturalWidth > 0).map(i => i.src)") if source.startswith("data:image/png")]


def check_lab(playwright):
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        page = browser(playwright).new_page(viewport={"width": 1280, "height": 1000})
        try:
            start = time.monotonic()
            page.goto(lab.address())
            use_notebook(page)
            print(f"{time.monotonic() - start:.0f} s from the address to the last cell", flush=True)
        except Exception:
            page.screenshot(path=SHOTS / "lab-failed.png")
            print(lab.said(), flush=True)
            raise
        finally:
            lab.close()


def use_notebook(page):
    notebook = Notebook(page)
    require("00-quickstart" in page.locator(".lm-TabBar-tab.jp-mod-current").first.inner_text()
            or page.get_by_text("Steer a language model by feedback control").first.is_visible(),
            "JupyterLab opens 00-quickstart")
    require("**Time.**" not in page.locator(".jp-Notebook").inner_text()
            and "takes" in page.locator(".jp-Notebook").get_by_text("Time.").first.locator("..").inner_text(),
            "the notebook says at its top how long it takes")
    page.evaluate("() => document.querySelectorAll('.jp-Cell-outputArea').forEach(a => a.dataset.before = '1')")
    notebook.menu("Edit", "Clear Outputs of All Cells")
    notebook.menu("Run", "Run All Cells")
    page.wait_for_function("() => document.querySelector('.jp-Notebook').textContent.includes('[*]')", timeout=MINUTE)
    notebook.wait(10)
    require(notebook.errors() == [], (notebook.errors() or ["no cell fails"])[0])
    prompts = page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt").all_inner_texts()
    shown = [prompt for prompt in prompts if prompt]  # a solution's hidden input shows no number
    require(all(re.search(r"\[\d+\]", prompt) for prompt in shown), f"all {len(shown)} cells that show their input ran")

    number = first(notebook, ".generate(")
    written = notebook.output(number)
    parts = [text for text, bars in notebook.seen(number) if text.strip() and text.strip() != written.strip()]
    require(len(set(parts)) >= 2, f"the page shows the first text growing: {len(set(parts))} states before the last")

    pictures = figures(notebook)
    require(len(pictures) == 2, f"there are two figures ({len(pictures)})")
    require(all(png.endswith(PNG_END) for png in pictures), "both are whole PNGs")
    tables = page.locator(".jp-OutputArea-output table").evaluate_all("all => all.map(t => t.rows.length)")
    require(len(tables) == 2 and min(tables) > 2, f"there are two tables, of {tables} rows")
    wide = page.evaluate(
        "() => [...document.querySelectorAll('.jp-OutputArea-output')].filter(output =>"
        " output.scrollWidth > output.clientWidth + 1 && getComputedStyle(output).overflowX === 'visible').length")
    require(wide == 0, "no output is wider than its place at 1280 pixels")
    page.screenshot(path=SHOTS / "lab.png")
    for i, figure in enumerate(page.locator(".jp-OutputArea-output img, .jp-OutputArea-output table").all()):
        figure.scroll_into_view_if_needed()
        figure.screenshot(path=SHOTS / f"lab-output-{i}.png")

    number = notebook.add("Linearisation.mean(model, ocean.positive().subList(0, 8))")
    notebook.wait(5)
    values = [bar for _, bars in notebook.seen(number) for bar in bars]
    require(len(set(values)) >= 2 and values == sorted(values), f"a bar moves: {values[:8]}")

    number = notebook.add('model.generate("Once upon a time", 1500, System.out::print);')
    page.wait_for_function(
        "n => (document.querySelectorAll('.jp-Notebook .jp-CodeCell')[n].querySelector('.jp-Cell-outputArea')"
        "?.textContent ?? '').length > 60", arg=number, timeout=MINUTE)
    before = notebook.printed(number)
    page.screenshot(path=SHOTS / "lab-generating.png")
    start = time.monotonic()
    page.locator('.jp-NotebookPanel-toolbar [data-command="notebook:interrupt-kernel"],'
                 '.jp-NotebookPanel-toolbar [title^="Interrupt the kernel"]').first.click()
    notebook.wait(1)
    stopped = time.monotonic() - start
    after = notebook.printed(number)
    page.screenshot(path=SHOTS / "lab-stopped.png")
    require(stopped < 10, f"the stop button ends a generation ({stopped:.1f} s)")
    require(before and after.startswith(before) and len(after) < 9000, "the text so far stays on the page")
    number = notebook.add('"answer " + (6 * 7)')
    notebook.wait(1)
    require("answer 42" in notebook.output(number), "the next cell works")


def check_demo(playwright):
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        chromium = browser(playwright)
        page = chromium.new_page(viewport={"width": 1280, "height": 1000})
        try:
            page.goto(lab.address())
            tile = open_launcher(page)
            start = time.monotonic()
            with page.expect_popup(timeout=MINUTE) as opened:
                tile.click()
            demo = opened.value
            until(demo, "() => window.demo && window.demo.ready")
            print(f"{time.monotonic() - start:.0f} s from the tile to the page", flush=True)
            use_demo(demo)
            stranger = chromium.new_context().new_page()
            stranger.goto(demo.url)
            require("/login" in stranger.url, "a visitor without Jupyter's token is asked to log in")
            taken = ", ".join(f"{name} {mb}" for name, mb in sorted(lab.memory().items()))
            print(f"peak memory in MB: {taken}", flush=True)
        except Exception:
            for i, one in enumerate(page.context.pages):
                one.screenshot(path=SHOTS / f"demo-failed-{i}.png")
            print(lab.said(), flush=True)
            raise
        finally:
            lab.close()


def open_launcher(page):
    Notebook(page)  # waits until JupyterLab is there
    page.locator('[data-command="launcher:create"]').first.click()
    tile = page.locator(".jp-LauncherCard", has_text="Rudder: live demo").first
    tile.wait_for(timeout=MINUTE)
    until(page, "() => document.querySelector('.jp-LauncherCard[title^=\"Rudder\"] img')?.naturalWidth > 0")
    page.screenshot(path=SHOTS / "launcher.png")
    return tile


def until(page, expression, seconds=180):
    """Asks again and again: Playwright's own waiting would run eval in the page, which the demo's policy forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        if time.monotonic() > end:
            said = page.evaluate("() => document.getElementById('status')?.textContent")
            raise AssertionError(f"waited in vain for {expression}; the page says {said}")
        page.wait_for_timeout(50)


def use_demo(page):
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: message.type == "error" and faults.append(message.text))
    require("/rudder-demo/" in page.url, "the demo opens below Jupyter's address")
    page.fill("#tokens", "120")
    page.click("#write")
    until(page, "() => window.demo.tokens.length > 2")
    require(page.evaluate("() => window.demo.running"), "tokens come while the text is written")
    page.click("#stop")
    until(page, "() => !window.demo.running")
    require(page.evaluate("() => window.demo.tokens.length") < 100, "the stop button ends the text")
    page.fill("#tokens", "24")
    page.click("#write")
    until(page, "() => !window.demo.running && (window.demo.result || window.demo.error)")
    require(page.evaluate("() => window.demo.error ?? ''") == "", "the text is written without an error")
    require(page.evaluate("() => window.demo.tokens.length") == 24, "it has as many tokens as were asked for")
    require(page.locator("#steered .tok").count() == 24, "each stands on the page")
    page.screenshot(path=SHOTS / "demo.png", full_page=True)
    require(faults == [], "\n".join(faults) or "the page's console holds no error")


def check_site(playwright):
    index = (ROOT / "target" / "site" / "index.html")
    if not index.exists():
        sys.exit("there is no site in target/site: run mvn -Psite")
    root = index.parent.as_uri() + "/"
    page = browser(playwright).new_page(viewport={"width": 1280, "height": 1000})
    faults = []
    page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
    page.on("console", lambda message: message.type == "error" and faults.append(f"{page.url}: {message.text}"))
    page.on("request", lambda request: request.url.startswith(("http:", "https:"))
            and faults.append(f"{page.url} asks for {request.url}"))
    page.on("requestfailed", lambda request: faults.append(f"{page.url}: {request.url} failed: {request.failure}"))
    waiting, opened, pictures = [index.as_uri()], set(), 0
    while waiting:
        url = waiting.pop()
        if url in opened:
            continue
        opened.add(url)
        page.goto(url)
        pictures += page.evaluate("() => document.images.length")
        broken = page.evaluate("() => [...document.images].filter(i => !i.naturalWidth).map(i => i.src)")
        faults += [f"{url}: the picture {source[:80]} does not show" for source in broken]
        if "/javadoc/" not in url:
            wide = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
            faults += [f"{url} is {wide} pixels wider than the window"] if wide > 0 else []
        links = [] if "/javadoc/" in url else page.evaluate(
            "() => [...document.querySelectorAll('a[href]')].map(a => a.href)")
        for link in {urldefrag(link).url for link in links}:
            if link.startswith("file:") and not link.startswith(root):
                faults.append(f"{url} leads out of the site: {link}")
            elif link.startswith(root) and link.endswith(".html"):
                waiting.append(link)
    require(faults == [], "\n".join(faults[:20]) or
            f"all {len(opened)} pages open by links, with {pictures} pictures, and nothing comes from outside")
    shots = {"site": "index.html", "site-notebooks": "notebooks/index.html", "site-00": "notebooks/00-quickstart.html",
             "site-larger": "lib/larger-models.html"}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for name, path in shots.items():
            page.goto(root + path)
            page.screenshot(path=SHOTS / f"{name}-{scheme}.png", full_page=True)


def main():
    checks = {"lab": check_lab, "demo": check_demo, "site": check_site}
    names = sys.argv[1:] or list(checks)
    SHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        for name in names:
            try:
                checks[name](playwright)
            except (AssertionError, PlaywrightTimeout) as e:
                sys.exit(f"{name}: {e}\nscreenshots: {SHOTS.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
