package rudder.experiment;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import rudder.experiment.condition.Disturbance;
import rudder.experiment.condition.Dose;

/**
 * One line of a run: the strength of an arm at a dose, or the texts of an arm under a disturbance.
 *
 * @param key tells units apart
 * @param outcome of the search for the strength; empty for texts
 * @param strength of the arm; 0 if the search failed, or unsteered
 * @param achieved dose on the calibration openings; 0 if the search failed
 * @param prompts of the texts
 * @param texts behind the prompts
 * @param kl nats a token, of each text
 */
record Unit(
        Key key,
        String outcome,
        double strength,
        double achieved,
        List<String> prompts,
        List<String> texts,
        double[] kl) {

    /**
     * Tells units apart.
     *
     * @param model name
     * @param concept steered towards; empty for unsteered texts that serve all concepts
     * @param dose as text; empty for unsteered texts
     * @param twin name; empty for unsteered texts
     * @param side {@code OPEN}, {@code CLOSED}, or empty
     * @param disturbance name; empty for a strength
     */
    record Key(String model, String concept, String dose, String twin, String side, String disturbance) {

        /** Returns the key of an arm's strength at a dose. */
        static Key strength(String model, String concept, Dose dose, String twin, Twin.Side side) {
            return new Key(model, concept, dose.toString(), twin, side.name(), "");
        }

        /** Returns the key of unsteered texts, which serve all concepts unless the disturbance depends on them. */
        static Key unsteered(String model, String concept, Disturbance disturbance) {
            return new Key(model, disturbance.ofConcept() ? concept : "", "", "", "", disturbance.name());
        }

        /** Returns the key of the same arm's texts under a disturbance. */
        Key under(String name) {
            return new Key(model, concept, dose, twin, side, name);
        }

        /**
         * Whether the texts of the arm of this strength are there, or it has none because no strength reached the dose.
         *
         * @param units finds units by their keys
         */
        boolean isDone(Disturbance disturbance, Function<Key, Optional<Unit>> units) {
            var found = units.apply(this);
            return found.isPresent()
                    && (!found.get().reached()
                            || units.apply(under(disturbance.name())).isPresent());
        }

        /** Returns the key of the same arm for another concept. */
        Key of(String other) {
            return new Key(model, other, dose, twin, side, disturbance);
        }

        boolean isWhole() {
            return model != null
                    && concept != null
                    && dose != null
                    && twin != null
                    && side != null
                    && disturbance != null;
        }
    }

    static Unit strength(Key key, Dose.Found found) {
        boolean reached = found.outcome() == Dose.Outcome.REACHED;
        return new Unit(
                key,
                reached ? found.outcome().name() : found.toString(),
                reached ? found.strength() : 0,
                reached ? found.achieved() : 0,
                List.of(),
                List.of(),
                new double[0]);
    }

    static Unit texts(Key key, double strength, List<String> prompts, List<String> texts, double[] kl) {
        return new Unit(key, "", strength, 0, prompts, texts, kl);
    }

    /** Returns the texts, each with what it was made for. */
    Stream<WrittenText> written() {
        return IntStream.range(0, texts.size())
                .mapToObj(i -> new WrittenText(
                        key.model,
                        key.concept,
                        key.dose,
                        key.twin,
                        key.side,
                        key.disturbance,
                        prompts.get(i),
                        texts.get(i)));
    }

    /** Returns why there is no strength, without the trials, which only the file keeps. */
    String reason() {
        return Dose.Found.reason(outcome);
    }

    boolean reached() {
        return outcome.equals(Dose.Outcome.REACHED.name());
    }

    boolean isWhole() {
        return key != null
                && key.isWhole()
                && outcome != null
                && prompts != null
                && texts != null
                && kl != null
                && prompts.size() == texts.size()
                && kl.length == texts.size()
                && Double.isFinite(strength);
    }
}
