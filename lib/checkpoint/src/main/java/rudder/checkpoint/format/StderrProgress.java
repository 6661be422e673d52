package rudder.checkpoint.format;

/**
 * One line on standard error: rewritten in place on a terminal, printed once at the end into a log if the job was a
 * long one.
 */
final class StderrProgress implements Progress.Display {

    private static final boolean TERMINAL = System.console() != null;
    private static final int LONG_SECONDS = 10;

    @Override
    public void show(Progress job, double fraction) {
        if (TERMINAL) {
            System.err.print("\r" + job + "\u001b[K");
        }
    }

    @Override
    public void end(Progress job) {
        if (TERMINAL) {
            System.err.println("\r" + job + "\u001b[K");
        } else if (job.elapsed().toSeconds() >= LONG_SECONDS) {
            System.err.println(job);
        }
    }
}
