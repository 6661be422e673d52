package rudder.checkpoint.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import rudder.checkpoint.format.GgufFile;
import rudder.checkpoint.tokenizer.part.TokenizerParts.Frame;

/**
 * The tokens of a model: their spelling and kind, and the use of the special ones.
 *
 * @param spelling the rule by which an ordinary token's name stands for bytes
 * @param tokens the name of each token id
 * @param kinds the kind of each token id
 * @param frame the tokens before and behind every text: BOS, if the model was trained so
 * @param stops ids that end a generation
 * @param chatTemplate the model's chat template (Jinja), if it has one
 */
record Vocabulary(
        Spelling spelling,
        List<String> tokens,
        List<Kind> kinds,
        Frame frame,
        Set<Integer> stops,
        Optional<ChatTemplate> chatTemplate) {

    /** The kind of a token, in the order of GGUF's numbers, which start at 1. */
    enum Kind {
        NORMAL,
        UNKNOWN,
        CONTROL,
        USER_DEFINED,
        UNUSED,
        BYTE;

        static Kind of(int gguf) {
            if (gguf < 1 || gguf > values().length) {
                throw new IllegalArgumentException(
                        "tokenizer.ggml.token_type: found " + gguf + ", wanted 1 to " + values().length);
            }
            return values()[gguf - 1];
        }
    }

    /** The rule by which an ordinary token's name stands for bytes. */
    enum Spelling {
        /** Each byte is one character: printable Latin-1 is itself; the other bytes are U+0100 and up, in order. */
        BYTE_LEVEL,
        /** UTF-8, with U+2581 for a space. */
        SPACE_MARK
    }

    /** The names of control tokens that end a turn or a text, in all model families. */
    private static final Set<String> ENDS = Set.of(
            "<|endoftext|>",
            "<|end_of_text|>",
            "<|im_end|>",
            "<|eot_id|>",
            "<|eom_id|>",
            "<|end|>",
            "<end_of_turn>",
            "<eos>",
            "</s>");

    private static final int[] BYTE = new int[256 + 68]; // byte-level character -> its byte, or -1

    static {
        Arrays.fill(BYTE, -1);
        int shifted = 256;
        for (int b = 0; b < 256; b++) {
            boolean printable = b > ' ' && b < 0x7f || b > 0xa0 && b != 0xad;
            BYTE[printable ? b : shifted++] = b;
        }
    }

    Vocabulary {
        if (tokens.isEmpty() || tokens.size() != kinds.size()) {
            throw new IllegalArgumentException("a vocabulary of " + tokens.size() + " tokens with " + kinds.size()
                    + " token types: wanted at least one token, and one type for each; fetch the file again");
        }
        for (int id = 0; id < tokens.size(); id++) {
            if (kinds.get(id) == Kind.BYTE && !tokens.get(id).matches("<0x[0-9A-F]{2}>")) {
                throw new IllegalArgumentException("token " + id + " stands for a byte: found the name '"
                        + tokens.get(id) + "', wanted one such as <0x0A>");
            }
        }
    }

    /** Reads the vocabulary in the metadata {@code tokenizer.*} of a GGUF file. */
    static Vocabulary of(GgufFile file) {
        String model = file.string("tokenizer.ggml.model");
        Spelling spelling =
                switch (model) {
                    case "gpt2" -> Spelling.BYTE_LEVEL;
                    case "llama" -> Spelling.SPACE_MARK;
                    default ->
                        throw new IllegalArgumentException("tokenizer.ggml.model: found '" + model
                                + "', wanted gpt2 (byte-level BPE) or llama (scored BPE)");
                };
        boolean scored = spelling == Spelling.SPACE_MARK;
        List<String> tokens = file.strings("tokenizer.ggml.tokens");
        List<Kind> kinds = endsAreControl(
                tokens,
                Arrays.stream(file.integers("tokenizer.ggml.token_type"))
                        .mapToObj(Kind::of)
                        .toList());
        int bos = id(file, "bos", tokens);
        return new Vocabulary(
                spelling,
                tokens,
                kinds,
                new Frame(
                        framing(file, "bos", bos, bos >= 0 && (scored || writesBos(file))),
                        framing(file, "eos", id(file, "eos", tokens), false)),
                stops(tokens, kinds, id(file, "eos", tokens), id(file, "eot", tokens)),
                chatTemplate(file, tokens));
    }

    /**
     * Makes an end of a turn or text a control token, whatever the file declares it to be, as llama.cpp does. Only
     * {@code </s>} stays text where the file says so: Qwen and Gemma have it as a tag of HTML.
     */
    private static List<Kind> endsAreControl(List<String> tokens, List<Kind> declared) {
        var kinds = new ArrayList<>(declared);
        for (int id = 0; id < Math.min(tokens.size(), kinds.size()); id++) {
            boolean text =
                    EnumSet.of(Kind.NORMAL, Kind.USER_DEFINED, Kind.UNUSED).contains(kinds.get(id));
            if (text && !tokens.get(id).equals("</s>") && ENDS.contains(tokens.get(id))) {
                kinds.set(id, Kind.CONTROL);
            }
        }
        return kinds;
    }

    private static boolean writesBos(GgufFile file) {
        return WordRules.of(file.string("tokenizer.ggml.pre")).bos();
    }

    private static List<Integer> framing(GgufFile file, String name, int id, boolean assumed) {
        if (!file.flag("tokenizer.ggml.add_" + name + "_token", assumed)) {
            return List.of();
        }
        if (id < 0) {
            throw new IllegalArgumentException("tokenizer.ggml.add_" + name + "_token: found true, but no " + key(name)
                    + "; use another conversion of the model");
        }
        return List.of(id);
    }

    private static Optional<ChatTemplate> chatTemplate(GgufFile file, List<String> tokens) {
        if (!file.hasKey("tokenizer.chat_template")) {
            return Optional.empty();
        }
        var special = new HashMap<String, String>();
        for (String name : List.of("bos", "eos")) {
            putName(special, name, id(file, name, tokens), tokens);
        }
        // nothing else uses these two: a number that is no id is left out, as in llama.cpp
        putName(special, "unk", file.integer(key("unknown"), -1), tokens);
        putName(special, "pad", file.integer(key("padding"), -1), tokens);
        return Optional.of(new ChatTemplate(file.string("tokenizer.chat_template"), special));
    }

    private static void putName(Map<String, String> special, String role, long id, List<String> tokens) {
        if (id >= 0 && id < tokens.size()) {
            special.put(role + "_token", tokens.get((int) id));
        }
    }

    private static String key(String role) {
        return "tokenizer.ggml." + role + "_token_id";
    }

    private static int id(GgufFile file, String name, List<String> tokens) {
        String key = key(name);
        long id = file.integer(key, -1);
        if (id < -1 || id >= tokens.size()) {
            throw new IllegalArgumentException(
                    key + ": found " + id + ", wanted one of the ids 0 to " + (tokens.size() - 1));
        }
        return (int) id;
    }

    /** Returns the ids that end a generation: the given ones (-1: none), and the control tokens known to end one. */
    static Set<Integer> stops(List<String> tokens, List<Kind> kinds, int... given) {
        Set<Integer> stops = new HashSet<>();
        for (int id : given) {
            if (id >= 0) {
                stops.add(id);
            }
        }
        for (int id = 0; id < tokens.size(); id++) {
            if (kinds.get(id) == Kind.CONTROL && ENDS.contains(tokens.get(id))) {
                stops.add(id);
            }
        }
        return Set.copyOf(stops);
    }

    int size() {
        return tokens.size();
    }

    Kind kind(int id) {
        if (id < 0 || id >= size()) {
            throw new IllegalArgumentException(
                    "token id " + id + ": wanted 0 to " + (size() - 1) + ", the ids of this vocabulary");
        }
        return kinds.get(id);
    }

    /** Returns the bytes of text that a token stands for; none for a control token. */
    byte[] bytes(int id) {
        Kind kind = kind(id);
        String name = tokens.get(id);
        return switch (kind) {
            case UNKNOWN, CONTROL, UNUSED -> new byte[0];
            case BYTE -> new byte[] {(byte) Integer.parseInt(name, 3, 5, 16)}; // <0x0A>
            case NORMAL, USER_DEFINED ->
                spelling == Spelling.SPACE_MARK
                        ? name.replace('\u2581', ' ').getBytes(StandardCharsets.UTF_8) // Gemma declares runs of spaces
                        : kind == Kind.NORMAL ? byteLevel(name) : name.getBytes(StandardCharsets.UTF_8);
        };
    }

    private static byte[] byteLevel(String name) {
        byte[] bytes = new byte[name.length()];
        for (int i = 0; i < bytes.length; i++) {
            char c = name.charAt(i);
            if (c >= BYTE.length || BYTE[c] < 0) {
                return name.getBytes(StandardCharsets.UTF_8); // not byte-level: the name stands for itself
            }
            bytes[i] = (byte) BYTE[c];
        }
        return bytes;
    }
}
