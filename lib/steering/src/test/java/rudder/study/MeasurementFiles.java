package rudder.study;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import rudder.steer.Provenance;

/** Writes and reads the measurements of a study, which no public call does alone. */
public final class MeasurementFiles {
    private MeasurementFiles() {}

    public static void write(Path cache, Provenance provenance, Map<String, double[][]> tables) throws IOException {
        new Measurements(tables).keep(cache, provenance);
    }

    public static Optional<Map<String, double[][]>> read(Path cache, Provenance provenance) throws IOException {
        return Measurements.kept(cache, provenance).map(Measurements::tables);
    }
}
