package rudder.theory.control;

import java.util.HashMap;
import java.util.Map;
import org.ejml.data.DMatrixRMaj;
import rudder.theory.Check;

/** The errors that the laws of one run have measured so far. */
final class MeasurementMemory implements ControlLaw.Memory<DMatrixRMaj> {
    private final Map<Measurement, DMatrixRMaj> errors = new HashMap<>();

    @Override
    public void keep(Measurement measurement, DMatrixRMaj found) {
        errors.put(measurement, found);
    }

    @Override
    public DMatrixRMaj recall(Measurement measurement) {
        var found = errors.get(measurement);
        Check.that(
                found != null,
                "a law remembers a %s of an earlier block, which was not made: give all states up to this block",
                measurement);
        return found;
    }
}
