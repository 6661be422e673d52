package rudder.experiment;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import rudder.checkpoint.format.Progress;
import rudder.compare.Dose;
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

    /** Runs the first disturbance on all concepts before the others: so the primary outcome is there first. */
    void run() throws IOException {
        var all = plan.disturbances();
        for (var name : plan.models()) {
            try (var model = setup.models().load(name, 0);
                    var rounded = new Rounded(name);
                    var job = Progress.of(name, 2L * plan.judged().size())) {
                for (var disturbances : List.of(all.subList(0, 1), all.subList(1, all.size()))) {
                    for (var concept : plan.judged()) {
                        if (!isDone(name, concept, disturbances)) {
                            run(name, model, rounded, concept, disturbances);
                        }
                        job.advance(1);
                    }
                }
            }
        }
    }

    /** Whether no unit is missing, if the plan names its twins: others are known only when they are made. */
    private boolean isDone(String name, String concept, List<Disturbance> disturbances) {
        return !plan.twins().isEmpty()
                && disturbances.stream().allMatch(one -> units.find(unsteered(name, concept, one))
                        .isPresent())
                && plan.doses().stream()
                        .flatMap(dose -> plan.twins().stream().flatMap(twin -> Stream.of(Twin.Side.values())
                                .map(side -> new Unit.Key(name, concept, dose.toString(), twin, side.name(), ""))))
                        .allMatch(key -> isDone(key, disturbances));
    }

    private boolean isDone(Unit.Key strength, List<Disturbance> disturbances) {
        var found = units.find(strength);
        return found.isPresent()
                && (!found.get().reached()
                        || disturbances.stream().allMatch(one -> units.find(strength.under(one.name()))
                                .isPresent()));
    }

    private static Unit.Key unsteered(String name, String concept, Disturbance disturbance) {
        return new Unit.Key(name, disturbance.ofConcept() ? concept : "", "", "", "", disturbance.name());
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

    private void run(String name, LanguageModel model, Rounded rounded, String concept, List<Disturbance> disturbances)
            throws IOException {
        for (var disturbance : disturbances) {
            var key = unsteered(name, concept, disturbance);
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
                    run(
                            model,
                            rounded,
                            new Unit.Key(name, concept, dose.toString(), twin.name(), side.name(), ""),
                            dose,
                            twin,
                            side,
                            disturbances);
                }
            }
        }
    }

    private void run(
            LanguageModel model,
            Rounded rounded,
            Unit.Key key,
            Dose dose,
            Twin twin,
            Twin.Side side,
            List<Disturbance> disturbances)
            throws IOException {
        Stop.ifInterrupted(units.all().size(), Integer.MAX_VALUE, "units");
        var known = units.find(key);
        var found = known.isPresent()
                ? known.get()
                : units.add(Unit.strength(
                        key,
                        dose.find(
                                model,
                                strength -> twin.arm(side, strength),
                                plan.calibration(),
                                plan.settings(),
                                start(key))));
        if (!found.reached()) {
            return;
        }
        ControllerFactory arm = null; // made once, when a text is missing
        for (var disturbance : disturbances) {
            var texts = key.under(disturbance.name());
            if (units.find(texts).isEmpty()) {
                arm = arm == null ? ControllerFactory.of(twin.arm(side, found.strength())) : arm;
                write(texts, found.strength(), model, rounded, disturbance, key.concept(), arm);
            }
        }
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
