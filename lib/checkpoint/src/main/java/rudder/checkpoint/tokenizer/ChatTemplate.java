package rudder.checkpoint.tokenizer;

import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import rudder.checkpoint.tokenizer.jinja.Template;
import rudder.checkpoint.tokenizer.jinja.syntax.TemplateException;
import rudder.checkpoint.tokenizer.jinja.syntax.Text;

/**
 * The Jinja program by which a model's makers turn a conversation into text. It is parsed when it is first used, so
 * that a model whose template Rudder cannot read still continues plain texts.
 */
public final class ChatTemplate {

    /** How a rendered conversation ends. */
    public enum Ending {
        /** With the marks behind which the model writes its answer ({@code add_generation_prompt}). */
        ANSWER,
        /** Inside the last message, which the model goes on writing ({@code continue_final_message}). */
        BEGUN,
        /** With the marks that close the last message. */
        CLOSED
    }

    /** Marks the end of a message that continues. The text from the mark on is cut off. */
    private static final String GOES_ON = "CONTINUE_FINAL_MESSAGE_TAG ";

    private final String source;
    private final Map<String, String> tokens;
    private String refusal; // why there is no program, or null
    private Template parsed;

    /**
     * A template as a checkpoint holds it.
     *
     * @param source the Jinja program
     * @param tokens names of special tokens that the program may ask for, such as {@code bos_token} to {@code <s>}
     */
    public ChatTemplate(String source, Map<String, String> tokens) {
        this.source = Objects.requireNonNull(source, "source");
        this.tokens = Map.copyOf(tokens);
    }

    /**
     * Renders a conversation. Every character of the result knows whether the template or a message wrote it.
     *
     * @throws IllegalArgumentException if there is no message, the template cannot be read, or the template refuses the
     *     conversation; the message says which
     */
    Text render(List<Message> messages, Ending ending, LocalDateTime now) {
        if (refusal != null) {
            throw new IllegalArgumentException(refusal);
        }
        if (messages.isEmpty()) {
            throw new IllegalArgumentException("the conversation has no message, wanted at least one");
        }
        var variables = new HashMap<String, Object>();
        tokens.forEach((name, token) -> variables.put(name, Text.ofTemplate(token)));
        variables.put("messages", turns(messages, ending == Ending.BEGUN));
        variables.put("tools", null);
        variables.put("documents", null);
        variables.put("add_generation_prompt", ending == Ending.ANSWER);
        try {
            Text text = parsed().render(variables, now);
            return ending == Ending.BEGUN ? cut(text, messages.get(messages.size() - 1)) : text;
        } catch (TemplateException e) {
            throw new IllegalArgumentException(
                    "the model's chat template does not take this conversation: " + e.getMessage()
                            + "; change the messages, or give the model plain text",
                    e);
        }
    }

    /**
     * Returns a template that refuses every conversation, for a checkpoint whose template cannot be told.
     *
     * @param reason what is wrong and what to do
     */
    public static ChatTemplate unknown(String reason) {
        var template = new ChatTemplate("", Map.of());
        template.refusal = Objects.requireNonNull(reason, "reason");
        return template;
    }

    /** Returns the program. */
    String source() {
        return source;
    }

    private synchronized Template parsed() {
        if (parsed == null) {
            parsed = Template.parse(source);
        }
        return parsed;
    }

    private static List<Object> turns(List<Message> messages, boolean goesOn) {
        var turns = new ArrayList<Object>();
        for (int i = 0; i < messages.size(); i++) {
            var message = messages.get(i);
            var turn = new LinkedHashMap<Object, Object>();
            String behind = goesOn && i == messages.size() - 1 ? GOES_ON : "";
            turn.put(Text.ofTemplate("role"), Text.ofTemplate(message.role().toString()));
            turn.put(Text.ofTemplate("content"), Text.ofMessage(message.text() + behind));
            turns.add(turn);
        }
        return turns;
    }

    private static Text cut(Text text, Message last) {
        String rendered = text.toString();
        int at = rendered.lastIndexOf(GOES_ON.strip());
        if (at < 0 || !rendered.contains(last.text().strip())) {
            throw new TemplateException("the template does not write out the last message, so it cannot go on there");
        }
        return rendered.startsWith(GOES_ON, at)
                ? text.subSequence(0, at)
                : text.subSequence(0, at).strip(false, true, Text::isSpace);
    }

    @Override
    public String toString() {
        return "ChatTemplate[" + source.length() + " characters]";
    }
}
