/**
 * Linear quadratic control of layered systems, in double precision. No engine, no files, no network.
 *
 * <p>Layers are time. A plant has {@code T} blocks; in a language model a block is a transformer layer. Block {@code k}
 * takes the state {@code z_k} to its output, and a controller may add an input there: {@code z_{k+1} = phi_k(z_k) +
 * u_k}. A pendulum and the residual stream of a language model are both such plants, and every controller here drives
 * both. One symbol has one name, one shape and one sign:
 *
 * <table>
 *   <caption>Symbols</caption>
 *   <tr><th>symbol</th><th>name in code</th><th>shape</th><th>meaning</th></tr>
 *   <tr><td>T, d</td><td>{@code horizon}, {@code dimension}</td><td></td>
 *       <td>number of blocks; width of the state.</td></tr>
 *   <tr><td>z_k</td><td>state</td><td>d</td><td>enters block k, k = 0..T; z_T leaves the last block.</td></tr>
 *   <tr><td>u_k</td><td>input</td><td>d</td><td>a controller adds it to the output of block k, k = 0..T-1.</td></tr>
 *   <tr><td>A_k</td><td>Jacobian</td><td>d x d</td><td>derivative of phi_k at the nominal state.</td></tr>
 *   <tr><td>v_k</td><td>direction</td><td>d</td>
 *       <td>unit vector along which the feature is measured at the entry of block k.</td></tr>
 *   <tr><td>mu_k</td><td>gap</td><td>scalar</td>
 *       <td>norm of the difference of means e_k = mean(D+) - mean(D-), so e_k = mu_k v_k.</td></tr>
 *   <tr><td>beta_k</td><td>strength</td><td>scalar</td>
 *       <td>v_k.z_k, the projection of the state on the direction.</td></tr>
 *   <tr><td>beta*_k</td><td>target</td><td>scalar</td>
 *       <td>offset_k + lambda mu_k; the offset is 0 (absolute) or v_k.mean(D-) (centred).</td></tr>
 *   <tr><td>alpha_k</td><td>error</td><td>scalar</td>
 *       <td>beta*_k - beta_k, measured at the entry of block k.</td></tr>
 *   <tr><td>Q, R, Q_T</td><td>{@code QuadraticCost}</td><td>scalars q, r, qf</td>
 *       <td>weights qI, rI, qf I of state, input and last state.</td></tr>
 *   <tr><td>S_k</td><td>cost to go</td><td>d x d</td>
 *       <td>x'S_k x is the least cost from block k on; S_T = qf I.</td></tr>
 *   <tr><td>K_k</td><td>gain</td><td>d x d</td>
 *       <td>u_k = -K_k dz_k regulates dz to 0; u_k = alpha_k K_k v_k pushes to the setpoint.</td></tr>
 *   <tr><td>Ahat_k</td><td>closed loop</td><td>d x d</td><td>A_k - K_k.</td></tr>
 *   <tr><td>Phi(k, j)</td><td>transition</td><td>d x d</td><td>Ahat_{k-1} ... Ahat_j, and Phi(j, j) = I.</td></tr>
 *   <tr><td>P_k</td><td>Lyapunov matrix</td><td>d x d</td><td>P_T = I, P_k = Ahat_k' P_{k+1} Ahat_k + I.</td></tr>
 * </table>
 *
 * <p>In the terms of steering vectors, mu_k v_k is the difference-of-means vector of CAA. The gap mu_k is its norm, and
 * the strength beta_k is the projection of the state on its direction.
 *
 * <p>All values are immutable. Matrices are large, so they are shared instead of copied: do not write to a matrix after
 * handing it in, or to one that was returned. "The paper" is Skifstad, Yang and Chou, <i>Local Linearity of LLMs
 * Enables Activation Steering via Model-Based Linear Optimal Control</i>, arXiv 2604.19018.
 */
package rudder.theory;
