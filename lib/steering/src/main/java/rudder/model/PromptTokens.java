package rudder.model;

import java.util.List;
import rudder.checkpoint.tokenizer.ChatTemplate;
import rudder.checkpoint.tokenizer.Message;
import rudder.model.memory.DeviceMemory;
import rudder.theory.Check;

/** Makes tokens of texts and conversations, and refuses those that a model cannot read. */
record PromptTokens(LanguageModel model) {

    /** Returns {@link LanguageModel#encode} of a prompt after which {@code room} tokens must fit. */
    int[] of(String text, int room) {
        return model.transformer()
                .lifetime
                .during(() -> require(model.tokenizer().encode(Check.given("the text", text)), room));
    }

    /** Returns the tokens of each prompt. */
    List<int[]> of(List<String> prompts) {
        return Check.each("prompt", prompts).stream().map(model::encode).toList();
    }

    /** Returns {@link LanguageModel#encodeChat(List)} of a conversation after which {@code room} tokens must fit. */
    int[] ofChat(List<Message> conversation, int room) {
        Check.some("message", conversation);
        boolean begun = conversation.get(conversation.size() - 1).role() == Message.Role.ASSISTANT;
        var ending = begun ? ChatTemplate.Ending.BEGUN : ChatTemplate.Ending.ANSWER;
        return model.transformer()
                .lifetime
                .during(() -> require(model.tokenizer().encodeChat(conversation, ending), room));
    }

    /** Returns a conversation as a prompt after which {@code room} tokens must fit. */
    Prompt chat(List<Message> conversation, String text, int room) {
        return new Prompt(ofChat(conversation, room), text, conversation, probed -> ofChat(probed, 0));
    }

    /** Returns the tokens; throws if there are none, one is not in the vocabulary, or {@code room} more do not fit. */
    int[] require(int[] tokens, int room) {
        return require("the prompt", tokens, room);
    }

    /** @param what names the tokens in messages */
    int[] require(String what, int[] tokens, int room) {
        if (Check.given("the list of tokens", tokens).length == 0) {
            throw new IllegalArgumentException(what + " is empty: " + model.name() + " needs at least one token");
        }
        if (tokens.length + (long) room > model.contextLength()) {
            throw new IllegalArgumentException(what + " has " + tokens.length + " tokens"
                    + (room > 0 ? " and " + room + " are to follow" : "") + "; the context of " + model.name()
                    + " holds " + model.contextLength() + ": shorten the prompt or ask for fewer tokens");
        }
        int vocabulary = model.transformer().config.vocabulary();
        for (int token : tokens) {
            if (token < 0 || token >= vocabulary) {
                throw new IllegalArgumentException(
                        "token id " + token + ": " + model.name() + " has the ids 0 to " + (vocabulary - 1));
            }
        }
        return tokens;
    }

    /** Throws if the keys and values of so many texts at a time do not fit into the memory that is free. */
    void requireRoom(List<int[]> prompts, int together, int maxTokens) {
        int longest = prompts.stream().mapToInt(tokens -> tokens.length).max().orElseThrow() + maxTokens;
        int texts = Math.min(prompts.size(), together);
        long available = DeviceMemory.available(model.transformer().manager.getDevice());
        model.plan(1, longest, texts).requireCache(texts, longest, available);
    }
}
