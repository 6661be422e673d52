package rudder.faults;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A kind of file that the library reads, and how it is read.
 *
 * @param name the kind, also the name of its folder
 * @param fuzz whether it says how words become tokens and numbers; the others are tried under the tag faults alone
 * @param format what mutations keep
 * @param words values or pieces of text that the format gives a meaning
 * @param share the number of mutants, relative to other kinds
 * @param originals makes sound files
 * @param bombs files that are made to be too large, too deep or too slow, beside the mutants
 * @param reader sets up the reading, once a process
 */
record Subject(
        String name,
        boolean fuzz,
        Mutator.Format format,
        List<String> words,
        double share,
        Originals originals,
        List<Bomb> bombs,
        Setup reader) {

    /** Returns sound files. */
    interface Originals {
        List<byte[]> make(Path scratch) throws Exception;
    }

    /** Makes a file; called in the process that reads it. */
    record Bomb(String what, Content content) {
        /** Makes the content; the folder is empty and will be deleted. */
        interface Content {
            byte[] make(Path scratch) throws Exception;
        }

        byte[] make() throws Exception {
            Path scratch = Files.createTempDirectory("bomb");
            try {
                return content.make(scratch);
            } finally {
                Processes.delete(scratch);
            }
        }
    }

    /** Makes the reader. */
    interface Setup {
        Reader in(Path scratch) throws Exception;
    }

    /** Writes a file to its place, reads it, and uses what was read. */
    interface Reader {
        /**
         * @param original the number of the sound file that was damaged
         * @param loaded is called once the file has been read; what follows is use
         */
        void read(int original, byte[] file, Runnable loaded) throws Exception;
    }

    Subject(
            String name,
            boolean fuzz,
            Mutator.Format format,
            List<String> words,
            double share,
            Originals originals,
            Setup reader) {
        this(name, fuzz, format, words, share, originals, List.of(), reader);
    }

    /** Returns the subject whose damaged files get a new checksum before they are read. */
    Subject sealed() {
        return new Subject("sealed " + name, fuzz, format, words, share, originals, bombs, scratch -> {
            var inner = reader.in(scratch);
            return (original, file, loaded) -> inner.read(original, Mutator.sealed(file), loaded);
        });
    }

    Subject with(Bomb... more) {
        return new Subject(name, fuzz, format, words, share, originals, List.of(more), reader);
    }

    /** A file was read that does not hold what was written, or has no meaning. */
    static final class Accepted extends RuntimeException {
        private static final long serialVersionUID = 1;

        Accepted(String what) {
            super(what);
        }
    }
}
