package rudder.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class RedactorTest {

    private static final Judge RUDE = new Judge() {
        @Override
        public String name() {
            return "rude";
        }

        @Override
        public double of(String text) {
            return text.equalsIgnoreCase("clot") || text.equalsIgnoreCase("bumpkin") ? 0.9 : 0.1;
        }
    };

    @Test
    void offensiveWordsKeepTheirFirstLetterAndALongTextItsBeginning() {
        var masked = new Redactor(RUDE, false);
        assertEquals("You C***, you c***!\nGood day.", masked.words("You Clot, you clot!\nGood day."));
        assertEquals("Do what a c*** ...", masked.beginning(" Do what a\nclot would do", 4));
        assertEquals("Do what", masked.beginning("Do what", 4));
        assertEquals("", masked.beginning("", 4));
    }

    @Test
    void aWordThatHoldsAnOffensiveOneOfFiveLettersIsMaskedWhole() {
        assertEquals("c" + "*".repeat(14) + " cloth", new Redactor(RUDE, false).words("countrybumpkins cloth"));
    }

    @Test
    void theSwitchShowsAll() {
        assertEquals("You clot do it", new Redactor(RUDE, true).beginning("You clot do it", 1));
    }
}
