package rudder.experiment;

import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.DoubleFunction;
import rudder.checkpoint.format.Progress;
import rudder.experiment.condition.Disturbance;
import rudder.experiment.condition.Dose;
import rudder.model.LanguageModel;
import rudder.model.MovedText;
import rudder.steer.ControllerFactory;
import rudder.theory.Check;
import rudder.theory.control.Arm;
import rudder.theory.control.Controller;

/** Computes the units that a run lacks. */
final class Runner {

    private final Experiment plan;
    private final Experiment.Setup setup;
    private final Units units;

    Runner(Experiment plan, Experiment.Setup setup, Units units) {
        this.plan = plan;
        this.setup = setup;
        this.units = units;
    }

    /** Runs each disturbance on all concepts before the next: so a run that is stopped leaves whole comparisons. */
    void run() throws IOException {
        for (var name : plan.models()) {
            try (var loaded = new Loaded(name);
                    var job = Progress.of(
                            name,
                            (long) plan.disturbances().size() * plan.judged().size())) {
                for (var disturbance : plan.disturbances()) {
                    for (var concept : plan.judged()) {
                        if (!isDone(name, concept, disturbance)) {
                            run(name, loaded, concept, disturbance);
                        }
                        job.advance(1);
                    }
                }
            }
        }
    }

    /** Whether no unit is missing, if the plan names its twins: others are known only when they are made. */
    private boolean isDone(String name, String concept, Disturbance disturbance) {
        return !plan.twins().isEmpty()
                && units.find(Unit.Key.unsteered(name, concept, disturbance)).isPresent()
                && plan.strengths(name, concept, plan.twins()).stream()
                        .allMatch(key -> key.isDone(disturbance, units::find));
    }

    /** One model, as it is and with rounded weights; each is loaded when it first runs. */
    private final class Loaded implements AutoCloseable {
        private final String name;
        private final Map<Integer, LanguageModel> models = new TreeMap<>();

        Loaded(String name) {
            this.name = name;
        }

        /** @param bits of the weights; 0 for those of the checkpoint */
        LanguageModel of(int bits) throws IOException {
            if (!models.containsKey(bits)) {
                models.put(bits, setup.models().load(name, bits));
            }
            return models.get(bits);
        }

        @Override
        public void close() {
            models.values().forEach(LanguageModel::close);
        }
    }

    private void run(String name, Loaded loaded, String concept, Disturbance disturbance) throws IOException {
        var model = loaded.of(0);
        var key = Unit.Key.unsteered(name, concept, disturbance);
        if (units.find(key).isEmpty()) {
            write(Map.of(key, ControllerFactory.of(Controller.none())), loaded, disturbance, concept);
        }
        var twins = setup.twins().of(model, setup.concepts().read(concept));
        var wanted = twins.stream()
                .filter(twin -> plan.twins().isEmpty() || plan.twins().contains(twin.name()))
                .toList();
        Check.that(
                !wanted.isEmpty()
                        && (plan.twins().isEmpty()
                                || wanted.size() == plan.twins().size()),
                "the plan's twins %s are not those of %s, which are %s",
                plan.twins(),
                concept,
                twins);
        for (var dose : plan.doses()) {
            var arms = new LinkedHashMap<Unit.Key, DoubleFunction<? extends Arm>>();
            for (var twin : wanted) {
                for (var side : Twin.Side.values()) {
                    arms.put(
                            Unit.Key.strength(name, concept, dose, twin.name(), side),
                            strength -> twin.arm(side, strength));
                }
            }
            find(model, dose, arms);
            write(loaded, arms, concept, disturbance);
        }
    }

    /** Finds the strengths that the run lacks, side by side. */
    private void find(LanguageModel model, Dose dose, Map<Unit.Key, DoubleFunction<? extends Arm>> arms)
            throws IOException {
        var missing = new LinkedHashMap<String, DoubleFunction<? extends Arm>>();
        var keys = new HashMap<String, Unit.Key>();
        arms.forEach((key, arm) -> {
            if (units.find(key).isEmpty()) {
                var name = key.twin() + ", " + key.side();
                missing.put(name, arm);
                keys.put(name, key);
            }
        });
        var found = dose.find(model, missing, plan.calibration(), plan.settings(), name -> start(keys.get(name)));
        for (var name : missing.keySet()) {
            units.add(Unit.strength(keys.get(name), found.found(name)));
        }
    }

    /** Writes the texts that the run lacks under a disturbance, side by side. */
    private void write(
            Loaded loaded, Map<Unit.Key, DoubleFunction<? extends Arm>> arms, String concept, Disturbance disturbance)
            throws IOException {
        var missing = new LinkedHashMap<Unit.Key, ControllerFactory>();
        for (var arm : arms.entrySet()) {
            var found = units.find(arm.getKey()).orElseThrow();
            var key = arm.getKey().under(disturbance.name());
            if (found.reached() && units.find(key).isEmpty()) {
                missing.put(key, ControllerFactory.of(arm.getValue().apply(found.strength())));
            }
        }
        write(missing, loaded, disturbance, concept);
    }

    /** Returns the arm's strength for the last concept before this one that has one: a guess that saves steps. */
    private double start(Unit.Key key) {
        double start = 1;
        for (var concept : plan.judged().subList(0, plan.judged().indexOf(key.concept()))) {
            var other = units.find(key.of(concept));
            start = other.isPresent() && other.get().reached() ? other.get().strength() : start;
        }
        return start;
    }

    private void write(Map<Unit.Key, ControllerFactory> arms, Loaded loaded, Disturbance disturbance, String concept)
            throws IOException {
        if (arms.isEmpty()) {
            return;
        }
        var tuned = loaded.of(0);
        var model = loaded.of(disturbance.bits());
        var prompts = plan.prompts(disturbance, concept);
        var shaken =
                arms.values().stream().map(arm -> disturbance.on(tuned, arm)).toList();
        var written = disturbance
                .on(plan.settings())
                .writeMoved(model, shaken, prompts, 0)
                .iterator();
        for (var key : arms.keySet()) {
            var texts = written.next();
            units.add(Unit.texts(
                    key,
                    strength(key),
                    prompts,
                    texts.stream().map(text -> text.completion().text()).toList(),
                    texts.stream().mapToDouble(MovedText::mean).toArray()));
        }
    }

    /** Returns the strength of the arm that writes a unit's texts; 0 for none. */
    private double strength(Unit.Key texts) {
        return texts.twin().isEmpty()
                ? 0
                : units.find(texts.under("")).orElseThrow().strength();
    }
}
