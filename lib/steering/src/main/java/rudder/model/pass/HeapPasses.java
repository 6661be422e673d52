package rudder.model.pass;

import java.util.List;
import rudder.model.decoder.Decoder;
import rudder.model.decoder.HeapLaws;
import rudder.model.engine.Overflow;
import rudder.model.transformer.SteeredPass;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;
import rudder.theory.control.Controller;

/** Runs the passes of one text: the engine reads the prompt, and the heap writes what follows. */
public final class HeapPasses implements Passes {

    private final EnginePasses engine;
    private final Decoder.Text text;
    private final Decoder decoder;
    private final List<Setpoint> measured;
    private HeapLaws laws;

    /** @param engine reads the prompt; closed with this */
    public HeapPasses(EnginePasses engine, Decoder decoder, Controller controller, List<Setpoint> measured) {
        this.engine = engine;
        this.decoder = decoder;
        this.measured = measured;
        text = decoder.text();
        laws = decoder.laws(controller);
    }

    @Override
    public Result prompts(List<boolean[]> steered) {
        if (SteeredPass.of(null, steered).earlier()) {
            Result first = engine.prompts(steered);
            takeOver();
            return first;
        }
        boolean[] tokens = steered.get(0);
        int last = engine.beginnings()[0][0];
        takeOver();
        return next(0, last, tokens[tokens.length - 1]);
    }

    private void takeOver() {
        var cache = engine.cache();
        text.fill(cache.columns(), cache.keysBefore(cache.columns(), 0), cache.valuesBefore(cache.columns(), 0));
    }

    @Override
    public Result next(int step, int[] tokens, List<boolean[]> steered) {
        return next(step, tokens[0], steered.get(0)[0]);
    }

    private Result next(int step, int token, boolean steered) {
        Decoder.Step read = text.next(token, steered ? laws : null);
        double[] energies = energies(read);
        if (steered) {
            String where = Overflow.atGenerated(step);
            Overflow.refuse(new double[][] {energies}, where);
            Overflow.refuse(read.states(), where);
        }
        return new Result(
                read.logits(),
                measured.stream().map(feature -> strengths(feature, read)).toList(),
                new double[][] {energies});
    }

    @Override
    public void steer(List<Controller> controllers) {
        laws = decoder.laws(controllers.get(0));
    }

    private static double[][] strengths(Setpoint measured, Decoder.Step read) {
        var strengths = new double[read.states().length];
        for (int k = 0; k < strengths.length; k++) {
            double[] v = measured.direction(k);
            float[] z = read.states()[k];
            for (int i = 0; i < z.length; i++) {
                strengths[k] += v[i] * z[i];
            }
        }
        return new double[][] {strengths};
    }

    private static double[] energies(Decoder.Step read) {
        var energies = new double[read.inputs().length];
        for (int k = 0; k < energies.length; k++) {
            double[] u = read.inputs()[k];
            energies[k] = u == null ? 0 : Vectors.dot(u, u);
            float[] mixed = read.mixed()[k];
            for (int i = 0; mixed != null && i < mixed.length; i++) {
                energies[k] += (double) mixed[i] * mixed[i];
            }
        }
        return energies;
    }

    @Override
    public void close() {
        engine.close();
    }
}
