package rudder.experiment;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import rudder.checkpoint.format.Progress;
import rudder.model.Completion;
import rudder.model.LanguageModel;
import rudder.steer.ControllerFactory;
import rudder.theory.Check;
import rudder.theory.Stop;
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

    void run() throws IOException {
        for (var name : plan.models()) {
            try (var model = setup.models().load(name, 0);
                    var rounded = new Rounded(name)) {
                try (var job = Progress.of(name, plan.judged().size())) {
                    for (var concept : plan.judged()) {
                        run(name, model, rounded, concept);
                        job.advance(1);
                    }
                }
            }
        }
    }

    /** Models with rounded weights, loaded when they first run. */
    private final class Rounded implements AutoCloseable {
        private final String name;
        private final Map<Integer, LanguageModel> models = new TreeMap<>();

        Rounded(String name) {
            this.name = name;
        }

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

    private void run(String name, LanguageModel model, Rounded rounded, String concept) throws IOException {
        for (var disturbance : plan.disturbances()) {
            var key = new Unit.Key(name, disturbance.ofConcept() ? concept : "", "", "", "", disturbance.name());
            if (units.find(key).isEmpty()) {
                write(key, 0, model, rounded, disturbance, concept, ControllerFactory.of(Controller.none()));
            }
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
            for (var twin : wanted) {
                for (var side : Twin.Side.values()) {
                    run(name, model, rounded, concept, dose, twin, side);
                }
            }
        }
    }

    private void run(
            String name, LanguageModel model, Rounded rounded, String concept, Dose dose, Twin twin, Twin.Side side)
            throws IOException {
        Stop.ifInterrupted(units.all().size(), Integer.MAX_VALUE, "units");
        var key = new Unit.Key(name, concept, dose.toString(), twin.name(), side.name(), "");
        var known = units.find(key);
        var found = known.isPresent()
                ? known.get()
                : units.add(Unit.strength(
                        key,
                        dose.find(model, strength -> twin.arm(side, strength), plan.calibration(), plan.settings())));
        if (!found.reached()) {
            return;
        }
        ControllerFactory arm = null; // made once, when a text is missing
        for (var disturbance : plan.disturbances()) {
            var texts = new Unit.Key(name, concept, key.dose(), key.twin(), key.side(), disturbance.name());
            if (units.find(texts).isEmpty()) {
                arm = arm == null ? ControllerFactory.of(twin.arm(side, found.strength())) : arm;
                write(texts, found.strength(), model, rounded, disturbance, concept, arm);
            }
        }
    }

    private void write(
            Unit.Key key,
            double strength,
            LanguageModel tuned,
            Rounded rounded,
            Disturbance disturbance,
            String concept,
            ControllerFactory arm)
            throws IOException {
        var model = disturbance.bits() == 0 ? tuned : rounded.of(disturbance.bits());
        var prompts = plan.prompts(disturbance, concept);
        var settings = disturbance.on(plan.settings());
        var shaken = disturbance.on(tuned, arm).kept();
        var written = settings.write(model, List.of(shaken), prompts, 0).get(0);
        units.add(Unit.texts(
                key,
                strength,
                prompts,
                written.stream().map(Completion::text).toList(),
                Dose.klPerToken(model, shaken, prompts, written, settings)));
    }
}
