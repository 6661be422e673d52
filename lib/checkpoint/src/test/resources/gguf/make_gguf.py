"""Writes tiny GGUF files of the checkpoints in ../tiny5, and what transformers computes from the same weights.

    python make_gguf.py           # needs transformers 5.24.0, torch and gguf 0.19; writes beside itself

golden.json has, for each file, metadata keys to add to it and the logits of an equivalent configuration. The tokens'
embeddings are padded with zeros to the vocabulary of a small SentencePiece tokenizer.
"""
import json
import os

import gguf
import numpy as np
import torch
import transformers
from gguf import GGMLQuantizationType as T
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, Phi3Config

HERE = os.path.dirname(os.path.abspath(__file__))
TINY = os.path.join(HERE, '..', 'tiny5')
transformers.logging.set_verbosity_error()
TOKENS = ['<unk>', '<bos>'] + [f'<0x{b:02X}>' for b in range(256)] + ['e', '\u2581']
NAMES = {'self_attn.q_proj': 'attn_q', 'self_attn.k_proj': 'attn_k', 'self_attn.v_proj': 'attn_v',
         'self_attn.o_proj': 'attn_output', 'self_attn.q_norm': 'attn_q_norm', 'self_attn.k_norm': 'attn_k_norm',
         'self_attn.qkv_proj': 'attn_qkv', 'mlp.gate_up_proj': 'ffn_up', 'mlp.gate_proj': 'ffn_gate',
         'mlp.up_proj': 'ffn_up', 'mlp.down_proj': 'ffn_down', 'input_layernorm': 'attn_norm'}
IDS = [(7 * j * j + 3 * j + 11) % 61 for j in range(26)]


def name_of(tensor, gemma):
    parts = tensor.split('.')
    if parts[1] != 'layers':
        return {'model.embed_tokens.weight': 'token_embd.weight', 'model.norm.weight': 'output_norm.weight',
                'lm_head.weight': 'output.weight'}[tensor]
    part, suffix = '.'.join(parts[3:-1]), parts[-1]
    norms = {'post_attention_layernorm': 'post_attention_norm' if gemma else 'ffn_norm',
             'pre_feedforward_layernorm': 'ffn_norm', 'post_feedforward_layernorm': 'post_ffw_norm'}
    return f'blk.{parts[2]}.{NAMES.get(part) or norms[part]}.{suffix}'


def interleaved(w, heads):
    """From halves of rotary pairs to pairs beside each other, as the converter of llama.cpp does for llama."""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def write(file, architecture, model, window=None, divisors=None, **split):
    c = model.config
    gemma = architecture.startswith('gemma')
    w = gguf.GGUFWriter(os.path.join(HERE, file + '.gguf'), architecture, **split)
    w.add_block_count(c.num_hidden_layers)
    w.add_embedding_length(c.hidden_size)
    w.add_feed_forward_length(c.intermediate_size)
    w.add_context_length(c.max_position_embeddings)
    w.add_head_count(c.num_attention_heads)
    w.add_head_count_kv(c.num_key_value_heads)
    head = getattr(c, 'head_dim', None) or c.hidden_size // c.num_attention_heads
    w.add_key_length(head)
    w.add_value_length(head)
    w.add_layer_norm_rms_eps(c.rms_norm_eps)
    w.add_vocab_size(len(TOKENS))
    rope = c.rope_parameters.get('full_attention', c.rope_parameters)
    w.add_rope_freq_base(rope['rope_theta'])
    if window is not None:
        w.add_sliding_window(window)
    if architecture == 'gemma2':
        w.add_attn_logit_softcapping(c.attn_logit_softcapping)
        w.add_final_logit_softcapping(c.final_logit_softcapping)
    w.add_tokenizer_model('llama')
    w.add_token_list(TOKENS)
    w.add_token_scores([0.] * 258 + [-1., -2.])
    w.add_token_types([2, 3] + [6] * 256 + [1, 1])
    w.add_bos_token_id(1)
    w.add_add_bos_token(True)
    w.add_add_space_prefix(False)
    if divisors is not None:
        w.add_tensor('rope_freqs.weight', np.array(divisors, dtype=np.float32))
    for name, tensor in model.state_dict().items():
        if name == 'lm_head.weight' and c.tie_word_embeddings:
            continue
        x = tensor.float().numpy()
        if gemma and name.endswith('norm.weight'):
            x = x + 1
        if architecture == 'llama' and '.q_proj' in name:
            x = interleaved(x, c.num_attention_heads)
        if architecture == 'llama' and '.k_proj' in name:
            x = interleaved(x, c.num_key_value_heads)
        if name in ('model.embed_tokens.weight', 'lm_head.weight'):
            x = np.concatenate([x, np.zeros((len(TOKENS) - len(x), x.shape[1]), np.float32)])
        if x.ndim == 1:
            w.add_tensor(name_of(name, gemma), x)
        else:
            w.add_tensor(name_of(name, gemma), gguf.quants.quantize(x, T.BF16), raw_dtype=T.BF16)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def model_of(folder, **fields):
    config = transformers.AutoConfig.from_pretrained(os.path.join(TINY, folder))
    state = load_file(os.path.join(TINY, folder, 'model.safetensors'))
    made = type(config).from_dict({**config.to_dict(), **fields, 'dtype': 'float64'})
    return filled(made, state)


