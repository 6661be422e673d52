"""Writes tiny checkpoints as transformers 5 saves them, and what it computes from them in double precision.

    python make_tiny5.py          # needs transformers 5.24.0 and torch; writes beside itself

One folder for each architecture and seed has the saved files and golden.json. variants.json has other values of
configuration fields, each with the logits of a folder's weights under them. With --check, nothing is written: the
variants are computed again, with transformers 4.57.1 for instance, and compared.
"""
import json
import os
import sys
import warnings

import torch
import transformers
from transformers import (AutoModelForCausalLM, Gemma2Config, Gemma3Config, Gemma3ForConditionalGeneration,
                          Gemma3TextConfig, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config)

warnings.filterwarnings('ignore')
transformers.logging.set_verbosity_error()
HERE = os.path.dirname(os.path.abspath(__file__))
VOCABULARY = 61
IDS = [(7 * j * j + 3 * j + 11) % VOCABULARY for j in range(26)]
SIZES = dict(vocab_size=VOCABULARY, hidden_size=16, intermediate_size=24, num_hidden_layers=3, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=128)
# more than two layers, so that each architecture has the kinds of layers that it can have
GEMMA = dict(SIZES, head_dim=8, query_pre_attn_scalar=12, sliding_window=8)
VISION = dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, image_size=8,
              patch_size=4)
GEMMA3 = dict(GEMMA, layer_types=['sliding_attention', 'full_attention', 'sliding_attention'])


def parameters(**more):
    return dict(rope_parameters=more)


ARCHITECTURES = {
    'llama': LlamaConfig(**SIZES, head_dim=8, **parameters(rope_type='default', rope_theta=500.0)),
    'llama3': LlamaConfig(**SIZES, head_dim=8, tie_word_embeddings=True, rms_norm_eps=1e-5, **parameters(
        rope_type='llama3', rope_theta=500.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=32)),
    'mistral': MistralConfig(**SIZES, sliding_window=8),
    'qwen2': Qwen2Config(**SIZES, use_sliding_window=True, sliding_window=8, max_window_layers=1,
                         **parameters(rope_type='default', rope_theta=1000.0)),
    'qwen3': Qwen3Config(**SIZES, head_dim=8, tie_word_embeddings=True,
                         **parameters(rope_type='linear', rope_theta=1000.0, factor=2.0)),
    'gemma2': Gemma2Config(**GEMMA, attn_logit_softcapping=2.0, final_logit_softcapping=3.0),
    'gemma3_text': Gemma3TextConfig(**GEMMA3, rope_parameters=dict(
        full_attention=dict(rope_type='linear', rope_theta=2000.0, factor=8.0),
        sliding_attention=dict(rope_type='default', rope_theta=100.0))),
    'gemma3': Gemma3Config(text_config=GEMMA3, vision_config=dict(VISION, model_type='siglip_vision_model'),
                           mm_tokens_per_image=4),
} if transformers.__version__.startswith('5') else {}

LONG = dict(rope_type='yarn', rope_theta=500.0, factor=4.0, original_max_position_embeddings=32)
# folder, fields that replace those of its config.json (null: removes one)
VARIANTS = [
    # files of transformers 4
    ('llama-0', dict(rope_parameters=None, rope_theta=300.0)),
    ('llama-0', dict(rope_parameters=None, rope_theta=300.0, rope_scaling=dict(type='linear', factor=3.0))),
    ('llama-0', dict(rope_parameters=None, rope_scaling=dict(type='linear', factor=3.0, low_freq_factor=1.0))),
    ('llama-0', dict(rope_parameters=None, rope_scaling=dict(rope_type='default', factor=3.0))),
    ('gemma3_text-0', dict(rope_parameters=None, rope_theta=300.0, rope_local_base_freq=50.0)),
    ('gemma3_text-0', dict(rope_parameters=None, rope_scaling=dict(rope_type='linear', factor=3.0))),
    ('gemma3_text-0', dict(attn_logit_softcapping=0.5, rope_parameters=None, rope_theta=300.0)),
    ('gemma3_text-0', dict(final_logit_softcapping=0.5, rope_parameters=None, rope_theta=300.0)),
    # YaRN
    *[(folder, dict(rope_parameters=None, rope_theta=500.0, rope_scaling=dict(LONG, **more)))
      for folder, more in [
          ('llama-0', {}),
          ('llama-0', dict(attention_factor=1.7)),
          ('llama-0', dict(beta_fast=8.0, beta_slow=2.0)),
          ('llama-0', dict(beta_fast=2, beta_slow=1, truncate=False)),
          ('llama-0', dict(beta_fast=2.0, beta_slow=2.0, truncate=False)),
          ('llama-0', dict(mscale=0.707, mscale_all_dim=1.3)),
          ('llama-0', dict(mscale=0.707)),
          ('llama-0', dict(factor=0.5)),
          ('llama-0', dict(original_max_position_embeddings=4)),
          ('mistral-0', dict(factor=2.0)),
          ('qwen2-0', dict(type='yarn', finetuned=True)),
          ('qwen3-0', dict(factor=16.0)),
      ]],
    ('llama-0', dict(rope_parameters=None, rope_theta=500.0, rope_scaling=dict(type='yarn', factor=2.0))),
    ('gemma3_text-0', dict(rope_parameters=None, rope_scaling={k: v for k, v in LONG.items() if k != 'rope_theta'})),
]
# what only transformers 5 knows
NEW = [
    ('llama-0', dict(rope_parameters=dict(rope_type='linear', factor=2.0), rope_theta=300.0)),
    ('llama-0', dict(rope_parameters=dict(rope_type='default', rope_theta=200.0), rope_theta=300.0)),
    ('llama-0', dict(rope_parameters=dict(rope_type='default', rope_theta=200.0), rope_theta=300.0,
                     rope_scaling=dict(rope_type='linear', factor=2.0))),
    ('llama-0', dict(rope_parameters=dict(rope_type='default', rope_theta=200.0),
                     rope_scaling=dict(rope_type='linear', factor=2.0))),
    ('llama-0', dict(rope_parameters=dict(rope_theta=200.0))),
    ('llama-0', dict(rope_parameters={}, rope_theta=200.0)),
    ('llama-0', dict(rope_parameters=dict(LONG, factor=None))),
    ('llama-0', dict(rope_parameters=dict(rope_type='llama3', rope_theta=300.0, factor=4.0, low_freq_factor=1.0,
                                          high_freq_factor=4.0))),
    ('gemma3_text-0', dict(rope_parameters=dict(full_attention=dict(rope_type='default')), rope_theta=300.0,
                           rope_local_base_freq=50.0)),
    ('gemma3_text-0', dict(rope_parameters=dict(sliding_attention=dict(rope_type='linear', factor=2.0),
                                                full_attention=None))),
    ('gemma3_text-0', dict(rope_parameters=dict(sliding_attention=dict(LONG),
                                                full_attention=dict(LONG, attention_factor=0.8)))),
    ('gemma3_text-0', dict(rope_scaling=dict(rope_type='linear', factor=2.0))),
]


