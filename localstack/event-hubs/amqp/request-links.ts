import type { Delivery, Receiver, Sender, Session } from "rhea";
import { AmqpRefusal, Condition } from "../amqp-refusal.ts";
import { unauthorized } from "../auth/unauthorized.ts";
import type { ConnectionGrants } from "../auth/connection-grants.ts";
import type { Namespace } from "../namespace.ts";
import { MalformedAmqp } from "../wire/amqp-reader.ts";
import type { ConnectionControl } from "./connection-control.ts";
import { addressOf } from "./entity-address.ts";
import { endLink } from "./hub-link.ts";
import { answerPropertyRequest, refusedPropertyRequest, subjectOf } from "./property-requests.ts";
import { type RequestMessage, type ResponseMessage, parseRequest } from "./request-message.ts";
import { RequestNode } from "./request-node.ts";
import { wholeError } from "./rhea-frames.ts";
import { answerTokenRequest } from "./token-requests.ts";

const MANAGEMENT = "/$management";

/** What requests go to: `$cbs` and `$management`. */
export type RequestKind = "tokens" | "management";

/** The links of one connection by which a client asks for something and is answered. */
export class RequestLinks {
  readonly #namespace: Namespace;
  readonly #control: ConnectionControl;
  readonly #grants: ConnectionGrants;
  readonly #nodes = new Map<Session, Record<RequestKind, RequestNode>>();
  readonly #tokenLinks = new Set<Sender | Receiver>();
  readonly #managementLinks = new Set<Sender | Receiver>();

  constructor(namespace: Namespace, control: ConnectionControl, grants: ConnectionGrants) {
    this.#namespace = namespace;
    this.#control = control;
    this.#grants = grants;
  }

  /** A connection has one pair of links to `$cbs`. @throws AmqpRefusal */
  open(kind: RequestKind, link: Sender | Receiver): void {
    if (kind === "tokens") {
      if ([...this.#tokenLinks].some((other) => other.is_sender() === link.is_sender())) {
        throw new AmqpRefusal(Condition.notAllowed, "A link to the connection's $cbs node has already been opened.");
      }
      this.#tokenLinks.add(link);
    } else this.#managementLinks.add(link);
    if (link.is_sender()) this.#nodesOf(link.session)[kind].add(link as Sender);
  }

  #nodesOf(session: Session): Record<RequestKind, RequestNode> {
    const nodes = this.#nodes.get(session) ?? { tokens: new RequestNode(), management: new RequestNode() };
    this.#nodes.set(session, nodes);
    return nodes;
  }

  received(receiver: Receiver, delivery: Delivery, payload: Buffer): void {
    const kind = addressOf(receiver.target)?.kind;
    if (kind !== "tokens" && kind !== "management") return delivery.release();
    try {
      const request = parseRequest(payload);
      const response = kind === "tokens" ? answerTokenRequest(this.#namespace, this.#grants, request) : this.#answerManagement(request);
      delivery.accept();
      if (response !== null) this.#nodesOf(receiver.session)[kind].answer(request, response);
    } catch (error) {
      if (!(error instanceof MalformedAmqp)) throw error;
      delivery.reject(wholeError(Condition.decodeError, error.message));
    }
  }

  /** @returns `null` where the connection has ended instead */
  #answerManagement(request: RequestMessage): ResponseMessage | null {
    const { hub: name, partition } = subjectOf(request);
    const hub = this.#namespace.find(name)?.name ?? name;
    const faults = this.#namespace.faultsOf("ReadProperties", new Map([[hub, partition === null ? null : [partition]]]));
    if (this.#control.ends(faults)) return null;
    try {
      this.#control.refuseUnauthorized(faults, "Manage", hub);
      if (!this.#grants.knows(`${name.toLowerCase()}${MANAGEMENT}`, Date.now())) throw unauthorized("Manage", hub);
      faults.refuseLink();
      return answerPropertyRequest(this.#namespace, request);
    } catch (error) {
      if (!(error instanceof AmqpRefusal)) throw error;
      const refused = refusedPropertyRequest(error);
      return { ...refused, statusCode: faults.statusOf(false) ?? refused.statusCode };
    }
  }

  /** The client has given credit for answers. */
  flowed(sender: Sender): void {
    const nodes = this.#nodes.get(sender.session);
    nodes?.tokens.flowed(sender);
    nodes?.management.flowed(sender);
  }

  /** Tokens have run out: links to `$management` end like all others. */
  endUnauthorized(): void {
    if (this.#grants.hasFor(MANAGEMENT, Date.now())) return;
    for (const link of this.#managementLinks) endLink(link, new AmqpRefusal(Condition.unauthorized, "ExpiredToken: The token is expired."));
  }

  closed(link: Sender | Receiver): void {
    this.#tokenLinks.delete(link);
    this.#managementLinks.delete(link);
    const nodes = this.#nodes.get(link.session);
    nodes?.tokens.remove(link);
    nodes?.management.remove(link);
  }

  sessionClosed(session: Session): void {
    this.#nodes.delete(session);
    for (const links of [this.#tokenLinks, this.#managementLinks]) {
      for (const link of links) if (link.session === session) links.delete(link);
    }
  }
}
