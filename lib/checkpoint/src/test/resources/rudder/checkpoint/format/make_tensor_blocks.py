"""Prints random blocks of the types with 2 to 4 bits, dequantised by the package gguf, as lines of tensor-blocks.csv.

    python make_tensor_blocks.py >> tensor-blocks.csv    # needs gguf 0.19 and numpy
"""
import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as T, quants

random = np.random.default_rng(1)
for kind, halves in ((T.Q2_K, (80, 82)), (T.Q3_K, (108,)), (T.IQ4_NL, (0,)), (T.IQ4_XS, (0,))):
    values, size = GGML_QUANT_SIZES[kind]
    for _ in range(2):
        block = random.integers(0, 256, size, dtype=np.uint8)
        for at in halves:  # scales as a model has them
            block[at:at + 2] = np.array([random.normal() * .01], dtype='<f2').view(np.uint8)
        found = quants.dequantize(block[None], kind).astype('>f4')
        assert found.size == values and np.isfinite(found).all()
        print(kind.name, block.tobytes().hex(), found.tobytes().hex(), sep=',')
