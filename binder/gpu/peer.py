#!/usr/bin/env python3
"""Measures PyTorch's own speed for the shapes that Rudder's DeviceBench measures:

    python3 binder/gpu/peer.py DTYPE SECONDS SHAPE[:BLOCKS[:VOCABULARY]]...

DTYPE is float32 or float16. RUDDER_DEVICE names the device: gpu:0 or cpu; without it the first GPU is taken. The script
needs torch alone. Where transformers is installed, its model runs; else a small one of the same shape, which is here.
Weights are random. Each text has a KV cache. Its greedy token comes to the host at every step, as a loop that stops at
a stop token needs. TF32 is off. Prints lines shape,dtype,what,value,unit of tokens a second at batch 1, 8 and 32:

    none       no hook
    d_by_d     a forward hook on each block adds u = -K (z - target) with K [d, d], as the reference does
    rank_one   a forward hook on each block adds u = (t - v.z) w, the law that Rudder applies
"""
import csv
import os
import statistics
import sys
import time
import warnings

import torch
from torch import nn
from torch.nn import functional

try:
    import transformers
except ImportError:
    transformers = None

BATCHES = 1, 8, 32
ROUNDS = 7
HEAD = 4  # tokens of the short text, whose time is taken off
PROMPT = 12
SHAPES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'data', 'paper-models.csv')


def shape_of(given):
    """Returns a row of the table of shapes as numbers, with fewer blocks or tokens if they are given."""
    name, *fewer = given.split(':')
    with open(SHAPES, encoding='utf8') as lines:
        rows = {row['name']: row for row in csv.DictReader(lines)}
    if name not in rows:
        sys.exit(f'found the shape {name!r}, wanted one of {", ".join(rows)}')
    row = {key: int(value) if value.isdigit() else value for key, value in rows[name].items()}
    row.update(zip(('blocks', 'vocabulary'), map(int, fewer)))
    row['tied'] = row['tied'] == 'true'
    return row


class Norm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))

    def forward(self, x):
        return functional.rms_norm(x, x.shape[-1:], self.weight, 1e-5)


class Block(nn.Module):
    """A block of Llama or Qwen 2: attention with grouped queries and a gated MLP, each behind a norm."""

    def __init__(self, s):
        super().__init__()
        d, self.width = s['dimension'], s['head_dimension']
        self.heads, self.keys = s['heads'], s['key_value_heads']
        biases = s['architecture'] == 'qwen2'
        self.before_attention, self.before_mlp = Norm(d), Norm(d)
        self.qkv = nn.Linear(d, (self.heads + 2 * self.keys) * self.width, bias=biases)
        self.out = nn.Linear(self.heads * self.width, d, bias=False)
        self.gate_up = nn.Linear(d, 2 * s['feed_forward'], bias=False)
        self.down = nn.Linear(s['feed_forward'], d, bias=False)

    def forward(self, z, cos, sin, cache, start):
        batch, length, _ = z.shape
        qkv = self.qkv(self.before_attention(z)).view(batch, length, -1, self.width).transpose(1, 2)  # [B, h, L, w]
        q, k, v = qkv.split((self.heads, self.keys, self.keys), 1)
        q, k = rotated(q, cos, sin), rotated(k, cos, sin)
        end = start + length
        cache[0][:, :, start:end] = k
        cache[1][:, :, start:end] = v
        mixed = functional.scaled_dot_product_attention(
            q, cache[0][:, :, :end], cache[1][:, :, :end], is_causal=length > 1, enable_gqa=True)
        z = z + self.out(mixed.transpose(1, 2).reshape(batch, length, -1))
        gate, up = self.gate_up(self.before_mlp(z)).chunk(2, -1)
        return z + self.down(functional.silu(gate) * up)


def rotated(x, cos, sin):
    """Rotates pairs of numbers, the two halves of a head, by the angles of their positions."""
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class Llama(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.embedding = nn.Embedding(s['vocabulary'], s['dimension'])
        self.blocks = nn.ModuleList(Block(s) for _ in range(s['blocks']))
        self.norm = Norm(s['dimension'])
        self.head = nn.Linear(s['dimension'], s['vocabulary'], bias=False)
        if s['tied']:
            self.head.weight = self.embedding.weight
        self.base = 1e6 if s['architecture'] == 'qwen2' else 5e5

    def start(self, batch, length):
        """Returns an empty cache for texts of at most this length."""
        b = self.blocks[0]
        like = self.embedding.weight
        size = 2, batch, b.keys, length, b.width
        angles = torch.arange(length, device=like.device)[:, None] \
            / self.base ** (torch.arange(0, b.width, 2, device=like.device) / b.width)
        self.cos, self.sin = angles.cos().to(like.dtype), angles.sin().to(like.dtype)
        return [torch.empty(size, dtype=like.dtype, device=like.device) for _ in self.blocks]

    def forward(self, ids, caches, start):
        z = self.embedding(ids)
        places = slice(start, start + ids.shape[1])
        for block, cache in zip(self.blocks, caches):
            z = block(z, self.cos[places], self.sin[places], cache, start)
        return self.head(self.norm(z[:, -1]))


class OfTransformers(nn.Module):
    """The model of the transformers library, with the calls of the one above."""

    def __init__(self, s):
        super().__init__()
        config = transformers.AutoConfig.for_model(
            s['architecture'], num_hidden_layers=s['blocks'], hidden_size=s['dimension'],
            num_attention_heads=s['heads'], num_key_value_heads=s['key_value_heads'], head_dim=s['head_dimension'],
            intermediate_size=s['feed_forward'], vocab_size=s['vocabulary'], tie_word_embeddings=s['tied'])
        self.model = transformers.AutoModelForCausalLM.from_config(config)
        self.blocks = self.model.model.layers

    def start(self, batch, length):
        return transformers.DynamicCache()

    def forward(self, ids, cache, start):
        return self.model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1).logits[:, -1]


