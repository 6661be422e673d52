package rudder.compare;

import rudder.steer.natural.NaturalGradient;
import rudder.theory.Differential;

/**
 * Families of natural-gradient controllers for a {@link GridSearch}. Strengths are in gaps; blocks and gains are tried
 * with every strength.
 */
public final class NaturalFamilies {

    private NaturalFamilies() {}

    /** Returns {@link NaturalGradient#atBlock} at each block with each strength. */
    public static ControllerFamily atBlock(NaturalGradient natural, double[] blocks, double... strengths) {
        return ControllerFamily.of(
                "natural gradient", blocks, strengths, (block, s) -> natural.atBlock(s, block.intValue()));
    }

    /** Returns {@link NaturalGradient#spread} from each block on with each strength. */
    public static ControllerFamily spread(NaturalGradient natural, double[] from, double... strengths) {
        return ControllerFamily.of(
                "natural gradient spread", from, strengths, (block, s) -> natural.spread(s, block.intValue()));
    }

    /** Returns {@link NaturalGradient#closedLoop} from one block on with each gain and strength. */
    public static ControllerFamily closedLoop(NaturalGradient natural, int from, double[] gains, double... strengths) {
        return ControllerFamily.of(
                "natural gradient P", gains, strengths, (gain, s) -> natural.closedLoop(s, gain, from));
    }

    /** Returns {@link NaturalGradient#tracker} with weight 0.1 on the strength from each state on, 10 on the inputs. */
    public static ControllerFamily tracker(
            NaturalGradient natural, Differential plant, double[] from, double... strengths) {
        return ControllerFamily.of(
                "natural gradient tracker",
                from,
                strengths,
                (state, s) -> natural.tracker(plant, s, state.intValue(), 0.1, 10));
    }
}
