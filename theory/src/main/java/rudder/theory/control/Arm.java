package rudder.theory.control;

/**
 * One arm of a comparison: a {@link Controller}, or a factory that makes a controller for each prompt. Each comparison
 * says which kinds it accepts.
 */
public interface Arm {

    /** Returns the name shown in tables and charts. */
    String name();
}
