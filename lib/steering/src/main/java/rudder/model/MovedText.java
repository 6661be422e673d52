package rudder.model;

import java.util.Arrays;

/**
 * A completion, and how far steering moved each of its next-token distributions.
 *
 * @param divergences the KL divergence {@code sum_x p(x) ln(p(x) / q(x))} in nats, one a token. Here p is the
 *     distribution that the token was chosen from, and q the unsteered model's after the same tokens
 */
public record MovedText(Completion completion, double[] divergences) {

    /** Returns the mean over tokens, in nats a token. */
    public double mean() {
        return Arrays.stream(divergences).average().orElseThrow();
    }
}
