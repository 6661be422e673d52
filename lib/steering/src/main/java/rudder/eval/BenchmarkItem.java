package rudder.eval;

/**
 * What a model is asked, out of a benchmark.
 *
 * @param text the prompt
 * @param answer what the benchmark gives as its answer, blank where it gives none
 * @param kind the benchmark's name for its kind, or for the item; blank where there is none
 */
public record BenchmarkItem(String text, String answer, String kind) {}
