package rudder.checkpoint.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import rudder.checkpoint.Golden;

/** The oracle is transformers 4.57.1: {@code resources/chat/make_chats.py}. */
class ChatTemplateTest {
    private static final LocalDateTime NOW = LocalDateTime.of(2026, 7, 4, 15, 6, 9);
    private static final Map<String, String> TOKENS =
            Map.of("bos_token", "<s>", "eos_token", "</s>", "unk_token", "<unk>");
    private static final Golden CHATS = chats();

    private static Path file(String name) {
        try {
            return Path.of(ChatTemplateTest.class.getResource("/chat/" + name).toURI());
        } catch (java.net.URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Golden chats() {
        try {
            return new Golden("chats", JsonParser.parseString(Files.readString(file("chats.json"))));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<Message> conversation(String name) {
        return CHATS.at("conversations", name).list().stream()
                .map(turn -> new Message(
                        Message.Role.valueOf(turn.at("role").text().toUpperCase(Locale.ROOT)),
                        turn.at("content").text()))
                .toList();
    }

    static Stream<String> templates() {
        return CHATS.at("templates").list().stream()
                .map(template -> template.at("template").text());
    }

    private static Golden golden(String template) {
        return CHATS.at("templates").list().stream()
                .filter(one -> one.at("template").text().equals(template))
                .findFirst()
                .orElseThrow();
    }

    private static ChatTemplate.Ending ending(String conversation) {
        return switch (conversation) {
            case "answer begun" -> ChatTemplate.Ending.BEGUN;
            case "no prompt" -> ChatTemplate.Ending.CLOSED;
            default -> ChatTemplate.Ending.ANSWER;
        };
    }

    @ParameterizedTest
    @MethodSource("templates")
    void textAndIdsOfEveryConversationAreTheReferences(String name) throws IOException {
        var golden = golden(name);
        var template = new ChatTemplate(golden.at("source").text(), TOKENS);
        try (var tokenizer = Tokenizer.ofJson(file("tokenizer.json"), 640, Set.of(), Optional.of(template))) {
            for (String key : CHATS.at("conversations").json().getAsJsonObject().keySet()) {
                var messages = conversation(key);
                var wanted = golden.at("chats", key);
                if (wanted.json().isJsonNull()) {
                    assertThrows(
                            IllegalArgumentException.class, () -> template.render(messages, ending(key), NOW), key);
                    continue;
                }
                assertEquals(
                        wanted.at("text").text(),
                        template.render(messages, ending(key), NOW).toString(),
                        key);
                assertArrayEquals(wanted.at("ids").ints(), tokenizer.encodeChat(messages, ending(key), NOW), key);
            }
        }
    }

    @Test
    void aTemplateIsRefusedWhenItIsUsedAndByItsLine() {
        var template = new ChatTemplate("{{ bos_token }}\n{% include 'x' %}", TOKENS);
        var error = assertThrows(
                IllegalArgumentException.class,
                () -> template.render(List.of(Message.user("Hi")), ChatTemplate.Ending.ANSWER, NOW));
        assertTrue(error.getMessage().contains("line 2") && error.getMessage().contains("include"), error.getMessage());
    }

    @Test
    void aTemplateThatDropsTheLastMessageCannotGoOnThere() {
        var template = new ChatTemplate("{{ messages[0].content }}", TOKENS);
        var talk = List.of(Message.user("Hi"), Message.assistant("Hello"));
        assertThrows(IllegalArgumentException.class, () -> template.render(talk, ChatTemplate.Ending.BEGUN, NOW));
        assertThrows(IllegalArgumentException.class, () -> template.render(List.of(), ChatTemplate.Ending.ANSWER, NOW));
    }
}
