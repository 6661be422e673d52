package rudder.model;

/** One line on standard error: rewritten in place on a terminal, printed once at the end into a log. */
final class StderrDisplay implements Job.Display {

    private static final boolean TERMINAL = System.console() != null;

    @Override
    public void show(Job job, double fraction) {
        if (TERMINAL) {
            System.err.print("\r" + job + "\u001b[K");
        }
    }

    @Override
    public void end(Job job) {
        System.err.println((TERMINAL ? "\r" : "") + job + (TERMINAL ? "\u001b[K" : ""));
    }
}
