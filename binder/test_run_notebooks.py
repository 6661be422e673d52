"""Checks what run_notebooks.py keeps of a run, and when it runs a notebook again. Takes a second and starts no kernel.

    target/venv/bin/python binder/test_run_notebooks.py
"""
import json
import os
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


if __name__ == "__main__":
    unittest.main()
