import { AmqpReader, type AmqpValue, MalformedAmqp, rawItemsOf } from "../wire/amqp-reader.ts";
import { amqp } from "../wire/amqp-writer.ts";
import { Section, entriesOf, splitMessage, valueOf } from "../wire/message-sections.ts";

/** A request to `$cbs` or `$management`. */
export interface RequestMessage {
  /** As it was encoded: the answer repeats it with its type. */
  readonly messageId: Buffer;
  /** The address or name of the link for the answer; `null`: the only one of the session. */
  readonly replyTo: string | null;
  /** The application properties that are texts. */
  readonly properties: ReadonlyMap<string, string>;
  readonly value: AmqpValue;
}

/** The answer to it. */
export interface ResponseMessage {
  readonly statusCode: number;
  readonly description: string;
  /** Of an error. */
  readonly condition?: string | undefined;
  /** An encoded value. */
  readonly body?: Buffer | undefined;
}

const MESSAGE_ID = 0;
const REPLY_TO = 4;

/** @throws MalformedAmqp */
export function parseRequest(bytes: Buffer): RequestMessage {
  const { properties, applicationProperties, value } = splitMessage(bytes);
  const fields = properties === null ? [] : rawItemsOf(properties);
  const messageId = fields[MESSAGE_ID];
  if (messageId === undefined) throw new MalformedAmqp("a request needs a message id");
  const replyTo = fields[REPLY_TO] === undefined ? null : valueOf(fields[REPLY_TO]);
  return {
    messageId,
    replyTo: typeof replyTo === "string" ? replyTo : null,
    properties: new Map(entriesOf(applicationProperties).flatMap(({ name, value: text }) => textEntry(name, valueOf(text)))),
    value: value === undefined ? null : new AmqpReader(value).read(),
  };
}

export function encodeResponse({ messageId }: RequestMessage, { statusCode, description, condition, body }: ResponseMessage): Buffer {
  const nothing = amqp.nothing();
  const entries = [amqp.string("status-code"), amqp.int(statusCode), amqp.string("status-description"), amqp.string(description)];
  if (condition !== undefined) entries.push(amqp.string("error-condition"), amqp.symbol(condition));
  return Buffer.concat([
    amqp.described(Section.properties, amqp.list([nothing, nothing, nothing, nothing, nothing, messageId])),
    amqp.described(Section.applicationProperties, amqp.map(entries)),
    amqp.described(Section.value, body ?? nothing),
  ]);
}

/** Python also sends bytes. */
function textEntry(name: AmqpValue, value: AmqpValue): readonly (readonly [string, string])[] {
  const text = Buffer.isBuffer(value) ? value.toString("utf8") : value;
  return typeof name === "string" && typeof text === "string" ? [[name, text]] : [];
}
