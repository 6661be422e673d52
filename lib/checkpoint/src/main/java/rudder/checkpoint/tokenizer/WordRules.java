package rudder.checkpoint.tokenizer;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The rules that cut a text into words, by the names that GGUF files give them ({@code tokenizer.ggml.pre}), as
 * llama.cpp maps them. Each is a list of regular expressions: the first cuts the text, the next one the parts, and so
 * on.
 *
 * @param expressions regular expressions
 * @param wholeWords whether a whole word that is a token is taken as it is, before any merge
 * @param bos whether BOS stands before a text where the file does not say
 */
record WordRules(List<String> expressions, boolean wholeWords, boolean bos) {
    private static final String CONTRACTIONS = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";
    private static final String BEHIND = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)";
    private static final String LLAMA3 = CONTRACTIONS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|" + BEHIND;
    private static final String QWEN2 = CONTRACTIONS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|" + BEHIND;
    private static final String NOT_SMALL = "((?=[\\p{L}])([^a-z]))";
    private static final String NOT_CAPITAL = "((?=[\\p{L}])([^A-Z]))";
    private static final String CJK = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+";

    private static final Map<String, WordRules> BY_NAME = new LinkedHashMap<>();

    static {
        var llama3 = new WordRules(List.of(LLAMA3), true, true);
        names(llama3, "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2");
        names(rule(LLAMA3), "dbrx", "smaug-bpe", "glm4", "chatglm-bpe");
        names(rule("\\p{N}", GPT2), "starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b");
        names(rule(GPT2), "gpt-2", "phi-2", "mpt", "olmo", "jais", "trillion", "granite-docling", "exaone4", "mellum");
        names(rule(QWEN2), "qwen2", "deepseek-r1-qwen", "stablelm2", "megrez", "hunyuan", "solar-open", "grok-2");
        names(
                rule(CONTRACTIONS + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}"
                        + "| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"),
                "qwen35");
        names(
                rule(
                        "\\p{N}{1,3}",
                        "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
                        "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
                                + "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
                                + "| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"),
                "deepseek-v3",
                "hunyuan-dense");
        names(rule("[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", CJK, "\\p{N}"), "deepseek-coder");
        names(rule("[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]"), "falcon");
        names(rule("[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"), "default");
        String words = "[^\\r\\n\\p{L}\\p{N}]?" + NOT_SMALL + "*" + NOT_CAPITAL + "+%s|[^\\r\\n\\p{L}\\p{N}]?"
                + NOT_SMALL + "+" + NOT_CAPITAL + "*%s|";
        String behind = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
        names(
                new WordRules(List.of(String.format(Locale.ROOT, words, "", "") + "\\p{N}" + behind), true, true),
                "tekken");
        names(
                rule(String.format(Locale.ROOT, words, CONTRACTIONS + "?", CONTRACTIONS + "?") + "\\p{N}{1,3}"
                        + behind),
                "gpt-4o",
                "llama4",
                "kanana2",
                "minimax-m2");
    }

    private static WordRules rule(String... expressions) {
        return new WordRules(List.of(expressions), false, false);
    }

    private static void names(WordRules rule, String... names) {
        for (String name : names) {
            BY_NAME.put(name, rule);
        }
    }

    /**
     * Returns the rule with a name.
     *
     * @throws IllegalArgumentException if Rudder does not know it
     */
    static WordRules of(String name) {
        WordRules rule = BY_NAME.get(name);
        if (rule == null) {
            throw new IllegalArgumentException(
                    "tokenizer.ggml.pre: found '" + name + "', wanted one of " + BY_NAME.keySet()
                            + ": Rudder knows no other rule that cuts a text into words; load another model");
        }
        return rule;
    }
}
