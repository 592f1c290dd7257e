import type { Duplex } from "node:stream";
import type { Connection, Container, EventContext, Receiver, Sender, Session } from "rhea";
import { AmqpRefusal, Condition } from "../amqp-refusal.ts";
import type { Claim } from "../auth/access-policies.ts";
import { ConnectionGrants } from "../auth/connection-grants.ts";
import { unauthorized } from "../auth/unauthorized.ts";
import type { CallFaults } from "../faults/call-faults.ts";
import type { AmqpLibrary } from "../library.ts";
import type { Namespace } from "../namespace.ts";
import type { ConnectionControl } from "./connection-control.ts";
import { type HubLink, endLink } from "./hub-link.ts";
import { LinkOpener } from "./link-opener.ts";
import { PublishLink } from "./publish-link.ts";
import { ReadLink } from "./read-link.ts";
import { RequestLinks } from "./request-links.ts";
import { PLAIN_MESSAGE, keepWholeFrames, limitHandles } from "./rhea-frames.ts";

export interface ClientConnectionParts {
  readonly library: AmqpLibrary;
  readonly container: Container;
  readonly namespace: Namespace;
  /** Plain, or within TLS or a WebSocket. */
  readonly stream: Duplex;
  /** Ends the connection below it by a reset. */
  readonly reset: () => void;
  readonly restart: () => void;
}

/** Credit for publishers: what the service gives is not documented. */
const PUBLISH_CREDIT = 1_000;
const CONNECTION_OPTIONS = {
  reconnect: false,
  max_frame_size: 65_536,
  session_buffer_size: { outgoing: 8_192 },
  receiver_options: { autoaccept: false, credit_window: PUBLISH_CREDIT },
};
const GARBAGE = Buffer.from("0000000801020304ffffffff", "hex");

/** One connection of a client: its tokens and its links. rhea speaks AMQP; what the links do is decided here. */
export class ClientConnection {
  readonly #connection: Connection;
  readonly #grants: ConnectionGrants;
  readonly #opener: LinkOpener;
  readonly #requests: RequestLinks;
  readonly #links = new Map<Sender | Receiver, HubLink>();
  readonly #ended = new AbortController();

  constructor(parts: ClientConnectionParts) {
    const { library, container, namespace, stream } = parts;
    const control = this.#controlOf(parts);
    this.#grants = new ConnectionGrants(() => this.#endUnauthorized());
    this.#requests = new RequestLinks(namespace, control, this.#grants);
    this.#opener = new LinkOpener({ library, namespace, control, grants: this.#grants, requests: this.#requests });
    this.#connection = container.create_connection(CONNECTION_OPTIONS as never);
    this.#listenToLinks();
    this.#listenToConnection();
    keepWholeFrames(this.#connection, stream);
    this.#connection["accept"](stream);
    stream.on("drain", () => this.#wakeReaders());
    stream.once("close", () => {
      // rhea does not notice a stream that is destroyed here: its heartbeat would go on for ever, and keep the process alive.
      this.#connection["eof"]();
      this.#end();
    });
  }

  /** As if the time of all its tokens had run out. */
  expireTokens(): void {
    this.#grants.expireAll();
  }

  #controlOf({ stream, reset, restart }: ClientConnectionParts): ConnectionControl {
    const disconnect = (how: "close" | "reset" | "bad-frame"): void => {
      if (how === "bad-frame") stream.end(GARBAGE);
      else if (how === "reset") reset();
      else stream.destroy();
      this.#end();
    };
    return {
      signal: this.#ended.signal,
      disconnect,
      ends: (faults: CallFaults) => {
        if (faults.has("restart")) restart();
        const how = faults.has("restart") ? "close" : faults.disconnection;
        if (how !== null) disconnect(how);
        return how !== null;
      },
      refuseUnauthorized: (faults: CallFaults, claim: Claim, entity: string) => {
        if (faults.has("refuse-authorization")) throw unauthorized(claim, entity);
      },
      isWritable: () => !stream.writableNeedDrain,
    };
  }

  #listenToLinks(): void {
    const connection = this.#connection;
    connection.on("receiver_open", ({ receiver }: EventContext) => this.#open(receiver!, () => this.#opener.openForPublishing(receiver!)));
    connection.on("sender_open", ({ sender }: EventContext) => this.#open(sender!, () => this.#opener.openForReading(sender!)));
    connection.on("message", (context: EventContext) => this.#received(context));
    connection.on("sender_flow", ({ sender }: EventContext) => {
      const link = this.#links.get(sender!);
      if (link instanceof ReadLink) link.credited();
      else this.#requests.flowed(sender!);
    });
    connection.on("sender_draining", ({ sender }: EventContext) => {
      const link = this.#links.get(sender!);
      if (link instanceof ReadLink) link.drain();
    });
    connection.on("settled", ({ delivery }: EventContext) => {
      const link = this.#links.get(delivery!.link);
      if (link instanceof ReadLink) link.wake();
    });
    connection.on("sender_close", ({ sender }: EventContext) => this.#closed(sender!));
    connection.on("receiver_close", ({ receiver }: EventContext) => this.#closed(receiver!));
  }

  #listenToConnection(): void {
    const connection = this.#connection;
    connection.on("session_open", ({ session }: EventContext) => limitHandles(session!));
    connection.on("session_close", ({ session }: EventContext) => this.#sessionClosed(session!));
    // An error of the client, or bytes that are no AMQP: rhea ends the connection itself.
    for (const event of ["connection_error", "protocol_error", "session_error", "sender_error", "receiver_error"]) {
      connection.on(event, () => undefined);
    }
    connection.on("error", (error: unknown) => warnOfDefect(error));
    for (const event of ["connection_close", "disconnected"]) connection.on(event, () => this.#end());
  }

  /** Ends the link with the error that `open` throws. */
  #open(link: Sender | Receiver, open: () => HubLink | null): void {
    try {
      const opened = open();
      if (opened !== null) this.#links.set(link, opened);
    } catch (error) {
      if (!(error instanceof AmqpRefusal)) throw error;
      endLink(link, error);
    }
  }

  #received(context: EventContext): void {
    const { receiver, delivery, message } = context;
    const payload = message as unknown as Buffer;
    const { format } = context as unknown as { readonly format: number };
    const link = this.#links.get(receiver!);
    if (link instanceof PublishLink) link.received(delivery!, payload, format === PLAIN_MESSAGE ? 0 : format);
    else this.#requests.received(receiver!, delivery!, payload);
  }

  #closed(link: Sender | Receiver): void {
    this.#links.get(link)?.ended();
    this.#links.delete(link);
    this.#requests.closed(link);
  }

  #sessionClosed(session: Session): void {
    this.#requests.sessionClosed(session);
    for (const link of this.#links.keys()) if (link.session === session) this.#closed(link);
  }

  #wakeReaders(): void {
    for (const link of this.#links.values()) if (link instanceof ReadLink) link.wake();
  }

  #endUnauthorized(): void {
    const nowMs = Date.now();
    this.#requests.endUnauthorized();
    for (const link of this.#links.values()) {
      if (this.#grants.permits(link.entity, link.claim, nowMs)) continue;
      link.detach(new AmqpRefusal(Condition.unauthorized, `ExpiredToken: The token for '${link.entity}' is expired.`));
    }
  }

  #end(): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#grants.close();
    for (const link of this.#links.values()) link.ended();
    this.#links.clear();
  }
}

/** rhea catches what its listeners throw, and has errors of its own for what clients do wrong. */
function warnOfDefect(error: unknown): void {
  if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) {
    process.emitWarning(`the emulated Event Hubs has a defect: ${error.stack}`);
  }
}
