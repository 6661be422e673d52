package rudder.faults;

import ai.djl.ndarray.types.DataType;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import rudder.checkpoint.Checkpoint;
import rudder.checkpoint.ModelShape;
import rudder.checkpoint.RandomCheckpoint;
import rudder.checkpoint.format.GgufBytes;
import rudder.checkpoint.tokenizer.Message;
import rudder.checkpoint.tokenizer.Tokenizer;
import rudder.faults.Mutator.Format;
import rudder.faults.Subject.Accepted;
import rudder.faults.Subject.Bomb;
import rudder.model.LanguageModel;
import rudder.model.Tiny;
import rudder.model.UncheckedLoad;

/** The files that say how words become tokens and tokens become numbers. */
final class TokenSubjects {

    private static final int VOCABULARY = 640;
    private static final List<String> TEXTS = List.of(
            "The sea, it's 7 o'clock; then 1234 waves.\n\n",
            " <|im_end|> \u00fcn\u00ef \ud83d\ude42 \u2581x",
            "",
            "a".repeat(300));
    private static final List<List<Message>> CHATS = List.of(
            List.of(Message.user("Why does the tide turn?")),
            List.of(
                    Message.system("Be brief. "),
                    Message.user("Hi <|im_end|>"),
                    Message.assistant("Hello."),
                    Message.user("\u00fc\n")));

