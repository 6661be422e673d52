package rudder.compare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

/** Says that two comparisons are equal to the last bit. */
public final class SameComparison {

    private SameComparison() {}

    public static void assertSame(Comparison wanted, Comparison found) {
        assertEquals(wanted.controllers(), found.controllers());
        assertEquals(wanted.prompts(), found.prompts());
        assertEquals(wanted.measured().toString(), found.measured().toString());
        for (var name : wanted.controllers()) {
            for (int i = 0; i < wanted.prompts().size(); i++) {
                var w = wanted.completions(name).get(i);
                var f = found.completions(name).get(i);
                var where = name + ", prompt " + i;
                assertEquals(w.toString(), f.toString(), where);
                assertEquals(w.controller(), f.controller(), where);
                assertEquals(w.ended(), f.ended(), where);
                assertArrayEquals(w.promptTokens(), f.promptTokens(), where);
                assertArrayEquals(w.tokens(), f.tokens(), where);
                assertArrayEquals(w.strengths(), f.strengths(), where);
                assertArrayEquals(w.energies(), f.energies(), where);
            }
        }
        assertEquals(wanted.measurements().columnNames(), found.measurements().columnNames());
        for (var column : wanted.measurements().columnNames()) {
            assertEquals(
                    wanted.measurements().column(column).asList(),
                    found.measurements().column(column).asList(),
                    column);
        }
        assertEquals(wanted.table().print(), found.table().print());
    }
}
