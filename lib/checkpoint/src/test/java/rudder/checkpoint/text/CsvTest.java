package rudder.checkpoint.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class CsvTest {

    @Test
    void aQuotedFieldIsReadAsItWas() {
        var fields =
                List.of("plain", "", "a, b", "\"\"", "say \"yes\"", "two\nlines", " spaces ", "# no comment", "\u00e9");
        String row = fields.stream().map(Csv::quoted).collect(Collectors.joining(","));
        var names = "a,b,c,d,e,f,g,h,i";
        assertEquals(
                fields,
                Csv.parse("quoted", names + "\n" + row + "\n").rows().get(0).fields());
    }
}
