package rudder.theory.control;

import java.util.HashMap;
import java.util.Map;
import org.ejml.data.DMatrixRMaj;
import rudder.theory.Check;

/** What the laws of one run have read so far. */
final class MeasurementMemory implements ControlLaw.Memory<DMatrixRMaj> {
    private final Map<Measurement, DMatrixRMaj> errors = new HashMap<>();

    @Override
    public void keep(Measurement reading, DMatrixRMaj read) {
        errors.put(reading, read);
    }

    @Override
    public DMatrixRMaj recall(Measurement reading) {
        var read = errors.get(reading);
        Check.that(
                read != null,
                "a law remembers a %s of an earlier block, which has not been made: give it all states so far",
                reading);
        return read;
    }
}
