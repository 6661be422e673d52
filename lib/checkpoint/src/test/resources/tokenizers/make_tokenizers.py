"""Writes small tokenizers and the ids that transformers gives with them.

    pip install transformers==4.57.1 tokenizers==0.22.2 && python make_tokenizers.py

cases.json holds, of each tokenizer, the files tokenizer.json, tokenizer_config.json and others, and the ids of texts:
"encode" (BOS and EOS as the tokenizer writes them), "bare" (without), both with every added token recognised, and
"plain" (special tokens spelled out: split_special_tokens), or null: there transformers finds a special token as a piece of
Unigram's vocabulary, or skips other tokens within its spelling. "chats" holds the ids of conversations.
"""
import itertools
import json
import os
import tempfile
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer

HERE = Path(__file__).parent
CORPUS = ["the tide turns at the mouth of the river", "he said the sea is calm and the moon is low",
          "\u00e9t\u00e9 caf\u00e9 na\u00efve \u4f60\u597d \U0001f30a wave", "one two  three   four\nfive\n\nsix 12 345 6789"] * 3
PREPEND = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
                                               {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}
REPLACE = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}


def metaspace(scheme, split=False):
    return {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": scheme, "split": split}


def byte_level(prefix=False):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": True}


def train(pre, normalizer=None, unigram=False, size=320):
    tokenizer = Tokenizer(models.Unigram() if unigram else models.BPE(unk_token=None if pre == "bytes" else "<unk>",
                                                                     byte_fallback=pre != "bytes", fuse_unk=True))
    if pre == "bytes":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = (trainers.UnigramTrainer(vocab_size=120, special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>") if unigram
                   else trainers.BpeTrainer(vocab_size=150, special_tokens=["<unk>", "<s>", "</s>"]))
    tokenizer.train_from_iterator(CORPUS, trainer)
    json_ = json.loads(tokenizer.to_str())
    if pre != "bytes" and not unigram:  # the byte tokens behind the others
        vocab = json_["model"]["vocab"]
        for b in range(256):
            vocab[f"<0x{b:02X}>"] = len(vocab)
    json_.update(added_tokens=[], post_processor=None, decoder=None, normalizer=normalizer)
    return json_


BYTES = train("bytes")
PIECES = train("pieces")
UNIGRAM = train("pieces", unigram=True)

KINDS = {
    "byte level": (BYTES, None, byte_level()),
    "byte level, NFC": (BYTES, {"type": "NFC"}, byte_level()),
    "metaspace first": (PIECES, None, metaspace("first")),
    "metaspace always": (PIECES, None, metaspace("always")),
    "metaspace never": (PIECES, None, metaspace("never")),
    "prepend": (PIECES, PREPEND, None),
    "replace": (PIECES, REPLACE, None),
    "unigram first": (UNIGRAM, None, metaspace("first", True)),
    "unigram always": (UNIGRAM, None, metaspace("always", True)),
}
OPTIONS = {
    "special": dict(special=True), "part": {}, "lstrip": dict(lstrip=True, special=True), "rstrip": dict(rstrip=True, special=True),
    "both strips": dict(lstrip=True, rstrip=True), "single word": dict(single_word=True, special=True),
    "normalized": dict(normalized=True, special=True), "normalized part": dict(normalized=True, lstrip=True),
}
TEXTS = ["", "the sea", "<m>the sea", "the sea<m>", "the <m> sea", "the<m>sea", " <m>  <m> the", "<m><m>", "the\n <m>\n\n sea <m>",
         "_<m>, the<m>_ (<m>) caf\u00e9<m>\u00e9", "\u4f60\u597d <m>\u3000\U0001f30a\u00a0<m>", "<m> a<w>the<w> <w>", "e\u0301<m>\u0301e <w>  the",
         "  two  spaces\t<m>\t", "<s>the</s>", "end the<m><"]


def token(content, id_=0, **options):
    return {"id": id_, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False} | options


def ids(tokenizer, text, **options):
    return tokenizer(text, **options)["input_ids"]


def case(name, files, texts=TEXTS, chat=None):
    with tempfile.TemporaryDirectory() as folder:
        for file, content in files.items():
            Path(folder, file).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        tokenizer = AutoTokenizer.from_pretrained(folder)
        result = {"name": name, "files": files, "texts": [
            {"text": text, "encode": ids(tokenizer, text), "bare": ids(tokenizer, text, add_special_tokens=False),
             "plain": None if "unigram" in name and "<s>" in text or text == "<m><w>" else ids(tokenizer, text, split_special_tokens=True)}
            for text in texts]}
        if chat:
            result["chats"] = [{"messages": messages, "begun": begun,
                                "ids": tokenizer.apply_chat_template(messages, add_generation_prompt=not begun, continue_final_message=begun)}
                               for messages, begun in chat]
        return result


def tokenizer_json(base, normalizer, pre, added, post=None):
    return base | {"normalizer": normalizer, "pre_tokenizer": pre, "added_tokens": added, "post_processor": post}


def specials(base):
    return [token(t, base["model"]["vocab"][t], special=True) for t in ("<unk>", "<s>", "</s>")
            if isinstance(base["model"]["vocab"], dict) and t in base["model"]["vocab"]] or (
        [token(t, i, special=True) for i, t in enumerate(("<unk>", "<s>", "</s>"))] if base is UNIGRAM else [])


def template(before, behind):
    pieces = [{"SpecialToken": {"id": t, "type_id": 0}} for t in before] + [{"Sequence": {"id": "A", "type_id": 0}}] + [
        {"SpecialToken": {"id": t, "type_id": 0}} for t in behind]
    return {"type": "TemplateProcessing", "single": pieces, "pair": pieces + [{"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {t: {"id": t, "ids": [PIECES["model"]["vocab"][t]], "tokens": [t]} for t in {*before, *behind}}}


CHAT = ("{% for m in messages %}<m>{{ m.role }}\n{{ m.content }}</m>\n{% endfor %}{% if add_generation_prompt %}<m>assistant\n{% endif %}")
CHATS = [([{"role": "user", "content": "the sea"}], False), ([{"role": "user", "content": " the sea  "}], False),
         ([{"role": "user", "content": "the"}, {"role": "assistant", "content": "he said, "}], True),
         ([{"role": "user", "content": "\u00e9<w>t\u00e9 caf\u00e9"}, {"role": "assistant", "content": "\nthe"}], True),
         ([{"role": "system", "content": ""}, {"role": "user", "content": "<w> the <w>\n"}], False)]


def main():
    cases = []
    for (kind, (base, normalizer, pre)), (option, flags) in itertools.product(KINDS.items(), OPTIONS.items()):
        added = specials(base) + [token("<m>", 900, **flags), token("</m>", 901, **flags), token("<w>", 902, lstrip=True)]
        config = {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": CHAT}
        cases.append(case(f"{kind} x {option}", {"tokenizer.json": tokenizer_json(base, normalizer, pre, added), "tokenizer_config.json": config},
                          chat=CHATS))
    short = TEXTS[:6] + ["<s>the</s>"]
    vocab = PIECES["model"]["vocab"]
    for classes, flags, post in [
            ("LlamaTokenizerFast", {}, None), ("LlamaTokenizer", {"add_bos_token": False}, template(["<s>"], [])),
            ("LlamaTokenizerFast", {"add_eos_token": True, "add_bos_token": True}, None), ("GemmaTokenizer", {"bos_token": "<s>", "eos_token": "</s>", "pad_token": None}, None),
            ("PreTrainedTokenizerFast", {"add_bos_token": True, "bos_token": "<s>"}, None), ("PreTrainedTokenizerFast", {}, template(["<s>"], ["</s>"])),
            ("PreTrainedTokenizerFast", {}, template([], ["</s>"])), ("PreTrainedTokenizerFast", {}, {"type": "Sequence", "processors": [
                {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}, template(["<s>", "</s>"], [])]}),
            ("PreTrainedTokenizerFast", {}, {"type": "RobertaProcessing", "sep": ["</s>", vocab["</s>"]], "cls": ["<s>", vocab["<s>"]], "trim_offsets": True, "add_prefix_space": False}),
            ("GPTNeoXTokenizer", {"add_bos_token": True, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}, None),
            ("GPT2Tokenizer", {"add_bos_token": True, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}, None)]:
        files = {"tokenizer.json": tokenizer_json(PIECES, None, metaspace("first"), specials(PIECES), post),
                 "tokenizer_config.json": {"tokenizer_class": classes} | flags}
        cases.append(case(f"{classes} {json.dumps(flags)} {'' if post is None else post['type']}", files, short))
    plain = tokenizer_json(BYTES, None, byte_level(), [])
    decoder = {"700": token("<w>"), "650": token("<m>", special=True, rstrip=True), "651": token("<k>", normalized=True)}
    for t in decoder.values():
        t.pop("id")
    settings = {"tokenizer_class": "PreTrainedTokenizerFast"}
    cases.append(case("tokens in the settings only", {"tokenizer.json": plain, "tokenizer_config.json": settings | {"added_tokens_decoder": decoder}},
                      TEXTS + ["a <k> b<k>"]))
    cases.append(case("special tokens in the settings only", {"tokenizer.json": plain, "tokenizer_config.json": settings | {
        "bos_token": "<m>", "eos_token": "the", "additional_special_tokens": ["<w>", "sea"], "extra_special_tokens": {"image_token": "<k>"}}}, TEXTS + ["a <k> b"]))
    own = tokenizer_json(BYTES, None, byte_level(), [token("<m>", 900), token("<w>", 901, special=True)])
    cases.append(case("settings change the file's tokens", {"tokenizer.json": own, "tokenizer_config.json": settings | {
        "added_tokens_decoder": {"320": {k: v for k, v in token("<m>", rstrip=True, special=True).items() if k != "id"},
                                 "321": {k: v for k, v in token("<w>", lstrip=True, normalized=True).items() if k != "id"}}}}))
    cases.append(case("the older files", {"tokenizer.json": own, "tokenizer_config.json": settings, "added_tokens.json": {"<k>": 950, "sea": 951},
                                          "special_tokens_map.json": {"bos_token": "<s>", "eos_token": token("</s>", lstrip=True) | {"special": True}}},
                      TEXTS + ["a <k>"]))
    cases[-1]["files"]["special_tokens_map.json"]["eos_token"].pop("id")
    for prefix, flags in [(True, {}), (False, {"add_prefix_space": True}), (True, {"add_prefix_space": True})]:
        cases.append(case(f"byte level prefix {prefix} {flags}", {
            "tokenizer.json": tokenizer_json(BYTES, None, byte_level(prefix), [token("<m>", 900, special=True)]), "tokenizer_config.json": settings | flags}, short))
    overlap = [token("<m>", 900, rstrip=True), token("\n\n", 901), token("the", 902, single_word=True), token("<m><w>", 903, special=True),
               token("end", 904, special=True), token("  ", 905), token("<w>", 906, lstrip=True)]
    cases.append(case("overlapping tokens", {"tokenizer.json": tokenizer_json(BYTES, None, byte_level(), overlap), "tokenizer_config.json": settings},
                      TEXTS + ["a<m>\n\nb", "a<m>\n\n\nb", "a\n\n  <w>b", "the then athe the.", "<m><w>", "the end\n\n\n\nends", "a <m>  <w>   b"]))
    # one copy of each model: the cases name it
    bases = {"bytes": BYTES["model"], "pieces": PIECES["model"], "unigram": UNIGRAM["model"]}
    for c in cases:
        file = c["files"]["tokenizer.json"] = dict(c["files"]["tokenizer.json"])
        file["model"] = next(name for name, model in bases.items() if model == file["model"])
    with open(HERE / "cases.json", "w", encoding="utf-8") as out:
        out.write('{"models": ' + json.dumps(bases, ensure_ascii=False, separators=(",", ":")) + ',\n"cases": [\n')
        out.write(",\n".join(json.dumps(c, ensure_ascii=False, separators=(",", ":")) for c in cases) + "\n]}\n")
    print(len(cases), "cases,", sum(len(c["texts"]) + len(c.get("chats", [])) for c in cases), "encodings,", os.path.getsize(HERE / "cases.json"), "bytes")


if __name__ == "__main__":
    main()
