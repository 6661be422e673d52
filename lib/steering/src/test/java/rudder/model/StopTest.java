package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.types.DataType;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import rudder.compare.Comparison;
import rudder.steer.ControllerFactory;
import rudder.steer.Features;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.QuadraticCost;
import rudder.theory.control.Controller;

/** Work ends at its next step when its thread is interrupted or its model is closed, and frees what it held. */
class StopTest {

    private static final Tiny LLAMA = Tiny.LLAMA;
    private static final Sampling GREEDY = Sampling.greedy();

    private static LanguageModel own() {
        return LLAMA.load(DataType.FLOAT32, LLAMA.tensors(), file -> {});
    }

    private static int held(LanguageModel model) {
        return model.transformer().manager.getManagedArrays().size();
    }

    @Test
    void anInterruptEndsATextAtItsNextTokenAndFreesWhatItHeld() {
        try (var model = own()) {
            var wanted = model.generate("the sea", 5);
            int before = held(model);
            for (TextGenerator any :
                    List.of(model, model.steered(LLAMA.lqr(LLAMA.setpoint(1)).forAnyPlant()))) {
                var heard = new StringBuilder();
                var stopped = assertThrows(
                        CancellationException.class,
                        () -> any.generate("the sea", 600, GREEDY, text -> {
                            heard.append(text);
                            Thread.currentThread().interrupt();
                        }));
                assertEquals("stopped after 1 of 600 tokens", stopped.getMessage());
                assertFalse(Thread.interrupted(), "the exception carries the news, not the thread");
                assertEquals(before, held(model));
            }
            assertArrayEquals(wanted.tokens(), model.generate("the sea", 5).tokens());
        }
    }

    @Test
    void everyLongCallStopsInAnInterruptedThread() {
        var model = LLAMA.model();
        var texts = List.of("the sea", "a wave then");
        int[] tokens = Tiny.tokens(9, 1);
        var factory = ControllerFactory.of(Controller.none());
        var plant = model.plant("the sea");
        var mean = model.meanJacobian(texts);
        var jacobians = model.meanJacobians(texts);
        var system = LinearSystem.of(jacobians);
        var onEngine = LinearSystem.of(jacobians, model.algebra(), "two texts");
        for (Executable call : List.<Executable>of(
                () -> model.generate(texts, 3, GREEDY),
                () -> model.traces(texts),
                () -> model.headOutputs(List.of(tokens), null),
                () -> model.plants(texts),
                () -> model.logits(tokens),
                () -> model.surprisals(tokens),
                () -> model.steered(Controller.none()).surprisals(List.of(tokens), List.of(List.of(tokens))),
                () -> model.meanJacobians(texts),
                () -> mean.apply(0),
                () -> plant.next(0, new double[Tiny.D]),
                () -> plant.jacobian(1),
                plant::curvature,
                () -> Lqr.solve(system, new QuadraticCost(1, 1, 1)),
                () -> Lqr.solve(onEngine, new QuadraticCost(1, 1, 1)),
                () -> Features.contrast(model, "two", List.of(tokens), List.of(Tiny.tokens(5, 2))),
                () -> Comparison.of(model, texts, factory))) {
            Thread.currentThread().interrupt();
            var stopped = assertThrows(CancellationException.class, call);
            assertTrue(stopped.getMessage().matches("stopped after \\d+ of \\d+ \\w+"), stopped.getMessage());
            assertFalse(Thread.interrupted());
        }
    }

    /** Both threads of a list of batches stop: the one that is interrupted, and its helper. */
    @Test
    void anInterruptEndsAllBatches() throws Exception {
        var model = LLAMA.model(DataType.FLOAT32);
        var many = Collections.nCopies(4 * SteeredModel.TEXTS, "the sea");
        var begun = new CountDownLatch(1);
        var worker = new Thread[1];
        var result = new CompletableFuture<List<Completion>>();
        worker[0] = new Thread(() -> {
            try {
                begun.countDown();
                result.complete(model.generate(many, 600, GREEDY));
            } catch (Throwable e) {
                result.completeExceptionally(e);
            }
        });
        worker[0].start();
        begun.await();
        Thread.sleep(300);
        worker[0].interrupt();
        assertThrows(CancellationException.class, result::get);
        worker[0].join();
        assertEquals(2, model.generate(many.subList(0, 2), 2, GREEDY).size());
    }

    @Test
    void closingEndsTheWorkOfOtherThreadsAtTheirNextToken() throws Exception {
        var model = own();
        var plant = model.plant("the sea");
        var algebra = model.algebra();
        var begun = new CountDownLatch(1);
        var work =
                CompletableFuture.supplyAsync(() -> model.generate("the sea", 600, GREEDY, text -> begun.countDown()));
        begun.await();
        model.close();
        var failure = assertThrows(ExecutionException.class, work::get);
        assertTrue(failure.getCause() instanceof IllegalStateException, failure.toString());
        for (Executable call : List.<Executable>of(
                () -> model.generate("the sea", 2),
                () -> model.steered(Controller.none()).generate("the sea", 2),
                () -> model.generateOfTokens(List.of(new int[] {3}), 2, GREEDY),
                () -> model.chat("the sea", 2),
                () -> model.trace("the sea"),
                () -> model.encode("the sea"),
                () -> model.decode(new int[] {3}),
                () -> model.logits(new int[] {3}),
                () -> model.surprisals(new int[] {3, 4}),
                () -> model.steered(Controller.none())
                        .surprisals(List.of(new int[] {3}), List.of(List.of(new int[] {3}))),
                () -> model.meanJacobians(List.of("the sea")),
                () -> plant.next(0, new double[Tiny.D]),
                () -> plant.jacobian(0),
                algebra::open)) {
            var closed = assertThrows(IllegalStateException.class, call);
            assertTrue(closed.getMessage().startsWith("this model is closed: load it again"), closed.getMessage());
        }
        assertTrue(model.toString().contains("tiny"));
        model.close();
    }

    @Test
    void aThreadAtWorkCannotCloseItsModel() {
        try (var model = own()) {
            Runnable close = model::close;
            var refused = assertThrows(
                    IllegalStateException.class, () -> model.generate("the sea", 3, GREEDY, text -> close.run()));
            assertTrue(refused.getMessage().contains("when the work is done"), refused.getMessage());
            model.generate("the sea", 3);
        }
    }
}
