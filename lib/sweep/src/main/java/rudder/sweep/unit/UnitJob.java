package rudder.sweep.unit;

import java.io.IOException;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import rudder.model.LanguageModel;

/** A unit on its executor: the models it needs, and what it writes. */
public interface UnitJob {

    /** The digest that names the unit's file. */
    String id();

    /** The folder of the unit's file, see {@link Folder}. */
    String folder();

    /** The models that {@link #compute} receives. */
    List<SentModel> models();

    /** Computes the result, and returns what writes it. */
    Folder.Content compute(List<LanguageModel> models, Configuration configuration) throws IOException;

    /** Returns what writes why the unit failed. */
    Folder.Content failed(String error, Configuration configuration);
}