def filled(config, state):
    config._attn_implementation = 'eager'
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float64).eval()
    tied = {} if 'lm_head.weight' in state else {'lm_head.weight': state['model.embed_tokens.weight']}
    model.load_state_dict({k: v.double() for k, v in {**state, **tied}.items()})
    return model


def logits(model):
    with torch.no_grad():
        return model(input_ids=torch.tensor([IDS]), use_cache=False).logits[0, -1].tolist()


cases = []


def case(file, keys, model):
    cases.append(dict(file=file, keys=keys, ids=IDS, logits=logits(model)))


def rope(**fields):
    return dict(rope_parameters=dict(dict(rope_type='default', rope_theta=500.0), **fields))


plain = model_of('llama-0')
write('llama', 'llama', plain)
case('llama', {}, plain)
write('parts', 'llama', plain, split_max_tensors=12)  # parts-0000i-of-00003.gguf
for kind in ({'type': 'none', 'factor': 4.0}, {'type': 'none'}):
    case('llama', {'llama.rope.scaling.' + k: v for k, v in kind.items()}, plain)
linear = model_of('llama-0', **rope(rope_type='linear', factor=4.0))
for keys in ({'scaling.type': 'linear', 'scaling.factor': 4.0}, {'scaling.factor': 4.0}, {'scale_linear': 4.0},
             {'scaling.factor': 4.0, 'scale_linear': 2.0}):
    case('llama', {'llama.rope.' + k: v for k, v in keys.items()}, linear)
case('llama', {'llama.rope.scaling.type': 'linear', 'llama.rope.scaling.factor': 0.0}, plain)
case('llama', {'llama.rope.dimension_count': 8, 'llama.logit_scale': 1.0, 'llama.expert_count': 0,
               'llama.attention.sliding_window': 0}, plain)
YARN = dict(rope_type='yarn', factor=4.0, original_max_position_embeddings=32)
for keys, fields in [
    ({}, {}),
    ({'original_context_length': None}, dict(original_max_position_embeddings=128)),
    ({'yarn_attn_factor': 1.5}, dict(attention_factor=1.5)),
    ({'attn_factor': 1.25}, dict(attention_factor=1.25 * (0.1 * float(np.log(4.0)) + 1))),
    ({'yarn_beta_fast': 8.0, 'yarn_beta_slow': 2.0}, dict(beta_fast=8.0, beta_slow=2.0)),
    ({'yarn_ext_factor': 1.0, 'finetuned': True}, {}),
]:
    keys = {'type': 'yarn', 'factor': 4.0, 'original_context_length': 32, **keys}
    case('llama', {'llama.rope.scaling.' + k: v for k, v in keys.items() if v is not None},
         model_of('llama-0', **rope(**{**YARN, **fields})))
