package rudder.model.pass;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import rudder.model.decoder.Decoder;
import rudder.model.decoder.HeapLaws;
import rudder.model.decoder.Texts;
import rudder.model.engine.Lifetime;
import rudder.model.engine.Overflow;
import rudder.theory.control.Controller;

/**
 * Computes likelihoods on the heap. Reads some prompts, then their continuations, so many at a time as fill a pass.
 * Each continuation has a copy of its prompt's keys and values while it is read, but for a prompt's last, which takes
 * them over.
 */
final class HeapLikelihoods implements Likelihoods {

    /** Bytes of keys and values of what is read together, unless one text has more. */
    private static final long BYTES = Runtime.getRuntime().maxMemory() / 16;
    /** Tokens of prompts that are read before their continuations. */
    private static final int PROMPTS = 8 * HeapReading.TOKENS;

    private final Decoder decoder;
    private final HeapReading reading;

    HeapLikelihoods(Lifetime lifetime, Decoder decoder) {
        this.decoder = decoder;
        reading = new HeapReading(lifetime, decoder);
    }

    @Override
    public double[][] surprisals(List<int[]> sequences, int[] from) {
        var prompts = new ArrayList<int[]>();
        var continuations = new ArrayList<List<int[]>>();
        for (int i = 0; i < from.length; i++) {
            int[] tokens = sequences.get(i);
            int first = Math.min(from[i], tokens.length);
            prompts.add(Arrays.copyOf(tokens, first));
            continuations.add(List.of(Arrays.copyOfRange(tokens, first, tokens.length)));
        }
        return Stream.of(surprisals(prompts, continuations, null, null, done -> {}))
                .map(each -> each[0])
                .toArray(double[][]::new);
    }

    @Override
    public double[][][] surprisals(
            List<int[]> prompts,
            List<List<int[]>> continuations,
            List<Controller> controllers,
            List<boolean[]> steered,
            IntConsumer reached) {
        var all = new ArrayList<double[][]>();
        for (int first = 0, end; first < prompts.size(); first = end) {
            var rest = IntStream.range(first, prompts.size()).boxed().toList();
            end = first
                    + together(
                            rest, PROMPTS, i -> prompts.get(i).length, i -> room(prompts.get(i), continuations.get(i)));
            var batch = new Batch(
                    prompts.subList(first, end),
                    continuations.subList(first, end),
                    controllers == null ? null : decoder.laws(controllers.subList(first, end)),
                    controllers == null ? null : steered.subList(first, end));
            all.addAll(batch.surprisals());
            reached.accept(end);
        }
        return all.toArray(double[][][]::new);
    }

    /** Returns the tokens that a prompt's text has memory for: an only continuation takes it over. */
    private static int room(int[] prompt, List<int[]> continuations) {
        return prompt.length + (continuations.size() == 1 ? continuations.get(0).length : 0);
    }

    /**
     * Returns how many of the first texts are read together, at least 1.
     *
     * @param most tokens that are read
     * @param read returns a text's number of tokens that are read
     * @param held returns its number of tokens whose keys and values are in memory
     */
    private <T> int together(List<T> texts, int most, ToIntFunction<T> read, ToIntFunction<T> held) {
        long tokens = 0;
        long bytes = 0;
        int count = 0;
        for (; count < texts.size(); count++) {
            tokens += read.applyAsInt(texts.get(count));
            bytes += decoder.bytes(held.applyAsInt(texts.get(count)));
            if (tokens > most || bytes > BYTES) {
                break;
            }
        }
        return Math.max(1, count);
    }

    /**
     * A continuation of the batch's prompt {@code owner}.
     *
     * @param start length of the prompt
     * @param tokens of the prompt and of the continuation
     * @param surprisals of the continuation's tokens, which are written here
     */
    private record Continued(int owner, int start, int[] tokens, double[] surprisals) {
        static Continued of(int owner, int[] prompt, int[] continuation) {
            int[] tokens = Arrays.copyOf(prompt, prompt.length + continuation.length);
            System.arraycopy(continuation, 0, tokens, prompt.length, continuation.length);
            return new Continued(owner, prompt.length, tokens, new double[continuation.length]);
        }

        /** Returns the tokens that predict one, the last of which is not read. */
        int[] predicting() {
            return Arrays.copyOf(tokens, tokens.length - 1);
        }

        /** Returns how many tokens behind the prompt predict one. */
        int read() {
            return surprisals.length - 1;
        }
    }

