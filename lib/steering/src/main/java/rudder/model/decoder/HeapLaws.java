package rudder.model.decoder;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import rudder.checkpoint.ModelConfig;
import rudder.kernel.PackedInput;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.Controller;
import rudder.theory.control.HookPoint;
import rudder.theory.control.Measurement;

/** The laws of some texts' controllers, one controller for each text, ready to run on the heap. */
public final class HeapLaws {

    private final ModelConfig config;
    private final List<Group> groups;

    /** The texts that share a controller, and its laws by hook point and block. */
    private record Group(
            Controller controller, BitSet texts, Map<HookPoint, List<List<ControlLaw.Input<Panel>>>> laws) {
        List<ControlLaw.Input<Panel>> at(HookPoint point, int k) {
            return laws.get(point).get(k);
        }
    }

    /** Creates the laws of no text. */
    HeapLaws(ModelConfig config) {
        this(config, List.of());
    }

    private HeapLaws(ModelConfig config, List<Group> groups) {
        this.config = config;
        this.groups = groups;
    }

    /**
     * Returns the laws of some texts' controllers. Does not make laws again that are here, and leaves out all others.
     *
     * @param controllers one for each text
     * @throws IllegalArgumentException if a controller has a law for a block or a width that the model lacks
     */
    public HeapLaws of(List<Controller> controllers, BitSet texts) {
        var made = new IdentityHashMap<Controller, Group>();
        groups.forEach(group -> made.put(group.controller, group));
        var found = new IdentityHashMap<Controller, Group>();
        var others = new ArrayList<Group>();
        texts.stream().forEach(i -> {
            var controller = controllers.get(i);
            if (!found.containsKey(controller)) {
                var laws = made.containsKey(controller) ? made.get(controller).laws : laws(controller, config);
                found.put(controller, new Group(controller, new BitSet(), laws));
                others.add(found.get(controller));
            }
            found.get(controller).texts.set(i);
        });
        return new HeapLaws(config, others);
    }

    private static Map<HookPoint, List<List<ControlLaw.Input<Panel>>>> laws(Controller controller, ModelConfig config) {
        controller.requireFits(config.horizon(), config.dimension(), config.headsWidth());
        var laws = new EnumMap<HookPoint, List<List<ControlLaw.Input<Panel>>>>(HookPoint.class);
        for (var point : HookPoint.values()) {
            var byBlock = new ArrayList<List<ControlLaw.Input<Panel>>>();
            for (int k = 0; k < config.horizon(); k++) {
                byBlock.add(controller.laws(point, k).stream()
                        .map(law -> law.on(PanelArithmetic.INSTANCE))
                        .toList());
            }
            laws.put(point, byBlock);
        }
        return laws;
    }

    /** Returns the laws of other texts: text i has those of text {@code texts[i]}. */
    public HeapLaws of(int... texts) {
        var others = groups.stream()
                .map(group -> {
                    var own = new BitSet();
                    for (int i = 0; i < texts.length; i++) {
                        own.set(i, group.texts.get(texts[i]));
                    }
                    return new Group(group.controller, own, group.laws);
                })
                .toList();
        return new HeapLaws(config, others);
    }

    /**
     * Begins one pass through the blocks. Laws remember earlier blocks in this pass only.
     *
     * @param width of the states
     * @param texts of each token of the pass
     * @param steered whether each token is steered
     */
    Pass pass(int width, int[] texts, boolean... steered) {
        return new Pass(width, texts, steered);
    }

    final class Pass {
        private final int width;
        private final List<int[]> tokens; // that are steered, of each group
        private final List<Memory> memories =
                groups.stream().map(group -> new Memory(new HashMap<>())).toList();

        private Pass(int width, int[] texts, boolean... steered) {
            this.width = width;
            tokens = groups.stream()
                    .map(group -> IntStream.range(0, texts.length)
                            .filter(i -> steered[i] && group.texts.get(texts[i]))
                            .toArray())
                    .toList();
        }

        /**
         * Returns u and the inputs for what is read at a hook point of block k.
         *
         * @param read what is read, [rows, width]
         * @param u inputs so far, added to in place; null for none
         * @return [rows, width]; null if there are none at all
         */
        float[] add(HookPoint point, int k, float[] read, int rows, float[] u) {
            float[] sum = u;
            for (int g = 0; g < groups.size(); g++) {
                var laws = groups.get(g).at(point, k);
                int[] own = tokens.get(g);
                if (laws.isEmpty() || own.length == 0) {
                    continue;
                }
                sum = sum == null ? new float[rows * width] : sum;
                Panel z = columns(read, rows, own);
                for (var law : laws) {
                    add(law.of(z, memories.get(g)), own, sum);
                }
            }
            return sum;
        }

        private Panel columns(float[] read, int rows, int... own) {
            // one text among many is computed as one of many
            int some =
                    PackedInput.width(width < PackedInput.MANY ? own.length : Math.max(PackedInput.MANY, own.length));
            if (some == width && isRange(own)) {
                return new Panel(rows, width, read);
            }
            var z = new Panel(rows, some);
            for (int i = 0; i < rows; i++) {
                for (int c = 0; c < own.length; c++) {
                    z.values()[i * some + c] = read[i * width + own[c]];
                }
            }
            return z;
        }

        private static boolean isRange(int... own) {
            return IntStream.range(0, own.length).allMatch(i -> own[i] == i);
        }

        private void add(Panel input, int[] own, float[] sum) {
            for (int i = 0; i < input.rows(); i++) {
                for (int c = 0; c < own.length; c++) {
                    sum[i * width + own[c]] += input.values()[i * input.columns() + c];
                }
            }
        }
    }

    private record Memory(Map<Measurement, Panel> errors) implements ControlLaw.Memory<Panel> {
        @Override
        public void keep(Measurement measurement, Panel read) {
            errors.put(measurement, read);
        }

        @Override
        public Panel recall(Measurement measurement) {
            return errors.get(measurement);
        }
    }
}
