package rudder.model.transformer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import org.ejml.data.DMatrixRMaj;
import rudder.model.engine.EngineAlgebra;
import rudder.theory.control.Arithmetic;
import rudder.theory.control.Elementwise;

/**
 * Arithmetic of control laws on the engine's device, for any number of tokens: rows are the last axis of [.., d].
 * Constants live as long as their manager.
 */
record DeviceArithmetic(NDManager constants, DataType type) implements Arithmetic<NDArray> {

    @Override
    public NDArray matrix(DMatrixRMaj matrix) {
        return inType(EngineAlgebra.up(constants, matrix));
    }

    @Override
    public NDArray row(double... values) {
        return inType(constants.create(values.clone()));
    }

    /** Converts, and frees what it converted: the constants live long. */
    private NDArray inType(NDArray numbers) {
        if (numbers.getDataType() == type) {
            return numbers;
        }
        try (numbers) {
            return numbers.toType(type, false);
        }
    }

    @Override
    public NDArray linear(NDArray x, NDArray matrix, NDArray offset) {
        return Tensors.linear(x, matrix, offset);
    }

    @Override
    public NDArray plus(NDArray a, NDArray b) {
        return a.add(b);
    }

    @Override
    public NDArray times(NDArray a, NDArray b) {
        return a.mul(b);
    }

    @Override
    public NDArray within(NDArray x, NDArray low, NDArray high) {
        return x.gte(low).logicalAnd(x.lte(high)).toType(type, false);
    }

    @Override
    public NDArray clip(NDArray x, double low, double high) {
        return x.clip(low, high);
    }

    @Override
    public NDArray apply(Elementwise function, NDArray x) {
        return switch (function) {
            case SQRT -> x.sqrt();
            case RECIPROCAL -> x.onesLike().div(x);
            case TANH -> x.tanh();
            case SIN -> x.sin();
            case COS -> x.cos();
            case ACOS -> x.acos();
        };
    }
}