scaled = model_of('llama-0')  # q.k times 0.5 instead of 1 / sqrt(8)
for layer in scaled.model.layers:
    layer.self_attn.scaling = 0.5
case('llama', {'llama.attention.scale': 0.5}, scaled)

llama3 = model_of('llama3-0')
frequencies = 500.0 ** -(np.arange(4) / 4)
write('llama3', 'llama', llama3, divisors=frequencies / llama3.model.rotary_emb.inv_freq.numpy())
case('llama3', {}, llama3)
mistral = model_of('mistral-0')
write('mistral', 'llama', mistral, window=8)
case('mistral', {}, mistral)
qwen2 = model_of('qwen2-0', use_sliding_window=False, layer_types=['full_attention'] * 3)
write('qwen2', 'qwen2', qwen2)
case('qwen2', {}, qwen2)
case('qwen2', {'qwen2.rope.scaling.type': 'yarn', 'qwen2.rope.scaling.factor': 4.0,
               'qwen2.rope.scaling.original_context_length': 32},
     model_of('qwen2-0', use_sliding_window=False, layer_types=['full_attention'] * 3,
              rope_parameters=dict(YARN, rope_theta=1000.0)))
qwen3 = model_of('qwen3-0')
write('qwen3', 'qwen3', qwen3)
case('qwen3', {'qwen3.rope.scaling.type': 'linear', 'qwen3.rope.scaling.factor': 2.0}, qwen3)
# GGUF has no key for the scale of q.k of Gemma but the general one
gemma2 = model_of('gemma2-0', query_pre_attn_scalar=8)
write('gemma2', 'gemma2', gemma2, window=8)
case('gemma2', {}, gemma2)
case('gemma2', {'gemma2.attention.scale': 12 ** -.5}, model_of('gemma2-0'))
types = ['sliding_attention', 'full_attention', 'sliding_attention']
plain3 = dict(full_attention=dict(rope_type='default', rope_theta=2000.0),
              sliding_attention=dict(rope_type='default', rope_theta=10000.0))
gemma3 = model_of('gemma3_text-0', query_pre_attn_scalar=8, rope_parameters=plain3, layer_types=types[:1] * 3)
write('gemma3', 'gemma3', gemma3, window=8)
case('gemma3', {}, gemma3)
linear3 = dict(full_attention=dict(rope_type='linear', factor=8.0, rope_theta=2000.0),
               sliding_attention=dict(rope_type='default', rope_theta=100.0))
case('gemma3', {'gemma3.attention.sliding_window_pattern': 2, 'gemma3.rope.freq_base_swa': 100.0,
                'gemma3.rope.scaling.type': 'linear', 'gemma3.rope.scaling.factor': 8.0,
                'gemma3.final_logit_softcapping': 0.5},
     model_of('gemma3_text-0', query_pre_attn_scalar=8, rope_parameters=linear3, layer_types=types,
              final_logit_softcapping=0.5))
# Phi 3 stores queries, keys and values in one tensor, and gate and up in another
state = load_file(os.path.join(TINY, 'mistral-0', 'model.safetensors'))
for k in range(3):
    at = f'model.layers.{k}.'
    state[at + 'self_attn.qkv_proj.weight'] = torch.cat([state.pop(f'{at}self_attn.{x}_proj.weight') for x in 'qkv'])
    state[at + 'mlp.gate_up_proj.weight'] = torch.cat([state.pop(f'{at}mlp.{x}_proj.weight') for x in ('gate', 'up')])
sizes = dict(vocab_size=61, hidden_size=16, intermediate_size=24, num_hidden_layers=3, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=128, pad_token_id=0, eos_token_id=1, bos_token_id=1)
for window in (None, 8):
    phi3 = filled(Phi3Config(**sizes, rms_norm_eps=1e-6, sliding_window=window), state)
    if window is None:
        write('phi3', 'phi3', phi3)
    case('phi3', {} if window is None else {'phi3.attention.sliding_window': window}, phi3)
json.dump(cases, open(os.path.join(HERE, 'golden.json'), 'w'), indent=0)
