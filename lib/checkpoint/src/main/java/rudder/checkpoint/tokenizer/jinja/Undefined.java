package rudder.checkpoint.tokenizer.jinja;

/**
 * Stands for a variable, attribute or item that is not there. Printed it is empty, as a condition false, looped over it
 * has no items; anything else fails and names it.
 *
 * @param description for error messages
 */
record Undefined(String description) {

    @Override
    public boolean equals(Object other) {
        return other instanceof Undefined;
    }

    @Override
    public int hashCode() {
        return 0;
    }

    @Override
    public String toString() {
        return "";
    }
}
