package rudder.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.core.Linear;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.function.Function;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import rudder.model.engine.Devices;
import rudder.model.engine.EngineAlgebra;
import rudder.theory.Vectors;

/**
 * Runs the engine's operations that Rudder uses on RUDDER_DEVICE, each on a few numbers whose result is known. Prints
 * the largest error of each. Exits with 1 if one is beyond its limit; a binding that does not fit its libtorch ends the
 * process earlier.
 */
final class DeviceSmoke {

    private static final double SINGLE = 1e-5;
    private static final double DOUBLE = 1e-9;
    private static final double HALF = 2e-3;
    private static final int SIDE = 512;
    private static final int REPEATS = 200;
    private static final float[] SIX = {1, 2, 3, 4, 5, 6};

    private final NDManager manager;
    private final DeviceReport report = DeviceReport.of("smoke");
    private int failures;

    private DeviceSmoke(NDManager manager) {
        this.manager = manager;
    }

    public static void main(String[] args) throws IOException {
        DeviceReport.head();
        var device = Devices.chosen();
        DeviceReport.note("device", Devices.name(device));
        try (var manager = NDManager.newBaseManager(device, "PyTorch")) {
            var smoke = new DeviceSmoke(manager);
            smoke.products();
            smoke.parts();
            smoke.functions();
            smoke.memory();
            DeviceReport.note("smoke", smoke.failures == 0 ? "passed" : smoke.failures + " failed");
            System.exit(smoke.failures == 0 ? 0 : 1);
        }
    }

    /** Runs an operation in a scope of its own, and compares its result. */
    private void check(String what, double limit, Function<NDManager, NDArray> operation, double... wanted) {
        double error = Double.NaN;
        try (var scope = manager.newSubManager()) {
            var found = operation.apply(scope).toType(DataType.FLOAT64, false).toDoubleArray();
            error = found.length == wanted.length ? largest(Vectors.minus(found, wanted)) : Double.NaN;
        } catch (RuntimeException e) {
            DeviceReport.note(what, e.toString());
        }
        failures += error <= limit ? 0 : 1; // NaN fails
        report.value(what, error, "error", error <= limit ? "" : ",beyond " + limit);
    }

    private static double largest(double[] errors) {
        double most = 0;
        for (double error : errors) {
            most = Double.isNaN(error) ? Double.NaN : Math.max(most, Math.abs(error));
        }
        return most;
    }

    private static NDArray six(NDManager scope) {
        return scope.create(SIX, new Shape(2, 3));
    }

    private void products() {
        check("matmul", SINGLE, m -> six(m).matMul(six(m).transpose()), 14, 32, 32, 77);
        check("batch_matmul", SINGLE, m -> batched(m).batchMatMul(batched(m).transpose(0, 2, 1)), 14, 32, 32, 77);
        check("linear", SINGLE, m -> Linear.linear(six(m), six(m)).singletonOrThrow(), 14, 32, 32, 77);
        check("matmul_float64", DOUBLE, m -> doubles(m).matMul(doubles(m).transpose()), 14, 32, 32, 77);
        check("matmul_float16", HALF * 77, m -> half(m).matMul(half(m).transpose()), 14, 32, 32, 77);
        check("inverse_float64", DOUBLE, m -> spd(m).inverse().matMul(spd(m)), 1, 0, 0, 1);
        var random = random(SIDE);
        var product = new DMatrixRMaj(SIDE, SIDE);
        CommonOps_DDRM.mult(random, random, product);
        check(
                "matmul_" + SIDE + "_float64",
                DOUBLE,
                m -> EngineAlgebra.up(m, random).matMul(EngineAlgebra.up(m, random)),
                product.data);
        check(
                "matmul_" + SIDE + "_float32", // TF32 would err by 1e-2
                1e-3,
                m -> single(m, random).matMul(single(m, random)),
                product.data);
    }

