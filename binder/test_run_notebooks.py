"""Checks what run_notebooks.py keeps of a run, when it runs a notebook again, and where scripts find a model.
Takes seconds and starts no kernel.

    target/venv/bin/python binder/test_run_notebooks.py
"""
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import run_notebooks


class Kept(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_a_damaged_record_counts_as_none(self):
        file = self.folder / "00-quickstart.done"
        record = {"inputs": "abc", "line": "1 s", "seconds": 1, "mb": 2}
        self.assertEqual({}, run_notebooks.kept(file))
        run_notebooks.keep(file, record)
        self.assertEqual(record, run_notebooks.kept(file))
        whole = file.read_bytes()
        for damaged in [whole[:size] for size in range(len(whole))] + [b"\xff\0", b"[]", b"7", b'{"inputs": "abc"}']:
            file.write_bytes(damaged)
            self.assertEqual({}, run_notebooks.kept(file), damaged)

    def test_a_record_that_cannot_be_written_leaves_the_old_one(self):
        file = self.folder / "00-quickstart.done"
        run_notebooks.keep(file, {"inputs": "abc", "line": "1 s", "seconds": 1, "mb": 2})
        before = file.read_text()
        with mock.patch.object(json, "dumps", return_value="\ud800"), self.assertRaises(UnicodeEncodeError):
            run_notebooks.keep(file, {})
        self.assertEqual(before, file.read_text())

    def test_a_changed_model_is_another_input(self):
        weights = self.folder / "parts" / "model.safetensors"
        weights.parent.mkdir()
        weights.write_text("weights")
        (self.folder / "config.json").write_text("{}")
        seen = set()
        for model in (weights, self.folder):
            for size, time in (("weights", 1), ("weights", 2), ("more weights", 2)):
                weights.write_text(size)
                for file in (weights, self.folder / "config.json"):
                    os.utime(file, (time, time))
                seen.add(str(run_notebooks.state(str(model))))
        self.assertEqual(6, len(seen), seen)
        self.assertIsNone(run_notebooks.state("SmolLM2-135M-Instruct"))
        self.assertIsNone(run_notebooks.state(""))

    def test_a_relative_path_means_the_same_file_in_the_notebooks_folder(self):
        (self.folder / "model.gguf").write_text("GGUF")
        (self.folder / "models" / "llama").mkdir(parents=True)
        with contextlib.chdir(self.folder):
            for path in ("model.gguf", "./model.gguf", "models/llama"):
                self.assertEqual(str(Path.cwd() / path), run_notebooks.absolute(path))
            for name in ("", "SmolLM2-135M-Instruct", "OWNER/NAME", str(Path.cwd() / "model.gguf")):
                self.assertEqual(name, run_notebooks.absolute(name))


class Scripts(unittest.TestCase):
    """Runs the scripts from another folder than Rudder's."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.elsewhere = Path(folder.name, "elsewhere").resolve()
        (self.elsewhere / "models" / "llama").mkdir(parents=True)
        (self.elsewhere / "m.gguf").write_text("GGUF")

    def test_reproduce_takes_a_relative_model_from_the_callers_folder(self):
        here = str(self.elsewhere)
        for model, means in (("models/llama", here + "/models/llama"), ("m.gguf", here + "/m.gguf"),
                             (here + "/m.gguf", here + "/m.gguf"), ("OWNER/NAME", "OWNER/NAME")):
            said = subprocess.run([run_notebooks.ROOT / "binder" / "reproduce", "--plan"], cwd=here, check=True,
                                  env={**os.environ, "RUDDER_MODEL": model}, capture_output=True, text=True).stdout
            self.assertIn(f"not of {means}.\n", said)

    def test_the_demo_takes_a_relative_model_from_the_callers_folder(self):
        rudder = self.elsewhere.parent / "rudder"
        (rudder / "lib" / "target" / "jars").mkdir(parents=True)
        (rudder / "lib" / "target" / "jars" / "demo-0.jar").write_text("")
        shutil.copytree(run_notebooks.ROOT / "binder", rudder / "binder")
        python = rudder / "python"  # prints its arguments where the demo would open
        python.write_text('#!/bin/sh\nfor last; do echo "$last"; done\n')
        python.chmod(0o755)
        here = str(self.elsewhere)
        for model, means in (("models/llama", here + "/models/llama"), ("./m.gguf", here + "/./m.gguf"),
                             (here + "/m.gguf", here + "/m.gguf"), ("OWNER/NAME", "OWNER/NAME")):
            said = subprocess.run([rudder / "binder" / "demo", "--port", "0", "--model", model, "--host", "m.gguf"],
                                  cwd=self.elsewhere, env={**os.environ, "RUDDER_PYTHON": str(python)}, check=True,
                                  capture_output=True, text=True).stdout.splitlines()
            self.assertEqual(["--port", "0", "--model", means, "--host", "m.gguf"], said[-6:])


if __name__ == "__main__":
    unittest.main()
