package rudder.model;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import rudder.checkpoint.tokenizer.Message;
import rudder.theory.Check;

/**
 * Generates texts: a {@link LanguageModel}, or a {@link SteeredModel}, which is a model seen through a controller. Both
 * take the same calls.
 *
 * <p>{@code generate} continues a text. {@code chat} answers a message in the form that an instruction-tuned model
 * expects. A notebook shows a single text while it is written, unless the call has a receiver of the text. Without a
 * {@link Sampling}, {@link Sampling#standard()} chooses the tokens. All calls throw an IllegalArgumentException if
 * {@code maxTokens} is below 1, or if there is no prompt. They also throw it if a prompt is null, has no token, or does
 * not fit the model's context together with {@code maxTokens}. They throw one too if steering takes the states beyond
 * the numbers of their precision, and an IllegalStateException if keys and values do not fit into this machine's
 * memory. {@code chat} throws an IllegalStateException if the model has no chat template.
 */
public abstract sealed class TextGenerator permits LanguageModel, SteeredModel {

    TextGenerator() {}

    abstract LanguageModel model();

    /** @param onText receives the first text; if none is given, a single text is shown as progress while it grows */
    abstract List<Completion> generate(
            List<Prompt> prompts, int maxTokens, Sampling sampling, Optional<Consumer<String>> onText);

    /** Generates up to {@code maxTokens} tokens after the prompt. */
    public Completion generate(String prompt, int maxTokens) {
        return generate(prompt, maxTokens, Sampling.standard());
    }

    /** Generates up to {@code maxTokens} tokens after the prompt. */
    public Completion generate(String prompt, int maxTokens, Sampling sampling) {
        return generateOne(
                Prompt.of(model().prompts().of(prompt, maxTokens), prompt), maxTokens, sampling, Optional.empty());
    }

    /** Generates as {@link #generate(String, int)} does, and streams the text as the next method does. */
    public Completion generate(String prompt, int maxTokens, Consumer<String> onText) {
        return generate(prompt, maxTokens, Sampling.standard(), onText);
    }

    /**
     * Generates up to {@code maxTokens} tokens after the prompt.
     *
     * @param onText receives the text piece by piece while it is generated, in whole characters
     */
    public Completion generate(String prompt, int maxTokens, Sampling sampling, Consumer<String> onText) {
        var receiver = Optional.of(Check.given("the receiver of the text", onText));
        return generateOne(Prompt.of(model().prompts().of(prompt, maxTokens), prompt), maxTokens, sampling, receiver);
    }

    /**
     * Continues every prompt. A completion does not depend on the other prompts, up to the rounding of the engine's
     * products, but where tokens are drawn it depends on its prompt's place in the list.
     */
    public List<Completion> generate(List<String> prompts, int maxTokens, Sampling sampling) {
        var given = Check.some("prompt", prompts).stream()
                .map(prompt -> Prompt.of(model().prompts().of(prompt, maxTokens), prompt))
                .toList();
        return generate(given, maxTokens, sampling, Optional.empty());
    }

    /** Continues prompts given as tokens. A completion's prompt is the tokens' text. */
    public List<Completion> generateOfTokens(List<int[]> prompts, int maxTokens, Sampling sampling) {
        Check.some("prompt", prompts).forEach(prompt -> model().prompts().require(prompt, maxTokens));
        var decoded = prompts.stream()
                .map(tokens -> Prompt.of(tokens, model().decode(tokens)))
                .toList();
        return generate(decoded, maxTokens, sampling, Optional.empty());
    }

    /** Answers a message. */
    public Completion chat(String message, int maxTokens) {
        return chat(asked(message), maxTokens, Sampling.standard(), Optional.empty());
    }

    /** Answers a message, and streams the answer's text to {@code onText}. */
    public Completion chat(String message, int maxTokens, Consumer<String> onText) {
        var receiver = Optional.of(Check.given("the receiver of the text", onText));
        return chat(asked(message), maxTokens, Sampling.standard(), receiver);
    }

    private static List<Message> asked(String message) {
        return List.of(Message.user(Check.given("the message", message)));
    }

    /** Answers the last message of a conversation, or goes on with an answer that has begun. */
    public Completion chat(List<Message> conversation, int maxTokens) {
        return chat(conversation, maxTokens, Sampling.standard());
    }

    /**
     * Answers the last message of a conversation. If that is the assistant's, the answer has begun: the model goes on
     * with it, and the completion's text is what the model adds. The completion's prompt is the text of the last user
     * message.
     *
     * <pre>{@code
     * model.chat(List.of(Message.user("Name a colour."), Message.assistant("My favourite is")), 8)
     * }</pre>
     *
     * @param conversation perhaps a system message, then messages of user and assistant in turn
     * @throws IllegalArgumentException if the model's chat template refuses the conversation
     */
    public Completion chat(List<Message> conversation, int maxTokens, Sampling sampling) {
        return chat(conversation, maxTokens, sampling, Optional.empty());
    }

    private Completion chat(
            List<Message> conversation, int maxTokens, Sampling sampling, Optional<Consumer<String>> onText) {
        String asked = Check.some("message", conversation).stream()
                .filter(message -> message.role() == Message.Role.USER)
                .reduce("", (before, message) -> message.text(), (before, after) -> after);
        return generateOne(model().prompts().chat(conversation, asked, maxTokens), maxTokens, sampling, onText);
    }

    /** Answers every message by itself. A completion's prompt is the message. */
    public List<Completion> chatEach(List<String> messages, int maxTokens, Sampling sampling) {
        var given = Check.some("message", messages).stream()
                .map(message -> model().prompts().chat(List.of(Message.user(message)), message, maxTokens))
                .toList();
        return generate(given, maxTokens, sampling, Optional.empty());
    }

    private Completion generateOne(Prompt prompt, int maxTokens, Sampling sampling, Optional<Consumer<String>> onText) {
        return generate(List.of(prompt), maxTokens, sampling, onText).get(0);
    }
}
