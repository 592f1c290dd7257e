import type { HttpAnswer } from "../client/http-transport.ts";
import { jsonOf } from "../client/stream-calls.ts";
import { PlainPage } from "./plain-page.ts";

/** A message as the service gives it; the offset as text. https://docs.oracle.com/iaas/api/#/en/streaming/20180418/Message */
export interface ServiceMessage {
  readonly stream: string;
  readonly partition: string;
  /** Base64. */
  readonly key: string | null;
  readonly value: string;
  readonly offset: string;
  readonly timestamp: string;
}

/** The messages of one answer. What is asked of a message is decoded then, and not kept. */
export interface MessagePage {
  readonly length: number;
  /** Of all keys and values. */
  readonly bytes: number;
  offsetOf(index: number): string;
  timestampMsOf(index: number): number;
  keyOf(index: number): Uint8Array | null;
  valueOf(index: number): Buffer;
  /** Of key and value together. */
  bytesOf(index: number): number;
  /** As the service gives it. */
  messageOf(index: number): ServiceMessage;
}

/** @throws `SyntaxError` for a body that is no JSON */
export function pageOf(answer: HttpAnswer): MessagePage {
  return PlainPage.of(answer.body) ?? new ParsedPage(jsonOf(answer) as readonly ServiceMessage[]);
}

/** A page in any form. */
export class ParsedPage implements MessagePage {
  readonly #messages: readonly ServiceMessage[];

  constructor(messages: readonly ServiceMessage[]) {
    this.#messages = messages;
  }

  get length(): number {
    return this.#messages.length;
  }

  get bytes(): number {
    return this.#messages.reduce((sum, _, index) => sum + this.bytesOf(index), 0);
  }

  offsetOf(index: number): string {
    return this.messageOf(index).offset;
  }

  timestampMsOf(index: number): number {
    return Date.parse(this.messageOf(index).timestamp);
  }

  keyOf(index: number): Buffer | null {
    const { key } = this.messageOf(index);
    return key === null ? null : Buffer.from(key, "base64");
  }

  valueOf(index: number): Buffer {
    return Buffer.from(this.messageOf(index).value, "base64");
  }

  bytesOf(index: number): number {
    const { key, value } = this.messageOf(index);
    return Buffer.byteLength(key ?? "", "base64") + Buffer.byteLength(value, "base64");
  }

  messageOf(index: number): ServiceMessage {
    return this.#messages[index]!;
  }
}
