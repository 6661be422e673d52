package rudder.checkpoint.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The form in which an instruct model was trained to see a conversation. Checkpoints store it as a Jinja program.
 * Rudder does not run Jinja: it recognises the family of the program by its marks, and reads the default system
 * message.
 *
 * @param family the marks around a turn
 * @param system the default system message, if the template has one
 */
record ChatTemplate(Family family, Optional<String> system) {
    enum Family {
        /** {@code <|im_start|>role\n ... <|im_end|>\n}. */
        CHATML,
        /**
         * {@code <|start_header_id|>role<|end_header_id|>\n\n ... <|eot_id|>}. The default system message, if any,
         * stands before the given one.
         */
        LLAMA3,
        /** {@code <start_of_turn>role\n ... <end_of_turn>\n}. A system message opens the first user turn. */
        GEMMA
    }

    /** A piece of a rendered conversation: the name of a control token, or plain text. */
    record Part(boolean control, String text) {}

    // a system turn within one literal; Jinja's source writes a line end as \n or as the character itself
    private static final Pattern DEFAULT_SYSTEM =
            Pattern.compile("<\\|im_start\\|>system(?:\\\\n|\n)([^'\"{}]+?)<\\|im_end\\|>");

    /** The first lines of Llama 3.1 and 3.2; the date is the default of their template. */
    private static final String LLAMA_DATES = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n";

    /**
     * Recognises the family of a template.
     *
     * @throws IllegalArgumentException if the family is not known; the message shows the beginning of the template
     */
    static ChatTemplate of(String jinja) {
        if (jinja.contains("<|im_start|>") && jinja.contains("<|im_end|>")) {
            Matcher system = DEFAULT_SYSTEM.matcher(jinja);
            return new ChatTemplate(
                    Family.CHATML,
                    system.find() ? Optional.of(system.group(1).replace("\\n", "\n")) : Optional.empty());
        }
        if (jinja.contains("<|start_header_id|>") && jinja.contains("<|eot_id|>")) {
            return new ChatTemplate(
                    Family.LLAMA3,
                    jinja.contains("Cutting Knowledge Date") ? Optional.of(LLAMA_DATES) : Optional.empty());
        }
        if (jinja.contains("<start_of_turn>") && jinja.contains("<end_of_turn>")) {
            return new ChatTemplate(Family.GEMMA, Optional.empty());
        }
        throw new IllegalArgumentException("unknown chat template: found '"
                + jinja.substring(0, Math.min(80, jinja.length())).replace("\n", "\\n")
                + "...', wanted ChatML (<|im_start|>), Llama 3's (<|start_header_id|>) or Gemma's (<start_of_turn>);"
                + " write the marks into the prompt yourself and encode it with encodeMarked");
    }

    /**
     * Renders a conversation up to where the model's answer begins. A system message replaces the default one, except
     * in Llama 3's family.
     *
     * @throws IllegalArgumentException if a system message is not the first, or user and assistant do not take turns,
     *     the user first and last
     */
    List<Part> render(List<Message> messages) {
        boolean instructed = !messages.isEmpty() && messages.get(0).role() == Message.Role.SYSTEM;
        Optional<String> given = instructed ? Optional.of(messages.get(0).text()) : Optional.empty();
        List<Message> turns = instructed ? messages.subList(1, messages.size()) : messages;
        requireTurns(turns);
        List<Part> parts = new ArrayList<>();
        if (family == Family.CHATML) {
            given.or(this::system)
                    .ifPresent(message -> turn(parts, "<|im_start|>", "system\n" + message, "<|im_end|>"));
        } else if (family == Family.LLAMA3 && (system.isPresent() || given.isPresent())) {
            header(parts, "system", system.orElse("") + given.map(String::strip).orElse(""));
            parts.add(new Part(true, "<|eot_id|>"));
        }
        for (int i = 0; i < turns.size(); i++) {
            String text = turns.get(i).text();
            String role = turns.get(i).role().toString();
            switch (family) {
                case CHATML -> turn(parts, "<|im_start|>", role + "\n" + text, "<|im_end|>");
                case LLAMA3 -> {
                    header(parts, role, text.strip());
                    parts.add(new Part(true, "<|eot_id|>"));
                }
                case GEMMA -> {
                    String opening =
                            i == 0 ? given.map(message -> message + "\n\n").orElse("") : "";
                    String speaker = role.equals("assistant") ? "model" : role;
                    turn(parts, "<start_of_turn>", speaker + "\n" + opening + text.strip(), "<end_of_turn>");
                }
                default -> throw new IllegalStateException(family.name());
            }
        }
        switch (family) {
            case CHATML -> open(parts, "<|im_start|>", "assistant\n");
            case LLAMA3 -> header(parts, "assistant", "");
            case GEMMA -> open(parts, "<start_of_turn>", "model\n");
            default -> throw new IllegalStateException(family.name());
        }
        return parts;
    }

    private static void requireTurns(List<Message> turns) {
        for (int i = 0; i < turns.size(); i++) {
            Message.Role wanted = i % 2 == 0 ? Message.Role.USER : Message.Role.ASSISTANT;
            if (turns.get(i).role() != wanted) {
                throw new IllegalArgumentException("turn " + (i + 1) + " of the conversation is the "
                        + turns.get(i).role() + "'s, wanted the " + wanted
                        + "'s: a system message may come first, then user and assistant take turns");
            }
        }
        if (turns.size() % 2 == 0) {
            throw new IllegalArgumentException(
                    "the conversation has " + turns.size() + " turns, wanted an odd number: a user's turn comes last");
        }
    }

    private static void open(List<Part> parts, String mark, String text) {
        parts.add(new Part(true, mark));
        parts.add(new Part(false, text));
    }

    private static void header(List<Part> parts, String role, String text) {
        parts.add(new Part(true, "<|start_header_id|>"));
        parts.add(new Part(false, role));
        parts.add(new Part(true, "<|end_header_id|>"));
        parts.add(new Part(false, "\n\n" + text));
    }

    private static void turn(List<Part> parts, String begin, String text, String end) {
        parts.add(new Part(true, begin));
        parts.add(new Part(false, text));
        parts.add(new Part(true, end));
        parts.add(new Part(false, "\n"));
    }
}
