package rudder.model.decoder;

import rudder.checkpoint.AttentionSpan;
import rudder.checkpoint.ModelConfig;
import rudder.checkpoint.TensorNames;
import rudder.checkpoint.format.TensorSource;
import rudder.kernel.PackedMatrix;

/**
 * One block's weights as they are stored. {@code null} stands for what the architecture lacks.
 *
 * @param projections queries, keys and values, [(h + 2 kv) w, d]
 * @param bias of the projections, [(h + 2 kv) w]
 */
record DecoderBlock(
        AttentionSpan span,
        RmsNorm attentionNorm,
        Rows projections,
        float[] bias,
        RmsNorm queryNorm,
        RmsNorm keyNorm,
        Rows output,
        RmsNorm postAttentionNorm,
        RmsNorm mlpNorm,
        PackedMatrix gate,
        PackedMatrix up,
        Rows down,
        RmsNorm postMlpNorm) {

    static DecoderBlock of(TensorSource source, TensorNames names, ModelConfig config, int k) {
        boolean post = config.postNorms();
        boolean heads = config.queryKeyNorms();
        return new DecoderBlock(
                config.spans().get(k),
                norm(source, names.attentionNorm(), config, k, true),
                new Rows(
                        matrix(source, names.query(), k),
                        matrix(source, names.key(), k),
                        matrix(source, names.value(), k)),
                config.biases() ? biases(source, names, k) : null,
                norm(source, names.queryNorm(), config, k, heads),
                norm(source, names.keyNorm(), config, k, heads),
                new Rows(matrix(source, names.output(), k)),
                norm(source, names.postAttentionNorm(), config, k, post),
                norm(source, names.mlpNorm(), config, k, true),
                matrix(source, names.gate(), k),
                matrix(source, names.up(), k),
                new Rows(matrix(source, names.down(), k)),
                norm(source, names.postMlpNorm(), config, k, post));
    }

    private static PackedMatrix matrix(TensorSource source, String pattern, int k) {
        return Rows.of(source, TensorNames.ofBlock(pattern, k));
    }

    private static RmsNorm norm(TensorSource source, String pattern, ModelConfig config, int k, boolean there) {
        return there ? RmsNorm.of(source, TensorNames.ofBlock(pattern, k), config) : null;
    }

    private static float[] biases(TensorSource source, TensorNames names, int k) {
        float[] q = source.read(TensorNames.ofBlock(names.query(), k) + ".bias");
        float[] key = source.read(TensorNames.ofBlock(names.key(), k) + ".bias");
        float[] v = source.read(TensorNames.ofBlock(names.value(), k) + ".bias");
        float[] all = new float[q.length + key.length + v.length];
        System.arraycopy(q, 0, all, 0, q.length);
        System.arraycopy(key, 0, all, q.length, key.length);
        System.arraycopy(v, 0, all, q.length + key.length, v.length);
        return all;
    }
}
