"""Renders expressions.txt and templates.json with transformers' own Jinja; writes goldens.json.

    pip install transformers==4.57.1 jinja2==3.1.6 && python make_goldens.py

Each golden is the rendered text, or null where rendering fails. The clock says 2026-07-04 15:06:09.
"""
import datetime
import json
from pathlib import Path

from transformers.utils import chat_template_utils

HERE = Path(__file__).parent
VARIABLES = {
    "messages": [
        {"role": "system", "content": "Be brief. "},
        {"role": "user", "content": " Hi <|im_end|> 'q' \"d\" \u00e9\U0001f600\n"},
        {"role": "assistant", "content": "Hello\n\nYou"},
        {"role": "user", "content": "bye"},
    ],
    "add_generation_prompt": True, "bos_token": "<s>", "eos_token": "</s>",
    "n": 7, "x": 2.5, "name": "w\u00f6rld", "nothing": None, "flag": True,
    "d": {"b": 1, "a": [1, 2.5, None, True, "\u00e9"], "C": {"k": "v"}},
    "lst": [3, 1, 2, 3], "words": ["b", "A", "c", "a"], "empty": [],
    "users": [{"n": "z", "age": 3}, {"n": "y", "age": 1}, {"n": "x"}],
}


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 7, 4, 15, 6, 9)


chat_template_utils.datetime = Clock


def rendered(template):
    try:
        return chat_template_utils._compile_jinja_template(template).render(**VARIABLES)
    except Exception:
        return None


expressions = (HERE / "expressions.txt").read_text().splitlines()
templates = ["{{ " + line + " }}" for line in expressions] + json.loads((HERE / "templates.json").read_text())
goldens = {"variables": VARIABLES, "cases": [[template, rendered(template)] for template in templates]}
(HERE / "goldens.json").write_text(json.dumps(goldens, indent=0) + "\n")
