package rudder.eval;

/**
 * A prompt of a benchmark.
 *
 * @param text the prompt
 * @param answer the benchmark's answer, blank if it gives none
 * @param kind the benchmark's name for the item or its kind, blank if it gives none
 */
public record BenchmarkItem(String text, String answer, String kind) {}
