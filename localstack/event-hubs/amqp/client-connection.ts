import type { Duplex } from "node:stream";
import type { Connection, Container, EventContext, Receiver, Sender, Session } from "rhea";
import { AmqpRefusal, Condition } from "../amqp-refusal.ts";
import type { Claim } from "../auth/access-policies.ts";
import { ConnectionGrants } from "../auth/connection-grants.ts";
import type { CallFaults } from "../faults/call-faults.ts";
import type { AmqpLibrary } from "../library.ts";
import { type Namespace, entityNotFound } from "../namespace.ts";
import { MalformedAmqp } from "../wire/amqp-reader.ts";
import type { ConnectionControl } from "./connection-control.ts";
import { type EntityAddress, parseAddress } from "./entity-address.ts";
import { type HubLink, endLink } from "./hub-link.ts";
import { IDEMPOTENT_CAPABILITY, attachProducer } from "./idempotent-producer.ts";
import { answerPropertyRequest, refusedPropertyRequest, subjectOf } from "./property-requests.ts";
import { PublishLink } from "./publish-link.ts";
import { ReadLink } from "./read-link.ts";
import { type RequestMessage, type ResponseMessage, parseRequest } from "./request-message.ts";
import { PLAIN_MESSAGE, keepWholeFrames, limitHandles, wholeError } from "./rhea-frames.ts";
import { RequestNode } from "./request-node.ts";
import { answerTokenRequest } from "./token-requests.ts";

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

const MAX_FRAME_BYTES = 65_536;
/** Credit for publishers: what the service gives is not documented. */
const PUBLISH_CREDIT = 1_000;
const OUTGOING_DELIVERIES = 8_192;
const SELECTOR_FILTER = "apache.org:selector-filter:string";
const METRICS_CAPABILITY = "com.microsoft:enable-receiver-runtime-metric";
const RECEIVER_NAME = "com.microsoft:receiver-name";
const EPOCH = "com.microsoft:epoch";
const GARBAGE = Buffer.from("0000000801020304ffffffff", "hex");

interface LinkAttach {
  readonly local: { readonly attach: { max_message_size?: number; snd_settle_mode?: number } };
}

/** One connection of a client: its tokens and its links. rhea speaks AMQP; what the links do is here. */
export class ClientConnection {
  readonly #parts: ClientConnectionParts;
  readonly #connection: Connection;
  readonly #grants: ConnectionGrants;
  readonly #links = new Map<Sender | Receiver, HubLink>();
  readonly #nodes = new Map<Session, Record<"tokens" | "management", RequestNode>>();
  readonly #ended = new AbortController();
  readonly #control: ConnectionControl;
  #tokenLinks = new Set<"sender" | "receiver">();

