package rudder.model;

import java.util.Map;
import java.util.function.IntPredicate;
import org.ejml.data.DMatrixRMaj;
import rudder.theory.control.Arithmetic;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.Controller;
import rudder.theory.control.HookPoint;
import rudder.theory.control.Measurement;

/**
 * The forward pass as textbooks write it, in plain Java and double precision: one token after the other, every tensor
 * as the file has it, nothing fused, folded, cached by the engine or batched. What the library's pass is held to.
 */
final class PlainTransformer {

    private final Tiny tiny;
    private final Map<String, Tiny.Tensor> tensors;

    PlainTransformer(Tiny tiny) {
        this.tiny = tiny;
        this.tensors = tiny.tensors();
    }

    /**
     * z_k of every token, [token][T+1][d].
     *
     * @param firstSteered the controller's inputs enter at this token and all after it
     */
    double[][][] states(int[] tokens, Controller controller, int firstSteered) {
        return states(tokens, controller, t -> t >= firstSteered);
    }

    /** As above, steered at the tokens that are chosen. */
    double[][][] states(int[] tokens, Controller controller, IntPredicate steered) {
        double[][][] z = new double[tokens.length][tiny.horizon + 1][];
        for (int t = 0; t < tokens.length; t++) {
            z[t][0] = row("token_embd", tokens[t]);
            if (tiny == Tiny.GEMMA3) {
                scale(z[t][0], Math.sqrt(Tiny.D));
            }
        }
        for (int k = 0; k < tiny.horizon; k++) {
            double[][][] keys = new double[tokens.length][][];
            double[][][] values = new double[tokens.length][][];
            for (int t = 0; t < tokens.length; t++) {
                Controller here = steered.test(t) ? controller : Controller.none();
                z[t][k + 1] = block(k, t, z[t][k], keys, values, here);
                double[] u = input(here, HookPoint.RESID_POST, k, z[t][k + 1]);
                add(u, here.input(k, z[t][k]));
                add(z[t][k + 1], u);
            }
        }
        return z;
    }

    /** Next-token logits of a last state. */
    double[] logits(double[] z) {
        return multiply(tiny == Tiny.GEMMA3 ? "token_embd" : "output", norm(z, "output_norm"));
    }

    /** What the laws of a place add; none of them remembers. */
    private static double[] input(Controller controller, HookPoint point, int k, double[] read) {
        double[] u = new double[read.length];
        for (var law : controller.laws(point, k)) {
            add(
                    u,
                    law.on(Arithmetic.heap())
                            .of(DMatrixRMaj.wrap(1, read.length, read), new ControlLaw.Memory<>() {
                                @Override
                                public void keep(Measurement measurement, DMatrixRMaj errors) {}

                                @Override
                                public DMatrixRMaj recall(Measurement measurement) {
                                    throw new UnsupportedOperationException(measurement + " is remembered");
                                }
                            })
                            .data);
        }
        return u;
    }

    private double[] block(int k, int t, double[] x, double[][][] keys, double[][][] values, Controller controller) {
        String name = "blk." + k + ".";
        double[] n = norm(x, name + "attn_norm");
        double[][] q = turned(k, t, heads(name + "attn_q", n, tiny.heads));
        keys[t] = turned(k, t, heads(name + "attn_k", n, tiny.keyHeads));
        values[t] = heads(name + "attn_v", n, tiny.keyHeads);
        double[] seen = new double[tiny.heads * tiny.width];
        for (int h = 0; h < tiny.heads; h++) {
            int shared = h / (tiny.heads / tiny.keyHeads);
            int first = tiny.local(k) ? Math.max(0, t - tiny.window + 1) : 0;
            double[] weights = new double[t + 1];
            double sum = 0;
            for (int j = first; j <= t; j++) {
                weights[j] = Math.exp(dot(q[h], keys[j][shared]) / Math.sqrt(tiny.width));
                sum += weights[j];
            }
            for (int j = first; j <= t; j++) {
                for (int i = 0; i < tiny.width; i++) {
                    seen[h * tiny.width + i] += weights[j] / sum * values[j][shared][i];
                }
            }
        }
        add(seen, input(controller, HookPoint.HEAD_OUT, k, seen));
        double[] y = multiply(name + "attn_output", seen);
        y = tiny == Tiny.GEMMA3 ? norm(y, name + "post_attention_norm") : y;
        add(y, x);
        return mlpAlone(k, y);
    }

