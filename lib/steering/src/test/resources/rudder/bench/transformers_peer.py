"""Transformers as a peer of the bench: python transformers_peer.py MODEL.gguf THREADS. Float32, on the CPU.

The Python needs torch, transformers, accelerate and gguf. Reads one request a line, a JSON object:
{"do": "decode", "ids": [..], "batch": B, "tokens": N} writes N greedy tokens behind the prompt of every row;
{"do": "jacobians", "ids": [..]} makes the d x d Jacobian of every block at the last token by reverse mode, as the
reference's hook does. Answers {"s": seconds, "rate": tokens a second behind each row's first, "mb": peak resident
memory} a line.
"""

import json
import os
import resource
import sys
import time

start = time.perf_counter()

import torch
from transformers import AutoModelForCausalLM, StoppingCriteria, StoppingCriteriaList

torch.set_num_threads(int(sys.argv[2]))
folder, name = os.path.split(os.path.abspath(sys.argv[1]))
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32).eval()


class Clock(StoppingCriteria):
    """Notes when each token of the batch is written, and never stops."""

    def __init__(self):
        self.times = []

    def __call__(self, ids, scores, **known):
        self.times.append(time.perf_counter())
        return torch.zeros(len(ids), dtype=torch.bool)


def decode(ids, batch, tokens):
    clock = Clock()
    with torch.no_grad():
        model.generate(torch.tensor([ids] * batch), attention_mask=torch.ones(batch, len(ids), dtype=torch.long),
                       do_sample=False, max_new_tokens=tokens, min_new_tokens=tokens, pad_token_id=0,
                       stopping_criteria=StoppingCriteriaList([clock]))
    assert len(clock.times) == tokens, (len(clock.times), tokens)
    return batch * (tokens - 1) / (clock.times[-1] - clock.times[0])


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
    return 0


def answer(start, rate):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"s": time.perf_counter() - start, "rate": rate, "mb": peak}), flush=True)


answer(start, 0)
for line in sys.stdin:
    request = json.loads(line)
    start = time.perf_counter()
    answer(start, {"decode": decode, "jacobians": jacobians}[request.pop("do")](**request))
