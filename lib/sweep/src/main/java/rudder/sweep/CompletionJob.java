package rudder.sweep;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import rudder.compare.Batch;
import rudder.compare.ScoredCompletion;
import rudder.model.LanguageModel;
import rudder.steer.ControllerFactory;
import rudder.sweep.unit.Folder;
import rudder.sweep.unit.SentModel;
import rudder.sweep.unit.UnitJob;
import rudder.sweep.unit.UnitTask;

/** Writes and scores a batch of completions. */
record CompletionJob(SentPart sent, Part part, Batch batch, String id) implements UnitJob {

    /** Finds the comparison of a unit in the broadcast. */
    static final class Task extends UnitTask<SentPart.Unit> {
        private static final long serialVersionUID = 1;

        private final Broadcast<ArrayList<SentPart>> parts;

        Task(String folder, Broadcast<ArrayList<SentPart>> parts, Broadcast<SerializableConfiguration> configuration) {
            super(folder, configuration);
            this.parts = parts;
        }

        @Override
        public UnitJob job(SentPart.Unit unit) throws IOException {
            var sent = parts.value().get(unit.part());
            var part = sent.part();
            return new CompletionJob(sent, part, part.batches().get(unit.batch()), unit.id());
        }
    }

    @Override
    public String folder() {
        return part.folder();
    }

    @Override
    public List<SentModel> models() {
        return Stream.of(sent.model(), sent.judge())
                .filter(model -> model != null)
                .toList();
    }

    @Override
    public Folder.Content compute(List<LanguageModel> models, Configuration configuration) throws IOException {
        long start = System.nanoTime();
        var scored = scored(models);
        double seconds = UnitTask.seconds(start);
        return path -> UnitFile.write(path, configuration, id, part, batch, scored, seconds);
    }

    /** Returns the completions, [arm][prompt]. */
    List<List<ScoredCompletion>> scored(List<LanguageModel> models) throws IOException {
        var model = models.get(0);
        var settings = part.settings(sent.judge() == null ? null : models.get(1));
        var prompts = batch.ofPrompts(part.prompts());
        var factories = new ArrayList<ControllerFactory>();
        for (var arm : sent.arms().subList(batch.firstArm(), batch.endArm())) {
            factories.add(arm.factory());
        }
        return settings.writeScored(model, factories, prompts, batch.first());
    }

    @Override
    public Folder.Content failed(String error, Configuration configuration) {
        return path -> UnitFile.writeFailure(path, configuration, id, part, batch, error);
    }
}
