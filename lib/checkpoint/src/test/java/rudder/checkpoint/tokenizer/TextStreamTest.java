package rudder.checkpoint.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import rudder.checkpoint.tokenizer.Vocabulary.Kind;
import rudder.checkpoint.tokenizer.Vocabulary.Spelling;
import rudder.checkpoint.tokenizer.part.TokenizerParts.Frame;

class TextStreamTest {
    // ids 0 to 255 are bytes, 256 a control token, 257 a word
    private final Vocabulary vocabulary;

    TextStreamTest() {
        List<String> tokens = new ArrayList<>(
                IntStream.range(0, 256).mapToObj("<0x%02X>"::formatted).toList());
        List<Kind> kinds = new ArrayList<>(Collections.nCopies(256, Kind.BYTE));
        Collections.addAll(tokens, "<eos>", "▁sea");
        Collections.addAll(kinds, Kind.CONTROL, Kind.NORMAL);
        vocabulary = new Vocabulary(Spelling.SPACE_MARK, tokens, kinds, Frame.NONE, Set.of(256), Optional.empty());
    }

    private String[] streamed(int... ids) {
        TextStream stream = new TextStream(vocabulary);
        List<String> parts = new ArrayList<>();
        for (int id : ids) {
            parts.add(stream.accept(id));
        }
        parts.add(stream.finish());
        return parts.toArray(String[]::new);
    }

    private static int[] ids(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        return IntStream.range(0, utf8.length).map(i -> utf8[i] & 0xff).toArray();
    }

    @Test
    void aCharacterComesOutWholeWithItsLastByte() {
        assertEquals(List.of("", "", "", "🙂", "a", "", "é", ""), List.of(streamed(ids("🙂aé"))));
    }

    @Test
    void anEndInTheMiddleOfACharacterIsMarked() {
        assertEquals(List.of(" sea", "", "", "", "\ufffd"), List.of(streamed(257, 0xf0, 0x9f, 256)));
    }

    @Test
    void aStreamCanBeUsedAgainAfterItsEnd() {
        TextStream stream = new TextStream(vocabulary);
        stream.accept(0xe2);
        stream.finish();
        assertEquals("a", stream.accept('a'));
        assertEquals("", stream.finish());
    }

    @Test
    void theStreamedPartsOfAnyTokensAreTheTextOfTheirBytes() {
        Random random = new Random(3);
        for (int i = 0; i < 2000; i++) {
            int[] ids = random.ints(random.nextInt(12), 0, 4)
                    .map(kind -> switch (kind) {
                        case 0 -> random.nextInt(258);
                        case 1 -> 0xc0 + random.nextInt(64); // a first byte
                        default -> 0x80 + random.nextInt(64); // a later one
                    })
                    .toArray();
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            for (int id : ids) {
                bytes.writeBytes(
                        id < 256 ? new byte[] {(byte) id} : (id == 256 ? "" : " sea").getBytes(StandardCharsets.UTF_8));
            }
            assertEquals(bytes.toString(StandardCharsets.UTF_8), String.join("", streamed(ids)));
        }
    }

    @Test
    void noPartEndsInHalfASurrogatePair() {
        for (String part : streamed(ids("𝔘𝔫𝔦👩‍👩‍👧‍👦"))) {
            assertFalse(!part.isEmpty() && Character.isHighSurrogate(part.charAt(part.length() - 1)), part);
        }
    }
}
