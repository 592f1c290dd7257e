/** Parts of a client that its types do not show, in the versions that are known to work. */
interface Inner {
  readonly _context?: {
    readonly connection?: { readonly _connection?: { readonly socket?: { setNoDelay?(isOn: boolean): unknown } } };
  };
}

/**
 * Turns off Nagle's algorithm for the connection of a client, which the AMQP library leaves on. A small frame then waits until the one before it is
 * acknowledged, and the other side delays acknowledgements by some 40 ms: each request for properties, and each small batch after another one, would take so long.
 * @param isAtOnce `false` turns it on again: while events come without a pause, acknowledgements come with them, and to send each small frame by itself costs more
 */
export function sendAtOnce(client: object, isAtOnce = true): void {
  (client as Inner)._context?.connection?._connection?.socket?.setNoDelay?.(isAtOnce);
}
