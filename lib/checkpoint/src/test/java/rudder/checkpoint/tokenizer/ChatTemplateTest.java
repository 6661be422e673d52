package rudder.checkpoint.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import rudder.checkpoint.tokenizer.ChatTemplate.Family;
import rudder.checkpoint.tokenizer.ChatTemplate.Part;

class ChatTemplateTest {

    @Test
    void theDefaultSystemMessageIsReadFromTheTemplate() {
        for (String lineEnd : new String[] {"\\n", "\n"}) {
            ChatTemplate template =
                    ChatTemplate.of("{{ '<|im_start|>system" + lineEnd + "' + messages[0]['content'] + '<|im_end|>' }}"
                            + "{{ '<|im_start|>system" + lineEnd + "Be kind.<|im_end|>" + lineEnd + "' }}");
            assertEquals(new ChatTemplate(Family.CHATML, Optional.of("Be kind.")), template);
        }
    }

    @Test
    void aTemplateWithoutASystemMessageWritesNone() {
        ChatTemplate template =
                ChatTemplate.of("{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}");
        assertEquals("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", text(template, Optional.empty()));
        assertEquals(
                "<|im_start|>system\nRules<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
                text(template, Optional.of("Rules")));
    }

    @Test
    void laterLlamasBeginWithTheirDates() {
        ChatTemplate template = ChatTemplate.of("{{- \"<|start_header_id|>system<|end_header_id|>\\n\\n\" }}"
                + "{{- \"Cutting Knowledge Date: December 2023\\n\" }}"
                + "{{- \"Today Date: \" + date_string + \"\\n\\n\" }}"
                + "{{- system_message }}{{- \"<|eot_id|>\" }}");
        String dates = "<|start_header_id|>system<|end_header_id|>\n\n"
                + "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n";
        String user = "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
                + "<|start_header_id|>assistant<|end_header_id|>\n\n";
        assertEquals(dates + user, text(template, Optional.empty()));
        assertEquals(dates + "Rules" + user, text(template, Optional.of(" Rules ")));
    }

    private static String text(ChatTemplate template, Optional<String> system) {
        return template
                .render(Stream.concat(system.map(Message::system).stream(), Stream.of(Message.user("Hi")))
                        .toList())
                .stream()
                .map(Part::text)
                .collect(Collectors.joining());
    }

    @Test
    void anUnknownTemplateIsRefusedWithItsBeginning() {
        var error = assertThrows(IllegalArgumentException.class, () -> ChatTemplate.of("[INST] {{ message }} [/INST]"));
        assertTrue(error.getMessage().contains("[INST]") && error.getMessage().contains("ChatML"), error.getMessage());
    }

    @Test
    void turnsFollowOneAnother() {
        var talk =
                List.of(Message.system("Rules"), Message.user("Hi"), Message.assistant(" Hello "), Message.user("Bye"));
        assertEquals(
                "<start_of_turn>user\nRules\n\nHi<end_of_turn>\n<start_of_turn>model\nHello<end_of_turn>\n"
                        + "<start_of_turn>user\nBye<end_of_turn>\n<start_of_turn>model\n",
                text(ChatTemplate.of("<start_of_turn> <end_of_turn>"), talk));
        assertEquals(
                "<|im_start|>system\nRules<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
                        + "<|im_start|>assistant\n Hello <|im_end|>\n<|im_start|>user\nBye<|im_end|>\n"
                        + "<|im_start|>assistant\n",
                text(ChatTemplate.of("<|im_start|> <|im_end|>"), talk));
    }

    @Test
    void turnsOutOfOrderAreRefused() {
        var template = ChatTemplate.of("<|im_start|> <|im_end|>");
        for (var talk : List.of(
                List.<Message>of(),
                List.of(Message.system("Rules")),
                List.of(Message.assistant("Hello")),
                List.of(Message.user("Hi"), Message.user("Hi")),
                List.of(Message.user("Hi"), Message.assistant("Hello")),
                List.of(Message.user("Hi"), Message.system("Rules")))) {
            var error = assertThrows(IllegalArgumentException.class, () -> template.render(talk));
            assertTrue(error.getMessage().contains("wanted"), error.getMessage());
        }
    }

    private static String text(ChatTemplate template, List<Message> talk) {
        return template.render(talk).stream().map(Part::text).collect(Collectors.joining());
    }
}
