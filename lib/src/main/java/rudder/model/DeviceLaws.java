package rudder.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import rudder.theory.Controller;
import rudder.theory.Law;
import rudder.theory.Place;
import rudder.theory.Reading;

/** A controller's laws, uploaded to the engine's device once, for any number of tokens at a time. */
final class DeviceLaws implements AutoCloseable {

    private final NDManager manager;
    private final DeviceArithmetic arithmetic;
    private final Map<Place, Map<Integer, List<Law.Input<NDArray>>>> inputs = new EnumMap<>(Place.class);

    /**
     * @param heads numbers that the heads of a block put out together
     * @throws IllegalArgumentException if the controller was made for another number of blocks or another width
     */
    DeviceLaws(NDManager parent, DataType type, Controller controller, int horizon, int dimension, int heads) {
        controller.requireFits(horizon, dimension, heads);
        manager = parent.newSubManager();
        arithmetic = new DeviceArithmetic(manager, type);
        for (var place : Place.values()) {
            var byBlock = new HashMap<Integer, List<Law.Input<NDArray>>>();
            controller.blocks(place).forEach(k -> byBlock.put(k, controller.laws(place, k).stream().map(law -> law.on(arithmetic)).toList()));
            inputs.put(place, byBlock);
        }
    }

    /** One pass through the blocks, from first to last: what laws remember is the errors of the same pass, kept in its scope. */
    Run run(NDManager scope) {
        return new Run(scope);
    }

    final class Run implements Law.Memory<NDArray> {
        private final NDManager scope;
        private final Map<Reading, NDArray> errors = new HashMap<>();

        private Run(NDManager scope) {
            this.scope = scope;
        }

        /** What is added [.., d] for what is read [.., d] at a place of block k, row by row; null where the controller has no law. */
        NDArray input(Place place, int k, NDArray read) {
            return inputs.get(place).getOrDefault(k, List.of()).stream().map(input -> input.of(read, this)).reduce(arithmetic::plus).orElse(null);
        }

        @Override
        public void keep(Reading reading, NDArray read) {
            read.attach(scope);
            errors.put(reading, read);
        }

        @Override
        public NDArray recall(Reading reading) {
            return errors.get(reading);
        }
    }

    @Override
    public void close() {
        manager.close();
    }
}
