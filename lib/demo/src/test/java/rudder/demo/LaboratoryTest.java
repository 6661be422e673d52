package rudder.demo;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.types.DataType;
import org.junit.jupiter.api.Test;
import rudder.model.Tiny;

class LaboratoryTest {

    @Test
    void aModelChatsIfItsTemplateCanBeRendered() {
        assertFalse(new Laboratory(Tiny.LLAMA.model()).chats(), "it has no template");
        try (var chatting = Tiny.LLAMA.chatting()) {
            assertTrue(new Laboratory(chatting).chats());
        }
        var gguf = Tiny.LLAMA.gguf().string("tokenizer.chat_template", "{% include 'nothing' %}");
        try (var model = Tiny.load(DataType.FLOAT32, gguf)) {
            assertFalse(new Laboratory(model).chats(), "its template asks for another file");
        }
    }
}
