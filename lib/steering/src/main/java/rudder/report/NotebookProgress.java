package rudder.report;

import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.dflib.jjava.jupyter.kernel.DisplayStream;
import org.dflib.jjava.jupyter.kernel.display.DisplayData;
import rudder.checkpoint.format.Progress;

/** Jobs as bars in a JJava notebook: one display a job, updated, and one line of text when the job is over. */
final class NotebookProgress implements Progress.Display {

    private final DisplayStream stream;
    private final Map<Progress, String> ids = new HashMap<>();

    NotebookProgress(DisplayStream stream) {
        this.stream = stream;
    }

    @Override
    public synchronized void show(Progress job, double fraction) {
        var bar = "<progress max=\"1\" value=\"" + Inline.number(fraction, 3) + "\"></progress> " + job;
        var id = ids.get(job);
        if (id == null) {
            id = UUID.randomUUID().toString();
            ids.put(job, id);
            stream.display(data(id, job, bar));
        } else {
            stream.updateDisplay(data(id, job, bar));
        }
    }

    @Override
    public synchronized void end(Progress job) {
        stream.updateDisplay(data(ids.remove(job), job, job.toString()));
    }

    /** The class lets binder/reproduce leave these out of what is committed. */
    private static DisplayData data(String id, Progress job, String html) {
        var data = new DisplayData(job.toString());
        data.putHTML("<div class=\"rudder-progress\">" + html + "</div>");
        data.putTransientData("display_id", id); // setDisplayId has another signature in the 1.0a8 kernel
        return data;
    }
}
