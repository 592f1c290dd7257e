import type { Receiver, Sender } from "rhea";
import { AmqpRefusal, Condition } from "../amqp-refusal.ts";
import type { Claim } from "../auth/access-policies.ts";
import type { ConnectionGrants } from "../auth/connection-grants.ts";
import { unauthorized } from "../auth/unauthorized.ts";
import type { CallFaults } from "../faults/call-faults.ts";
import type { AmqpLibrary } from "../library.ts";
import { type Namespace, entityNotFound } from "../namespace.ts";
import type { ConnectionControl } from "./connection-control.ts";
import { type EntityAddress, addressOf, pathOf } from "./entity-address.ts";
import { IDEMPOTENT_CAPABILITY, attachProducer } from "./idempotent-producer.ts";
import { PublishLink } from "./publish-link.ts";
import { ReadLink } from "./read-link.ts";
import type { RequestLinks } from "./request-links.ts";

export interface LinkOpenerParts {
  readonly library: AmqpLibrary;
  readonly namespace: Namespace;
  readonly control: ConnectionControl;
  readonly grants: ConnectionGrants;
  readonly requests: RequestLinks;
}

/** What rhea answers an attach with; it can be changed until the turn has ended. */
interface OwnAttach {
  readonly local: { readonly attach: { max_message_size?: number; snd_settle_mode?: number } };
}

const SELECTOR_FILTER = "apache.org:selector-filter:string";
const METRICS_CAPABILITY = "com.microsoft:enable-receiver-runtime-metric";
const RECEIVER_NAME = "com.microsoft:receiver-name";
const EPOCH = "com.microsoft:epoch";

/** Decides what the links are that a client attaches. */
export class LinkOpener {
  readonly #parts: LinkOpenerParts;

  constructor(parts: LinkOpenerParts) {
    this.#parts = parts;
  }

  /** A client wants to send. @returns `null` where the link is for requests, or the connection has ended. @throws AmqpRefusal */
  openForPublishing(receiver: Receiver): PublishLink | null {
    const { library, namespace, control, requests } = this.#parts;
    const target = receiver.target as { readonly address?: string } | null;
    const address = knownAddress(target);
    receiver.set_target({ address: target!.address! });
    receiver.set_source({ address: (receiver.source as { readonly address?: string } | null)?.address ?? "" });
    (receiver as unknown as OwnAttach).local.attach.max_message_size = namespace.maxMessageBytes;
    if (address.kind === "tokens" || address.kind === "management") {
      requests.open(address.kind, receiver);
      return null;
    }
    if (address.kind === "reader") throw new AmqpRefusal(Condition.notAllowed, "Events cannot be sent to a consumer group.");
    const entity = pathOf(address);
    const hub = namespace.hub(address.hub);
    this.#requireClaim("Send", entity);
    const partition = address.partition === null ? null : hub.partition(address.partition);
    const faults = namespace.faultsOf("AttachSender", new Map([[hub.name, partition === null ? null : [partition.id]]]));
    if (!this.#goesOn(faults, "Send", entity)) return null;
    const producer = desired(receiver, IDEMPOTENT_CAPABILITY) ? attachProducer(library, hub, partition, receiver) : null;
    return new PublishLink({ namespace, control, receiver, hub, partition, producer, entity });
  }

  /** A client wants to receive. @returns `null` as for publishing. @throws AmqpRefusal */
  openForReading(sender: Sender): ReadLink | null {
    const source = sender.source as { readonly address?: string; readonly filter?: Readonly<Record<string, unknown>> } | null;
    const address = knownAddress(source);
    const settleMode = sender.snd_settle_mode;
    if (settleMode !== undefined && settleMode !== null) (sender as unknown as OwnAttach).local.attach.snd_settle_mode = settleMode;
    sender.set_source({ address: source!.address!, ...(source?.filter && { filter: source.filter }) });
    sender.set_target({ address: (sender.target as { readonly address?: string } | null)?.address ?? "" });
    if (address.kind === "tokens" || address.kind === "management") {
      this.#parts.requests.open(address.kind, sender);
      return null;
    }
    if (address.kind === "hub") throw new AmqpRefusal(Condition.notAllowed, "Events are read from a partition, by a consumer group.");
    return this.#openReader(sender, address, selectorOf(source?.filter?.[SELECTOR_FILTER]));
  }

  /** @throws AmqpRefusal */
  #openReader(sender: Sender, address: EntityAddress & { readonly kind: "reader" }, selector: string | null): ReadLink | null {
    const { namespace, control } = this.#parts;
    const entity = pathOf(address);
    const hub = namespace.hub(address.hub);
    this.#requireClaim("Listen", entity);
    if (!hub.hasGroup(address.group)) throw entityNotFound(`${hub.name}|${address.group}`);
    const partition = hub.partition(address.partition);
    const faults = namespace.faultsOf("AttachReceiver", new Map([[hub.name, [partition.id]]]), true);
    if (!this.#goesOn(faults, "Listen", entity)) return null;
    const properties = (sender.properties ?? {}) as Readonly<Record<string, unknown>>;
    return new ReadLink({
      namespace,
      control,
      sender,
      hub,
      partition,
      readers: hub.readersOf(address.group, partition.id),
      entity,
      name: typeof properties[RECEIVER_NAME] === "string" ? properties[RECEIVER_NAME] : sender.name,
      epoch: epochOf(properties[EPOCH]),
      selector,
      hasMetrics: desired(sender, METRICS_CAPABILITY),
      stallMs: faults.delayMs,
    });
  }

  /** @throws AmqpRefusal */
  #requireClaim(claim: Claim, entity: string): void {
    if (!this.#parts.grants.permits(entity, claim, Date.now())) throw unauthorized(claim, entity);
  }

  /** @returns `false` where the connection has ended. @throws AmqpRefusal */
  #goesOn(faults: CallFaults, claim: Claim, entity: string): boolean {
    const { control } = this.#parts;
    if (control.ends(faults)) return false;
    control.refuseUnauthorized(faults, claim, entity);
    faults.refuseLink();
    return true;
  }
}

/** @throws AmqpRefusal */
function knownAddress(terminus: { readonly address?: string } | null): EntityAddress {
  const address = addressOf(terminus);
  if (address === null) throw entityNotFound(String(terminus?.address));
  return address;
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
