package rudder.model.decoder;

import java.lang.ref.SoftReference;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import rudder.checkpoint.Checkpoint;
import rudder.checkpoint.ModelConfig;
import rudder.checkpoint.format.TensorSource;
import rudder.kernel.PackedInput;
import rudder.kernel.PackedMatrix;
import rudder.theory.control.Controller;

/**
 * A model's blocks for one token at a time of one text or several, {@code z_{k+1} = phi_k(z_k) + u_k}. A pass reads the
 * packed weights once, however many texts there are. Thread-safe: {@link Texts} are not shared.
 */
public final class Decoder {

    private static final SoftReference<HeapJacobians> NONE = new SoftReference<>(null);

    final ModelConfig config;
    final PackedMatrix embedding;
    final PackedMatrix head;
    final RmsNorm finalNorm;
    final List<DecoderBlock> blocks = new ArrayList<>();
    final Beginnings beginnings = new Beginnings(this);
    private final AtomicReference<SoftReference<HeapJacobians>> spare = new AtomicReference<>(NONE);

    /**
     * @param checkpoint open, with sound tensors that {@link #obstacle} finds readable
     * @throws IllegalStateException if a tensor is not
     */
    public Decoder(Checkpoint checkpoint) {
        config = checkpoint.config();
        var source = checkpoint.tensors();
        var names = checkpoint.names();
        embedding = Rows.of(source, names.embedding());
        head = config.tiedHead() ? embedding : Rows.of(source, names.head());
        finalNorm = RmsNorm.of(source, names.finalNorm(), config);
        for (int k = 0; k < config.horizon(); k++) {
            blocks.add(DecoderBlock.of(source, names, config, k));
        }
    }

    /** Says why no decoder reads these tensors; null if one does. Needs {@link PackedMatrix#available}. */
    public static String obstacle(TensorSource source) {
        return source.names().stream()
                .filter(name -> source.shape(name).length == 2)
                .filter(name -> Rows.packed(source, name).isEmpty())
                .findFirst()
                .map(name -> source.packed(name).isPresent()
                        ? "no kernel reads " + name
                        : name + " takes 2 GiB or more, or lies in no file")
                .orElse(null);
    }

    /**
     * @param controllers one for each text
     * @throws IllegalArgumentException if a controller has a law for a block or a width that this model lacks
     */
    public HeapLaws laws(List<Controller> controllers) {
        var texts = new BitSet();
        texts.set(0, controllers.size());
        return new HeapLaws(config).of(controllers, texts);
    }

    /**
     * Returns empty texts.
     *
     * @param room of each text, tokens that there is memory for from the beginning
     */
    public Texts texts(int... room) {
        return new Texts(this, room);
    }

    /** Computes with what computes Jacobians. Its buffers stay for the next time where the heap has room for them. */
    public <R> R withJacobians(Function<HeapJacobians, R> computed) {
        var kept = spare.getAndSet(NONE).get();
        var jacobians = kept == null ? new HeapJacobians(this) : kept;
        R result = computed.apply(jacobians);
        spare.set(new SoftReference<>(jacobians));
        return result;
    }

    /** Returns the bytes that a {@link HeapJacobians} takes. */
    public long jacobianBytes() {
        return HeapJacobians.bytes(config);
    }

    /**
     * Writes the logits of the vocabulary's tokens {@code first..end-1} to {@code y[at + first width ..]}, on this
     * thread, so that the cores share bounding them too.
     *
     * @param states normed, one a column
     */
    void logits(PackedInput states, int first, int end, float[] y, int at) {
        head.times(states, first, end, y, at);
        float cap = (float) config.logitCap();
        if (cap == 0) {
            return;
        }
        for (int i = at + first * states.width(); i < at + end * states.width(); i++) {
            y[i] = cap * (float) Math.tanh(y[i] / cap);
        }
    }

    /** Returns the bytes that one pass of so many texts holds as logits: as columns, twice, and as rows. */
    public long logits(int texts) {
        return 3L * PackedInput.width(texts) * config.vocabulary() * Float.BYTES;
    }

    /** Returns the bytes that keys and values of so many tokens take. */
    public long bytes(long tokens) {
        return tokens * 2 * config.horizon() * config.keyValueHeads() * config.headDimension() * Float.BYTES;
    }
}
