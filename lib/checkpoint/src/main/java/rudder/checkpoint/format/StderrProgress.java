package rudder.checkpoint.format;

/**
 * Shows progress in one line on standard error. A terminal's line is rewritten in place; a log gets one line at the end
 * of a job of ten seconds or more.
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
