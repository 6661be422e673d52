package rudder.compare;

import java.util.ArrayList;
import java.util.List;
import rudder.model.SteeredModel;

/**
 * Some prompts under some controllers, generated side by side: the arms firstArm..endArm-1 and the prompts first..end-1
 * of longer lists.
 *
 * <p>A decoding step reads all weights, however few texts there are. So with fewer prompts more arms run at once, in at
 * most two batches of {@link SteeredModel#TEXTS} texts. All arms run on some prompts before the next prompts, because
 * the arms share the prompts' cached prefixes.
 */
public record Batch(int firstArm, int endArm, int first, int end) {

    /** Returns batches that cover every prompt under every arm once. */
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

    /** Returns this batch's part of a list with one entry a prompt. */
    public <T> List<T> ofPrompts(List<T> all) {
        return all.subList(first, end);
    }

    /** Returns the number of texts: prompts times arms. */
    public int texts() {
        return (endArm - firstArm) * (end - first);
    }
}
