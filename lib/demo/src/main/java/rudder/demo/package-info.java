/**
 * A live demo: a page on which a visitor turns a dial, and sees a model's feedback loop close while it writes.
 *
 * <pre>{@code
 * rudder.demo.Demo.open(model)   // in a notebook: the page in a frame under the cell
 * }</pre>
 *
 * <p>All numbers are computed here, by the library; the page draws them. May use: {@code rudder.steer},
 * {@code rudder.steer.natural}, {@code rudder.model}, {@code rudder.checkpoint}, {@code rudder.theory}, Undertow and
 * Gson; nothing else may use Undertow.
 */
package rudder.demo;
