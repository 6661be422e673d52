package rudder.model;

import java.util.List;
import rudder.model.pass.Passes;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;

/**
 * Watches a batch of texts while they are written, and may intervene at every token: with other controllers, with a
 * token of its own choice, or with an end. See {@link SteeredModel#conduct}. All methods are called in the thread that
 * writes, so a slow conductor slows the writing.
 */
@FunctionalInterface
public interface Conductor {

    /** The answer of {@link #token} that leaves the choice to the model. */
    int FREE = -1;

    /**
     * One token of every text, and the pass that chose it. Logits, strengths and energies come from the model's device
     * when they are first asked for. Ask in {@link #after}: the next pass replaces logits. All numbers of a text that
     * had ended before this token are arbitrary.
     */
    final class Step {
        private final int index;
        private final int[] tokens;
        private final String[] pieces;
        private final boolean[] ended;
        private final Passes.Result pass;

        Step(int index, int[] tokens, String[] pieces, boolean[] ended, Passes.Result pass) {
            this.index = index;
            this.tokens = tokens;
            this.pieces = pieces;
            this.ended = ended;
            this.pass = pass;
        }

        /** Returns the token's number among the generated ones, from 0. */
        public int index() {
            return index;
        }

        /** Returns the token of each text; arbitrary where a text had ended before. */
        public int[] tokens() {
            return tokens.clone();
        }

        /** Returns what each token adds to its text, in whole characters; empty for a stop token. */
        public String[] pieces() {
            return pieces.clone();
        }

        /** Returns whether each text has ended, with this token or before. */
        public boolean[] ended() {
            return ended.clone();
        }

        /**
         * Returns v_k.z_k, [feature][text][T+1]. The first feature is the view's, if it measures one; those of
         * {@link #measured} follow.
         */
        public List<double[][]> strengths() {
            return pass.measured().strengths().stream().map(this::ofAll).toList();
        }

        /** Returns |u_k|^2, [text][T]. */
        public double[][] energies() {
            return ofAll(pass.measured().energies());
        }

        /** Returns the pass's rows as rows of all texts; the others are 0. */
        private double[][] ofAll(double[][] rows) {
            if (rows.length == tokens.length) {
                return rows;
            }
            var all = new double[tokens.length][rows[0].length];
            for (int i = 0; i < rows.length; i++) {
                all[pass.texts()[i]] = rows[i];
            }
            return all;
        }

        /**
         * Returns the logits of the distributions that the tokens were chosen from, [text vocabulary].
         *
         * @throws IllegalStateException if they were not asked for before the next pass, and lie on a device
         */
        public float[] logits() {
            float[] rows = pass.logits().numbers();
            int size = rows.length / pass.texts().length;
            if (pass.texts().length == tokens.length) {
                return rows;
            }
            var all = new float[tokens.length * size];
            for (int i = 0; i < pass.texts().length; i++) {
                System.arraycopy(rows, i * size, all, pass.texts()[i] * size, size);
            }
            return all;
        }

        /** Returns what the pass left where it left it. */
        Passes.Result pass() {
            return pass;
        }
    }

    /**
     * Sees a token of every text.
     *
     * @return whether to go on; otherwise the texts end here
     */
    boolean after(Step step);

    /** Returns more features whose strengths the steps report. Asked once. */
    default List<Setpoint> measured() {
        return List.of();
    }

    /**
     * Returns the controllers of the pass that chooses a token. Controllers that are the same objects as before cost
     * nothing.
     *
     * @param index of the token, from 1
     * @param now the controller of each text so far
     */
    default List<Controller> controllers(int index, List<Controller> now) {
        return now;
    }

    /**
     * Returns the token that a text takes, whatever the model would choose, or {@link #FREE}.
     *
     * @param text its number in the batch
     * @param index of the token, from 0
     * @param chosen the tokens of this index that the texts before this one took
     */
    default int token(int text, int index, int[] chosen) {
        return FREE;
    }
}
