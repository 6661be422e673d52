"""Makes a golden of a GGUF model that is too large for float64 at once: python make_large.py MODEL.gguf OUT.json.gz

Needs torch, transformers and gguf; 8 GB of memory and some minutes. gguf-py unpacks the weights, so that both programs
compute with the same numbers. Transformers writes the greedy tokens in float32, with the whole model in memory. Then its
decoder blocks run one by one in float64 over prompt and tokens: states, logits and margins come from there, as do the
Jacobians of every block at the prompt's last token. The greedy tokens must be the float64 model's wherever its margin
exceeds 1e-3. The model is Qwen 2.5: other architectures have other names and need other blocks.
"""

import gzip
import json
import re
import sys

import gguf
import numpy as np
import torch
import transformers
from transformers import AutoTokenizer, DynamicCache, Qwen2Config, Qwen2ForCausalLM
from transformers.models.qwen2 import modeling_qwen2

PROMPTS = ["Once upon a time there was a small village by the sea",
           "def fibonacci(n):\n    \"\"\"Returns the n-th Fibonacci number.\"\"\"\n"]
TOKENS = 20
WHOLE = 14  # the block whose whole Jacobian is computed
COLUMNS = [0, 767, 1535]
NAMES = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
         "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
         "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}


class File:
    """The tensors and numbers of a GGUF file."""

    def __init__(self, path):
        self.reader = gguf.GGUFReader(path)
        self.tensors = {t.name: t for t in self.reader.tensors}

    def number(self, key):
        return self.reader.fields[key].parts[-1][0].item()

    def tensor(self, name, dtype):
        t = self.tensors[name]
        data = gguf.quants.dequantize(t.data, t.tensor_type)
        return torch.from_numpy(np.array(data, dtype=np.float32)).to(dtype)

    def block(self, k, dtype):
        """The tensors of block k, under transformers' names."""
        found = {}
        for name in self.tensors:
            match = re.fullmatch(rf"blk\.{k}\.(\w+)\.(weight|bias)", name)
            if match:
                found[f"{NAMES[match[1]]}.{match[2]}"] = self.tensor(name, dtype)
        return found

    def config(self):
        return Qwen2Config(
            hidden_size=self.number("qwen2.embedding_length"), num_hidden_layers=self.number("qwen2.block_count"),
            num_attention_heads=self.number("qwen2.attention.head_count"),
            num_key_value_heads=self.number("qwen2.attention.head_count_kv"),
            intermediate_size=self.number("qwen2.feed_forward_length"), vocab_size=len(self.tensors[
                "token_embd.weight"].data), rms_norm_eps=self.number("qwen2.attention.layer_norm_rms_epsilon"),
            rope_theta=self.number("qwen2.rope.freq_base"), tie_word_embeddings="output.weight" not in self.tensors,
            attn_implementation="eager")


def greedy(file, config, prompts):
    """Transformers' greedy tokens in float32."""
    torch.set_default_dtype(torch.float32)
    with torch.device("meta"):
        model = Qwen2ForCausalLM(config)
    state = {"model.embed_tokens.weight": file.tensor("token_embd.weight", torch.float32),
             "model.norm.weight": file.tensor("output_norm.weight", torch.float32)}
    state["lm_head.weight"] = state["model.embed_tokens.weight"] if config.tie_word_embeddings else file.tensor(
        "output.weight", torch.float32)
    for k in range(config.num_hidden_layers):
        state.update({f"model.layers.{k}.{name}": tensor for name, tensor in file.block(k, torch.float32).items()})
    model.load_state_dict(state, assign=True, strict=True)
    model.model.rotary_emb = modeling_qwen2.Qwen2RotaryEmbedding(config)
    model.eval()
    out = []
    for ids in prompts:
        tokens, cache, step = [], DynamicCache(), torch.tensor([ids])
        for _ in range(TOKENS):
            logits = model(input_ids=step, past_key_values=cache, use_cache=True).logits[0, -1]
            tokens.append(int(logits.argmax()))
            step = torch.tensor([[tokens[-1]]])
        out.append(tokens)
    return out


def norm64(self, x):
    """The norm without transformers' detour through float32."""
    return self.weight * (x * torch.rsqrt((x * x).mean(-1, keepdim=True) + self.variance_epsilon))


def softmax64(x, dim, dtype=None):
    """The softmax without transformers' detour through float32, which makes derivatives agree to 1e-7 only."""
    return torch.softmax(x, dim)


def angles(config, n):
    """Cosines and sines of the rotary positions 0..n-1, in float64: [1, n, head]."""
    head = config.hidden_size // config.num_attention_heads
    theta = config.rope_parameters["rope_theta"] if getattr(config, "rope_parameters", None) else config.rope_theta
    frequencies = theta ** (-torch.arange(0, head, 2, dtype=torch.float64) / head)
    turned = torch.arange(n, dtype=torch.float64)[:, None] * frequencies
    turned = torch.cat([turned, turned], -1)[None]
    return turned.cos(), turned.sin()


def mask(n):
    return torch.full((n, n), -1e300, dtype=torch.float64).triu(1)[None, None]


