package rudder.model.pass;

import java.util.BitSet;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import rudder.kernel.PackedInput;
import rudder.model.decoder.Decoder;
import rudder.model.decoder.HeapLaws;
import rudder.model.decoder.Texts;
import rudder.model.engine.Lifetime;
import rudder.model.engine.Overflow;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;

/** Runs the passes of some texts on the heap. A text that ends makes room for another. */
public final class HeapPasses implements Passes {

    private final Decoder decoder;
    private final HeapReading reading;
    private final Texts texts;
    private final List<int[]> prompts;
    private final int room;
    private final int places;
    private final boolean few; // texts, which are all read to the end of the last
    private final List<Setpoint> measured;
    private final BitSet held = new BitSet(); // texts that have begun, and may go on
    private List<Controller> controllers;
    private HeapLaws laws; // of texts that are held

    /**
     * @param lifetime of the model, which may end between passes
     * @param places texts that go on at the same time, at most
     * @param controllers one for each text
     * @param room tokens that will follow the prompts
     */
    public HeapPasses(
            Lifetime lifetime,
            Decoder decoder,
            List<int[]> prompts,
            int room,
            int places,
            List<Controller> controllers,
            List<Setpoint> measured) {
        this.decoder = decoder;
        reading = new HeapReading(lifetime, decoder);
        this.prompts = List.copyOf(prompts);
        this.room = room;
        few = prompts.size() < PackedInput.MANY;
        this.places = few ? prompts.size() : Math.min(places, prompts.size());
        this.controllers = controllers;
        this.measured = measured;
        texts = decoder.texts(rooms(prompts));
        laws = decoder.laws(List.of());
    }

    private int[] rooms(List<int[]> some) {
        return some.stream().mapToInt(prompt -> prompt.length + room).toArray();
    }

    private record OnHeap(List<double[][]> strengths, double[][] energies) implements Measured {}

    @Override
    public int places() {
        return places;
    }

    @Override
    public void begin(int first, int end, List<boolean[]> steered) {
        held.set(first, end);
        laws = laws.of(controllers, held);
        var some = prompts.subList(first, end);
        var begun = decoder.texts(rooms(some)); // no others, which would take part in the reading
        var own = laws.of(IntStream.range(first, end).toArray());
        reading.beginPrompts(begun, some, new HeapReading.Steering(own, steered, Overflow.atGenerated(0)));
        for (int i = first; i < end; i++) {
            texts.take(i, begun, i - first);
        }
    }

    /**
     * {@inheritDoc} A few texts are all read, since fewer would be computed in another way. Many are computed as many,
     * however few are left: their numbers stay the same to the bit.
     */
    @Override
    public Result next(int[] tokens, boolean[] steered, BitSet going) {
        int[] read = (few ? held : going).stream().toArray();
        if (!few) {
            drop(going);
        }
        var own = new int[read.length];
        var flags = new boolean[read.length];
        boolean any = false;
        for (int i = 0; i < read.length; i++) {
            own[i] = tokens[read[i]];
            flags[i] = steered[read[i]];
            any |= flags[i];
        }
        var step =
                few ? texts.next(own, any ? laws : null, flags) : texts.read(read, own, any ? laws : null, flags, true);
        double[][] energies = energies(step, read.length);
        if (any) {
            refuseOverflow(step, energies, row -> Overflow.atGenerated(generated(read[row])));
        }
        var strengths = measured.stream()
                .map(feature -> strengths(feature, step, read.length))
                .toList();
        return new Result(read, new HeapLogits(step.logits(), read.length), new OnHeap(strengths, energies));
    }

    /** Frees the keys and values of texts that do not go on. */
    private void drop(BitSet going) {
        for (int i = held.nextSetBit(0); i >= 0; i = held.nextSetBit(i + 1)) {
            if (!going.get(i)) {
                texts.drop(i);
                held.clear(i);
            }
        }
    }

    /** Returns how many tokens a text has generated before the one that the last pass chooses. */
    private int generated(int text) {
        return texts.length(text) - prompts.get(text).length;
    }

    private static void refuseOverflow(Texts.Step read, double[][] energies, IntFunction<String> where) {
        Overflow.refuse(energies, where);
        Overflow.refuse(read.states(), read.width(), energies.length, where);
    }

    /** Throws if what was added to some tokens, or the states behind it, are not finite. */
    static void refuseOverflow(Texts.Step read, int tokens, String where) {
        refuseOverflow(read, energies(read, tokens), token -> where);
    }

    @Override
    public void steer(List<Controller> controllers) {
        this.controllers = controllers;
        laws = laws.of(controllers, held);
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