def d_by_d(d, like):
    """Returns the reference's law: a gain [d, d], small, so that the text goes on."""
    gain = torch.randn(d, d, dtype=like.dtype, device=like.device) * 1e-4 / d ** .5
    target = torch.zeros(d, dtype=like.dtype, device=like.device)
    return lambda z: z - (z - target) @ gain.T


def rank_one(d, like):
    v = torch.full((d,), d ** -.5, dtype=like.dtype, device=like.device)
    w, target = 1e-4 * v, torch.ones((), dtype=like.dtype, device=like.device)
    return lambda z: z + (target - z @ v)[..., None] * w


def hooked(model, law, d, like):
    """Steers the last token of every pass behind each block. Returns the hooks."""
    def hook_of(steer):
        def hook(block, given, out):
            z = out[0] if isinstance(out, tuple) else out
            z[:, -1] = steer(z[:, -1])
        return hook
    return [block.register_forward_hook(hook_of(law(d, like))) for block in model.blocks] if law else []


def write(model, prompt, tokens):
    caches = model.start(prompt.shape[0], prompt.shape[1] + tokens)
    ids, start = prompt, 0
    for _ in range(tokens):
        logits = model(ids, caches, start)
        start += ids.shape[1]
        ids = logits.argmax(-1, keepdim=True)
        ids.tolist()  # to the host


def seconds_a_token(model, prompt, tokens):
    times = []
    for length in (HEAD, HEAD + tokens):
        begin = time.perf_counter()
        write(model, prompt, length)
        times.append(time.perf_counter() - begin)
    return (times[1] - times[0]) / tokens


def decode(model, s, batch, say, end):
    """Measures the arms in rounds, each round beginning with another, until the time is over."""
    laws = {'none': None, 'd_by_d': d_by_d, 'rank_one': rank_one}
    like = next(model.parameters())
    prompt = torch.randint(3, s['vocabulary'], (1, PROMPT), device=like.device).repeat(batch, 1)
    rounds, names = [], list(laws)
    write(model, prompt, HEAD)  # a warm-up
    for number in range(ROUNDS):
        if number and time.perf_counter() > end:
            break
        found = {}
        for name in names[number % 3:] + names[:number % 3]:
            hooks = hooked(model, laws[name], s['dimension'], like)
            found[name] = seconds_a_token(model, prompt, 48 if batch == 1 else 24)
            for hook in hooks:
                hook.remove()
        rounds.append(found)
    say(f'peer_b{batch}_rounds', len(rounds), 'rounds')
    for name in names:
        say(f'peer_b{batch}_{name}', batch / statistics.median(r[name] for r in rounds), 'tok/s')
        if name != 'none':
            added = statistics.median(100 * (r[name] / r['none'] - 1) for r in rounds)
            say(f'peer_added_b{batch}_{name}_to_none', added, '%')


def measure(given, dtype, device, end):
    s = shape_of(given)

    def say(what, value, unit):
        print(f'{given},{dtype},{what},{value:.6g},{unit}', flush=True)

    if s['architecture'] not in ('llama', 'qwen2') and not transformers:
        print(f'# {given}: {s["architecture"]} needs transformers', flush=True)
        return
    begin = time.perf_counter()
    torch.set_default_dtype(getattr(torch, dtype))
    with torch.device(device):
        model = (OfTransformers if transformers else Llama)(s).eval()
    for name, weight in model.named_parameters():
        if weight.dim() > 1:
            weight.normal_(0, .5 / weight.shape[1] ** .5)  # as Rudder's random weights
    if device.type == 'cuda':
        torch.cuda.synchronize()
    say('peer_load', time.perf_counter() - begin, 's')
    for i, batch in enumerate(BATCHES):
        now = time.perf_counter()
        if now < end:
            decode(model, s, batch, say, now + (end - now) / (len(BATCHES) - i))
    if device.type == 'cuda':
        say('peer_memory_taken', torch.cuda.max_memory_allocated() / 1e9, 'GB')


def head(device):
    kind = f'transformers {transformers.__version__}' if transformers else 'the model of this file'
    name = torch.cuda.get_device_name(device) if device.type == 'cuda' else f'CPU, {torch.get_num_threads()} threads'
    print(f'# peer: torch {torch.__version__}, {kind}, on {name}', flush=True)
    print('shape,dtype,what,value,unit', flush=True)


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    dtype, seconds, *shapes = sys.argv[1:]
    chosen = os.environ.get('RUDDER_DEVICE', 'gpu:0' if torch.cuda.is_available() else 'cpu')
    device = torch.device(chosen.replace('gpu', 'cuda'))
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    warnings.simplefilter('ignore', FutureWarning)  # of transformers, about names of arguments
    torch.manual_seed(1)
    end = time.perf_counter() + float(seconds)
    head(device)
    with torch.inference_mode():
        for i, given in enumerate(shapes):
            now = time.perf_counter()
            if now < end:
                measure(given, dtype, device, now + (end - now) / (len(shapes) - i))


if __name__ == '__main__':
    main()
