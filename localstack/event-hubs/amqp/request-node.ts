import type { Receiver, Sender } from "rhea";
import { LinkOutbox } from "./link-outbox.ts";
import { type RequestMessage, type ResponseMessage, encodeResponse } from "./request-message.ts";

/** The links by which a session gets answers of `$cbs` or `$management`. */
export class RequestNode {
  readonly #links: { readonly outbox: LinkOutbox; readonly waiting: Buffer[] }[] = [];

  add(sender: Sender): void {
    this.#links.push({ outbox: new LinkOutbox(sender), waiting: [] });
  }

  remove(sender: Sender | Receiver): void {
    const index = this.#links.findIndex(({ outbox }) => outbox.sender === sender);
    if (index !== -1) this.#links.splice(index, 1);
  }

  answer(request: RequestMessage, response: ResponseMessage): void {
    const link = this.#links.find(({ outbox: { sender } }) => {
      const address = (sender.target as { readonly address?: string } | null)?.address;
      return request.replyTo === null || address === request.replyTo || sender.name === request.replyTo;
    });
    // A client that has closed the link does not wait for the answer.
    if (link === undefined) return;
    link.waiting.push(encodeResponse(request, response));
    this.flowed(link.outbox.sender);
  }

  /** The client has given credit for answers. */
  flowed(sender: Sender): void {
    const link = this.#links.find(({ outbox }) => outbox.sender === sender);
    if (link === undefined) return;
    link.outbox.onFlow();
    while (link.outbox.room > 0 && link.waiting.length > 0) link.outbox.send(link.waiting.shift()!);
  }
}
