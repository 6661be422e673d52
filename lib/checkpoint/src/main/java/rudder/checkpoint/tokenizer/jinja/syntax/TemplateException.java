package rudder.checkpoint.tokenizer.jinja.syntax;

/**
 * A template that cannot be parsed or rendered; the message names the line, what was found and what was wanted. A
 * template that calls {@code raise_exception(text)} ends with this exception too.
 */
public final class TemplateException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public TemplateException(String message) {
        super(message);
    }

    private TemplateException(String message, RuntimeException cause) {
        super(message, cause);
    }

    /** Returns the same failure with the line of the template where it happened. */
    public static TemplateException at(int line, String message) {
        return new TemplateException("chat template, line " + line + ": " + message);
    }

    /** Returns a failure of Rudder itself, with the line of the template where it happened. */
    public static TemplateException ofRudder(int line, RuntimeException fault) {
        return new TemplateException(
                "chat template, line " + line + ": Rudder itself fails there (" + fault.getMessage()
                        + "), a fault to report with the template's text",
                fault);
    }
}
