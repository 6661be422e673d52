package rudder.sweep;

import java.util.List;

/**
 * A unit of a sweep that could not be computed. The next run tries it again.
 *
 * @param unit its id
 * @param model the model's name
 * @param controllers that ran side by side
 * @param firstPrompt index of its first prompt
 * @param prompts how many prompts it has
 * @param error what happened
 */
public record Failure(
        String unit, String model, List<String> controllers, int firstPrompt, int prompts, String error) {}
