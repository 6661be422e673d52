"""Writes vocabularies as GGUF files hold them and the ids that llama.cpp gives with them.

    pip install tokenizers==0.22.2 sentencepiece==0.2.3 gguf==0.19.0 && npm install node-llama-cpp@3.22.1 && python make_gguf.py NODE_MODULES

NODE_MODULES is the folder in which npm installed node-llama-cpp, whose llama.cpp is the oracle. gguf.json holds the
vocabularies, and of each case the metadata and, of each text, the ids with control tokens spelled out ("plain") and
recognised ("marked"), both without BOS, and the ids that end a generation ("ends").
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import gguf
import sentencepiece
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

HERE = Path(__file__).parent
CORPUS = ["the tide turns at the mouth of the river, and the Moon's pull (isn't it?) I'LL see",
          "He said: THE sea is calm; the moon is low. WaveLength waveLength 1000 22 333 4444 55555",
          "\u00e9t\u00e9 \u00c9T\u00c9 caf\u00e9 na\u00efve \u4f60\u597d\u4f60\u597d \U0001f30a wave \u043c\u043e\u0440\u0435", "one  two   three\n\nfour\n five\t\tsix",
          "a+b=c; x_y <tag> {json: [1,2]} // code\r\nif (a) { return 'b'; }"] * 4
PRES = ("llama-bpe smollm gpt-2 qwen2 deepseek-r1-qwen qwen35 deepseek-v3 deepseek-coder falcon default tekken gpt-4o command-r dbrx olmo falcon3"
        " starcoder refact phi-2 stablelm2 mpt llama4").split()
TEXTS = ["", "the tide", " the  tide ", "He'll said THE SEA's moon'S I'LL", "1 22 333 4444 55555 666666 1234567", "caf\u00e9 \u00c9T\u00c9 na\u00efve \u00c9t\u00e9\u00c9",
         "\u4f60\u597d\u4f60\u597d, \U0001f30a!! wave\u3002 \u043c\u043e\u0440\u0435", "one\n\n  two\r\n\tthree   \n", "a+b=c; x_y <tag> {json: [1,2]} // code\r\nif (a) { return 'b'; }",
         "<|s|>the sea<|e|>\n <|s|>  the<part> sea<part>the", "WaveLength waveLength HTTPServer a1b2c3", "...!!! --- $5+3=8 ~`^|<>", "   ", "\n", "the<unk> <s> </s> <0x41> end",
         "\u0e17\u0e30\u0e40\u0e25 \u092e\u0947\u0902 \u0301 x\u0301y \u00a0\u3000z", "[ITEM] don't_stop(me)now; \u00bd \u2167 \u0663\u0664"]

MARKED = ["<|s|>\nthe sea<|e|>\n<|s|>\n", "<|e|> \n\t the<part>  tide</s> \n the<s> <unk>\n the<|endoftext|>\n sea", "the<|e|>\u00e9 <|e|>sea <|e|>",
          "the<|im_start|>sea<|im_end|>\n the<|end|>sea"]  # white space behind marks


def bpe():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=420, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    extra = [("\u0120the\u0120tide", 1), ("\u0120sea", 1), ("WaveLength", 1)]  # some of no merge: only a rule of whole words finds them
    extra = [(t, k) for t, k in extra if t not in model["vocab"]] + [("<|s|>", 3), ("<|e|>", 3), ("<part>", 4), ("end", 3)]
    bos = len(tokens) + len(extra) - 4
    extra += [("<|im_start|>", 1), ("<|im_end|>", 1), ("<|end|>", 4)]  # ends of a turn that are not declared as control tokens
    return {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.tokens": tokens + [t for t, _ in extra],
            "tokenizer.ggml.token_type": [1] * len(tokens) + [k for _, k in extra], "tokenizer.ggml.merges": [" ".join(m) for m in model["merges"]],
            "tokenizer.ggml.bos_token_id": bos, "tokenizer.ggml.eos_token_id": bos + 1}


def scored():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "corpus.txt").write_text("\n".join(line for text in CORPUS for line in text.splitlines()), encoding="utf-8")
        sentencepiece.SentencePieceTrainer.train(input=f"{folder}/corpus.txt", model_prefix=f"{folder}/m", model_type="bpe", vocab_size=430, byte_fallback=True,
                                                 character_coverage=0.98, user_defined_symbols=["<part>", "<|s|>"], control_symbols=["<|e|>"], minloglevel=2)
        model = sentencepiece.SentencePieceProcessor(model_file=f"{folder}/m.model")
    n = model.get_piece_size()
    kind = lambda i: 2 if model.is_unknown(i) else 3 if model.is_control(i) else 6 if model.is_byte(i) else 4 if model.id_to_piece(i) in ("<part>", "<|s|>") else 1
    return {"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": [model.id_to_piece(i) for i in range(n)] + ["<|endoftext|>"],
            "tokenizer.ggml.token_type": [kind(i) for i in range(n)] + [3], "tokenizer.ggml.scores": [model.get_score(i) for i in range(n)] + [0.0], "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2}


def write(path, metadata):
    writer = gguf.GGUFWriter(path, metadata.get("general.architecture", "llama"))
    writer.add_block_count(1)
    writer.add_context_length(64)
    writer.add_embedding_length(32)
    writer.add_feed_forward_length(32)
    writer.add_head_count(1)
    writer.add_layer_norm_rms_eps(1e-5)
    for key, value in metadata.items():
        if key == "general.architecture":
            continue  # written by its own method
        if isinstance(value, bool):
            writer.add_bool(key, value)
        elif isinstance(value, int):
            writer.add_uint32(key, value)
        elif isinstance(value, str):
            writer.add_string(key, value)
        else:
            writer.add_array(key, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


ORACLE = """
import {getLlama} from "node-llama-cpp";
import fs from "fs";
const llama = await getLlama({gpu: false, build: "never", maxThreads: 1, logLevel: "error"});
const files = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const all = [];
for (const {file, size, texts} of files) {
    const model = await llama.loadModel({modelPath: file, vocabOnly: true, gpuLayers: 0});
    const ends = [...Array(size).keys()].filter(id => model.isEogToken(id));
    all.push({ends, texts: texts.map(text => ({text, plain: [...model.tokenize(text, false)], marked: [...model.tokenize(text, true)]}))});
    await model.dispose();
}
fs.writeFileSync(process.argv[3], JSON.stringify(all));
process.exit(0);
"""


def main():
    vocabularies = {"bpe": bpe(), "scored": scored()}
    cases = [{"name": pre, "vocabulary": "bpe", "metadata": {"tokenizer.ggml.pre": pre}} for pre in PRES]
    cases += [{"name": f"scored, space {space}", "vocabulary": "scored", "metadata": {} if space is None else {"tokenizer.ggml.add_space_prefix": space}}
              for space in (None, True, False)]
    # Phi 3's marks swallow the white space behind them. llama.cpp knows the model by its name, Rudder by architecture and kind of vocabulary
    cases += [{"name": f"{name}, {vocabulary}", "vocabulary": vocabulary, "metadata": {"general.architecture": architecture, "general.name": name} | more}
              for name, architecture, vocabulary, more in [("Phi-3 mini", "phi3", "scored", {}), ("Phi-4", "phi3", "bpe", {"tokenizer.ggml.pre": "gpt-2"}),
                                                           ("Llama 2", "llama", "scored", {})]]
    modules = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for i, case in enumerate(cases):
            files.append({"file": f"{folder}/{i}.gguf", "size": len(vocabularies[case["vocabulary"]]["tokenizer.ggml.tokens"]),
                          "texts": TEXTS + MARKED * ("general.name" in case["metadata"])})
            write(files[-1]["file"], vocabularies[case["vocabulary"]] | case["metadata"])
        Path(folder, "in.json").write_text(json.dumps(files))
        oracle = modules / "oracle.mjs"
        oracle.write_text(ORACLE)
        subprocess.run(["node", oracle, f"{folder}/in.json", f"{folder}/out.json"], check=True)
        oracle.unlink()
        for case, found in zip(cases, json.loads(Path(folder, "out.json").read_text())):
            case |= found
    with open(HERE / "gguf.json", "w", encoding="utf-8") as out:
        out.write('{"vocabularies": ' + json.dumps(vocabularies, ensure_ascii=False, separators=(",", ":")) + ',\n"cases": [\n')
        out.write(",\n".join(json.dumps(c, ensure_ascii=False, separators=(",", ":")) for c in cases) + "\n]}\n")
    print(len(cases), "cases,", sum(len(c["texts"]) for c in cases), "texts,", (HERE / "gguf.json").stat().st_size, "bytes")


if __name__ == "__main__":
    main()
