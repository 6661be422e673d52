package rudder.compare;

import java.util.ArrayList;
import java.util.List;
import rudder.model.SteeredModel;

/**
 * Some prompts under some controllers, whose texts are written side by side: the arms firstArm..endArm-1 and the
 * prompts first..end-1 of longer lists.
 *
 * <p>A token's pass reads all weights, however few texts there are: the fewer the prompts, the more arms have their
 * turn at once, in two batches of {@link SteeredModel#TEXTS} at most. And what is common to all arms, the beginnings of
 * the prompts, is read once for all: they all have their turn before the next prompts have.
 */
public record Batch(int firstArm, int endArm, int first, int end) {

    /** Every prompt under every arm, once. */
    public static List<Batch> of(int arms, int prompts) {
        var batches = new ArrayList<Batch>();
        for (int first = 0, end; first < prompts; first = end) {
            end = Math.min(prompts, first + SteeredModel.BATCH);
            int together = 2 * (SteeredModel.TEXTS / (end - first));
            for (int arm = 0; arm < arms; arm += together) {
                batches.add(new Batch(arm, Math.min(arms, arm + together), first, end));
            }
        }
        return batches;
    }

    /** This batch's part of a list of prompts. */
    public <T> List<T> ofPrompts(List<T> all) {
        return all.subList(first, end);
    }

    /** Prompts times arms. */
    public int texts() {
        return (endArm - firstArm) * (end - first);
    }
}
