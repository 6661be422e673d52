package rudder.demo;

import java.awt.Graphics2D;
import java.awt.Rectangle;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.metadata.IIOMetadataNode;

/** An animated GIF of screenshots. Frames hold what changed since the frame before. */
final class Recording {

    private static final String NATIVE = "javax_imageio_gif_image_1.0";
    private static final int RGB = 0xffffff;

    private record Frame(BufferedImage image, int hundredths) {}

    private final int width;
    private final List<Frame> frames = new ArrayList<>();

    /** @param width of the animation; screenshots are scaled to it */
    Recording(int width) {
        this.width = width;
    }

    /** Adds a frame from a PNG, which is shown so many hundredths of a second. */
    void add(byte[] png, int hundredths) throws IOException {
        var shot = ImageIO.read(new ByteArrayInputStream(png));
        int height = shot.getHeight() * width / shot.getWidth();
        var scaled = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = scaled.createGraphics();
        graphics.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BICUBIC);
        graphics.drawImage(shot, 0, 0, width, height, null);
        graphics.dispose();
        frames.add(new Frame(scaled, hundredths));
    }

    void write(Path file) throws IOException {
        var writer = ImageIO.getImageWritersByFormatName("gif").next();
        Files.deleteIfExists(file);
        try (var out = ImageIO.createImageOutputStream(file.toFile())) {
            writer.setOutput(out);
            writer.prepareWriteSequence(null);
            BufferedImage before = null;
            for (var frame : frames) {
                var changed = changed(before, frame.image);
                var part = frame.image.getSubimage(changed.x, changed.y, changed.width, changed.height);
                var type = ImageTypeSpecifier.createFromRenderedImage(part);
                var metadata = writer.getDefaultImageMetadata(type, null);
                describe(metadata, changed, frame.hundredths, before == null);
                writer.writeToSequence(new IIOImage(part, null, metadata), null);
                before = frame.image;
            }
            writer.endWriteSequence();
        } finally {
            writer.dispose();
        }
    }

    /** Returns the smallest rectangle with all changes; one pixel if there are none. */
    private static Rectangle changed(BufferedImage before, BufferedImage now) {
        if (before == null) {
            return new Rectangle(now.getWidth(), now.getHeight());
        }
        Rectangle changed = null;
        for (int y = 0; y < now.getHeight(); y++) {
            for (int x = 0; x < now.getWidth(); x++) {
                if ((before.getRGB(x, y) & RGB) != (now.getRGB(x, y) & RGB)) {
                    var pixel = new Rectangle(x, y, 1, 1);
                    changed = changed == null ? pixel : changed.union(pixel);
                }
            }
        }
        return changed == null ? new Rectangle(1, 1) : changed;
    }

    private static void describe(IIOMetadata metadata, Rectangle place, int hundredths, boolean first)
            throws IOException {
        var root = (IIOMetadataNode) metadata.getAsTree(NATIVE);
        var descriptor = child(root, "ImageDescriptor");
        descriptor.setAttribute("imageLeftPosition", Integer.toString(place.x));
        descriptor.setAttribute("imageTopPosition", Integer.toString(place.y));
        var control = child(root, "GraphicControlExtension");
        control.setAttribute("disposalMethod", "doNotDispose");
        control.setAttribute("userInputFlag", "FALSE");
        control.setAttribute("transparentColorFlag", "FALSE");
        control.setAttribute("delayTime", Integer.toString(hundredths));
        control.setAttribute("transparentColorIndex", "0");
        if (first) { // again and again
            var loop = new IIOMetadataNode("ApplicationExtension");
            loop.setAttribute("applicationID", "NETSCAPE");
            loop.setAttribute("authenticationCode", "2.0");
            loop.setUserObject(new byte[] {1, 0, 0});
            child(root, "ApplicationExtensions").appendChild(loop);
        }
        metadata.setFromTree(NATIVE, root);
    }

    private static IIOMetadataNode child(IIOMetadataNode root, String name) {
        for (int i = 0; i < root.getLength(); i++) {
            if (root.item(i).getNodeName().equals(name)) {
                return (IIOMetadataNode) root.item(i);
            }
        }
        var child = new IIOMetadataNode(name);
        root.appendChild(child);
        return child;
    }
}
