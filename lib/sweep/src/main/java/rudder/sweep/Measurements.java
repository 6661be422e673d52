package rudder.sweep;

import java.io.Serializable;
import java.lang.ref.SoftReference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import rudder.checkpoint.tokenizer.TokenSpan;
import rudder.model.LanguageModel;
import rudder.steer.ContrastSet;
import rudder.steer.FeatureSums;
import rudder.study.Jacobians;
import rudder.study.LinearityStudy;

/** The measurements of surveys. */
final class Measurements {

    private static final String TABLE = "table"; // of the kinds that have one

    private Measurements() {}

    static double[][] only(Map<String, double[][]> tables) {
        return tables.get(TABLE);
    }

    private static List<String> words(List<int[]> texts, List<TokenSpan> spans) {
        var words = new ArrayList<>(texts.stream().map(Arrays::toString).toList());
        words.add(String.valueOf(spans));
        return words;
    }

    /** The sum of a chunk's states, [T+1][d]. */
    record StateSum(FeatureSums.Chunk chunk, int first) implements Measurement {
        @Override
        public String kind() {
            return "sum of states";
        }

        @Override
        public List<String> inputs() {
            return words(chunk.tokens(), chunk.spans());
        }

        @Override
        public List<int[]> texts() {
            return chunk.tokens();
        }

        @Override
        public Map<String, double[][]> of(LanguageModel model) {
            return Map.of(TABLE, chunk.sum(model));
        }
    }

    /** The sum of a chunk's squared deviations, [1][T+1]. */
    record SquareSum(FeatureSums.Squares squares, int first) implements Measurement {
        @Override
        public String kind() {
            return "sum of squared deviations";
        }

        @Override
        public List<String> inputs() {
            var words = words(squares.chunk().tokens(), squares.chunk().spans());
            words.add(Arrays.deepToString(squares.directions()));
            words.add(Arrays.toString(squares.strengths()));
            return words;
        }

        @Override
        public List<int[]> texts() {
            return squares.chunk().tokens();
        }

        @Override
        public Map<String, double[][]> of(LanguageModel model) {
            return Map.of(TABLE, new double[][] {squares.of(model)});
        }
    }

    /**
     * The sums over some prompts of some blocks' Jacobians, a table [d][d] a block.
     *
     * @param blocks T, of the model
     */
    record JacobianSums(List<int[]> texts, int first, int firstBlock, int endBlock, int blocks) implements Measurement {
        @Override
        public String kind() {
            return "sums of Jacobians";
        }

        @Override
        public List<String> inputs() {
            var words = words(texts, null);
            words.add("blocks " + firstBlock + ".." + (endBlock - 1));
            return words;
        }

        /** Derivatives take most of the time. */
        @Override
        public double work() {
            return (double) texts.size() * (endBlock - firstBlock);
        }

        @Override
        public Map<String, double[][]> of(LanguageModel model) {
            var sums = model.jacobianSum(texts);
            var tables = new TreeMap<String, double[][]>();
            for (int k = firstBlock; k < endBlock; k++) {
                tables.put(block(k), rows(sums.apply(k)));
            }
            return tables;
        }

        static String block(int k) {
            return "A." + k;
        }

        private static double[][] rows(DMatrixRMaj a) {
            return IntStream.range(0, a.numRows)
                    .mapToObj(i -> Arrays.copyOfRange(a.data, i * a.numCols, (i + 1) * a.numCols))
                    .toArray(double[][]::new);
        }
    }

    /** The outputs of all heads, a row a text: those of block 0, of block 1, and so on. */
    record HeadOutputs(List<int[]> texts, List<TokenSpan> spans, int first) implements Measurement {
        @Override
        public String kind() {
            return "outputs of heads";
        }

        @Override
        public List<String> inputs() {
            return words(texts, spans);
        }

        @Override
        public Map<String, double[][]> of(LanguageModel model) {
            return Map.of(
                    TABLE,
                    Arrays.stream(model.headOutputs(texts, spans))
                            .map(blocks -> Arrays.stream(blocks)
                                    .flatMapToDouble(Arrays::stream)
                                    .toArray())
                            .toArray(double[][]::new));
        }

        /** Undoes the joining of blocks. */
        static double[][] blocks(double[] row, int width) {
            return IntStream.range(0, row.length / width)
                    .mapToObj(k -> Arrays.copyOfRange(row, k * width, (k + 1) * width))
                    .toArray(double[][]::new);
        }
    }

    /** The surprisals of each text's tokens 2..n, a row a text. */
    record Surprisals(List<int[]> texts, int first) implements Measurement {
        @Override
        public String kind() {
            return "surprisals";
        }

        @Override
        public List<String> inputs() {
            return words(texts, null);
        }

        @Override
        public Map<String, double[][]> of(LanguageModel model) {
            return Map.of(
                    TABLE,
                    model.surprisals(texts, texts.stream().mapToInt(text -> 1).toArray()));
        }
    }

    /**
     * The measurements of one block.
     *
     * @param read tokens of all texts, which are read once in each process
     */
    record Linearity(Subject subject, int block, long read) implements Measurement {

        /** What all blocks have in common. */
        record Subject(
                List<String> prompts,
                List<String> population,
                String feature,
                List<String> positive,
                List<String> negative)
                implements Serializable {
            ContrastSet contrast() {
                return new ContrastSet(feature, positive, negative);
            }
        }

        /** The instruments of one model, which the tasks of a process share. */
        private record Laboratory(
                LanguageModel model, Subject subject, IntFunction<Map<String, double[][]>> eachBlock) {}

        private static SoftReference<Laboratory> last = new SoftReference<>(null);

        private static synchronized Laboratory laboratory(LanguageModel model, Subject subject) {
            var found = last.get();
            if (found == null || found.model != model || !found.subject.equals(subject)) {
                found = new Laboratory(
                        model,
                        subject,
                        LinearityStudy.eachBlock(model, subject.prompts, subject.population, subject.contrast()));
                last = new SoftReference<>(found);
            }
            return found;
        }

        @Override
        public String kind() {
            return "local linearity";
        }

        @Override
        public List<String> inputs() {
            return List.of(
                    subject.prompts.toString(),
                    subject.population.toString(),
                    subject.contrast().sha256(),
                    LinearityStudy.RADII + " " + List.of(Jacobians.values()),
                    "block " + block);
        }

        @Override
        public List<int[]> texts() {
            return List.of();
        }

        @Override
        public int first() {
            return 0;
        }

        @Override
        public int prompts() {
            return subject.prompts.size();
        }

        @Override
        public long tokens() {
            return block == 0 ? read : 0;
        }

        @Override
        public double work() {
            return 1;
        }

        @Override
        public Map<String, double[][]> of(LanguageModel model) {
            return laboratory(model, subject).eachBlock.apply(block);
        }
    }
}
