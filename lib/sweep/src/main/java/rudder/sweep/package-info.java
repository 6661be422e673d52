/**
 * Comparisons and measurements on Apache Spark: plans of units, their results as Parquet, and the object that one
 * machine would have given.
 *
 * <p>May use: {@code rudder.study}, {@code rudder.eval} and what they may use; Spark, Hadoop's file systems, Parquet.
 * No other package but {@code rudder.sweep.unit} knows them.
 *
 * <h2>One idea</h2>
 *
 * <p>A plan is cut into units. The id of a unit is a digest of all that its result depends on: version, model, inputs.
 * A unit that is in the folder is not computed again; one that failed is a row with its error. Reading joins the units
 * to the object that one machine gives.
 *
 * <ul>
 *   <li>{@link rudder.sweep.Sweep#of}: a {@code Comparison}, of any models and seeds, also of a {@code Task}.
 *   <li>{@link rudder.sweep.Sweep#tuning}: the comparison from which {@code GridSearch.of} chooses.
 *   <li>{@link rudder.sweep.Survey#features}, {@link rudder.sweep.Survey#featuresInChat}: {@code Features}.
 *   <li>{@link rudder.sweep.Survey#meanJacobians}: the artefact of {@code Linearisation.kept}.
 *   <li>{@link rudder.sweep.Survey#headProbes}: {@code HeadProbes}.
 *   <li>{@link rudder.sweep.Survey#surprisals}: the surprisals of a corpus.
 *   <li>{@link rudder.sweep.Survey#linearity}: a {@code LinearityStudy}; {@link rudder.sweep.Survey#all} joins those of
 *       several models.
 * </ul>
 *
 * <h2>Why the numbers are those of one machine</h2>
 *
 * <p>Float sums round differently in batches of another shape. So a unit is one {@link rudder.compare.Batch} of the
 * plan that one machine follows: up to 16 prompts under 8 controllers, or fewer prompts under more. A cluster only
 * chooses where and when a unit runs. The measured setpoint is chosen once, by the driver, and random numbers depend on
 * the prompt's index. Sums also depend on the number of the engine's threads: Spark sets OMP_NUM_THREADS of its
 * executors to {@code spark.task.cpus}, and {@code spark.executorEnv.OMP_NUM_THREADS} sets another number. With as many
 * threads as on one machine all numbers agree to the last bit. With another number their last bits may differ, and a
 * token where two logits are that close.
 *
 * <p>Sums are those of fixed chunks: 64 texts for features, 32 prompts for Jacobians. One machine sums the same chunks,
 * and adds their sums in the same order. So a survey's result is that of one machine too, however its units are shared
 * out. Surprisals are read in units of 64 to 127 texts, since one machine reads short lists in smaller batches.
 *
 * <h2>Where it runs</h2>
 *
 * <ul>
 *   <li>{@link rudder.sweep.SweepSession#local()}: in this process, on all cores. The JVM needs Spark's
 *       {@code --add-opens}.
 *   <li>{@link rudder.sweep.SweepSession#at}: a standalone master, {@code spark://host:port}.
 *   <li>Kubernetes and YARN: {@code mvn -Psweep package} writes {@code lib/target/rudder-sweep.jar}, without Spark.
 *       {@code spark-submit --jars rudder-sweep.jar} runs a program of yours that calls {@link rudder.sweep.Sweep#run}.
 *   <li>GPUs: one executor a GPU, by {@code spark.executor.resource.gpu.amount=1} and
 *       {@code spark.task.resource.gpu.amount=1}; {@code spark.executorEnv.RUDDER_DEVICE=gpu:0} names the device that
 *       the cluster shows to the executor.
 * </ul>
 *
 * <p>Each executor finds a model by the name or path that the driver loaded it by, in its own or a shared RUDDER_CACHE.
 * Processes of a host fetch it once, under a lock, and a model of another sha256 is refused. HF_TOKEN is read from each
 * host's environment; do not put it into {@code spark.executorEnv}, which logs and the web page show.
 *
 * <h2>What a million completions cost</h2>
 *
 * <p>Take 25 controllers, 40,000 prompts, 36 tokens, a model of 30 blocks, and 100 executors.
 *
 * <ul>
 *   <li>Work: 2,500 batches of prompts times 4 batches of controllers are 10,000 units, 100 an executor. At 50 seconds
 *       a unit an executor works 83 minutes, and the last unit that ends costs 50 seconds of the others.
 *   <li>Driver: it sends 10,000 tasks and hears an id and three numbers of each: under 4 MB. At 100 units in 50 seconds
 *       it starts 2 tasks a second. Completions never pass through it. The limit is
 *       {@link rudder.sweep.Swept#comparison}, which holds a comparison in one heap: 36 x 61 doubles or 18 kB a
 *       completion, 18 GB here. Read such a folder with {@code spark.read().parquet(folder)}, or sweep it in parts.
 *   <li>Controllers: gains, measurements and setpoint of a regulator are 3 x 30 x 576 doubles or 0.4 MB; 25 are 10 MB.
 *       A broadcast sends them once to each executor, by way of the others: 1 GB in all, of which the driver sends a
 *       few copies. A task itself has 3 fields.
 *   <li>Shuffle: there is none. No unit needs another.
 *   <li>Models: an executor loads a model once, whatever the number of tasks. Units are ordered by model, and a model
 *       that no task uses makes room for the next. Eight models of 100 MB on 100 hosts are 80 GB of network once, or
 *       none with a shared cache.
 *   <li>Small files: a unit is one file of up to 128 completions, about 2.3 MB before compression, not one a completion
 *       or a controller. That is why the folder is partitioned by model alone, and the controller is a column. A run
 *       lists one folder a model; on an object store 10,000 names are 10 pages of 1,000.
 *   <li>Commits: a unit costs one write, one rename and a handful of questions to the file system. On an object store a
 *       rename is a copy of 2.3 MB.
 * </ul>
 *
 * <h2>Failures</h2>
 *
 * <p>What fails inside a model is a row with its error, {@link rudder.sweep.Swept#failures()}; the next run tries it
 * again. The controllers of a unit fail together, since they run in one batch. Lost executors and hosts are Spark's
 * matter: it runs their tasks elsewhere. A file under its own name is whole, so a killed driver loses the units in
 * progress alone.
 */
package rudder.sweep;