    /** |W_o u|^2 */
    double mixed(int k, double[] u) {
        double[] y = multiply("blk." + k + ".attn_output", u);
        return dot(y, y);
    }

    /** What leaves block k if y is what enters its MLP. */
    double[] mlpAlone(int k, double[] y) {
        String name = "blk." + k + ".";
        double[] n = norm(y, name + "ffn_norm");
        double[] gate = multiply(name + "ffn_gate", n);
        double[] up = multiply(name + "ffn_up", n);
        for (int i = 0; i < up.length; i++) {
            up[i] *= activation(gate[i]);
        }
        double[] out = multiply(name + "ffn_down", up);
        out = tiny == Tiny.GEMMA3 ? norm(out, name + "post_ffw_norm") : out;
        add(out, y);
        return out;
    }

    private double activation(double g) {
        return tiny == Tiny.GEMMA3
                ? g / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (g + 0.044715 * g * g * g)))
                : g / (1 + Math.exp(-g));
    }

    /** Rows of a projection by head, with bias or head norm where the model has them. */
    private double[][] heads(String name, double[] n, int count) {
        double[] all = multiply(name, n);
        if (tensors.containsKey(name + ".bias")) {
            add(all, doubles(tensors.get(name + ".bias").values(), 0, all.length));
        }
        double[][] heads = new double[count][];
        for (int h = 0; h < count; h++) {
            heads[h] = java.util.Arrays.copyOfRange(all, h * tiny.width, (h + 1) * tiny.width);
            if (tensors.containsKey(name + "_norm.weight")) {
                heads[h] = norm(heads[h], name + "_norm");
            }
        }
        return heads;
    }

    /** Rotary position: pair i turned by t base^(-2i/w); neighbours are a pair in llama's files, halves elsewhere. */
    private double[][] turned(int k, int t, double[][] heads) {
        for (double[] x : heads) {
            for (int i = 0; i < tiny.width / 2; i++) {
                int a = tiny == Tiny.LLAMA ? 2 * i : i;
                int b = tiny == Tiny.LLAMA ? 2 * i + 1 : i + tiny.width / 2;
                double angle = t * Math.pow(tiny.base(k), -2.0 * i / tiny.width);
                double turned = x[a] * Math.cos(angle) - x[b] * Math.sin(angle);
                x[b] = x[a] * Math.sin(angle) + x[b] * Math.cos(angle);
                x[a] = turned;
            }
        }
        return heads;
    }

    /** gamma x / sqrt(mean(x^2) + eps). */
    private double[] norm(double[] x, String name) {
        double[] out = row(name, 0);
        double root = Math.sqrt(dot(x, x) / x.length + 1e-5f);
        for (int i = 0; i < out.length; i++) {
            out[i] *= x[i] / root;
        }
        return out;
    }

    private double[] multiply(String name, double[] x) {
        double[] out = new double[(int) tensors.get(name + ".weight").shape()[0]];
        for (int i = 0; i < out.length; i++) {
            out[i] = dot(row(name, i), x);
        }
        return out;
    }

    private double[] row(String name, int i) {
        Tiny.Tensor tensor = tensors.get(name + ".weight");
        return doubles(tensor.values(), i, (int) tensor.shape()[tensor.shape().length - 1]);
    }

    private static double[] doubles(float[] values, int row, int length) {
        double[] out = new double[length];
        for (int i = 0; i < length; i++) {
            out[i] = values[row * length + i];
        }
        return out;
    }

    private static double dot(double[] x, double[] y) {
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += x[i] * y[i];
        }
        return sum;
    }

    private static void add(double[] x, double[] y) {
        for (int i = 0; i < x.length; i++) {
            x[i] += y[i];
        }
    }

    private static void scale(double[] x, double factor) {
        for (int i = 0; i < x.length; i++) {
            x[i] *= factor;
        }
    }
}
