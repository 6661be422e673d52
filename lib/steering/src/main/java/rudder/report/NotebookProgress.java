package rudder.report;

import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.dflib.jjava.jupyter.kernel.DisplayStream;
import org.dflib.jjava.jupyter.kernel.display.DisplayData;
import rudder.checkpoint.format.Progress;

/** Shows jobs as bars in a JJava notebook: one display a job, which is updated and ends as one line of text. */
final class NotebookProgress implements Progress.Display {

    private final DisplayStream stream;
    private final Map<Progress, String> ids = new HashMap<>();

    NotebookProgress(DisplayStream stream) {
        this.stream = stream;
    }

    @Override
    public synchronized void show(Progress job, double fraction) {
        var bar = "<progress max=\"1\" value=\"" + Inline.number(fraction, 3) + "\"></progress> ";
        var id = ids.get(job);
        if (id == null) {
            id = UUID.randomUUID().toString();
            ids.put(job, id);
            stream.display(data(id, bar, job));
        } else {
            stream.updateDisplay(data(id, bar, job));
        }
    }

    @Override
    public synchronized void end(Progress job) {
        stream.updateDisplay(data(ids.remove(job), "", job));
    }

    /** Returns the display's content. Its CSS class tells binder/run_notebooks.py not to commit it. */
    private static DisplayData data(String id, String bar, Progress job) {
        var data = new DisplayData(job.toString());
        data.putHTML("<div class=\"rudder-progress\">" + bar + Inline.escape(job.toString()) + "</div>");
        data.putTransientData("display_id", id); // setDisplayId has another signature in the 1.0a8 kernel
        return data;
    }
}
