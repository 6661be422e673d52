package rudder.model.gradient;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.Arrays;
import java.util.function.DoubleFunction;
import rudder.model.transformer.Attention;
import rudder.model.transformer.Block;
import rudder.model.transformer.ForwardPass;
import rudder.model.transformer.GatedMlp;
import rudder.model.transformer.Nonlinearity;
import rudder.model.transformer.Norm;
import rudder.model.transformer.Tensors;

/**
 * Bounds a block's second derivative in a ball about a state: |D^2 phi| <= H in 2-norms, with earlier keys and values
 * held fixed. H follows from norms of the weights and from the values at the ball's centre. It holds up to rounding.
 *
 * <p>A {@link Bend} bounds the first and second derivative of a map over the ball. The chain rule gives the bounds of a
 * composition. A map takes a ball of radius R into one of radius {@code first R}. The maps are:
 *
 * <ul>
 *   <li><b>Norm</b> n(x) = x / rho. |Dn| <= 1 / rho. <c, D^2 n [a, b]> = -((n.a)(b.c) + (n.b)(a.c) + (n.c)(a.b) - 3
 *       (n.a)(n.b)(n.c)) / rho^2 is a symmetric form of three vectors. It is largest where they are equal (Banach):
 *       with t = n.a, |3t - 3t^3| <= 2/sqrt(3). Hence |D^2 n| <= 2/sqrt(3) / rho^2. In the ball, rho^2 >= (|z| - R)^2 +
 *       d eps.
 *   <li><b>Head</b> o = sum_j p_j v_j, p = softmax(s), s_j = q.k_j. Its derivatives are central moments under p: Do =
 *       Cov(v, ds) + p_T dv_T, and D^2 o = Cov3(v, ds, ds) + Cov(v, d^2 s) + dp_T dv_T twice. A deviation under p is at
 *       most half a range, so |dp_T| <= r/4. Here r and r' are the ranges over j of ds_j and d^2 s_j. With D the
 *       diameter of the values, |Do| <= D r/4 + |W_v| and |D^2 o| <= D (r^2 + r')/4 + r |W_v|/2. With B the diameter of
 *       the keys, r <= q1 B + |q| k1 and r' <= q2 B + 2 q1 k1 + |q| k2. The numbers q1, q2, k1, k2 bound the
 *       derivatives of query and key.
 *   <li><b>Gate</b> m_i = act(g_i) u_i. D^2 m_i = act'' u_i dg_i dg_i + act' dg_i du_i twice. In each product, the
 *       unit's row of weights bounds one factor. The norm of the matrix bounds the other, over all units at once.
 * </ul>
 *
 * <p>The bound is loose, by orders of magnitude: it assumes that each layer's output points in the next layer's worst
 * direction. It needs no sampling.
 */
public final class BlockCurvature {

    /** Squarings s of a Gram matrix. Norms are at most a factor n^(1/2^(s+2)) too large, 1.1 for n = 576. */
    private static final int SQUARINGS = 4;

    /** Bounds on a map's first and second derivative over a ball. */
    private record Bend(double first, double second) {

        static Bend linear(double norm) {
            return new Bend(norm, 0);
        }

        Bend after(Bend inner) {
            return new Bend(first * inner.first, second * inner.first * inner.first + first * inner.second);
        }

        /** Returns the bounds of x + f(x). */
        Bend beside() {
            return new Bend(1 + first, second);
        }
    }

    /**
     * An RMS norm with a gain, at the centre of a ball.
     *
     * @param size |x| there
     * @param epsilon d eps
     * @param gain the largest of the gains; 0 means that there is no norm
     */
    private record Unit(double size, double epsilon, double gain) {

        static final Unit NONE = new Unit(0, 0, 0);

        static Unit of(NDArray at, Norm norm, double gain) {
            return new Unit(norm(at), doubles(Tensors.within(at.getManager(), norm.epsilon()))[0], gain);
        }

        /** Makes the unit of a norm with a gain [.., width], or none if the gain is null. */
        static Unit of(NDArray at, Norm norm, NDArray gain) {
            return gain == null ? NONE : of(at, norm, largest(Tensors.within(at.getManager(), gain)));
        }

        /** Returns the bounds of the norm after f, on a ball of this radius. */
        Bend after(Bend f, double radius) {
            if (gain == 0) {
                return f;
            }
            double nearest = Math.max(0, size - f.first * radius);
            double square = nearest * nearest + epsilon;
            return new Bend(gain / Math.sqrt(square), gain * 2 / Math.sqrt(3) / square).after(f);
        }
    }

