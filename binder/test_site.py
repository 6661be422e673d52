"""Follows every link of the site in target/site: each leads to a file in the site, and to an anchor that it has.

    target/venv/bin/python binder/test_site.py [FOLDER]

A link out of the site is allowed; a picture, a style or a script from outside is not, because the site must open
without a network. The pages of Javadoc are checked as well.
"""
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

LOADED = {("img", "src"), ("script", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}


class Links(HTMLParser):
    """Collects a page's anchors and its links, each with its line."""

    def __init__(self, page):
        super().__init__()
        self.anchors, self.links = {"", "top"}, []
        self.feed(page.read_text())

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value)
            if (name == "href" or name == "src") and value:
                self.links.append((tag, name, value, self.getpos()[0]))


def broken(folder):
    """Returns what is wrong, in sentences, and the number of links that were followed."""
    pages = {page: Links(page) for page in sorted(folder.rglob("*.html"))}
    wrong, followed = [], 0
    for page, links in pages.items():
        for tag, attribute, url, line in links.links:
            where = f"{page.relative_to(folder)}:{line}: {url}"
            parts = urlsplit(url)
            if parts.scheme or parts.netloc:
                if (tag, attribute) in LOADED and parts.scheme != "data":
                    wrong.append(f"{where} is loaded from outside: put the file into the site")
                continue
            followed += 1
            path, fragment = urldefrag(url)
            target = (page.parent / unquote(path)).resolve() if path else page
            if folder not in target.parents or not target.is_file():
                wrong.append(f"{where} leads to no file of the site")
            elif target in pages and unquote(fragment) not in pages[target].anchors:
                wrong.append(f"{where} leads to no anchor of {target.relative_to(folder)}")
    return wrong, followed


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "target/site").resolve()
    if not (folder / "index.html").exists():
        sys.exit(f"there is no site in {folder}: run mvn -Psite")
    wrong, followed = broken(folder)
    if wrong:
        sys.exit("\n".join(wrong[:40]) + f"\n{len(wrong)} links are broken")
    print(f"{followed} links of {sum(1 for _ in folder.rglob('*.html'))} pages lead where they say")


if __name__ == "__main__":
    main()