    private void parts() {
        check("set_rows", 0, DeviceSmoke::filled, 0, 0, 1, 1, 1, 1, 0, 0);
        check("columns", 0, m -> six(m).get(new NDIndex().addAllDim().addSliceDim(0, 2)), 1, 2, 4, 5);
        check("last_axis", 0, m -> six(m).get("..., {}:", 2), 3, 6);
        check("concat", 0, m -> NDArrays.concat(new NDList(six(m), six(m)), 0).sum(), 42);
        check("stack", 0, m -> NDArrays.stack(new NDList(six(m), six(m)), 0).sum(new int[] {0, 1}), 10, 14, 18);
        check("split", 0, m -> six(m).split(new long[] {1}, 1).get(1), 2, 3, 5, 6);
        check("gather", 0, m -> six(m).gather(m.create(new long[] {2, 0}, new Shape(2, 1)), 1), 3, 4);
        check("arg_max", 0, m -> six(m).argMax(1), 2, 2);
        check("sort", 0, m -> six(m).neg().sort(1), -3, -2, -1, -6, -5, -4);
    }

    private void functions() {
        check("softmax", SINGLE, m -> six(m).softmax(-1).sum(new int[] {-1}), 1, 1);
        check("log_softmax", SINGLE, m -> six(m).logSoftmax(-1).exp().sum(new int[] {-1}), 1, 1);
        check("norm", SINGLE, m -> six(m).norm(new int[] {1}), Math.sqrt(14), Math.sqrt(77));
        check("square_root", SINGLE, m -> six(m).square().sqrt(), 1, 2, 3, 4, 5, 6);
        check("exp_log", SINGLE, m -> six(m).exp().log(), 1, 2, 3, 4, 5, 6);
        check("tanh", SINGLE, m -> six(m).muli(0.1).tanh().sum(), tanhs());
        check("sigmoid", SINGLE, m -> m.zeros(new Shape(2)).getNDArrayInternal().sigmoid(), .5, .5);
        check("in_place", SINGLE, m -> six(m).addi(1).muli(2).subi(six(m)), 3, 4, 5, 6, 7, 8);
        check("eye", 0, m -> m.eye(2), 1, 0, 0, 1);
        check("clip", 0, m -> six(m).clip(2, 4), 2, 2, 3, 4, 4, 4);
    }

    /** Takes memory and gives it back many times, as a text does. */
    private void memory() {
        check("repeated_products", 0, DeviceSmoke::repeated, SIDE);
        check("direct_buffer", 0, DeviceSmoke::direct, 1, 2, 3, 4, 5, 6);
    }

    private static NDArray batched(NDManager m) {
        return six(m).expandDims(0);
    }

    private static NDArray doubles(NDManager m) {
        return six(m).toType(DataType.FLOAT64, false);
    }

    private static NDArray half(NDManager m) {
        return six(m).toType(DataType.FLOAT16, false);
    }

    /** Returns XX' + I, [2, 2]. */
    private static NDArray spd(NDManager m) {
        return doubles(m).matMul(doubles(m).transpose()).add(m.eye(2).toType(DataType.FLOAT64, false));
    }

    private static DMatrixRMaj random(int side) {
        var random = new Random(1);
        return DMatrixRMaj.wrap(
                side, side, random.doubles((long) side * side, -1, 1).toArray());
    }

    private static NDArray single(NDManager m, DMatrixRMaj x) {
        return m.create(Vectors.floats(x), new Shape(x.numRows, x.numCols));
    }

    private static NDArray filled(NDManager m) {
        var zeros = m.zeros(new Shape(4, 2));
        zeros.set(new NDIndex().addSliceDim(1, 3), m.ones(new Shape(2, 2)));
        return zeros;
    }

    private static double tanhs() {
        double sum = 0;
        for (float x : SIX) {
            sum += Math.tanh(x / 10);
        }
        return sum;
    }

    private static NDArray repeated(NDManager m) {
        var ones = m.ones(new Shape(SIDE, SIDE));
        for (int i = 1; i < REPEATS; i++) {
            try (var product = ones.matMul(ones)) {
                product.getFloat(0, 0);
            }
        }
        return ones.matMul(ones).max();
    }

    private static NDArray direct(NDManager m) {
        var buffer = ByteBuffer.allocateDirect(SIX.length * Float.BYTES).order(ByteOrder.nativeOrder());
        buffer.asFloatBuffer().put(SIX);
        return m.create(buffer, new Shape(2, 3), DataType.FLOAT32).duplicate();
    }
}