def random_(model, gemma):
    with torch.no_grad():
        for name, p in model.named_parameters():
            if 'norm' in name:
                p.copy_(torch.randn_like(p) * .3 + (0 if gemma else 1))
            elif p.dim() == 1:
                p.copy_(torch.randn_like(p) * .5)
            else:
                p.copy_(torch.randn_like(p) * (1.5 / p.shape[-1] ** .5))
    return model


def loaded(folder):
    cls = Gemma3ForConditionalGeneration if os.path.basename(folder).startswith('gemma3-') else AutoModelForCausalLM
    return cls.from_pretrained(folder, dtype=torch.float64, attn_implementation='eager').eval()


def last_logits(model):
    with torch.no_grad():
        return model(input_ids=torch.tensor([IDS]), use_cache=False).logits[0, -1].tolist()


def golden(model):
    text = model.model.language_model if hasattr(model.model, 'language_model') else model.model
    states = []
    hooks = [layer.register_forward_pre_hook(lambda m, a, kw: states.append((a[0] if a else kw['hidden_states'])[0, -1]),
                                             with_kwargs=True) for layer in text.layers]
    hooks.append(text.layers[-1].register_forward_hook(
        lambda m, a, out: states.append((out[0] if isinstance(out, tuple) else out)[0, -1])))
    logits = last_logits(model)
    for hook in hooks:
        hook.remove()
    return dict(ids=IDS, logits_last=logits, residual=[z.detach().tolist() for z in states])


def variant(folder, fields):
    import shutil
    import tempfile
    with tempfile.TemporaryDirectory() as at:
        copy = shutil.copytree(os.path.join(HERE, folder), os.path.join(at, folder))
        config = json.load(open(os.path.join(copy, 'config.json')))
        config.update(fields)
        json.dump({k: v for k, v in config.items() if v is not None}, open(os.path.join(copy, 'config.json'), 'w'))
        return last_logits(loaded(copy))


if '--check' in sys.argv:
    for found in json.load(open(os.path.join(HERE, 'variants.json'))):
        if (found['folder'], found['fields']) not in NEW:
            a, b = torch.tensor(found['logits']), torch.tensor(variant(found['folder'], found['fields']))
            print(transformers.__version__, found['folder'], found['fields'], float((a - b).norm() / a.norm()))
    sys.exit()

for n, (name, config) in enumerate(ARCHITECTURES.items()):
    for seed in range(3):
        torch.manual_seed(10 * n + seed)
        folder = os.path.join(HERE, f'{name}-{seed}')
        model = (Gemma3ForConditionalGeneration if name == 'gemma3' else AutoModelForCausalLM._model_mapping[
            type(config)])(config)
        random_(model, name.startswith('gemma')).bfloat16().save_pretrained(folder)
        if os.path.exists(os.path.join(folder, 'generation_config.json')):
            os.remove(os.path.join(folder, 'generation_config.json'))
        json.dump(golden(loaded(folder)), open(os.path.join(folder, 'golden.json'), 'w'))
json.dump([dict(folder=folder, fields=fields, ids=IDS, logits=variant(folder, fields))
           for folder, fields in VARIANTS + NEW], open(os.path.join(HERE, 'variants.json'), 'w'), indent=0)
