"""Puts the live demo into Jupyter: a tile in the launcher, and the address rudder-demo/ below Jupyter's own.

Jupyter reads this when it starts, because binder/kernelspec.py says so. jupyter-server-proxy starts binder/demo when
somebody first opens the address, and passes requests on to those only whom Jupyter knows.
"""
import secrets
import sys
from pathlib import Path

root = Path(__file__).resolve().parents[1]
token = secrets.token_urlsafe(24)  # between Jupyter and the demo alone
c = get_config()  # noqa: F821: Jupyter defines it
c.ServerProxy.servers = {
    "rudder-demo": {
        "command": [str(root / "binder" / "demo"), "--port", "{port}"],
        "environment": {"RUDDER_DEMO_TOKEN": token, "RUDDER_PYTHON": sys.executable},
        "request_headers_override": {"X-Rudder-Token": token},
        "timeout": 180,  # seconds until the model is loaded
        "launcher_entry": {
            "title": "Rudder: live demo",
            "icon_path": str(root / "lib/demo/src/main/resources/rudder/demo/page/icon.svg"),
            "category": "Notebook",  # in others JupyterLab draws no icon of ours
        },
    },
}
