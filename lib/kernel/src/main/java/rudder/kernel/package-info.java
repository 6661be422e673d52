/**
 * Multiplies vectors by matrices whose rows stay packed as a checkpoint stores them. Weights are unpacked in vector
 * registers: no float32 copy of a matrix exists, and activations are not rounded. For many vectors at once, tiles of a
 * few rows are unpacked into a core's cache.
 *
 * <p>May use: the JDK with its incubating module {@code jdk.incubator.vector}. Without that module, or on a processor
 * with vectors below 256 bits, {@link rudder.kernel.PackedMatrix#available} is false, and nothing here may be called.
 *
 * <h2>Why activations are not rounded</h2>
 *
 * <p>llama.cpp rounds activations to 8 bits, 32 or 256 with one scale. That was tried on SmolLM2, with 12 prompts and
 * 30 greedy tokens each. By 32, logits moved by 5.5 % of their standard deviation, the next-token distribution by
 * 0.0033 nats, the last state by 2.9 %, and 19 of 360 tokens changed; by 256 it was 13 %, 0.018 nats, 7.1 % and 28
 * tokens. A feedback loop measures states, and doses are tenths of a nat. Nor is it faster here: the Vector API has no
 * product of bytes that adds, and products of shorts took more than twice the time of floats.
 *
 * <h2>Many vectors</h2>
 *
 * <p>With the lanes along the vectors no sum runs across lanes, and a tile's sums stay in registers. Products of 64
 * vectors with matrices of 576 to 1,536 columns were measured on two cores of an AMD EPYC. With 512 bits (JDK 25) they
 * ran at 360 to 420 GFLOP/s, with 256 bits (JDK 17) at 225 to 240. The engine's ran at 110 to 155. The processor's
 * peaks are 510 and 255.
 *
 * <p>Of several hundred vectors a panel is copied, so that it lies in one piece. On two cores of an older AMD EPYC,
 * with 576 vectors, that took 127 GFLOP/s to 160 or 180 with 256 bits. It changed nothing with 512, where 198 are near
 * the peak.
 *
 * <h2>What else was tried for speed</h2>
 *
 * <p>Two or four rows that share loads of x exceed the nodes that the compiler takes. Reading vectors from the mapped
 * file without a copy was a fifth faster on JDK 25 in a benchmark of one kernel; in the decoder vectors of loops were
 * then allocated, and it was three times slower. JDK 17 checks so much at each such read that a copy costs less.
 *
 * <p>One vector, best of five interleaved runs on an AMD EPYC with 512 bits. Nibbles that are masked and multiplied
 * where they stand, and scales of 6 bits taken apart in vectors, are exact. They took Q4_K from 14.2 to 16.3 G weights
 * a second and core, Q4_1 from 13.9 to 16.0 (JDK 17: 13.8 to 15.3, 14.3 to 14.9). Q6_K became slower. Whole texts of
 * SmolLM2 and of a model of 1.5 billion parameters were faster in 7 of 16 pairs of runs, so they were left out. Lanes
 * of 512 bits took Q4_K from 13.2 to 13.8 on JDK 25; on JDK 17 its vectors were allocated, and it was ten times slower.
 *
 * <p>What seems to bound a text of such a model is that reading and computing take turns. Copying the mapped rows alone
 * runs at 19 to 27 G weights a second and core, copying and multiplying at 6 to 9. Smaller pieces, and a load from each
 * line of the next piece while one is multiplied, brought no gain that all runs showed.
 */
package rudder.kernel;
