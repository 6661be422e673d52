"""Makes the project's site, one static folder that opens from the file system: target/site.

    mvn -Psite                             # Javadoc first, then this program

README and the pages that it links become HTML, each notebook with its committed outputs a page, and there is an index
of notebooks with a picture of each. A formula becomes MathML, so that no page needs a script or a network. A link to a
Java source leads to the class's Javadoc, or to the source where it has none. Any other linked file is copied.
"""
import html
import json
import os
import re
import shutil
import sys
from pathlib import Path, PurePosixPath

from latex2mathml.converter import convert
from nbconvert.filters.ansi import ansi2html
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_for_filename
from pygments.lexers.jvm import JavaLexer
from pygments.util import ClassNotFound

import durations

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "target" / "site"
JAVADOC = ROOT / "target" / "reports" / "apidocs"
PICTURES = ".png", ".svg", ".gif"  # copied as they are
STYLE = Path(__file__).with_name("site.css")
FORMAT = HtmlFormatter(nowrap=False, cssclass="highlight")
SOURCE = re.compile(r"(?:theory|lib/\w+)/src/main/java/(.+)\.java")
EXTERNAL = re.compile(r"[a-z][a-z0-9+.-]*:|//|#")

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{root}site.css">
</head>
<body class="{kind}">
<nav><a href="{root}index.html">Rudder</a><a href="{root}notebooks/index.html">Notebooks</a>\
<a href="{root}javadoc/index.html">Javadoc</a><a href="{root}CONTRIBUTING.html">Contributing</a></nav>
<main>
{body}
</main>
</body>
</html>
"""


def slug(text):
    """Returns the anchor that GitHub gives to a heading."""
    words = re.sub(r"<[^>]+>", "", html.unescape(text)).strip().lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


class Renderer(IPythonRenderer):
    """Renders Markdown for one page: formulas as MathML, links for the site, tables in a box that scrolls."""

    def __init__(self, site, page):
        super().__init__(escape=False, exclude_anchor_links=True)
        self.site, self.page = site, page

    def heading(self, text, level, **attrs):
        return f'<h{level} id="{slug(text)}">{text}</h{level}>\n'

    def block_math(self, body):
        return f'<div class="formula">{convert(body, display="block")}</div>\n'

    def inline_math(self, body):
        return convert(body)

    def latex_environment(self, name, body):
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")

    def link(self, text, url, title=None):
        return super().link(text, self.site.link(self.page, url), title)

    def image(self, text, url, title=None):
        return super().image(text, self.site.link(self.page, url), title)

    def table(self, text):
        return f'<div class="wide"><table>\n{text}</table></div>\n'


class Site:
    """The pages that are made and those that are still to be made because something links to them."""

    def __init__(self):
        self.waiting, self.made = [], set()

    def link(self, page, url):
        """Returns a link of a page of the repository as the link of its page in the site."""
        if EXTERNAL.match(url):
            return url
        path, _, fragment = url.partition("#")
        target = os.path.normpath(PurePosixPath(page).parent / path)
        if target.startswith("..") or not (ROOT / target).exists():
            raise SystemExit(f"{page} links to {url}, and there is no such file in the repository")
        place = self.place(target)
        if place is None:
            self.waiting.append(target)
            place = self.name(target)
        relative = os.path.relpath(place, PurePosixPath(self.name(page)).parent)
        return relative + ("#" + fragment if fragment else "")

    @staticmethod
    def place(target):
        """Returns the class's page of the Javadoc, or None if the file is no class or has no Javadoc."""
        source = SOURCE.fullmatch(target)
        if source:
            name = source.group(1).replace("package-info", "package-summary")
            if (JAVADOC / f"{name}.html").exists():
                return f"javadoc/{name}.html"
        return None

    @staticmethod
    def name(target):
        """Returns the name in the site of a file in the repository."""
        if target == "README.md":
            return "index.html"
        if target.endswith((".md", ".ipynb")):
            return str(PurePosixPath(target).with_suffix(".html"))
        if target.endswith(PICTURES):
            return target
        return f"{target}.html"

    def render(self, page, markdown):
        return MarkdownWithMath(renderer=Renderer(self, page)).render(markdown)

    def write(self, name, title, body, kind):
        path = OUT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        root = "../" * (len(PurePosixPath(name).parts) - 1)
        path.write_text(PAGE.format(title=html.escape(title), root=root, body=body, kind=kind))

    def make(self, target):
        """Writes the page of one file of the repository."""
        if target in self.made:
            return
        self.made.add(target)
        source, name = ROOT / target, self.name(target)
        if target.endswith(".md"):
            text = source.read_text()
            found = re.search(r"^# (.+)", text, re.M)
            self.write(name, found.group(1) if found else target, self.render(target, text), "page")
        elif target.endswith(".ipynb"):
            self.notebook(target)
        elif target.endswith(PICTURES):
            (OUT / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, OUT / name)
        elif source.is_dir():
            raise SystemExit(f"a page links to the folder {target}: link to a file")
        else:
            text = source.read_text()
            try:
                lexer = get_lexer_for_filename(target)
                body = highlight(text, lexer, FORMAT)
            except ClassNotFound:
                body = f"<pre>{html.escape(text)}</pre>"
            self.write(name, target, f"<h1>{html.escape(target)}</h1>\n{body}", "source")

    def output(self, output):
        """Returns an output of a cell as HTML, in the form that Jupyter would choose."""
        if output["output_type"] == "stream":
            return f'<pre class="{output["name"]}">{ansi2html("".join(output["text"]))}</pre>'
        if output["output_type"] == "error":
            return f'<pre class="stderr">{ansi2html(chr(10).join(output["traceback"]))}</pre>'
        data = {kind: "".join(text) for kind, text in output["data"].items()}
        if "image/png" in data:
            says = html.escape(data.get("text/plain", "Figure"))
            return f'<img alt="{says}" src="data:image/png;base64,{data["image/png"].strip()}">'
        if "image/svg+xml" in data:
            return f'<div class="wide">{data["image/svg+xml"]}</div>'
        if "text/html" in data:
            return f'<div class="wide">{data["text/html"]}</div>'
        return f'<pre>{html.escape(data["text/plain"])}</pre>'

    def cell(self, page, cell):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            return self.render(page, source)
        code = highlight(source, JavaLexer(), FORMAT)
        outputs = "\n".join(self.output(output) for output in cell.get("outputs", []))
        outputs = f'<div class="output">{outputs}</div>'
        hidden = cell["metadata"].get("jupyter", {})
        if hidden.get("outputs_hidden"):
            return f"<details><summary>The hidden cell</summary>\n{code}{outputs}\n</details>"
        if hidden.get("source_hidden"):
            code = f"<details><summary>The hidden cell</summary>\n{code}</details>\n"
        return code + outputs

    def notebook(self, target):
        notebook = json.loads((ROOT / target).read_text())
        body = "\n".join(self.cell(target, cell) for cell in notebook["cells"])
        name = self.name(target)
        file = PurePosixPath(target).name
        shutil.copyfile(ROOT / target, OUT / target)
        body = f'<p class="file">A page of outputs. To run it: <a href="{file}">{file}</a></p>\n{body}'
        self.write(name, title(notebook), body, "notebook")

    def index(self):
        """Writes the index of notebooks: picture, title, the first paragraph, and how long each takes."""
        cards = []
        for name, row in durations.read().items():
            notebook = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text())
            self.waiting.append(f"notebooks/{name}.ipynb")
            picture = f"notebooks/results/{name}.png"
            self.waiting.append(picture)
            says = self.render(f"notebooks/{name}.ipynb", first_paragraph(notebook))
            cards.append(
                f'<article><a href="{name}.html"><img alt="The first figure of {name}" src="results/{name}.png"></a>\n'
                f'<h2><a href="{name}.html">{html.escape(title(notebook))}</a></h2>\n{says}'
                f'<p class="file">{name}, {durations.spoken(int(row["seconds"]))}</p></article>')
        self.write("notebooks/index.html", "Rudder's notebooks",
                   "<h1>Notebooks</h1>\n<div class=\"cards\">\n" + "\n".join(cards) + "\n</div>", "index")


