package rudder.model.decoder;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.ejml.data.DMatrixRMaj;
import rudder.checkpoint.ModelConfig;
import rudder.theory.control.Arithmetic;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.Controller;
import rudder.theory.control.HookPoint;
import rudder.theory.control.Measurement;

/** The laws of one controller, ready to run on the heap in double precision. */
public final class HeapLaws {

    private final Map<HookPoint, List<List<ControlLaw.Input<DMatrixRMaj>>>> laws = new EnumMap<>(HookPoint.class);

    /** @throws IllegalArgumentException if the controller has a law for a block or a width that the model lacks */
    public HeapLaws(Controller controller, ModelConfig config) {
        controller.requireFits(config.horizon(), config.dimension(), config.headsWidth());
        for (var point : HookPoint.values()) {
            var byBlock = new ArrayList<List<ControlLaw.Input<DMatrixRMaj>>>();
            for (int k = 0; k < config.horizon(); k++) {
                byBlock.add(controller.laws(point, k).stream()
                        .map(law -> law.on(Arithmetic.heap()))
                        .toList());
            }
            laws.put(point, byBlock);
        }
    }

    /** Begins one pass through the blocks. Laws remember earlier blocks in this pass only. */
    Pass pass() {
        return new Pass();
    }

    final class Pass implements ControlLaw.Memory<DMatrixRMaj> {
        private final Map<Measurement, DMatrixRMaj> errors = new HashMap<>();

        /**
         * Returns u and the input for what is read at a hook point of block k.
         *
         * @param read what is read, of this width
         * @param u inputs so far, added to in place; null for none
         * @return null if there is none at all
         */
        double[] add(HookPoint point, int k, float[] read, int width, double[] u) {
            var here = laws.get(point).get(k);
            if (here.isEmpty()) {
                return u;
            }
            var z = new DMatrixRMaj(1, width);
            for (int i = 0; i < width; i++) {
                z.data[i] = read[i];
            }
            double[] sum = u == null ? new double[width] : u;
            for (var law : here) {
                double[] input = law.of(z, this).data;
                for (int i = 0; i < width; i++) {
                    sum[i] += input[i];
                }
            }
            return sum;
        }

        @Override
        public void keep(Measurement measurement, DMatrixRMaj read) {
            errors.put(measurement, read);
        }

        @Override
        public DMatrixRMaj recall(Measurement measurement) {
            return errors.get(measurement);
        }
    }
}
