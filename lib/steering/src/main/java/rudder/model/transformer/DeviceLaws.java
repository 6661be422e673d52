package rudder.model.transformer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import rudder.checkpoint.ModelConfig;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.Controller;
import rudder.theory.control.HookPoint;
import rudder.theory.control.Measurement;

/**
 * The laws of a batch's controllers, one controller for each row, on the engine's device. They are uploaded once and
 * serve any number of tokens.
 */
public final class DeviceLaws implements AutoCloseable {

    /** A controller's laws, by hook point and block. */
    private record Uploaded(Map<HookPoint, Map<Integer, List<ControlLaw.Input<NDArray>>>> inputs) {}

    /** The adjacent rows first..end-1, which share a controller. */
    private record Group(int first, int end, Uploaded laws) {
        List<ControlLaw.Input<NDArray>> inputs(HookPoint point, int k) {
            return laws.inputs.get(point).getOrDefault(k, List.of());
        }
    }

    private final NDManager manager;
    private final DeviceArithmetic arithmetic;
    private final List<Uploaded> rows; // the same object for rows that share a controller
    private final List<Group> groups;

    /**
     * @param rows the controller of each row
     * @throws IllegalArgumentException if a controller has a law for a block or a width that the model lacks
     */
    public DeviceLaws(NDManager parent, DataType type, List<Controller> rows, ModelConfig config) {
        manager = parent.newSubManager();
        arithmetic = new DeviceArithmetic(manager, type);
        var uploaded = new IdentityHashMap<Controller, Uploaded>();
        this.rows = rows.stream()
                .map(controller -> {
                    controller.requireFits(config.horizon(), config.dimension(), config.headsWidth());
                    return uploaded.computeIfAbsent(controller, this::upload);
                })
                .toList();
        groups = grouped(this.rows);
    }

    private DeviceLaws(DeviceLaws from, int[] rows) {
        manager = from.manager;
        arithmetic = from.arithmetic;
        this.rows = Arrays.stream(rows).mapToObj(from.rows::get).toList();
        groups = grouped(this.rows);
    }

    /** Returns laws with these rows in this order, some perhaps several times. Closing the original closes them too. */
    public DeviceLaws of(int... rows) {
        return new DeviceLaws(this, rows);
    }

    private static List<Group> grouped(List<Uploaded> rows) {
        var groups = new ArrayList<Group>();
        for (int first = 0, end; first < rows.size(); first = end) {
            end = first + 1;
            while (end < rows.size() && rows.get(end) == rows.get(first)) {
                end++;
            }
            groups.add(new Group(first, end, rows.get(first)));
        }
        return groups;
    }

    private Uploaded upload(Controller controller) {
        var inputs = new EnumMap<HookPoint, Map<Integer, List<ControlLaw.Input<NDArray>>>>(HookPoint.class);
        for (var point : HookPoint.values()) {
            var byBlock = new HashMap<Integer, List<ControlLaw.Input<NDArray>>>();
            for (int k : controller.blocks(point)) {
                var laws = controller.laws(point, k).stream();
                byBlock.put(k, laws.map(law -> law.on(arithmetic)).toList());
            }
            inputs.put(point, byBlock);
        }
        return new Uploaded(inputs);
    }

    /**
     * Begins one pass through the blocks, from first to last. Laws that remember earlier blocks remember them in this
     * pass only.
     */
    Step run(NDManager scope) {
        return new Step(scope);
    }

    final class Step {
        private final List<Memory> memories;

        private Step(NDManager scope) {
            memories = groups.stream()
                    .map(group -> new Memory(scope, new HashMap<>()))
                    .toList();
        }

        /** Returns the inputs for what is read at a hook point of block k, both [B, .., d]; null without a law. */
        NDArray input(HookPoint point, int k, NDArray read) {
            if (groups.stream().allMatch(group -> group.inputs(point, k).isEmpty())) {
                return null;
            }
            if (groups.size() == 1) {
                return input(0, point, k, read);
            }
            var inputs = new NDList();
            for (int i = 0; i < groups.size(); i++) {
                NDArray rows = read.get(new NDIndex().addSliceDim(groups.get(i).first, groups.get(i).end));
                NDArray u = input(i, point, k, rows);
                inputs.add(u == null ? rows.zerosLike() : u);
            }
            return NDArrays.concat(inputs, 0);
        }

        private NDArray input(int group, HookPoint point, int k, NDArray read) {
            return groups.get(group).inputs(point, k).stream()
                    .map(input -> input.of(read, memories.get(group)))
                    .reduce(arithmetic::plus)
                    .orElse(null);
        }
    }

    private record Memory(NDManager scope, Map<Measurement, NDArray> errors) implements ControlLaw.Memory<NDArray> {
        @Override
        public void keep(Measurement measurement, NDArray read) {
            read.attach(scope);
            errors.put(measurement, read);
        }

        @Override
        public NDArray recall(Measurement measurement) {
            return errors.get(measurement);
        }
    }

    @Override
    public void close() {
        manager.close();
    }
}