    /**
     * A head's query or key: a linear map of norm {@code weight}, perhaps followed by a norm, then turned.
     *
     * @param amplitude factor of the turn
     * @param size its length at the centre, turned
     */
    private record Part(double weight, Unit unit, double amplitude, double size) {

        Bend within(double radius) {
            return Bend.linear(amplitude).after(unit.after(Bend.linear(weight), radius));
        }
    }

    private final Unit input;
    private final Part[] queries;
    private final Part[] keys;
    private final double[] values; // |W_v| of each key head
    private final double[] keySpread; // diameters of the keys and of the values
    private final double[] valueSpread;
    private final double output;
    private final Unit attentionUnit;
    private final Unit middle;
    private final Gate gate;
    private final double down;
    private final Unit mlpUnit;

    /** Values at the centre and row norms of the gate's two matrices, [f], and the matrices' norms. */
    private record Gate(
            Nonlinearity act, double[] g, double[] u, double[] gRows, double[] uRows, double gNorm, double uNorm) {

        Bend within(double radius) {
            double g1 = 0, u1 = 0, bent = 0;
            for (int i = 0; i < g.length; i++) {
                g1 = Math.max(g1, Math.abs(g[i]) + gRows[i] * radius); // |act(g)| <= |g|
                u1 = Math.max(u1, Math.abs(u[i]) + uRows[i] * radius);
                bent = Math.max(bent, (Math.abs(u[i]) + uRows[i] * radius) * gRows[i]); // |u_i| |W_g,i|
            }
            double crossed = Math.min(max(gRows) * uNorm, max(uRows) * gNorm);
            return new Bend(
                    act.steepest() * u1 * gNorm + g1 * uNorm,
                    act.sharpest() * bent * gNorm + 2 * act.steepest() * crossed);
        }
    }

    /**
     * Bounds the block about the state z [1, d]; the other arguments are those of {@link Block#linearise}.
     *
     * @param amplitude of the rotary factors: they multiply queries and keys by a rotation times this number
     */
    public BlockCurvature(
            Block block,
            double amplitude,
            NDArray z,
            ForwardPass.RotaryAndMask view,
            NDArray earlierKeys,
            NDArray earlierValues) {
        NDManager scope = z.getManager();
        Norm norm = block.norm();
        Attention attention = block.attention();
        if (attention.cap() != null) {
            throw new UnsupportedOperationException(
                    "no certificate for attention with a soft cap, which the derivation lacks. "
                            + "Use the sampled or the conformal bound for this model.");
        }
        int heads = attention.heads();
        int keyHeads = attention.keyHeads();
        int width = attention.width();
        input = Unit.of(z, norm, 1);

        NDArray n1 = norm.of(z);
        Attention.Heads at = attention.project(n1.reshape(1, 1, -1), view);
        double[] weights = norms(Tensors.within(scope, attention.qkv()).reshape(heads + 2L * keyHeads, width, -1));
        double[] querySizes = sizes(at.q().reshape(heads, width));
        double[] keySizes = sizes(at.k().reshape(keyHeads, width));
        var units = new Unit[heads + keyHeads];
        Arrays.fill(units, Unit.NONE);
        if (attention.headNorm() != null) {
            NDArray raw = at.projected().reshape(heads + 2L * keyHeads, width);
            NDArray gains = Tensors.within(scope, attention.headGain());
            Arrays.setAll(units, h -> Unit.of(raw.get(h), attention.headNorm(), gains.get(h)));
        }
        queries = new Part[heads];
        Arrays.setAll(queries, h -> new Part(weights[h], units[h], amplitude, querySizes[h]));
        keys = new Part[keyHeads];
        Arrays.setAll(keys, h -> new Part(weights[heads + h], units[heads + h], amplitude, keySizes[h]));
        values = Arrays.copyOfRange(weights, heads + keyHeads, weights.length);
        keySpread = diameters(earlierKeys.concat(at.k().reshape(keyHeads, 1, width), 1));
        valueSpread = diameters(earlierValues.concat(at.v().reshape(keyHeads, 1, width), 1));

        NDArray o = norm.linear(attention.last(n1, view, earlierKeys, earlierValues), block.output());
        output = norms(Tensors.within(scope, block.output()).expandDims(0))[0];
        attentionUnit = Unit.of(o, norm, block.attentionGain());
        NDArray y = (block.attentionGain() == null ? o : norm.of(o).mul(block.attentionGain())).add(z);
        middle = Unit.of(y, norm, 1);

        GatedMlp mlp = block.mlp();
        NDArray n2 = norm.of(y);
        double[] gu = doubles(Tensors.ofUnit(n2, mlp.gateUp(), null));
        NDArray gateUp = Tensors.within(scope, mlp.gateUp());
        double[] rows = sizes(gateUp);
        int f = gu.length / 2;
        double[] both = norms(gateUp.reshape(2, f, -1));
        gate = new Gate(
                mlp.activation(),
                Arrays.copyOf(gu, f),
                Arrays.copyOfRange(gu, f, 2 * f),
                Arrays.copyOf(rows, f),
                Arrays.copyOfRange(rows, f, 2 * f),
                both[0],
                both[1]);
        down = norms(Tensors.within(scope, block.down()).expandDims(0))[0];
        mlpUnit = Unit.of(norm.linear(mlp.forward(n2), block.down()), norm, block.mlpGain());
    }

