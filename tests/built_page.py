"""What the build step of the page leaves behind, in little: for tests that have no Node."""

from pathlib import Path

INDEX = '<!doctype html><title>FinWise</title><script type="module" src="./assets/index-0a1b2c3d.js"></script>'
FILES = {
    "index.html": INDEX,
    "sw.js": "self.skipWaiting()",
    "icon.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
    "manifest.webmanifest": "{}",
    "sources.txt": "0" * 64,
    "assets/index-0a1b2c3d.js": "document.title += '!'",
    "assets/index-4e5f6a7b.css": "body { margin: 0 }",
}


def build_page(folder: Path) -> Path:
    """The folder, with the files in it."""
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    return folder
