package rudder.model.pass;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import rudder.theory.control.Controller;

/** The passes of a few texts, each text by itself: one after another within a pass. */
public final class EachAlone implements Passes {

    private final List<Passes> each;

    private EachAlone(List<Passes> each) {
        this.each = each;
    }

    /**
     * Returns the passes of one or more texts. If those of a text cannot be made, those before it are closed.
     *
     * @param made makes the passes of a text by its number
     */
    public static Passes of(int texts, IntFunction<Passes> made) {
        var each = new EachAlone(new ArrayList<>());
        try {
            for (int i = 0; i < texts; i++) {
                each.each.add(made.apply(i));
            }
        } catch (RuntimeException | Error e) {
            each.close();
            throw e;
        }
        return texts == 1 ? each.each.get(0) : each;
    }

    @Override
    public Result prompts(List<boolean[]> steered) {
        return joined(i -> each.get(i).prompts(steered.subList(i, i + 1)));
    }

    @Override
    public Result next(int step, int[] tokens, List<boolean[]> steered) {
        return joined(i -> each.get(i).next(step, new int[] {tokens[i]}, steered.subList(i, i + 1)));
    }

    private Result joined(IntFunction<Result> pass) {
        float[] logits = null;
        var strengths = new ArrayList<double[][]>();
        var energies = new double[each.size()][];
        for (int i = 0; i < energies.length; i++) {
            var one = pass.apply(i);
            int vocabulary = one.logits().length;
            logits = logits == null ? new float[energies.length * vocabulary] : logits;
            System.arraycopy(one.logits(), 0, logits, i * vocabulary, vocabulary);
            for (int feature = 0; feature < one.strengths().size(); feature++) {
                if (i == 0) {
                    strengths.add(new double[energies.length][]);
                }
                strengths.get(feature)[i] = one.strengths().get(feature)[0];
            }
            energies[i] = one.energies()[0];
        }
        return new Result(logits, strengths, energies);
    }

    @Override
    public void steer(List<Controller> controllers) {
        for (int i = 0; i < each.size(); i++) {
            each.get(i).steer(controllers.subList(i, i + 1));
        }
    }

    @Override
    public void close() {
        each.forEach(Passes::close);
    }
}
