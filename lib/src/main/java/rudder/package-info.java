/** Linear quadratic control of layered systems. */
package rudder;
