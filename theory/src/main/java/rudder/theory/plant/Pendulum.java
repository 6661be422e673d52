package rudder.theory.plant;

import org.ejml.data.DMatrixRMaj;
import rudder.theory.Check;
import rudder.theory.SmoothPlant;

/**
 * An inverted pendulum with the state z = (angle from upright in rad, rate in rad/s). One block is one step of the
 * semi-implicit Euler rule:
 *
 * <pre>rate' = rate + h (g/l sin(angle) - c rate),   angle' = angle + h rate'.</pre>
 *
 * <p>Unlike a real pendulum it accepts an input on both coordinates, as the blocks of a language model do. Source:
 * Newton's law for a point mass on a rigid rod.
 *
 * @param horizon T, the number of steps.
 * @param timeStep h, in s.
 * @param length l, in m.
 * @param friction c, in 1/s
 */
public record Pendulum(int horizon, double timeStep, double length, double friction) implements SmoothPlant {
    private static final double GRAVITY = 9.81; // m/s^2

    /** @throws IllegalArgumentException if horizon, time step or length is not positive, or the friction negative */
    public Pendulum {
        Check.that(
                horizon > 0 && timeStep > 0 && length > 0 && friction >= 0,
                "a pendulum of %d steps of %s s, length %s m, friction %s/s: wanted all positive, friction at least 0",
                horizon,
                timeStep,
                length,
                friction);
    }

    @Override
    public int dimension() {
        return 2;
    }

    @Override
    public double[] next(int k, double[] z) {
        double rate = z[1] + timeStep * (GRAVITY / length * Math.sin(z[0]) - friction * z[1]);
        return new double[] {z[0] + timeStep * rate, rate};
    }

    @Override
    public DMatrixRMaj jacobian(int k, double[] z) {
        double byAngle = timeStep * GRAVITY / length * Math.cos(z[0]);
        double byRate = 1 - timeStep * friction;
        return new DMatrixRMaj(new double[][] {{1 + timeStep * byAngle, timeStep * byRate}, {byAngle, byRate}});
    }

    /**
     * Returns the exact supremum. Only the angle has a second derivative, {@code D^2 phi = -h g/l sin(angle) (h, 1)}.
     * In the ball |sin| is largest at an end or at a right angle.
     */
    @Override
    public double curvature(int k, double[] z, double radius) {
        double low = z[0] - radius;
        double high = z[0] + radius;
        boolean right = Math.floor(low / Math.PI - 0.5) != Math.floor(high / Math.PI - 0.5);
        double sine = right ? 1 : Math.max(Math.abs(Math.sin(low)), Math.abs(Math.sin(high)));
        return timeStep * GRAVITY / length * Math.hypot(timeStep, 1) * sine;
    }
}