  constructor(parts: ClientConnectionParts) {
    this.#parts = parts;
    this.#grants = new ConnectionGrants(() => this.#endUnauthorized());
    this.#control = this.#controlOf(parts);
    const options = {
      reconnect: false,
      max_frame_size: MAX_FRAME_BYTES,
      session_buffer_size: { outgoing: OUTGOING_DELIVERIES },
      receiver_options: { autoaccept: false, credit_window: PUBLISH_CREDIT },
    };
    this.#connection = parts.container.create_connection(options as never);
    this.#listen();
    keepWholeFrames(this.#connection, parts.stream);
    this.#connection["accept"](parts.stream);
    parts.stream.on("drain", () => this.#wakeReaders());
    parts.stream.once("close", () => this.#end());
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

  #listen(): void {
    const connection = this.#connection;
    connection.on("session_open", ({ session }: EventContext) => limitHandles(session!));
    connection.on("receiver_open", ({ receiver }: EventContext) => this.#attach(receiver!, () => this.#openForPublishing(receiver!)));
    connection.on("sender_open", ({ sender }: EventContext) => this.#attach(sender!, () => this.#openForReading(sender!)));
    connection.on("message", (context: EventContext) => this.#received(context));
    connection.on("sender_flow", ({ sender }: EventContext) => this.#flowed(sender!));
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
    connection.on("session_close", ({ session }: EventContext) => this.#sessionClosed(session!));
    // An error of the client, or bytes that are no AMQP: rhea ends the connection itself.
    for (const event of ["connection_error", "protocol_error", "session_error", "sender_error", "receiver_error"]) {
      connection.on(event, () => undefined);
    }
    connection.on("error", (error: unknown) => warnOfDefect(error));
    for (const event of ["connection_close", "disconnected"]) connection.on(event, () => this.#end());
  }

  /** Ends the link with the error that `open` throws. */
  #attach(link: Sender | Receiver, open: () => void): void {
    try {
      open();
    } catch (error) {
      if (!(error instanceof AmqpRefusal)) throw error;
      endLink(link, error);
    }
  }

  /** @throws AmqpRefusal */
  #openForPublishing(receiver: Receiver): void {
    const { library, namespace } = this.#parts;
    const target = receiver.target as { readonly address?: string } | null;
    const address = this.#addressOf(target?.address);
    receiver.set_target({ address: target!.address! });
    receiver.set_source({ address: (receiver.source as { readonly address?: string } | null)?.address ?? "" });
    (receiver as unknown as LinkAttach).local.attach.max_message_size = namespace.maxMessageBytes;
    if (address.kind === "tokens" || address.kind === "management") return this.#openRequests(address.kind, receiver.session, "receiver");
    if (address.kind === "reader") throw new AmqpRefusal(Condition.notAllowed, "Events cannot be sent to a consumer group.");
    const entity = pathOf(address);
    const hub = namespace.hub(address.hub);
    this.#requireClaim("Send", entity);
    const partition = address.partition === null ? null : hub.partition(address.partition);
    const faults = namespace.faultsOf("AttachSender", new Map([[hub.name, partition === null ? null : [partition.id]]]));
    if (this.#control.ends(faults)) return;
    this.#control.refuseUnauthorized(faults, "Send", entity);
    faults.refuseLink();
    const producer = desired(receiver, IDEMPOTENT_CAPABILITY) ? attachProducer(library, hub, partition, receiver) : null;
    this.#links.set(receiver, new PublishLink({ namespace, control: this.#control, receiver, hub, partition, producer, entity }));
  }

  /** @throws AmqpRefusal */
  #openForReading(sender: Sender): void {
    const source = sender.source as { readonly address?: string; readonly filter?: Readonly<Record<string, unknown>> } | null;
    const address = this.#addressOf(source?.address);
    const settleMode = sender.snd_settle_mode;
    if (settleMode !== undefined && settleMode !== null) (sender as unknown as LinkAttach).local.attach.snd_settle_mode = settleMode;
    sender.set_source({ address: source!.address!, ...(source?.filter && { filter: source.filter }) });
    sender.set_target({ address: (sender.target as { readonly address?: string } | null)?.address ?? "" });
    if (address.kind === "tokens" || address.kind === "management") {
      this.#openRequests(address.kind, sender.session, "sender");
      return this.#nodesOf(sender.session)[address.kind].add(sender);
    }
    if (address.kind === "hub") throw new AmqpRefusal(Condition.notAllowed, "Events are read from a partition, by a consumer group.");
    this.#openReader(sender, address, selectorOf(source?.filter?.[SELECTOR_FILTER]));
  }

  /** @throws AmqpRefusal */
  #openReader(sender: Sender, address: EntityAddress & { readonly kind: "reader" }, selector: string | null): void {
    const { namespace } = this.#parts;
    const entity = pathOf(address);
    const hub = namespace.hub(address.hub);
    this.#requireClaim("Listen", entity);
    if (!hub.hasGroup(address.group)) throw entityNotFound(`${hub.name}|${address.group}`);
    const partition = hub.partition(address.partition);
    const faults = namespace.faultsOf("AttachReceiver", new Map([[hub.name, [partition.id]]]), true);
    if (this.#control.ends(faults)) return;
    this.#control.refuseUnauthorized(faults, "Listen", entity);
    faults.refuseLink();
    const properties = (sender.properties ?? {}) as Readonly<Record<string, unknown>>;
    const readers = hub.readersOf(address.group, partition.id);
    const link = new ReadLink({
      namespace,
      control: this.#control,
      sender,
      hub,
      partition,
      readers,
      entity,
      name: typeof properties[RECEIVER_NAME] === "string" ? properties[RECEIVER_NAME] : sender.name,
      epoch: epochOf(properties[EPOCH]),
      selector,
      hasMetrics: desired(sender, METRICS_CAPABILITY),
      stallMs: faults.delayMs,
    });
    this.#links.set(sender, link);
  }

  /** @throws AmqpRefusal */
  #addressOf(address: string | undefined): EntityAddress {
    const parsed = parseAddress(address);
    if (parsed === null) throw entityNotFound(String(address));
    return parsed;
  }

  /** A connection has one pair of links to `$cbs`. @throws AmqpRefusal */
  #openRequests(kind: "tokens" | "management", session: Session, direction: "sender" | "receiver"): void {
    this.#nodesOf(session);
    if (kind !== "tokens") return;
    if (this.#tokenLinks.has(direction)) {
      throw new AmqpRefusal(Condition.notAllowed, "A link to the connection's $cbs node has already been opened.");
    }
    this.#tokenLinks.add(direction);
  }

  #nodesOf(session: Session): Record<"tokens" | "management", RequestNode> {
    const nodes = this.#nodes.get(session) ?? { tokens: new RequestNode(), management: new RequestNode() };
    this.#nodes.set(session, nodes);
    return nodes;
  }

  #requireClaim(claim: Claim, entity: string): void {
    if (!this.#grants.permits(entity, claim, Date.now())) throw unauthorized(claim, entity);
  }

  #received(context: EventContext): void {
    const { receiver, delivery, message } = context;
    const payload = message as unknown as Buffer;
    const { format } = context as unknown as { readonly format: number };
    const link = this.#links.get(receiver!);
    if (link instanceof PublishLink) return link.received(delivery!, payload, format === PLAIN_MESSAGE ? 0 : format);
    const kind = parseAddress((receiver!.target as { readonly address?: string } | null)?.address)?.kind;
    if (kind !== "tokens" && kind !== "management") return delivery!.release();
    try {
      const request = parseRequest(payload);
      const response =
        kind === "tokens" ? answerTokenRequest(this.#parts.namespace, this.#grants, request) : this.#answerManagement(request);
      delivery!.accept();
      if (response !== null) this.#nodesOf(receiver!.session)[kind].answer(request, response);
    } catch (error) {
      if (!(error instanceof MalformedAmqp)) throw error;
      delivery!.reject(wholeError(Condition.decodeError, error.message));
    }
  }

  /** @returns `null` where the connection has ended instead */
  #answerManagement(request: RequestMessage): ResponseMessage | null {
    const { namespace } = this.#parts;
    const { hub: name, partition } = subjectOf(request);
    const hub = namespace.find(name)?.name ?? name;
    const faults = namespace.faultsOf("ReadProperties", new Map([[hub, partition === null ? null : [partition]]]));
    if (this.#control.ends(faults)) return null;
    try {
      this.#control.refuseUnauthorized(faults, "Manage", hub);
      if (!this.#grants.knows(`${name.toLowerCase()}/$management`, Date.now())) throw unauthorized("Manage", hub);
      faults.refuseLink();
      return answerPropertyRequest(namespace, request);
    } catch (error) {
      if (!(error instanceof AmqpRefusal)) throw error;
      const refused = refusedPropertyRequest(error);
      return { ...refused, statusCode: faults.statusOf(false) ?? refused.statusCode };
    }
  }

  #flowed(sender: Sender): void {
    const link = this.#links.get(sender);
    if (link instanceof ReadLink) return link.credited();
    const nodes = this.#nodes.get(sender.session);
    nodes?.tokens.flowed(sender);
    nodes?.management.flowed(sender);
  }

  #closed(link: Sender | Receiver): void {
    this.#links.get(link)?.ended();
    this.#links.delete(link);
    if (link.is_sender()) {
      this.#nodes.get(link.session)?.tokens.remove(link as Sender);
      this.#nodes.get(link.session)?.management.remove(link as Sender);
    }
    const terminus = link.is_sender() ? link.source : link.target;
    if ((terminus as { readonly address?: string } | null)?.address === "$cbs")
      this.#tokenLinks.delete(link.is_sender() ? "sender" : "receiver");
  }

  #sessionClosed(session: Session): void {
    this.#nodes.delete(session);
    for (const link of this.#links.keys()) if (link.session === session) this.#closed(link);
  }

  #wakeReaders(): void {
    for (const link of this.#links.values()) if (link instanceof ReadLink) link.wake();
  }

  #endUnauthorized(): void {
    const nowMs = Date.now();
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
    this.#nodes.clear();
  }
}

/** rhea catches what its listeners throw, and has errors of its own for what clients do wrong. */
function warnOfDefect(error: unknown): void {
  if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) {
    process.emitWarning(`the emulated Event Hubs has a defect: ${error.stack}`);
  }
}

function unauthorized(claim: Claim, entity: string): AmqpRefusal {
  const text = `Unauthorized access. '${claim}' claim(s) are required to perform this operation. Resource: '${entity}'.`;
  return new AmqpRefusal(Condition.unauthorized, text);
}

function pathOf(address: EntityAddress & { readonly kind: "hub" | "reader" }): string {
  const group = address.kind === "reader" ? `/ConsumerGroups/${address.group}` : "";
  const partition = address.partition === null ? "" : `/Partitions/${address.partition}`;
  return `${address.hub}${group}${partition}`.toLowerCase();
}

function desired(link: Sender | Receiver, capability: string): boolean {
  const { desired_capabilities: capabilities } = link;
  return Array.isArray(capabilities) ? capabilities.includes(capability) : capabilities === capability;
}

/** A described string; rhea keeps the description. */
function selectorOf(filter: unknown): string | null {
  if (filter === undefined || filter === null) return null;
  const value = typeof filter === "object" && "value" in filter ? filter.value : filter;
  return Buffer.isBuffer(value) ? value.toString("utf8") : String(value);
}

/** rhea gives integers beyond 53 bits as bytes. */
function epochOf(value: unknown): bigint | null {
  if (value === undefined || value === null) return null;
  return Buffer.isBuffer(value) ? value.readBigInt64BE() : BigInt(value as number);
}
