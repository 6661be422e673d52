package rudder.sweep;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import rudder.compare.Comparison;
import rudder.model.LanguageModel;
import rudder.model.Tiny;
import rudder.theory.control.Arm;
import rudder.theory.control.Controller;

/** A tiny model in a file, which executors load as they load any other, and a comparison of it. */
final class TinyFile {

    static final List<String> PROMPTS = IntStream.range(0, 20)
            .mapToObj(i -> Tiny.TEXTS.get(i % Tiny.TEXTS.size()) + " " + i)
            .toList();

    private TinyFile() {}

    static LanguageModel load(Tiny tiny, Path folder) throws IOException {
        var file = folder.resolve(tiny.architecture() + ".gguf");
        tiny.gguf().write(file);
        return LanguageModel.load(file.toString());
    }

    /** Nine of them, so that a batch of 16 prompts makes two units. */
    static Arm[] arms(Tiny tiny, LanguageModel model) {
        return new Arm[] {
            Controller.none(),
            Controller.actAdd(tiny.setpoint(1), 1),
            Controller.actAdd(tiny.setpoint(2), 2).named("ActAdd 2"),
            tiny.lqr(tiny.setpoint(1)),
            tiny.lqr(tiny.setpoint(2)).named("LQR 2"),
            Controller.pid(tiny.setpoint(1.5), .5, .25, .125, 3),
            Controller.proportional(tiny.setpoint(1), 1, 2),
            Controller.spreadActAdd(tiny.setpoint(1), 1),
            tiny.lqr(tiny.setpoint(.5)).named("LQR 0.5")
        };
    }

    static Comparison.Settings settings() {
        return Comparison.settings().tokens(4);
    }
}