def title(notebook):
    return re.search(r"^# (.+)", "".join(notebook["cells"][0]["source"]), re.M).group(1)


def first_paragraph(notebook):
    return "".join(notebook["cells"][0]["source"]).split("\n\n")[1]


def main():
    if not (JAVADOC / "index.html").exists():
        sys.exit(f"there is no Javadoc in {JAVADOC.relative_to(ROOT)}: run mvn -Psite, which makes it first")
    shutil.rmtree(OUT, ignore_errors=True)
    (OUT / "notebooks").mkdir(parents=True)
    site = Site()
    site.waiting += ["README.md", "CONTRIBUTING.md"]
    site.index()
    while site.waiting:
        site.make(site.waiting.pop())
    shutil.copytree(JAVADOC, OUT / "javadoc")
    fonts = OUT / "javadoc" / "resources" / "fonts" / "dejavu.css"
    if not fonts.exists():  # JDK 17 imports fonts that Debian's lacks
        style = OUT / "javadoc" / "stylesheet.css"
        style.write_text(re.sub(r"@import url\('[^']*dejavu\.css'\);", "", style.read_text()))
    light, dark = (HtmlFormatter(style=style, cssclass="highlight").get_style_defs(".highlight")
                   for style in ("default", "github-dark"))
    (OUT / "site.css").write_text(
        f"{STYLE.read_text()}\n{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n")
    size = sum(file.stat().st_size for file in OUT.rglob("*") if file.is_file())
    print(f"The site has {sum(1 for _ in OUT.rglob('*.html'))} pages and {size >> 20} MB. "
          f"Open {OUT.relative_to(ROOT)}/index.html.")


if __name__ == "__main__":
    main()
