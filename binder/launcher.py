"""Tells Jupyter of the live demo: a tile in its launcher, and the address demo/ behind Jupyter's own.

jupyter-server-proxy starts binder/demo at the first visit. It sends the demo's token in a header, so that whoever has
Jupyter's token needs no other, and nobody else on this machine reaches the demo.
"""
import json
import os
import secrets
import sys
from pathlib import Path

root = Path(__file__).resolve().parents[1]
token = secrets.token_hex(24)
environment = {"RUDDER_DEMO_TOKEN": token, "RUDDER_PYTHON": sys.executable}
if os.environ.get("JAVA_HOME", "").strip():
    environment["JAVA_HOME"] = os.environ["JAVA_HOME"].strip()
server = {
    "command": [str(root / "binder" / "demo"), "--port", "{port}"],
    "environment": environment,
    "request_headers_override": {"X-Rudder-Token": token},
    "timeout": 120,
    "launcher_entry": {
        "title": "Live demo",
        "icon_path": str(root / "lib/demo/src/main/resources/rudder/demo/page/icon.svg"),
        "path_info": "demo/",
    },
}
folder = Path(sys.prefix, "etc", "jupyter", "jupyter_server_config.d")
folder.mkdir(parents=True, exist_ok=True)
file = folder / "rudder-demo.json"
file.touch(mode=0o600)
file.write_text(json.dumps({"ServerProxy": {"servers": {"demo": server}}}, indent=2) + "\n")
