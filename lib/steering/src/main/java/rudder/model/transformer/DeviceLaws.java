package rudder.model.transformer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
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
    private final boolean[][] mask; // [B][L], null where every token that is asked about is steered

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
        mask = null;
    }

    private DeviceLaws(DeviceLaws from, List<Uploaded> rows, boolean[][] mask) {
        manager = from.manager;
        arithmetic = from.arithmetic;
        this.rows = rows;
        groups = grouped(rows);
        this.mask = mask;
    }

    /** Returns laws with these rows in this order, some perhaps several times. Closing the original closes them too. */
    public DeviceLaws of(int... rows) {
        return new DeviceLaws(this, Arrays.stream(rows).mapToObj(this.rows::get).toList(), null);
    }

    /**
     * Returns the same laws for a pass in which only some tokens are steered. Closing the original closes them too.
     *
     * @param steered the tokens of each row, [B][L]
     */
    public DeviceLaws masked(boolean[][] steered) {
        return new DeviceLaws(this, rows, steered);
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
        private final NDArray steered; // [B, L, 1], 0 or 1; null without a mask

        private Step(NDManager scope) {
            memories = groups.stream()
                    .map(group -> new Memory(scope, new HashMap<>()))
                    .toList();
            steered = mask == null ? null : upload(scope);
        }

        private NDArray upload(NDManager scope) {
            var flags = new float[mask.length * mask[0].length];
            for (int i = 0; i < flags.length; i++) {
                flags[i] = mask[i / mask[0].length][i % mask[0].length] ? 1 : 0;
            }
            return scope.create(flags, new Shape(mask.length, mask[0].length, 1))
                    .toType(arithmetic.type(), false);
        }

        /** Returns the inputs for what is read at a hook point of block k, both [B, L, d]; null without a law. */
        NDArray input(HookPoint point, int k, NDArray read) {
            NDArray u = unmasked(point, k, read);
            return u == null || steered == null ? u : u.mul(steered);
        }

        private NDArray unmasked(HookPoint point, int k, NDArray read) {
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
