package rudder.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import rudder.model.SteeredModel;

class BatchTest {

    @ParameterizedTest
    @CsvSource({"1, 1", "8, 100", "55, 24", "3, 16", "200, 1", "5, 33"})
    void everyPromptMeetsEveryArmOnceAndAllArmsBeforeAnyMeetsTheNext(int arms, int prompts) {
        var met = new int[arms][prompts];
        int before = 0;
        for (var batch : Batch.of(arms, prompts)) {
            assertTrue(
                    batch.texts() <= 2 * SteeredModel.TEXTS && batch.end() - batch.first() <= SteeredModel.BATCH,
                    batch.toString());
            assertTrue(batch.first() >= before, batch.toString());
            before = batch.first();
            for (int arm = batch.firstArm(); arm < batch.endArm(); arm++) {
                for (int prompt :
                        batch.ofPrompts(IntStream.range(0, prompts).boxed().toList())) {
                    met[arm][prompt]++;
                }
            }
        }
        for (var row : met) {
            assertEquals(prompts, IntStream.of(row).filter(times -> times == 1).count());
        }
    }
}
