package rudder.model.pass;

import java.util.List;
import java.util.stream.IntStream;
import rudder.kernel.PackedInput;
import rudder.model.decoder.Decoder;
import rudder.model.decoder.HeapLaws;
import rudder.model.decoder.Texts;
import rudder.model.engine.Lifetime;
import rudder.model.engine.Overflow;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;

/** Runs the passes of some texts on the heap. */
public final class HeapPasses implements Passes {

    private final Decoder decoder;
    private final HeapReading reading;
    private final Texts texts;
    private final List<int[]> prompts;
    private final List<Setpoint> measured;
    private HeapLaws laws;

    /**
     * @param lifetime of the model, which may end between passes
     * @param controllers one for each text
     * @param room tokens that will follow the prompts
     */
    public HeapPasses(
            Lifetime lifetime,
            Decoder decoder,
            List<int[]> prompts,
            int room,
            List<Controller> controllers,
            List<Setpoint> measured) {
        this.decoder = decoder;
        reading = new HeapReading(lifetime, decoder);
        this.prompts = List.copyOf(prompts);
        this.measured = measured;
        texts = decoder.texts(
                prompts.stream().mapToInt(prompt -> prompt.length + room).toArray());
        laws = decoder.laws(controllers);
    }

    private record OnHeap(List<double[][]> strengths, double[][] energies) implements Measured {}

    @Override
    public Result prompts(List<boolean[]> steered) {
        reading.beginPrompts(texts, prompts, new HeapReading.Steering(laws, steered, Overflow.atGenerated(0)));
        return next(
                0,
                prompts.stream().mapToInt(prompt -> prompt[prompt.length - 1]).toArray(),
                steered.stream()
                        .map(tokens -> new boolean[] {tokens[tokens.length - 1]})
                        .toList(),
                new boolean[prompts.size()]);
    }

    @Override
    public Result next(int step, int[] tokens, List<boolean[]> steered, boolean... ended) {
        int[] going = going(ended);
        var own = new int[going.length];
        var flags = new boolean[going.length];
        boolean any = false;
        for (int i = 0; i < going.length; i++) {
            own[i] = tokens[going[i]];
            flags[i] = steered.get(going[i])[0];
            any |= flags[i];
        }
        var read = going.length == tokens.length
                ? texts.next(tokens, any ? laws : null, flags)
                : texts.read(going, own, any ? laws : null, flags, true);
        double[][] energies = energies(read, going.length);
        if (any) {
            refuseOverflow(read, energies, Overflow.atGenerated(step));
        }
        return new Result(
                new HeapLogits(read.logits(), going, tokens.length),
                new OnHeap(
                        measured.stream()
                                .map(feature -> ofAll(strengths(feature, read, going.length), going, tokens.length))
                                .toList(),
                        ofAll(energies, going, tokens.length)));
    }

    /**
     * Returns the texts that a pass reads: those that go on. A few texts are all read to the end of the last, since
     * fewer would be computed in another way. Many are computed as many, however few are left: their numbers stay the
     * same to the bit.
     */
    private static int[] going(boolean... ended) {
        return IntStream.range(0, ended.length)
                .filter(i -> ended.length < PackedInput.MANY || !ended[i])
                .toArray();
    }

    /** Returns rows of the texts that were read as rows of all texts; the others are 0. */
    private static double[][] ofAll(double[][] read, int[] texts, int size) {
        if (texts.length == size) {
            return read;
        }
        var all = new double[size][read[0].length];
        for (int i = 0; i < texts.length; i++) {
            all[texts[i]] = read[i];
        }
        return all;
    }

    private static void refuseOverflow(Texts.Step read, double[][] energies, String where) {
        Overflow.refuse(energies, where);
        Overflow.refuse(read.states(), read.width(), where);
    }

    /** Throws if what was added to some tokens, or the states behind it, are not finite. */
    static void refuseOverflow(Texts.Step read, int tokens, String where) {
        refuseOverflow(read, energies(read, tokens), where);
    }

    @Override
    public void steer(List<Controller> controllers) {
        laws = decoder.laws(controllers);
    }

    private static double[][] strengths(Setpoint measured, Texts.Step read, int texts) {
        var strengths = new double[texts][read.states().length];
        for (int k = 0; k < read.states().length; k++) {
            double[] v = measured.direction(k);
            float[] z = read.states()[k];
            var sums = new double[texts];
            for (int i = 0, at = 0; i < v.length; i++, at += read.width()) {
                for (int text = 0; text < texts; text++) {
                    sums[text] += v[i] * z[at + text];
                }
            }
            for (int text = 0; text < texts; text++) {
                strengths[text][k] = sums[text];
            }
        }
        return inSinglePrecision(strengths);
    }

    private static double[][] energies(Texts.Step read, int texts) {
        var energies = new double[texts][read.inputs().length];
        for (int k = 0; k < read.inputs().length; k++) {
            var sums = new double[texts];
            addSquares(read.inputs()[k], read.width(), sums);
            addSquares(read.mixed()[k], read.width(), sums);
            for (int text = 0; text < texts; text++) {
                energies[text][k] = sums[text];
            }
        }
        return inSinglePrecision(energies);
    }

    /** Rounds in place: states are single, as what the engine measures is, and as files of runs hold it. */
    private static double[][] inSinglePrecision(double[][] rows) {
        for (double[] row : rows) {
            for (int k = 0; k < row.length; k++) {
                row[k] = (float) row[k];
            }
        }
        return rows;
    }

    private static void addSquares(float[] u, int width, double[] sums) {
        for (int i = 0; u != null && i < u.length; i += width) {
            for (int text = 0; text < sums.length; text++) {
                sums[text] += (double) u[i + text] * u[i + text];
            }
        }
    }

    @Override
    public void close() {
        // the heap frees keys and values
    }
}
