package rudder.model.pass;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import rudder.model.engine.EngineAlgebra;

/**
 * Small results of passes that stay in the engine until one of them is asked for. Then all that wait come in one
 * transfer, since a device answers each only after all work before it.
 */
final class Readings implements AutoCloseable {

    private final NDManager scope;
    private final List<Reading> waiting = new ArrayList<>();

    Readings(NDManager parent) {
        scope = parent.newSubManager();
    }

    /** Keeps an array for later. */
    Reading keep(NDArray array) {
        NDArray flat = array.flatten();
        flat.attach(scope);
        var reading = new Reading(flat);
        waiting.add(reading);
        return reading;
    }

    /** The numbers of one array. */
    final class Reading {
        private NDArray array; // null once read
        private double[] numbers;

        private Reading(NDArray array) {
            this.array = array;
        }

        /**
         * Returns the numbers, row by row.
         *
         * @throws IllegalStateException if nobody asked before the passes were closed
         */
        double[] numbers() {
            if (numbers == null) {
                readAll();
            }
            if (numbers == null) {
                throw new IllegalStateException(
                        "a measurement of a text that has ended: ask for it while the text is written");
            }
            return numbers;
        }
    }

    private void readAll() {
        if (waiting.isEmpty()) {
            return;
        }
        try (NDManager within = scope.newSubManager()) {
            var arrays = new NDList();
            waiting.forEach(reading -> arrays.add(reading.array));
            NDArray together = NDArrays.concat(arrays);
            together.attach(within);
            double[] all = EngineAlgebra.numbers(together);
            int at = 0;
            for (var reading : waiting) {
                int size = Math.toIntExact(reading.array.size());
                reading.numbers = Arrays.copyOfRange(all, at, at += size);
                reading.array.close();
                reading.array = null;
            }
        }
        waiting.clear();
    }

    @Override
    public void close() {
        waiting.clear();
        scope.close();
    }
}
