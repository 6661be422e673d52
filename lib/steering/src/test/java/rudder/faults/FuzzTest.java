package rudder.faults;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Damaged files load or are refused by name: no process ends, none hangs, and no exception but the documented ones
 * leaves the library.
 *
 * <p>{@code mvn -Pfuzz verify} tries over 100,000 mutants of the files that say how words become tokens, {@code mvn
 * -Pfaults verify} over 200,000 of all. {@code -Drudder.seed=7} tries others, {@code -Drudder.mutants=50} fewer.
 */
class FuzzTest {

    private static final long SEED = Long.getLong("rudder.seed", 18);
    private static final int MUTANTS = Integer.getInteger("rudder.mutants", 15);

    @Test
    @Tag("fuzz")
    @Tag("faults")
    void damagedTokenizersTemplatesConfigurationsAndMetadataLoadOrAreRefused() throws Exception {
        tried("fuzz", Subject::fuzz);
    }

    @Test
    @Tag("faults")
    void damagedWeightsArtefactsTablesAndAnswersLoadOrAreRefused() throws Exception {
        tried("files", subject -> !subject.fuzz());
    }

    /** {@code -Drudder.kind=csv,stamp} tries these kinds alone. */
    private static void tried(String name, Predicate<Subject> which) throws Exception {
        String kinds = System.getProperty("rudder.kind");
        var result = Campaign.run(
                name,
                which.and(subject -> kinds == null || List.of(kinds.split(",")).contains(subject.name())),
                SEED,
                MUTANTS);
        System.out.println(result.table());
        System.out.println(String.join("\n", result.failures()));
        assertTrue(
                result.failures().isEmpty(),
                result.failures().size() + " kinds of failures, printed above; their inputs are in target/faults/"
                        + name);
    }
}
