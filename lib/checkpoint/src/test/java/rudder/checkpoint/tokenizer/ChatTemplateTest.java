package rudder.checkpoint.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import java.util.stream.Collectors;
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
        ChatTemplate template = ChatTemplate.of(
                "{{- \"<|start_header_id|>system<|end_header_id|>\\n\\n\" }}{{- \"Cutting Knowledge Date: December 2023\\n\" }}"
                        + "{{- \"Today Date: \" + date_string + \"\\n\\n\" }}{{- system_message }}{{- \"<|eot_id|>\" }}");
        String dates =
                "<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n";
        String user =
                "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n";
        assertEquals(dates + user, text(template, Optional.empty()));
        assertEquals(dates + "Rules" + user, text(template, Optional.of(" Rules ")));
    }

    private static String text(ChatTemplate template, Optional<String> system) {
        return template.render(system, "Hi").stream().map(Part::text).collect(Collectors.joining());
    }

    @Test
    void anUnknownTemplateIsRefusedWithItsBeginning() {
        var error = assertThrows(IllegalArgumentException.class, () -> ChatTemplate.of("[INST] {{ message }} [/INST]"));
        assertTrue(error.getMessage().contains("[INST]") && error.getMessage().contains("ChatML"), error.getMessage());
    }
}
