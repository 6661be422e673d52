package rudder.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import rudder.model.ChatTemplate.Family;
import rudder.model.ChatTemplate.Part;

class ChatTemplateTest {

    @Test
    void theDefaultSystemMessageIsReadFromTheTemplate() {
        for (String lineEnd : new String[] {"\\n", "\n"}) {
            ChatTemplate template = ChatTemplate.of("{{ '<|im_start|>system" + lineEnd + "' + messages[0]['content'] + '<|im_end|>' }}"
                    + "{{ '<|im_start|>system" + lineEnd + "Be kind.<|im_end|>" + lineEnd + "' }}");
            assertEquals(new ChatTemplate(Family.CHATML, Optional.of("Be kind.")), template);
        }
    }

    @Test
    void aTemplateWithoutASystemMessageWritesNone() {
        ChatTemplate template = ChatTemplate.of("{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}");
        assertEquals("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", text(template, Optional.empty()));
        assertEquals("<|im_start|>system\nRules<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
                text(template, Optional.of("Rules")));
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
