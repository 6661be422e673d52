package rudder.theory.control;

/**
 * One arm of a comparison: a {@link Controller}, or whatever makes a controller for each prompt. Whoever compares arms
 * says which kinds it accepts.
 */
public interface Arm {

    /** Returns what tables and charts call this arm. */
    String name();
}
