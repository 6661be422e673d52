package rudder.demo;

import java.util.Arrays;
import java.util.Optional;

/** The controllers that the demo offers. */
enum Law {
    NONE("none", "none: the model alone", false, null),
    ACT_ADD("actadd", "ActAdd: adds a vector, measures nothing", true, 15),
    P("p", "P: corrects the measured error", true, 20),
    LQR("lqr", "A-LQR: a regulator at all blocks", false, null),
    TRACKER("tracker", "LQ tracker: looks ahead", true, null),
    NATURAL("natural", "natural gradient: most of the concept for the same change", true, null);

    final String id;
    final String title;
    final boolean atOneBlock;
    private final Integer block;

    Law(String id, String title, boolean atOneBlock, Integer block) {
        this.id = id;
        this.title = title;
        this.atOneBlock = atOneBlock;
        this.block = block;
    }

    /** Returns the usual block of a model of {@code horizon} blocks; empty for all blocks. */
    Optional<Integer> usualBlock(int horizon) {
        return Optional.ofNullable(block).map(k -> k * horizon / 30);
    }

    /** @throws IllegalArgumentException if there is no such controller */
    static Law of(String id) {
        return Arrays.stream(values())
                .filter(law -> law.id.equals(id))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no controller '" + id + "', wanted one of "
                        + Arrays.stream(values()).map(law -> law.id).toList()));
    }
}