    /** Returns H in the ball of this radius. */
    public double within(double radius) {
        Bend y = sublayer(input, attentionUnit, output, radius, this::heads).beside();
        return sublayer(middle, mlpUnit, down, y.first * radius, gate::within)
                .beside()
                .after(y)
                .second;
    }

    /** Composes input norm, attention or gate, output matrix and output norm. */
    private static Bend sublayer(Unit before, Unit behind, double out, double radius, DoubleFunction<Bend> inner) {
        Bend n = before.after(Bend.linear(1), radius);
        Bend f = inner.apply(Math.min(2, n.first * radius)).after(n); // two unit vectors are at most 2 apart
        return behind.after(Bend.linear(out).after(f), radius);
    }

    /** Returns the bounds of all heads together. */
    private Bend heads(double radius) {
        double first = 0;
        double second = 0;
        for (int h = 0; h < queries.length; h++) {
            int shared = h / (queries.length / keys.length);
            Bend q = queries[h].within(radius);
            Bend k = keys[shared].within(radius);
            double v = values[shared];
            double size = queries[h].size + q.first * radius; // |q|
            double b = keySpread[shared] + k.first * radius; // only the last key and the last value move
            double d = valueSpread[shared] + v * radius;
            double r = q.first * b + size * k.first;
            double r2 = q.second * b + 2 * q.first * k.first + size * k.second;
            first += square(d * r / 4 + v);
            second += square(d * (r * r + r2) / 4 + r * v / 2);
        }
        return new Bend(Math.sqrt(first), Math.sqrt(second));
    }

    /**
     * Returns upper bounds on |W| for each of the matrices w [h, m, n]. With G = W W' or W'W, whichever is smaller,
     * |W|^{2 p} = |G^p| <= |G^p|_F for p = 2^s, by squaring s times. Power iterations would give lower bounds.
     */
    static double[] norms(NDArray w) {
        NDArray x = w.toType(DataType.FLOAT64, false);
        NDArray transposed = x.transpose(0, 2, 1);
        NDArray g = x.getShape().get(1) <= x.getShape().get(2) ? x.batchMatMul(transposed) : transposed.batchMatMul(x);
        var logarithms = new double[(int) x.getShape().get(0)];
        for (int s = 0; ; s++) {
            NDArray size = g.square().sum(new int[] {1, 2}, true).sqrt(); // |G|_F [h, 1, 1]
            double[] sizes = size.toDoubleArray();
            double power = Math.pow(2, s);
            Arrays.setAll(logarithms, h -> logarithms[h] + Math.log(sizes[h]) / power);
            if (s == SQUARINGS) {
                return Arrays.stream(logarithms).map(log -> Math.exp(log / 2)).toArray();
            }
            NDArray scaled = g.div(size);
            g = scaled.batchMatMul(scaled);
        }
    }

    /** Returns the largest distance between two rows, for each of x [h, t, w]. */
    private static double[] diameters(NDArray x) {
        NDArray apart = x.expandDims(1).sub(x.expandDims(2)); // [h, t, t, w]
        apart = apart.square().sum(new int[] {-1}).sqrt(); // [h, t, t]
        return doubles(apart.reshape(x.getShape().get(0), -1).max(new int[] {1}));
    }

    /** Returns the norms of the rows of x [m, n]. */
    private static double[] sizes(NDArray x) {
        return doubles(x.square().sum(new int[] {-1}).sqrt());
    }

    private static double norm(NDArray x) {
        return Math.sqrt(Arrays.stream(doubles(x)).map(BlockCurvature::square).sum());
    }

    private static double largest(NDArray x) {
        return max(Arrays.stream(doubles(x)).map(Math::abs).toArray());
    }

    private static double max(double[] x) {
        return Arrays.stream(x).max().orElseThrow();
    }

    private static double square(double x) {
        return x * x;
    }

    private static double[] doubles(NDArray x) {
        return x.toType(DataType.FLOAT64, false).toDoubleArray();
    }
}
