package rudder.model.transformer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import rudder.checkpoint.AttentionSpan;

/**
 * What every block of one forward pass shares: rotary angles and masks of the columns {@code start .. start + length -
 * 1}.
 *
 * <p>Ragged prompts are padded on the left, so that the last token stands in the same column for all; row b's padding
 * takes its first {@code pads[b]} columns, is seen by nobody, and positions count from behind it.
 */
public final class ForwardPass {

    /**
     * Rotary factors [B or 1, L, 1, head dimension] and the additive mask [B or 1, 1, L, columns], null where
     * everything is seen.
     */
    public record RotaryAndMask(NDArray cos, NDArray sin, NDArray mask) {}

    final int length;
    private final Map<AttentionSpan, RotaryAndMask> views = new HashMap<>();

    public ForwardPass(
            NDManager manager,
            DataType type,
            List<AttentionSpan> spans,
            int headDimension,
            int[] pads,
            int start,
            int length) {
        this.length = length;
        boolean padded = java.util.Arrays.stream(pads).anyMatch(pad -> pad > 0);
        int[] rows = padded ? pads : new int[1];
        for (AttentionSpan span : spans) {
            boolean clipped = span.window() > 0 && start + length > span.window();
            views.put(
                    span,
                    new RotaryAndMask(
                            angles(manager, type, span, headDimension, rows, start, true),
                            angles(manager, type, span, headDimension, rows, start, false),
                            length > 1 || padded || clipped ? mask(manager, type, span, rows, start) : null));
        }
    }

    public RotaryAndMask view(AttentionSpan span) {
        return views.get(span);
    }

    /** cos or sin of the angles, each pair's angle standing in both halves of the head. */
    private NDArray angles(
            NDManager manager,
            DataType type,
            AttentionSpan span,
            int headDimension,
            int[] pads,
            int start,
            boolean cosine) {
        float[] values = new float[pads.length * length * headDimension];
        int half = headDimension / 2;
        int at = 0;
        for (int pad : pads) {
            for (int column = start; column < start + length; column++) {
                for (int i = 0; i < headDimension; i++) {
                    double angle = span.angle(Math.max(0, column - pad), i % half, headDimension);
                    values[at++] = (float) (cosine ? Math.cos(angle) : Math.sin(angle));
                }
            }
        }
        return manager.create(values, new Shape(pads.length, length, 1, headDimension))
                .toType(type, false);
    }

    private NDArray mask(NDManager manager, DataType type, AttentionSpan span, int[] pads, int start) {
        int columns = start + length;
        float[] values = new float[pads.length * length * columns];
        int at = 0;
        for (int pad : pads) {
            for (int query = start; query < columns; query++) {
                for (int key = 0; key < columns; key++) {
                    // a padding query sees itself, so that its softmax is finite; nobody reads the result
                    boolean seen = query < pad ? key == query : key >= pad && span.sees(query, key);
                    values[at++] = seen ? 0 : Float.NEGATIVE_INFINITY;
                }
            }
        }
        return manager.create(values, new Shape(pads.length, 1, length, columns))
                .toType(type, false);
    }
}