def run(block, z, cos, sin):
    """One block over a whole text, [1, n, d]."""
    out = block(z, attention_mask=mask(z.shape[1]), position_embeddings=(cos, sin))
    return out[0] if isinstance(out, tuple) else out


def last(block, z, cos, sin):
    """The block as a function of the last token's state, [d] -> [d]; earlier keys and values stay."""
    kept = DynamicCache()
    n = z.shape[1]
    block(z[:, :-1], attention_mask=mask(n - 1), position_embeddings=(cos[:, :n - 1], sin[:, :n - 1]),
          past_key_values=kept, use_cache=True)

    def step(x):
        out = block(x[None, None], attention_mask=None, position_embeddings=(cos[:, n - 1:n], sin[:, n - 1:n]),
                    past_key_values=copied(kept), use_cache=True)
        return (out[0] if isinstance(out, tuple) else out)[0, 0]
    return step


def copied(cache):
    again = DynamicCache()
    again.update(cache.layers[0].keys, cache.layers[0].values, 0)
    return again


def probe(j, d):
    """sin((j+1)(i+1)), i = 0..d-1."""
    return torch.sin((j + 1) * torch.arange(1, d + 1, dtype=torch.float64))


def summary(z):
    """The first four numbers, the length, and products with three fixed vectors of length 1."""
    probes = [probe(j, len(z)) for j in range(3)]
    return {"first": z[:4].tolist(), "norm": z.norm().item(), "products": [(z @ p / p.norm()).item() for p in probes]}


def main(path, out):
    file = File(path)
    config = file.config()
    tokenizer = AutoTokenizer.from_pretrained(path.rpartition("/")[0] or ".", gguf_file=path.rpartition("/")[2])
    prompts = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in PROMPTS]
    print(prompts, flush=True)
    tokens = greedy(file, config, prompts)
    print([tokenizer.decode(t) for t in tokens], flush=True)
    torch.set_default_dtype(torch.float64)
    modeling_qwen2.Qwen2RMSNorm.forward = norm64
    torch.nn.functional.softmax = softmax64
    embedding = file.tensor("token_embd.weight", torch.float32)
    states = [embedding[torch.tensor([ids + more])].double() for ids, more in zip(prompts, tokens)]
    ends = [len(ids) - 1 for ids in prompts]
    golden = {"info": f"torch {torch.__version__}, transformers {transformers.__version__}, gguf-py; float64",
              "horizon": config.num_hidden_layers, "dimension": config.hidden_size, "prompts": [
                  {"prompt": text, "ids": ids, "states": [summary(z[0, end])]}
                  for text, ids, z, end in zip(PROMPTS, prompts, states, ends)], "jacobian": {"blocks": []}}
    for k in range(config.num_hidden_layers):
        block = modeling_qwen2.Qwen2DecoderLayer(config, 0)
        block.load_state_dict(file.block(k, torch.float64))
        block.eval()
        z = states[0][:, :ends[0] + 1]
        cos, sin = angles(config, z.shape[1])
        with torch.no_grad():
            step = last(block, z, cos, sin)
            assert (step(z[0, -1]) - run(block, z, cos, sin)[0, -1]).norm() < 1e-9 * z[0, -1].norm()
            forward = torch.func.jvp(step, (z[0, -1],), (probe(0, config.hidden_size),))[1]
        backward = torch.func.vjp(step, z[0, -1])[1](probe(0, config.hidden_size))[0]
        golden["jacobian"]["blocks"].append({"jvp": summary(forward), "vjp": summary(backward.detach())})
        if k == WHOLE:
            whole = torch.func.jacrev(step, chunk_size=128)(z[0, -1]).detach()
            assert (whole @ probe(0, config.hidden_size) - forward).norm() < 1e-9 * forward.norm()
            golden["jacobian"]["whole"] = {"block": k, "frobenius": whole.norm().item(), "trace": whole.trace().item(),
                                           "columns": {str(c): summary(whole[:, c]) for c in COLUMNS}}
        with torch.no_grad():
            states = [run(block, z, *angles(config, z.shape[1])) for z in states]
        for prompt, z, end in zip(golden["prompts"], states, ends):
            prompt["states"].append(summary(z[0, end]))
        print("block", k, flush=True)
    gain = file.tensor("output_norm.weight", torch.float64)
    head = embedding if config.tie_word_embeddings else file.tensor("output.weight", torch.float32)
    for prompt, z, end, more in zip(golden["prompts"], states, ends, tokens):
        x = z[0, end:-1]
        x = gain * (x * torch.rsqrt((x * x).mean(-1, keepdim=True) + config.rms_norm_eps))
        logits = torch.cat([x @ part.double().T for part in head.split(8192)], -1)
        top = logits[0].topk(10)
        best = logits.topk(2)
        margins = (best.values[:, 0] - best.values[:, 1]).tolist()
        for i, margin in enumerate(margins):
            assert margin < 1e-3 or best.indices[i, 0] == more[i], (i, margin, more)
        prompt.update({"top10_ids": top.indices.tolist(), "top10_logits": top.values.tolist(), "greedy_ids": more,
                       "margins": margins, "text": tokenizer.decode(more)})
    with open(out, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, 0) as zipped:
        zipped.write(json.dumps(golden).encode())


main(*sys.argv[1:])
