package rudder.report;

import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.dflib.jjava.jupyter.kernel.DisplayStream;
import org.dflib.jjava.jupyter.kernel.display.DisplayData;
import rudder.checkpoint.format.Progress;

/**
 * Shows jobs as bars in a JJava notebook: one display a job, which is updated and ends as one line of text. A job that
 * writes a text shows it below the bar. The text of a job that was stopped stays; that of a finished one is its result.
 */
final class NotebookProgress implements Progress.Display {

    private final DisplayStream stream;
    private final Map<Progress, String> ids = new HashMap<>();

    NotebookProgress(DisplayStream stream) {
        this.stream = stream;
    }

    @Override
    public synchronized void show(Progress job, double fraction) {
        var bar = "<progress max=\"1\" value=\"" + Inline.number(fraction, 3) + "\"></progress> ";
        var html = bar + Inline.escape(job.toString()) + text(job);
        var id = ids.get(job);
        if (id == null) {
            id = UUID.randomUUID().toString();
            ids.put(job, id);
            stream.display(data(id, html, job));
        } else {
            stream.updateDisplay(data(id, html, job));
        }
    }

    @Override
    public synchronized void end(Progress job) {
        boolean stopped = !job.finished() && !job.written().isEmpty();
        var html = Inline.escape(job.toString()) + (stopped ? ", stopped" + text(job) : "");
        stream.updateDisplay(data(ids.remove(job), html, job));
    }

    private static String text(Progress job) {
        var text = job.written().replaceAll("[\\p{Cntrl}&&[^\n\t]]", "?");
        return text.isEmpty() ? "" : "<div style=\"white-space:pre-wrap\">" + Inline.escape(text) + "</div>";
    }

    /** Returns the display's content. Its CSS class tells binder/run_notebooks.py not to commit it. */
    private static DisplayData data(String id, String html, Progress job) {
        var data = new DisplayData(job.toString());
        data.putHTML("<div class=\"rudder-progress\">" + html + "</div>");
        data.putTransientData("display_id", id); // setDisplayId has another signature in the 1.0a8 kernel
        return data;
    }
}
