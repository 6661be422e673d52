package rudder.sweep;

import java.io.IOException;
import java.io.Serializable;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import rudder.checkpoint.format.Checksums;
import rudder.model.LanguageModel;
import rudder.steer.ControllerFactory;
import rudder.steer.ControllerFile;

/**
 * A controller as executors receive it.
 *
 * @param name of the arm
 * @param controller {@link ControllerFile#bytes}
 */
record SentArm(String name, byte[] controller) implements Serializable {

    /**
     * Makes the controller and its bytes.
     *
     * @param chat whether the prompts are messages: a factory may make another controller there
     * @throws IllegalArgumentException if the factory makes another controller for another prompt, or its model reads
     *     another text than the prompt
     */
    static SentArm of(ControllerFactory factory, LanguageModel model, List<String> prompts, boolean chat) {
        if (factory.rewrites(prompts)) {
            throw new IllegalArgumentException("'" + factory.name() + "' steers by the text that the model reads, and"
                    + " its code cannot be sent to executors: compare '" + factory.name()
                    + "' on one machine with Comparison.of");
        }
        var maker = chat ? factory.inChat() : factory.controller();
        var first = maker.apply(model, prompts.get(0));
        var bytes = ControllerFile.bytes(first, model);
        for (var prompt : prompts.subList(1, prompts.size())) {
            var other = maker.apply(model, prompt);
            // a factory may make its one controller again when memory was short
            if (other != first && !Arrays.equals(bytes, ControllerFile.bytes(other, model))) {
                throw new IllegalArgumentException("'" + factory.name() + "' makes a controller for each prompt, and"
                        + " its code cannot be sent to executors: sweep controllers that serve every prompt, and"
                        + " compare '" + factory.name() + "' on one machine with Comparison.of");
            }
        }
        return new SentArm(factory.name(), bytes);
    }

    Part.ArmId id() {
        return new Part.ArmId(name, Checksums.hex(digest()));
    }

    private MessageDigest digest() {
        var digest = Checksums.sha256();
        digest.update(controller);
        return digest;
    }

    ControllerFactory factory() throws IOException {
        return ControllerFactory.of(ControllerFile.of("the controller '" + name + "'", controller))
                .named(name);
    }
}
