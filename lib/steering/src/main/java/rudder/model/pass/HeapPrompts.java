package rudder.model.pass;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import rudder.checkpoint.tokenizer.TokenSpan;
import rudder.model.decoder.Decoder;
import rudder.model.decoder.Texts;
import rudder.model.engine.Overflow;
import rudder.model.plant.PromptPlant;
import rudder.model.plant.ResidualTrace;
import rudder.model.transformer.Transformer;
import rudder.theory.control.Controller;
import rudder.theory.control.Rollout;

/** Reads prompts on the heap. */
final class HeapPrompts implements Prompts {

    /** So many prompts are read together if they fit, so that a pass of their last tokens is not a small one. */
    static final int BATCH = 32;

    private final Transformer transformer;
    private final Decoder decoder;
    private final Decoder linearising; // null where the engine computes Jacobians
    private final HeapReading reading;
    private final int batch;

    /**
     * @param transformer computes with the plants
     * @param jacobians whether Jacobians are computed on the heap too
     * @param batch prompts that are read together
     */
    HeapPrompts(Transformer transformer, Decoder decoder, boolean jacobians, int batch) {
        this.batch = batch;
        this.transformer = transformer;
        this.decoder = decoder;
        linearising = jacobians ? decoder : null;
        reading = new HeapReading(transformer.lifetime, decoder);
    }

    @Override
    public int batch() {
        return batch;
    }

    @Override
    public List<ResidualTrace> traces(List<int[]> prompts, List<Controller> controllers, List<boolean[]> steered) {
        var steering = new HeapReading.Steering(decoder.laws(controllers), steered, Overflow.IN_PROMPT);
        return traces(texts(prompts), prompts, steering);
    }

    private Texts texts(List<int[]> prompts) {
        return decoder.texts(prompts.stream().mapToInt(tokens -> tokens.length).toArray());
    }

    private List<ResidualTrace> traces(Texts texts, List<int[]> prompts, HeapReading.Steering steering) {
        var traces = new ResidualTrace[prompts.size()];
        reading.readPrompts(texts, prompts, steering, (step, text, index) -> {
            for (int column = 0; column < text.length; column++) {
                var run = new Rollout(states(step, column), inputs(step, column));
                traces[text[column]] = new ResidualTrace(prompts.get(text[column]), run);
            }
        });
        return List.of(traces);
    }

    private static double[][] states(Texts.Step step, int column) {
        return Arrays.stream(step.states())
                .map(z -> column(z, step.width(), column))
                .toArray(double[][]::new);
    }

    private static double[][] inputs(Texts.Step step, int column) {
        var none = new double[step.states()[0].length / step.width()];
        return Arrays.stream(step.inputs())
                .map(u -> u == null ? none : column(u, step.width(), column))
                .toArray(double[][]::new);
    }

    private static double[] column(float[] rows, int width, int column) {
        var numbers = new double[rows.length / width];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = rows[i * width + column];
        }
        return numbers;
    }

    @Override
    public List<ResidualTrace> means(List<int[]> prompts, List<TokenSpan> spans) {
        int T = transformer.config.horizon();
        int d = transformer.config.dimension();
        var sums = new double[prompts.size()][T + 1][d];
        reading.read(texts(prompts), prompts, null, (step, text, index) -> {
            for (int column = 0; column < text.length; column++) {
                var span = spans.get(text[column]);
                if (index[column] >= span.from() && index[column] < span.end()) {
                    add(step, column, 1.0 / span.length(), sums[text[column]]);
                }
            }
        });
        var traces = new ArrayList<ResidualTrace>();
        for (int i = 0; i < sums.length; i++) {
            traces.add(new ResidualTrace(prompts.get(i), new Rollout(sums[i], new double[T][d])));
        }
        return traces;
    }

    private static void add(Texts.Step step, int column, double weight, double[][] sum) {
        for (int k = 0; k < sum.length; k++) {
            float[] z = step.states()[k];
            for (int i = 0; i < sum[k].length; i++) {
                sum[k][i] += weight * z[i * step.width() + column];
            }
        }
    }

    @Override
    public List<PromptPlant> plants(List<int[]> prompts) {
        var texts = texts(prompts);
        var traces = traces(texts, prompts, null);
        var plants = new ArrayList<PromptPlant>();
        for (int i = 0; i < traces.size(); i++) {
            int before = prompts.get(i).length - 1;
            float[][] keys = texts.keys(i, before);
            plants.add(new PromptPlant(transformer, linearising, traces.get(i), keys, texts.values(i, before)));
        }
        return plants;
    }
}
