package rudder.model.pass;

import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import rudder.model.decoder.Decoder;
import rudder.model.decoder.HeapLaws;
import rudder.model.decoder.Texts;
import rudder.model.engine.Lifetime;
import rudder.model.engine.Overflow;
import rudder.model.transformer.SteeredPass;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;

/** Runs the passes of some texts on the heap. */
public final class HeapPasses implements Passes {

    /** Tokens in one pass over prompts. */
    private static final int TOKENS = 128;
    /** Tokens that several beginnings share before it pays to read them once. */
    private static final int SHARED = 8;

    private final Lifetime lifetime;
    private final Decoder decoder;
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
        this.lifetime = lifetime;
        this.decoder = decoder;
        this.prompts = List.copyOf(prompts);
        this.measured = measured;
        texts = decoder.texts(
                prompts.stream().mapToInt(prompt -> prompt.length + room).toArray());
        laws = decoder.laws(controllers);
    }

    @Override
    public Result prompts(List<boolean[]> steered) {
        var beginnings = prompts.stream()
                .map(prompt -> Arrays.copyOf(prompt, prompt.length - 1))
                .toList();
        if (SteeredPass.of(null, steered).earlier()) {
            read(texts, beginnings, 0, laws, steered);
        } else {
            begin(beginnings);
        }
        return next(
                0,
                prompts.stream().mapToInt(prompt -> prompt[prompt.length - 1]).toArray(),
                steered.stream()
                        .map(tokens -> new boolean[] {tokens[tokens.length - 1]})
                        .toList());
    }

    /** Reads unsteered beginnings, each once, and what they share once; those that the decoder keeps are not read. */
    private void begin(List<int[]> beginnings) {
        var missing = new LinkedHashMap<IntBuffer, List<Integer>>();
        for (int i = 0; i < beginnings.size(); i++) {
            int[] tokens = beginnings.get(i);
            if (tokens.length > 0 && !texts.beginKept(i, tokens)) {
                missing.computeIfAbsent(IntBuffer.wrap(tokens), t -> new ArrayList<>())
                        .add(i);
            }
        }
        if (missing.isEmpty()) {
            return;
        }
        var distinct = missing.keySet().stream().map(IntBuffer::array).toList();
        var read = decoder.texts(
                distinct.stream().mapToInt(tokens -> tokens.length).toArray());
        int shared = shared(distinct);
        if (shared > 0) {
            var prefix = decoder.texts(shared);
            read(prefix, List.of(Arrays.copyOf(distinct.get(0), shared)), 0, null, null);
            for (int j = 0; j < distinct.size(); j++) {
                read.begin(j, prefix, 0);
            }
        }
        read(read, distinct, shared, null, null);
        int j = 0;
        for (var own : missing.entrySet()) {
            read.keep(j, own.getKey().array());
            for (int i : own.getValue()) {
                texts.begin(i, read, j);
            }
            j++;
        }
    }

    /** Returns how many tokens several beginnings share, if it pays to read these once; else 0. */
    private static int shared(List<int[]> beginnings) {
        int[] first = beginnings.get(0);
        int shared = beginnings.stream()
                .mapToInt(tokens -> {
                    int differs = Arrays.mismatch(first, tokens);
                    return differs < 0 ? tokens.length : differs;
                })
                .min()
                .orElse(0);
        return beginnings.size() > 1 && shared >= SHARED ? shared : 0;
    }

    /**
     * Reads tokens of all texts, some at a time.
     *
     * @param from number of each text's first token that is read
     * @param steered tells which of each text's tokens laws steer
     */
    private void read(Texts texts, List<int[]> tokens, int from, HeapLaws laws, List<boolean[]> steered) {
        var text = new int[TOKENS];
        var next = new int[TOKENS];
        var flags = new boolean[TOKENS];
        int all = tokens.stream().mapToInt(own -> own.length - from).sum();
        int done = 0;
        int n = 0;
        for (int i = 0; i < tokens.size(); i++) {
            int[] own = tokens.get(i);
            for (int t = from; t < own.length; t++) {
                text[n] = i;
                next[n] = own[t];
                flags[n] = steered != null && steered.get(i)[t];
                if (++n == TOKENS) {
                    read(texts, text, next, laws, flags);
                    done += n;
                    lifetime.check(done, all, "tokens of the prompts");
                    n = 0;
                }
            }
        }
        if (n > 0) {
            read(texts, Arrays.copyOf(text, n), Arrays.copyOf(next, n), laws, Arrays.copyOf(flags, n));
        }
    }

    private static void read(Texts texts, int[] text, int[] tokens, HeapLaws laws, boolean... steered) {
        var step = texts.read(text, tokens, laws, steered, false);
        if (laws != null) {
            String where = Overflow.atGenerated(0);
            Overflow.refuse(energies(step, tokens.length), where);
            Overflow.refuse(step.states(), where);
        }
    }

    @Override
    public Result next(int step, int[] tokens, List<boolean[]> steered) {
        var flags = new boolean[tokens.length];
        boolean any = false;
        for (int i = 0; i < flags.length; i++) {
            flags[i] = steered.get(i)[0];
            any |= flags[i];
        }
        var read = texts.next(tokens, any ? laws : null, flags);
        double[][] energies = energies(read, tokens.length);
        if (any) {
            String where = Overflow.atGenerated(step);
            Overflow.refuse(energies, where);
            Overflow.refuse(read.states(), where);
        }
        return new Result(
                read.logits(),
                measured.stream()
                        .map(feature -> strengths(feature, read, tokens.length))
                        .toList(),
                energies);
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
            for (int i = 0; i < v.length; i++) {
                for (int text = 0; text < texts; text++) {
                    strengths[text][k] += v[i] * z[i * read.width() + text];
                }
            }
        }
        return inSinglePrecision(strengths);
    }

    private static double[][] energies(Texts.Step read, int texts) {
        var energies = new double[texts][read.inputs().length];
        for (int k = 0; k < read.inputs().length; k++) {
            addSquares(read.inputs()[k], read.width(), k, energies);
            addSquares(read.mixed()[k], read.width(), k, energies);
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

    private static void addSquares(float[] u, int width, int k, double[][] energies) {
        for (int i = 0; u != null && i < u.length; i += width) {
            for (int text = 0; text < energies.length; text++) {
                energies[text][k] += (double) u[i + text] * u[i + text];
            }
        }
    }

    @Override
    public void close() {
        // the heap frees keys and values
    }
}
