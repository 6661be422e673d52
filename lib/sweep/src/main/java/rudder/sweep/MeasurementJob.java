package rudder.sweep;

import java.io.Serializable;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import rudder.model.LanguageModel;
import rudder.sweep.unit.Folder;
import rudder.sweep.unit.SentModel;
import rudder.sweep.unit.UnitJob;
import rudder.sweep.unit.UnitTask;

/**
 * Measures one unit of a survey. It is sent as it is.
 *
 * @param id of its file
 */
record MeasurementJob(SentModel model, Measurement what, String id) implements UnitJob, Serializable {

    /** Runs the job that was sent. */
    static final class Task extends UnitTask<MeasurementJob> {
        private static final long serialVersionUID = 1;

        Task(String folder, Broadcast<SerializableConfiguration> configuration) {
            super(folder, configuration);
        }

        @Override
        public UnitJob job(MeasurementJob unit) {
            return unit;
        }
    }

    @Override
    public String folder() {
        return "_surveys/" + model.id().folder();
    }

    @Override
    public List<SentModel> models() {
        return List.of(model);
    }

    @Override
    public Folder.Content compute(List<LanguageModel> models, Configuration configuration) {
        long start = System.nanoTime();
        var tables = what.of(models.get(0));
        double seconds = UnitTask.seconds(start);
        return path -> MeasurementFile.write(path, configuration, id, what, tables, seconds);
    }

    @Override
    public Folder.Content failed(String error, Configuration configuration) {
        return path -> MeasurementFile.writeFailure(path, configuration, id, what, error);
    }
}
