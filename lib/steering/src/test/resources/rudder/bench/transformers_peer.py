"""Transformers as a peer of the bench: python transformers_peer.py MODEL.gguf THREADS. Float32, on the CPU.

The Python needs torch, transformers, accelerate and gguf. Reads one request a line, a JSON object: {"do": "decode", "ids": [..], "batch": B, "tokens": N} writes N greedy tokens
behind the prompt of every row; {"do": "jacobians", "ids": [..]} makes the d x d Jacobian of every block at the last
token by reverse mode, as the reference's hook does. Answers {"s": seconds, "mb": peak resident memory} a line.
"""

import json
import os
import resource
import sys
import time

import torch
from transformers import AutoModelForCausalLM

start = time.perf_counter()
torch.set_num_threads(int(sys.argv[2]))
folder, name = os.path.split(os.path.abspath(sys.argv[1]))
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32).eval()


def decode(ids, batch, tokens):
    with torch.no_grad():
        model.generate(torch.tensor([ids] * batch), attention_mask=torch.ones(batch, len(ids), dtype=torch.long),
                       do_sample=False, max_new_tokens=tokens, min_new_tokens=tokens, pad_token_id=0)


def jacobians(ids):
    calls = []
    hooks = [layer.register_forward_hook(lambda layer, given, known, out: calls.append((layer, given[0], known)),
                                         with_kwargs=True) for layer in model.model.layers]
    with torch.no_grad():
        model(torch.tensor([ids]), use_cache=False)
    for hook in hooks:
        hook.remove()
    for layer, z, known in calls:
        def step(last):
            out = layer(torch.cat([z[:, :-1], last[None, None]], 1), **known)
            return (out[0] if isinstance(out, tuple) else out)[0, -1]
        torch.autograd.functional.jacobian(step, z[0, -1].detach())


def answer(start):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"s": time.perf_counter() - start, "mb": peak}), flush=True)


answer(start)
for line in sys.stdin:
    request = json.loads(line)
    start = time.perf_counter()
    {"decode": decode, "jacobians": jacobians}[request.pop("do")](**request)
    answer(start)
