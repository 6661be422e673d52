package rudder.model.decoder;

import java.nio.IntBuffer;
import java.util.LinkedHashMap;
import java.util.Optional;

/**
 * Keys and values of prompts' unsteered beginnings, those used last: the same prompts are often written on under one
 * controller after another. Thread-safe.
 */
final class Beginnings {

    private static final long BYTES = Runtime.getRuntime().maxMemory() / 16;

    private final Decoder decoder;
    private final LinkedHashMap<IntBuffer, HeapCache> caches = new LinkedHashMap<>(16, 0.75f, true);
    private long tokens;

    Beginnings(Decoder decoder) {
        this.decoder = decoder;
    }

    synchronized Optional<HeapCache> find(int... beginning) {
        return Optional.ofNullable(caches.get(IntBuffer.wrap(beginning)));
    }

    /** Keeps a copy, unless it is too large, and drops what was used least recently. */
    synchronized void keep(HeapCache cache, int... beginning) {
        if (decoder.bytes(beginning.length) > BYTES
                || caches.put(IntBuffer.wrap(beginning.clone()), cache.copy(0)) != null) {
            return;
        }
        tokens += beginning.length;
        for (var oldest = caches.entrySet().iterator(); decoder.bytes(tokens) > BYTES; ) {
            tokens -= oldest.next().getKey().remaining();
            oldest.remove();
        }
    }
}
