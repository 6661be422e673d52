package rudder.theory.control;

import java.util.function.DoubleUnaryOperator;

/** Functions of one number that an {@link Arithmetic} applies to each number of a matrix. */
public enum Elementwise {
    SQRT(Math::sqrt),
    RECIPROCAL(x -> 1 / x),
    TANH(Math::tanh),
    SIN(Math::sin),
    COS(Math::cos),
    ACOS(Math::acos);

    private final DoubleUnaryOperator function;

    Elementwise(DoubleUnaryOperator function) {
        this.function = function;
    }

    /** Returns the function of x, in double precision. */
    public double of(double x) {
        return function.applyAsDouble(x);
    }
}