    /** Parts of tokenizer.json that the native library knows, among them those that end a process. */
    private static final List<String> PARTS = List.of(
            "\"BPE\"",
            "\"Unigram\"",
            "\"WordPiece\"",
            "\"WordLevel\"",
            "\"ByteLevel\"",
            "\"Metaspace\"",
            "\"Split\"",
            "\"Sequence\"",
            "\"Digits\"",
            "\"Fuse\"",
            "\"ByteFallback\"",
            "\"Isolated\"",
            "\"Removed\"",
            "\"MergedWithPrevious\"",
            "\"<|nowhere|>\"",
            "\"<0x0A>\"",
            "\"a b c\"",
            "[\"a\", \"b\"]",
            "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"AAAA\"}",
            "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"\"}",
            "{\"type\": \"FixedLength\", \"length\": 0}",
            "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"(a+)+$\"}, "
                    + "\"behavior\": \"Isolated\", \"invert\": false}",
            "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"(\"}, \"behavior\": \"Isolated\", \"invert\": false}",
            "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"\"}, \"behavior\": \"Removed\", \"invert\": true}",
            "{\"type\": \"Split\", \"pattern\": {\"String\": \"\"}, \"behavior\": \"Contiguous\", \"invert\": false}",
            "{\"type\": \"Replace\", \"pattern\": {\"Regex\": \"(a|a)*b\"}, \"content\": \"\"}",
            "{\"type\": \"Replace\", \"pattern\": {\"String\": \"\"}, \"content\": \"aa\"}",
            "{\"type\": \"Prepend\", \"prepend\": \"\"}",
            "{\"type\": \"Strip\", \"content\": \"a\", \"start\": 4294967295, \"stop\": 9}",
            "{\"type\": \"Strip\", \"strip_left\": true, \"strip_right\": true}",
            "{\"type\": \"Metaspace\", \"replacement\": \"\u2581\", \"prepend_scheme\": \"always\", \"split\": true}",
            "{\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true, \"use_regex\": true}",
            "{\"type\": \"BertProcessing\", \"sep\": [\"x\", 1], \"cls\": [\"y\", 9999999]}",
            "{\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"<|x|>\", \"type_id\": 0}}],"
                    + " \"pair\": [], \"special_tokens\": {}}",
            "{\"type\": \"BertNormalizer\", \"clean_text\": true, \"handle_chinese_chars\": true,"
                    + " \"strip_accents\": null, \"lowercase\": true}",
            "{\"type\": \"CTC\", \"pad_token\": \"\", \"word_delimiter_token\": \"\", \"cleanup\": true}",
            "{\"direction\": \"Right\", \"max_length\": 0, \"strategy\": \"LongestFirst\", \"stride\": 9}",
            "{\"direction\": \"Right\", \"max_length\": 2, \"strategy\": \"OnlySecond\", \"stride\": 2}",
            "{\"strategy\": {\"Fixed\": 4294967295}, \"direction\": \"Left\", \"pad_to_multiple_of\": 0, \"pad_id\": 0,"
                    + " \"pad_type_id\": 0, \"pad_token\": \"x\"}");

    private static final List<String> JINJA = List.of(
            "{{",
            "}}",
            "{%",
            "%}",
            "{#",
            "#}",
            "-",
            "'",
            "\"",
            "(",
            ")",
            "[",
            "]",
            "|",
            ".",
            ":",
            ",",
            "=",
            "+",
            "*",
            "~",
            "//",
            "%",
            "**",
            "\\",
            "9",
            "999999999999999999999",
            "1e9",
            " in ",
            " not ",
            " is ",
            " and ",
            " if ",
            " else ",
            "none",
            "true",
            "messages",
            "[::-1]",
            "[0:0:0]",
            "[9]",
            "{% for a in range(999999999) %}",
            "{% for a in messages recursive %}",
            "{% endfor %}",
            "{% if true %}",
            "{% endif %}",
            "{% set x = x %}",
            "{% macro m(a) %}{{ m(a) }}{% endmacro %}{{ m(1) }}",
            "{% include 'x' %}",
            "{% raw %}",
            "{{ 'a' * 999999999 }}",
            "{{ [0] * 999999999 }}",
            "{{ 2 ** 999999 }}",
            "{{ 1 // 0 }}",
            "{{ 1 % 0 }}",
            "{{ ''.join(messages) }}",
            "{{ 'x' | indent(999999999) }}",
            "{{ messages | tojson(indent=999999999) }}",
            "{{ strftime_now('%Y %Q') }}",
            "{{ strftime_now('%') }}",
            "{{ raise_exception() }}",
            "{{ messages.__class__.__mro__ }}",
            "{{ 'abc'.format(1) }}",
            "{{ '{0.x}'.format(1) }}",
            "{{ '%s %d' % ('a',) }}",
            "{{ 'x' | round(99) }}",
            "{{ 1.5 | round(-99) }}",
            "{{ 'a'.replace('', 'b' * 9999) }}",
            "{{ dict(a=1) | dictsort(by='z') }}",
            "{{ messages | sort }}",
            "{{ messages | map(attribute='role.x.y') | list }}",
            "{{ ns.x }}",
            "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}",
            "{% for a in messages %}{% for b in messages %}{{ loop.parent }}{% endfor %}{% endfor %}",
            "{{ ((((((((((((((((((((1)))))))))))))))))))) }}",
            "{% generation %}",
            "{% filter upper %}");

    private TokenSubjects() {}

    static List<Subject> all() {
        return List.of(
                tokenizer(),
                tokenizerConfiguration(),
                beside(
                        Checkpoint.SPECIAL_TOKENS,
                        List.of("\"<s>\"", "\"<|im_end|>\"", "\"nowhere\"", "{\"content\": \"\"}"),
                        "{\"bos_token\": {\"content\": \"<s>\", \"lstrip\": false, \"normalized\": false,"
                                + " \"rstrip\": false, \"single_word\": false}, \"eos_token\": \"</s>\","
                                + " \"unk_token\": \"<unk>\","
                                + " \"additional_special_tokens\": [\"<|im_start|>\", \"<|im_end|>\"]}"),
                beside(
                        Checkpoint.ADDED_TOKENS,
                        List.of("639", "640", "1", "\"1\"", "999999999"),
                        "{\"<|im_new|>\": 600, \"<|im_start|>\": 259, \"sea\": 601}"),
                beside(
                        Checkpoint.CHAT_TEMPLATE_JSON,
                        List.of("\"{{ messages }}\"", "\"{{ 'a' * 999999999 }}\"", "\"{%\"", "[\"x\"]"),
                        "{\"chat_template\": \"{% for m in messages %}{{ m.role + ': ' + m.content }}{% endfor %}\"}"),
                templates(),
                configuration(),
                generation(),
                ggufMetadata());
    }

    static Path resource(String name) {
        try {
            return Path.of(TokenSubjects.class.getResource(name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Path small(Path folder) throws IOException {
        var shape = new ModelShape("small", "llama", 2, 16, 2, 1, 8, 24, VOCABULARY, true);
        return RandomCheckpoint.write(folder, shape, 1);
    }

    private static Subject tokenizer() {
        return new Subject(
                        "tokenizer.json",
                        true,
                        Format.JSON,
                        PARTS,
                        1.5,
                        scratch -> {
                            var all = new ArrayList<byte[]>();
                            for (var name : List.of("llama3", "gemma", "mistral", "qwen2")) {
                                all.add(Files.readAllBytes(resource("/tokenizers/" + name + "/tokenizer.json")));
                            }
                            all.add(Files.readAllBytes(resource("/chat/tokenizer.json")));
                            return all;
                        },
                        scratch -> {
                            Path folder = small(scratch.resolve("words"));
                            return (original, file, loaded) -> {
                                Files.write(folder.resolve(Checkpoint.TOKENIZER), file);
                                try (var checkpoint = Checkpoint.open(folder)) {
                                    loaded.run();
                                    words(checkpoint.tokenizer());
                                }
                            };
                        })
                .with(
                        new Bomb(
                                "token id 16777216",
                                scratch -> edited("llama3", json -> json.getAsJsonObject("model")
                                        .getAsJsonObject("vocab")
                                        .addProperty("far", 16777216))),
                        new Bomb(
                                "a token of 400 kB",
                                scratch -> edited("gemma", json -> {
                                    json.getAsJsonObject("model")
                                            .getAsJsonObject("vocab")
                                            .addProperty("e".repeat(400_000), 481);
                                })));
    }

    private interface Edit {
        void of(JsonObject json);
    }

    private static byte[] edited(String name, Edit edit) throws IOException {
        var json = JsonParser.parseString(Files.readString(resource("/tokenizers/" + name + "/tokenizer.json")))
                .getAsJsonObject();
        edit.of(json);
        return json.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static void words(Tokenizer tokenizer) {
        for (String text : TEXTS) {
            for (int[] ids : List.of(tokenizer.encode(text), tokenizer.encodeMarked(text))) {
                for (int id : ids) {
                    if (id < 0 || id >= VOCABULARY) {
                        throw new Accepted("token " + id + " beyond the vocabulary of " + VOCABULARY);
                    }
                }
                tokenizer.decode(ids);
                tokenizer.decodeMarked(ids);
            }
        }
        for (int id : tokenizer.stopTokens()) {
            if (id >= VOCABULARY) {
                throw new Accepted("stop token " + id + " beyond the vocabulary of " + VOCABULARY);
            }
        }
        try {
            chats(tokenizer);
        } catch (IllegalStateException e) {
            return; // no chat template, which is no fault of a tokenizer
        }
    }

    /** A template may refuse a conversation; each is tried nevertheless. */
    private static void chats(Tokenizer tokenizer) {
        RuntimeException refused = null;
        for (var chat : CHATS) {
            try {
                tokenizer.decodeMarked(tokenizer.encodeChat(chat));
            } catch (IllegalArgumentException | IllegalStateException e) {
                refused = e;
            }
        }
        if (refused != null) {
            throw refused;
        }
    }

    private static Subject tokenizerConfiguration() {
        return new Subject(
                "tokenizer_config.json",
                true,
                Format.JSON,
                List.of(
                        "\"default\"",
                        "\"LlamaTokenizer\"",
                        "\"<|im_end|>\"",
                        "\"{{ messages }}\"",
                        "\"{{ 'a' * 999999999 }}\"",
                        "[{\"name\": \"default\", \"template\": \"{{ bos_token }}x\"}]",
                        "[{\"name\": \"tool_use\", \"template\": 5}]",
                        "{\"__type\": \"AddedToken\", \"content\": \"<s>\", \"lstrip\": true, \"special\": 1}",
                        "{\"639\": {\"content\": \"<|new|>\", \"special\": true}}",
                        "{\"640\": {\"content\": \"<|far|>\", \"special\": true}}",
                        "{\"-1\": {\"content\": \"x\"}}",
                        "{\"4294967296\": {\"content\": \"x\"}}",
                        "{\"1\": {\"content\": \"\"}}"),
                1,
                scratch -> List.of(("""
                        {"add_bos_token": true, "add_eos_token": false, "add_prefix_space": null,
                         "added_tokens_decoder": {
                          "256": {"content": "<s>", "lstrip": false, "normalized": false, "rstrip": false,
                                  "single_word": false, "special": true},
                          "258": {"content": "<unk>", "lstrip": false, "normalized": false, "rstrip": true,
                                  "single_word": false, "special": true},
                          "600": {"content": "<|im_new|>", "lstrip": true, "normalized": true, "rstrip": false,
                                  "single_word": true, "special": false}},
                         "additional_special_tokens": ["<|im_start|>", "<|im_end|>"], "bos_token": "<s>",
                         "eos_token": {"__type": "AddedToken", "content": "</s>", "lstrip": false, "special": true},
                         "chat_template": "{{ bos_token }}{% for m in messages %}{{ m['role'] + m['content'] }}\
                        {{ eos_token }}{% endfor %}", "clean_up_tokenization_spaces": false, "legacy": false,
                         "model_max_length": 1000000000000000019884624838656, "pad_token": "<unk>",
                         "sp_model_kwargs": {},
                         "tokenizer_class": "LlamaTokenizerFast", "unk_token": "<unk>",
                         "use_default_system_prompt": false}
                        """).getBytes(StandardCharsets.UTF_8), ("""
                        {"chat_template": [{"name": "default", "template": "{% for m in messages %}\
                        {{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>' }}{% endfor %}"},
                         {"name": "tool_use", "template": "{{ tools | tojson }}"}], "bos_token": null,
                         "eos_token": "<|im_end|>", "added_tokens_decoder": {}, "tokenizer_class": "Qwen2Tokenizer"}
                        """).getBytes(StandardCharsets.UTF_8)),
                scratch -> {
                    Path folder = small(scratch.resolve("settings"));
                    Files.copy(resource("/chat/tokenizer.json"), folder.resolve(Checkpoint.TOKENIZER));
                    return (original, file, loaded) -> {
                        Files.write(folder.resolve(Checkpoint.TOKENIZER_CONFIG), file);
                        try (var checkpoint = Checkpoint.open(folder)) {
                            loaded.run();
                            words(checkpoint.tokenizer());
                        }
                    };
                });
    }

    /** A small file beside tokenizer.json that says more about it. */
    private static Subject beside(String name, List<String> words, String sound) {
        return new Subject(
                name,
                true,
                Format.JSON,
                words,
                0.3,
                scratch -> List.of(sound.getBytes(StandardCharsets.UTF_8)),
                scratch -> {
                    Path folder = small(scratch.resolve("beside"));
                    Files.copy(resource("/chat/tokenizer.json"), folder.resolve(Checkpoint.TOKENIZER));
                    Files.writeString(
                            folder.resolve(Checkpoint.TOKENIZER_CONFIG),
                            "{\"tokenizer_class\": \"LlamaTokenizerFast\", \"add_bos_token\": true}");
                    return (original, file, loaded) -> {
                        Files.write(folder.resolve(name), file);
                        try (var checkpoint = Checkpoint.open(folder)) {
                            loaded.run();
                            words(checkpoint.tokenizer());
                        }
                    };
                });
    }

    private static Subject templates() {
        return new Subject(
                        "chat_template.jinja",
                        true,
                        Format.TEXT,
                        JINJA,
                        1.5,
                        scratch -> {
                            var all = new ArrayList<byte[]>();
                            var chats = JsonParser.parseString(Files.readString(resource("/chat/chats.json")))
                                    .getAsJsonObject();
                            for (var template : chats.getAsJsonArray("templates")) {
                                all.add(template.getAsJsonObject()
                                        .get("source")
                                        .getAsString()
                                        .getBytes(StandardCharsets.UTF_8));
                            }
                            return all;
                        },
                        scratch -> {
                            Path folder = small(scratch.resolve("chat"));
                            Files.copy(resource("/chat/tokenizer.json"), folder.resolve(Checkpoint.TOKENIZER));
                            return (original, file, loaded) -> {
                                Files.write(folder.resolve(Checkpoint.CHAT_TEMPLATE), file);
                                try (var checkpoint = Checkpoint.open(folder)) {
                                    loaded.run();
                                    chats(checkpoint.tokenizer());
                                }
                            };
                        })
                .with(
                        bomb("1.9 MB of letters", "x".repeat(1_900_000)),
                        bomb("1.9 MB of expressions", "{{ 1 }}".repeat(270_000)),
                        bomb("100,000 brackets", "{{ " + "(".repeat(100_000) + "1" + ")".repeat(100_000) + " }}"),
                        bomb("20,000 ifs", "{% if 1 %}".repeat(20_000) + "{% endif %}".repeat(20_000)),
                        bomb("1 + 1 + ... 100,000 times", "{{ 1" + " + 1".repeat(100_000) + " }}"),
                        bomb("not not ... 100,000 times", "{{ " + "not ".repeat(100_000) + "1 }}"),
                        bomb("x | trim ... 100,000 times", "{{ 'x'" + " | trim".repeat(100_000) + " }}"),
                        bomb(
                                "doubling",
                                "{% set ns = namespace(x='a') %}{% for i in range(60) %}"
                                        + "{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}"),
                        bomb(
                                "a list in a list",
                                "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}"
                                        + "{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}"),
                        bomb(
                                "loops in loops",
                                "{% for a in range(99999) %}".repeat(6) + "x" + "{% endfor %}".repeat(6)),
                        bomb(
                                "a macro that calls itself",
                                "{% macro m(n) %}{{ m(n + 1) }}{{ m(n + 2) }}{% endmacro %}{{ m(0) }}"));
    }

    private static Bomb bomb(String what, String text) {
        return new Bomb(what, scratch -> text.getBytes(StandardCharsets.UTF_8));
    }

    private static final List<String> TINY =
            List.of("llama-3", "llama-3.2", "mistral", "gemma-2", "gemma-3", "qwen2.5", "qwen3");

    /** The seven architectures, as transformers 4 and 5 save them. */
    private static Subject configuration() {
        return new Subject(
                "config.json",
                true,
                Format.JSON,
                List.of(
                        "\"llama\"",
                        "\"gemma2\"",
                        "\"gemma3_text\"",
                        "\"qwen2\"",
                        "\"qwen3\"",
                        "\"mistral\"",
                        "\"silu\"",
                        "\"gelu\"",
                        "\"gelu_pytorch_tanh\"",
                        "\"bfloat16\"",
                        "\"sliding_attention\"",
                        "\"full_attention\"",
                        "{\"rope_type\": \"yarn\", \"factor\": 4.0, \"original_max_position_embeddings\": 0}",
                        "{\"rope_type\": \"linear\", \"factor\": 0}",
                        "{\"rope_type\": \"linear\", \"factor\": -2, \"rope_theta\": 1e4}",
                        "{\"rope_type\": \"dynamic\", \"factor\": 2.0}",
                        "{\"rope_type\": \"longrope\", \"long_factor\": [1], \"short_factor\": []}",
                        "{\"rope_type\": \"llama3\", \"factor\": 8.0, \"low_freq_factor\": 4.0,"
                                + " \"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 64}",
                        "{\"full_attention\": {\"rope_type\": \"default\", \"rope_theta\": 1e6}}",
                        "{\"bits\": 4, \"quant_method\": \"gptq\"}"),
                2,
                scratch -> {
                    var all = new ArrayList<byte[]>();
                    for (var name : TINY) {
                        all.add(Files.readAllBytes(resource("/tiny/" + name + "/config.json")));
                    }
                    for (var name : TINY) {
                        all.add(asVersion5(Files.readString(resource("/tiny/" + name + "/config.json"))));
                    }
                    return all;
                },
                scratch -> {
                    var folders = new ArrayList<Path>();
                    for (var name : TINY) {
                        folders.add(linked(resource("/tiny/" + name), scratch.resolve(name), Checkpoint.CONFIG));
                    }
                    return (original, file, loaded) -> {
                        Path folder = folders.get(original % TINY.size());
                        Files.write(folder.resolve(Checkpoint.CONFIG), file);
                        Checkpoint.config(folder);
                        try (var model = UncheckedLoad.of(folder)) {
                            loaded.run();
                            finite(model, 5, 9, 11);
                            model.tokenizer().stopTokens().forEach(id -> {
                                if (id >= model.tokenizer().size()) {
                                    throw new Accepted("stop token " + id + " beyond the vocabulary");
                                }
                            });
                        }
                    };
                });
    }

    /** Links all files of a folder but one, so that this one can be replaced. */
    static Path linked(Path from, Path to, String but) throws IOException {
        Files.createDirectories(to);
        try (var files = Files.list(from)) {
            for (var file : files.toList()) {
                if (!file.endsWith(but) && !file.toString().matches(".*(golden.json|npy)")) {
                    Files.createSymbolicLink(to.resolve(file.getFileName()), file.toAbsolutePath());
                }
            }
        }
        return to;
    }

    private static byte[] asVersion5(String text) {
        var json = JsonParser.parseString(text).getAsJsonObject();
        var rope = new JsonObject();
        var scaling = json.remove("rope_scaling");
        if (scaling != null && scaling.isJsonObject()) {
            scaling.getAsJsonObject().entrySet().forEach(e -> rope.add(e.getKey(), e.getValue()));
        } else {
            rope.addProperty("rope_type", "default");
        }
        rope.add("rope_theta", json.remove("rope_theta"));
        var local = json.remove("rope_local_base_freq");
        if (local == null) {
            json.add("rope_parameters", rope);
        } else {
            var sliding = new JsonObject();
            sliding.addProperty("rope_type", "default");
            sliding.add("rope_theta", local);
            var both = new JsonObject();
            both.add("full_attention", rope);
            both.add("sliding_attention", sliding);
            json.add("rope_parameters", both);
        }
        json.add("transformers_version", new JsonPrimitive("5.0.0"));
        return json.toString().getBytes(StandardCharsets.UTF_8);
    }

    static void finite(LanguageModel model, int... tokens) {
        for (float logit : model.logits(tokens)) {
            if (!Float.isFinite(logit)) {
                throw new Accepted("a logit is " + logit);
            }
        }
    }

    private static Subject generation() {
        return new Subject(
                "generation_config.json",
                true,
                Format.JSON,
                List.of("[1, 2]", "[[1]]", "\"2\"", "639", "640"),
                0.3,
                scratch -> List.of(
                        "{\"bos_token_id\": 1, \"eos_token_id\": [2, 7], \"temperature\": 0.6, \"top_p\": 0.9}"
                                .getBytes(),
                        "{\"_from_model_config\": true, \"eos_token_id\": 2, \"transformers_version\": \"5.0\"}"
                                .getBytes()),
                scratch -> {
                    Path folder = small(scratch.resolve("generation"));
                    Files.copy(resource("/chat/tokenizer.json"), folder.resolve(Checkpoint.TOKENIZER));
                    return (original, file, loaded) -> {
                        Files.write(folder.resolve(Checkpoint.GENERATION), file);
                        try (var checkpoint = Checkpoint.open(folder)) {
                            loaded.run();
                            for (int id : checkpoint.tokenizer().stopTokens()) {
                                if (id >= VOCABULARY) {
                                    throw new Accepted("stop token " + id + " beyond the vocabulary");
                                }
                            }
                        }
                    };
                });
    }

    private static Subject ggufMetadata() {
        return new Subject("gguf metadata", true, Format.GGUF, List.of(), 2, scratch -> ggufs(), gguf("metadata.gguf"));
    }

    static List<byte[]> ggufs() {
        var all = new ArrayList<byte[]>();
        for (var tiny : Tiny.values()) {
            all.add(gguf(tiny, tiny.metadata(tiny.architecture())));
        }
        var scaled = Tiny.LLAMA.metadata("llama");
        scaled.string("llama.rope.scaling.type", "linear").float32("llama.rope.scaling.factor", 2);
        all.add(gguf(Tiny.LLAMA, scaled));
        return all;
    }

    private static byte[] gguf(Tiny tiny, GgufBytes gguf) {
        gguf.string(
                        "tokenizer.chat_template",
                        "{% for m in messages %}{{ m['role'] + ': ' + m['content'] }}{% endfor %}")
                .uint32("tokenizer.ggml.eos_token_id", 3);
        return Tiny.with(tiny.tensors(), gguf).bytes();
    }

    /** Loads a GGUF file, computes logits, and reads texts and a chat. */
    static Subject.Setup gguf(String name) {
        return scratch -> {
            Tiny.LLAMA.model(DataType.FLOAT32); // the engine is started before anything is measured
            Path path = scratch.resolve(name);
            return (original, file, loaded) -> {
                Files.write(path, file);
                try (var model = UncheckedLoad.of(path)) {
                    loaded.run();
                    model.logits(new int[] {5, 9, 11});
                    for (int id : model.encode("The sea.")) {
                        if (id < 0 || id >= model.tokenizer().size()) {
                            throw new Accepted("token " + id + " beyond the vocabulary");
                        }
                    }
                    model.decode(model.encodeChat("Hi"));
                }
            };
        };
    }
}