    /** Prompts that are read together, and their continuations. Without laws, nothing is steered. */
    private final class Batch {
        private final List<int[]> prompts;
        private final HeapLaws laws;
        private final List<boolean[]> steered;
        private final List<List<Continued>> continued = new ArrayList<>();
        private final Texts texts;
        private final int[] left; // continuations of each prompt that are still to be read

        Batch(List<int[]> prompts, List<List<int[]>> continuations, HeapLaws laws, List<boolean[]> steered) {
            this.prompts = prompts;
            this.laws = laws;
            this.steered = steered;
            texts = decoder.texts(IntStream.range(0, prompts.size())
                    .map(i -> room(prompts.get(i), continuations.get(i)))
                    .toArray());
            left = new int[prompts.size()];
            for (int i = 0; i < prompts.size(); i++) {
                int owner = i;
                continued.add(continuations.get(i).stream()
                        .map(tokens -> Continued.of(owner, prompts.get(owner), tokens))
                        .toList());
            }
        }

        /** Returns the surprisals of each prompt's continuations. */
        List<double[][]> surprisals() {
            readPrompts();
            var longer = continued.stream()
                    .flatMap(List::stream)
                    .filter(text -> text.read() > 0)
                    .sorted(Comparator.comparingInt(text -> -text.read()))
                    .toList();
            longer.forEach(text -> left[text.owner]++);
            for (int first = 0, end; first < longer.size(); first = end) {
                var rest = longer.subList(first, longer.size());
                end = first + together(rest, HeapReading.TOKENS, Continued::read, text -> text.tokens.length);
                readContinuations(longer.subList(first, end));
            }
            return continued.stream()
                    .map(some -> some.stream().map(Continued::surprisals).toArray(double[][]::new))
                    .toList();
        }

        private void readPrompts() {
            int[] all = IntStream.range(0, prompts.size()).toArray();
            var steering = steering(prompts, Overflow.IN_PROMPT, all);
            reading.readPrompts(texts, prompts, steering, (step, read, index) -> {
                var asked = new Asked();
                for (int column = 0; column < read.length; column++) {
                    for (var text : continued.get(read[column])) {
                        asked.add(column, text, text.start);
                    }
                }
                asked.answer(texts, step);
            });
        }

        private void readContinuations(List<Continued> some) {
            int[] owners = some.stream().mapToInt(Continued::owner).toArray();
            var copies = decoder.texts(
                    some.stream().mapToInt(text -> text.tokens.length).toArray());
            for (int i = 0; i < owners.length; i++) {
                if (--left[owners[i]] == 0) {
                    copies.take(i, texts, owners[i]);
                } else {
                    copies.begin(i, texts, owners[i]);
                }
            }
            var tokens = some.stream().map(Continued::predicting).toList();
            var steering = steering(tokens, Overflow.IN_CONTINUATION, owners);
            reading.read(copies, tokens, steering, (step, read, index) -> {
                var asked = new Asked();
                for (int column = 0; column < read.length; column++) {
                    asked.add(column, some.get(read[column]), index[column] + 1);
                }
                asked.answer(copies, step);
            });
        }

        /** @param owners the prompt of each text */
        private HeapReading.Steering steering(List<int[]> tokens, String where, int... owners) {
            if (laws == null) {
                return null;
            }
            var flags = IntStream.range(0, owners.length)
                    .mapToObj(i -> Arrays.copyOf(steered.get(owners[i]), tokens.get(i).length))
                    .toList();
            return new HeapReading.Steering(laws.of(owners), flags, where);
        }
    }

    /** Tokens whose surprisals are asked of a pass. */
    private static final class Asked {
        private final List<Integer> columns = new ArrayList<>();
        private final List<Continued> texts = new ArrayList<>();
        private final List<Integer> places = new ArrayList<>();

        /** Asks for a text's token behind a column of the pass, if the text has it. */
        void add(int column, Continued text, int place) {
            if (place < text.tokens.length) {
                columns.add(column);
                texts.add(text);
                places.add(place);
            }
        }

        void answer(Texts read, Texts.Step step) {
            var next = new int[texts.size()];
            Arrays.setAll(next, j -> texts.get(j).tokens[places.get(j)]);
            double[] found = read.surprisals(
                    step, columns.stream().mapToInt(column -> column).toArray(), next);
            for (int j = 0; j < found.length; j++) {
                var text = texts.get(j);
                text.surprisals[places.get(j) - text.start] = found[j];
            }
        }
    }
}
