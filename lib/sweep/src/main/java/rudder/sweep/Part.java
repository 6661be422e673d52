package rudder.sweep;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import rudder.checkpoint.text.RecordJson;
import rudder.compare.Batch;
import rudder.compare.Comparison;
import rudder.model.LanguageModel;
import rudder.model.Positions;
import rudder.model.Sampling;
import rudder.steer.ControllerFile;
import rudder.steer.Provenance;
import rudder.sweep.unit.ModelId;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;

/**
 * One comparison of a sweep as data: a model, its controllers, prompts and settings. The folder keeps it as JSON,
 * without the controllers' bytes.
 *
 * @param version of Rudder
 * @param model that generates
 * @param judge the model of the perplexity; null for the generating one
 * @param arms the controllers' names and checksums
 * @param prompts of every controller
 * @param tokens longest completion
 * @param sampling how tokens are drawn
 * @param positions name of the steered tokens
 * @param chat whether prompts are messages
 * @param divergence whether KL is measured
 * @param measured the controller of no law that carries the measured setpoint, in Base64; null if none is measured
 */
record Part(
        String version,
        ModelId model,
        ModelId judge,
        List<ArmId> arms,
        List<String> prompts,
        int tokens,
        Draw sampling,
        String positions,
        boolean chat,
        boolean divergence,
        String measured) {

    private static final Gson JSON = RecordJson.builder().create();

    /** A controller's name and the SHA-256 of its bytes. */
    record ArmId(String name, String sha256) {}

    /** {@link Sampling} as it stands in the folder. */
    record Draw(double temperature, int topK, double topP, double repetitionPenalty, long seed) {
        static Draw of(Sampling s) {
            return new Draw(s.temperature(), s.topK(), s.topP(), s.repetitionPenalty(), s.seed());
        }

        Sampling sampling() {
            return new Sampling(temperature, topK, topP, repetitionPenalty, seed);
        }
    }

    /**
     * Describes a comparison.
     *
     * @param arms with the bytes that are sent to executors
     * @param settings with the measured setpoint resolved
     */
    static Part of(LanguageModel model, List<String> prompts, Comparison.Settings settings, List<SentArm> arms) {
        return new Part(
                Provenance.VERSION,
                ModelId.of(model),
                settings.judge() == null ? null : ModelId.of(settings.judge()),
                arms.stream().map(SentArm::id).toList(),
                List.copyOf(prompts),
                settings.tokens(),
                Draw.of(settings.sampling()),
                settings.positions().name(),
                settings.chat(),
                settings.divergence(),
                settings.measured() == null
                        ? null
                        : Base64.getEncoder().encodeToString(bytes(settings.measured(), model)));
    }

    private static byte[] bytes(Setpoint setpoint, LanguageModel model) {
        return ControllerFile.bytes(Controller.of("measured", Map.of(), setpoint), model);
    }

    /** Returns the measured setpoint; empty if no feature is measured. */
    Optional<Setpoint> setpoint() throws IOException {
        return measured == null
                ? Optional.empty()
                : ControllerFile.of("the measured setpoint", Base64.getDecoder().decode(measured))
                        .setpoint();
    }

    /** Returns the settings, with which executors generate. */
    Comparison.Settings settings(LanguageModel judge) throws IOException {
        return new Comparison.Settings(
                tokens,
                sampling.sampling(),
                setpoint().orElse(null),
                judge,
                Positions.named(positions),
                chat,
                divergence);
    }

    /** Returns the batches of one machine, in its order. */
    List<Batch> batches() {
        return Batch.of(arms.size(), prompts.size());
    }

    /** Returns a digest of all that the batch's completions and scores depend on, bit for bit. */
    String unit(Batch batch) {
        var texts = new ArrayList<>(everywhere());
        for (var arm : arms.subList(batch.firstArm(), batch.endArm())) {
            texts.add(arm.name);
            texts.add(arm.sha256);
        }
        texts.add("prompts from " + batch.first());
        texts.addAll(batch.ofPrompts(prompts));
        return Provenance.digest(texts).substring(0, 32);
    }

    /** Returns a digest of all that this comparison depends on. */
    String id() {
        var texts = new ArrayList<>(everywhere());
        arms.forEach(arm -> texts.add(arm.toString()));
        texts.addAll(prompts);
        return Provenance.digest(texts).substring(0, 32);
    }

    private List<String> everywhere() {
        return List.of(
                version,
                model.toString(),
                String.valueOf(judge),
                String.valueOf(tokens),
                sampling.toString(),
                positions,
                String.valueOf(chat),
                String.valueOf(divergence),
                measured == null ? "nothing measured" : measured);
    }

    /** Returns the name of the model's folder. */
    String folder() {
        return model.folder();
    }

    /** Returns whether this differs from another comparison in the seed alone. */
    boolean differsInSeedAlone(Part other) {
        return withSeed(0).equals(other.withSeed(0));
    }

    Part withSeed(long seed) {
        var drawn = Draw.of(sampling.sampling().withSeed(seed));
        return new Part(version, model, judge, arms, prompts, tokens, drawn, positions, chat, divergence, measured);
    }

    Part withTokens(int some) {
        return new Part(version, model, judge, arms, prompts, some, sampling, positions, chat, divergence, measured);
    }

    byte[] json() {
        return JSON.toJson(this).getBytes(StandardCharsets.UTF_8);
    }

    /**
     * Reads {@link #json}.
     *
     * @param name of the file, for messages; its beginning is the {@link #id}
     * @throws IOException if it is damaged
     */
    static Part read(String name, byte[] json) throws IOException {
        try {
            var part = JSON.fromJson(new String(json, StandardCharsets.UTF_8), Part.class);
            if (part == null || !part.isWhole() || !name.startsWith(part.id())) {
                throw new IOException(name + " is damaged: its content is not that of its name; remove it and run"
                        + " the sweep again, which keeps all completions");
            }
            return part;
        } catch (JsonParseException | IllegalArgumentException e) {
            throw new IOException(
                    name + " is damaged: " + e.getMessage() + "; remove it and run the sweep again, which keeps all"
                            + " completions",
                    e);
        }
    }

    private boolean isWhole() {
        return version != null
                && model != null
                && model.name() != null
                && model.sha256() != null
                && model.sha256().length() == 64
                && arms != null
                && !arms.isEmpty()
                && arms.stream().allMatch(arm -> arm != null && arm.name != null && arm.sha256 != null)
                && prompts != null
                && !prompts.isEmpty()
                && prompts.stream().allMatch(Objects::nonNull)
                && sampling != null
                && positions != null;
    }

    @Override
    public String toString() {
        return model.name() + ", seed " + sampling.seed + ", " + arms.size() + " controllers, " + prompts.size()
                + " prompts, " + tokens + " tokens, version " + version;
    }
}
