/**
 * Whether steering did what it was to do: {@link rudder.eval.Judge}s of what was written, questions with answers to choose from, benchmarks' own
 * files, and the data that packages hold. Every judge says how well it does on labelled examples; a rate goes with its interval.
 */
package rudder.eval;
