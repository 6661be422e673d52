package rudder.sweep;

import ai.djl.engine.Engine;
import ai.djl.pytorch.jni.JniUtils;
import rudder.compare.Comparison;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.model.Tiny;
import rudder.theory.control.Arm;

/** A process that runs one sweep: MASTER MODEL FOLDER. */
final class Driver {

    private Driver() {}

    static Comparison.Settings settings() {
        return TinyFile.settings().tokens(12).sampling(Sampling.paper());
    }

    static Arm[] arms(LanguageModel model) {
        return TinyFile.arms(Tiny.LLAMA, model);
    }

    static Sweep sweep(LanguageModel model) {
        return Sweep.of(model, TinyFile.PROMPTS, settings(), arms(model)).withSeeds(1, 2, 3, 4);
    }

    /** Threads of the engine in this process. */
    static String threads() {
        Engine.getEngine("PyTorch");
        return String.valueOf(JniUtils.getNumThreads());
    }

    public static void main(String[] args) throws Exception {
        var builder = SweepSession.builder(args[0])
                .config("spark.executor.extraClassPath", System.getProperty("java.class.path"))
                .config("spark.driver.host", "127.0.0.1")
                .config("spark.driver.bindAddress", "127.0.0.1")
                .config(
                        "spark.executor.extraJavaOptions",
                        SweepSession.OPTIONS + " " + String.join(" ", Cluster.QUICK_START))
                // as many as this process has, where Spark would give one a task: sums round alike
                .config("spark.executorEnv.OMP_NUM_THREADS", threads())
                .config("spark.executor.cores", "1")
                .config("spark.executor.memory", "512m");
        try (var spark = builder.getOrCreate();
                var model = LanguageModel.load(args[1])) {
            sweep(model).run(spark, args[2]);
        }
    }
}
