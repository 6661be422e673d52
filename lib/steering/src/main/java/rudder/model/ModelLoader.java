package rudder.model;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import rudder.checkpoint.Checkpoint;
import rudder.checkpoint.ModelShape;
import rudder.checkpoint.RandomWeights;
import rudder.checkpoint.RoundedWeights;
import rudder.checkpoint.TensorNames;
import rudder.checkpoint.format.Checksums;
import rudder.checkpoint.store.ModelFile;
import rudder.checkpoint.store.ModelStore;
import rudder.checkpoint.text.FileNames;
import rudder.checkpoint.tokenizer.Tokenizer;
import rudder.model.decoder.Decoder;
import rudder.model.engine.Devices;
import rudder.model.memory.DeviceMemory;
import rudder.model.memory.MemoryPlan;
import rudder.model.pass.Storage;
import rudder.model.transformer.Keep;
import rudder.model.transformer.Transformer;
import rudder.theory.Check;

/**
 * Loads models, as {@link LanguageModel}'s factories say.
 *
 * @param stored precision of the weight matrices
 * @param keep how weights are held; null for the environment's choice
 */
record ModelLoader(DataType stored, Keep keep) {

    /** Loads as the environment says. */
    static ModelLoader chosen() {
        return new ModelLoader(Devices.precision(), null);
    }

    /** {@link LanguageModel#load}. */
    LanguageModel load(String nameOrPath) throws IOException {
        var file = fetched(nameOrPath);
        boolean path = Files.exists(FileNames.path(nameOrPath));
        return of(
                file,
                Checkpoint.open(file.path()),
                path ? file.path().toAbsolutePath().toString() : nameOrPath);
    }

    /** Loads a file. */
    LanguageModel load(ModelFile file) throws IOException {
        return of(file, Checkpoint.open(file.path()), null);
    }

    private static ModelFile fetched(String nameOrPath) throws IOException {
        String given = Check.given("the name of a model", nameOrPath);
        return ModelStore.fetch(given.startsWith("~") ? FileNames.path(given).toString() : given);
    }

    /** {@link LanguageModel#loadRounded}. */
    LanguageModel rounded(String nameOrPath, int bits) throws IOException {
        return rounded(fetched(nameOrPath), bits);
    }

    private LanguageModel rounded(ModelFile file, int bits) throws IOException {
        RoundedWeights.requireWidth(bits); // before a file is open
        var plain = Checkpoint.open(file.path());
        var weights = new RoundedWeights(plain.tensors(), bits);
        var rounded = new Checkpoint(weights, plain.names(), plain.config(), plain.tokenizer());
        var sha256 = Checksums.sha256(file.sha256() + ", " + bits + " bits");
        return of(
                new ModelFile(
                        file.name() + ", " + bits + " bits", file.path(), sha256, file.licence(), file.architecture()),
                rounded,
                null);
    }

    /** {@link LanguageModel#random}. */
    LanguageModel random(ModelShape shape, long seed) {
        var weights = new RandomWeights(shape, seed);
        var config = shape.config();
        return new ModelLoader(stored, Keep.AT_ONCE)
                .of(
                        new ModelFile(shape.name(), Path.of(""), weights.sha256(), "none", shape.architecture()),
                        new Checkpoint(
                                weights,
                                TensorNames.huggingFace(weights, config.postNorms()),
                                config,
                                Tokenizer.ofNumbers(shape.vocabulary(), Set.of())),
                        null);
    }

    private LanguageModel of(ModelFile file, Checkpoint checkpoint, String source) {
        NDManager manager = null;
        try {
            manager = NDManager.newBaseManager(Devices.chosen(), "PyTorch");
            var config = checkpoint.config();
            var unpacked = inPrecision(MemoryPlan.of(file.name(), config, 1, 1, 1), stored);
            Keep held = keep != null ? keep : Storage.chosen(checkpoint, manager.getDevice(), stored, unpacked);
            var plan = held == Keep.NEVER ? unpacked.packed(config) : unpacked;
            plan.requireLoadable(DeviceMemory.available(manager.getDevice()));
            var transformer = new Transformer(
                    checkpoint.tensors(),
                    checkpoint.names(),
                    config,
                    manager,
                    stored,
                    held,
                    () -> keep != null || Storage.fits(unpacked));
            var decoder = held == Keep.AT_ONCE ? null : new Decoder(checkpoint);
            return new LanguageModel(file, checkpoint, transformer, decoder, source);
        } catch (RuntimeException | Error e) {
            if (manager != null) {
                manager.close();
            }
            checkpoint.close();
            throw e;
        }
    }

    /** {@link LanguageModel#plan}. */
    static MemoryPlan plan(String name, Transformer loaded, int prompts, int tokens, int batch) {
        var plan = inPrecision(MemoryPlan.of(name, loaded.config, prompts, tokens, batch), loaded.stored);
        return loaded.keep == Keep.NEVER ? plan.packed(loaded.config) : plan;
    }

    private static MemoryPlan inPrecision(MemoryPlan plan, DataType stored) {
        return stored == DataType.FLOAT16 ? plan.inFloat16() : plan;
    }
}
