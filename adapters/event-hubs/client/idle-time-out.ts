import { beforeEachLink } from "./before-each-link.ts";

/** Parts of a client that its types do not show, in the versions that are known to work. */
interface Inner {
  readonly _context?: {
    readonly connection?: { readonly _connection?: { readonly local?: { readonly open?: { idle_time_out?: number | undefined } } } };
  };
}

/**
 * How long the service may be silent. Half a minute is what the client of .NET announces by its source, which sets a minute and tells the half. The AMQP library ends a connection that is silent for twice as long.
 * The SDK announces a minute. https://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-transport-v1.0-os.html#doc-doc-idle-time-out
 */
export const IDLE_TIME_OUT_MS = 30_000;

/**
 * Makes each connection of a client announce how often it has to hear of the service. One that is open already stays as it is.
 * @returns ends it, to be called before the client is closed: of a connection that is given up while it opens, the AMQP library would wait for a word of the service, and keep the process for a minute
 */
export function announceIdleTimeOut(client: object, idleTimeOutMs: number): () => void {
  let announcedMs: number | undefined = idleTimeOutMs;
  const announce = (): void => {
    const open = (client as Inner)._context?.connection?._connection?.local?.open;
    if (open !== undefined) open.idle_time_out = announcedMs;
  };
  beforeEachLink(client, announce);
  return () => {
    announcedMs = undefined;
    announce();
  };
}
