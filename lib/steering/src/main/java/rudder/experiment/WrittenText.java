package rudder.experiment;

/**
 * A text of an experiment, and what it was made for.
 *
 * @param model name
 * @param concept steered towards; empty for unsteered texts that serve all concepts
 * @param dose as text; empty for unsteered texts
 * @param twin name; empty for unsteered texts
 * @param side {@code OPEN}, {@code CLOSED}, or empty
 * @param disturbance name
 * @param prompt of the text
 * @param text behind the prompt
 */
public record WrittenText(
        String model,
        String concept,
        String dose,
        String twin,
        String side,
        String disturbance,
        String prompt,
        String text) {}
