package rudder.model.transformer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import rudder.checkpoint.AttentionSpan;

/**
 * Rotary angles and masks of the columns {@code start .. start + length - 1}, which all blocks of a forward pass share.
 *
 * <p>Prompts of different lengths are padded on the left, so that their last tokens stand in one column. The padding of
 * row b takes its first {@code pads[b]} columns. No token attends to padding, and positions count from its end.
 */
public final class ForwardPass {

    /**
     * Rotary factors cos and sin [B or 1, L, 1, head dimension] of an attention span, and the mask to add to its scores
     * [B or 1, 1, L, columns]. The mask is null if every token sees every column.
     */
    public record RotaryAndMask(NDArray cos, NDArray sin, NDArray mask) {}

    final int length;
    private final Map<AttentionSpan, RotaryAndMask> views = new HashMap<>();

    /** @param width of a head */
    public ForwardPass(
            NDManager manager, DataType type, List<AttentionSpan> spans, int width, int[] pads, int start, int length) {
        this.length = length;
        boolean padded = Arrays.stream(pads).anyMatch(pad -> pad > 0);
        int[] rows = padded ? pads : new int[1];
        NDArray factors = manager.create(
                        factors(spans, width, rows, start), new Shape(2L * spans.size(), rows.length, length, 1, width))
                .toType(type, false); // in one upload, which a device waits for
        for (int i = 0; i < spans.size(); i++) {
            AttentionSpan span = spans.get(i);
            boolean clipped = span.window() > 0 && start + length > span.window();
            boolean masked = length > 1 || padded || clipped;
            NDArray mask = masked
                    ? manager.create(mask(span, rows, start), new Shape(rows.length, 1, length, start + length))
                            .toType(type, false)
                    : null;
            views.put(span, new RotaryAndMask(factors.get(2L * i), factors.get(2L * i + 1), mask));
        }
    }

    public RotaryAndMask view(AttentionSpan span) {
        return views.get(span);
    }

    /** Returns cos and sin of each span's angles, times its amplitude. Both halves of a head have the same angles. */
    private float[] factors(List<AttentionSpan> spans, int width, int[] pads, int start) {
        int size = pads.length * length * width;
        var values = new float[2 * spans.size() * size];
        int at = 0;
        for (AttentionSpan span : spans) {
            for (int pad : pads) {
                for (int column = start; column < start + length; column++) {
                    for (int i = 0; i < width; i++) {
                        double angle = span.angle(Math.max(0, column - pad), i % (width / 2), width);
                        values[at] = (float) (span.amplitude() * Math.cos(angle));
                        values[size + at++] = (float) (span.amplitude() * Math.sin(angle));
                    }
                }
            }
            at += size;
        }
        return values;
    }

    private float[] mask(AttentionSpan span, int[] pads, int start) {
        int columns = start + length;
        float[] values = new float[pads.length * length * columns];
        int at = 0;
        for (int pad : pads) {
            for (int query = start; query < columns; query++) {
                for (int key = 0; key < columns; key++) {
                    // a padding query sees itself, so that its softmax is finite; no token uses the result
                    boolean seen = query < pad ? key == query : key >= pad && span.sees(query, key);
                    values[at++] = seen ? 0 : Float.NEGATIVE_INFINITY;
                }
            }
        }
        return values;
    }
}
