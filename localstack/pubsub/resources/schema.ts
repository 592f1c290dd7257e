import { randomBytes } from "node:crypto";
import { Code, Refusal } from "../refusal.ts";
import { AvroReader } from "../schemas/avro-reader.ts";
import { type AvroType, avroType } from "../schemas/avro-type.ts";
import type { SchemaMessage, Seconds } from "../wire/messages.ts";

const AVRO = 2;
const PROTOCOL_BUFFER = 1;

/** How the data of messages is written. https://cloud.google.com/pubsub/docs/reference/rpc/google.pubsub.v1#encoding */
export const SchemaEncoding = { json: 1, binary: 2 } as const;

/** What the data of messages must be. https://cloud.google.com/pubsub/docs/schemas */
export class Schema {
  readonly name: string;
  readonly revisionId = randomBytes(4).toString("hex");
  isDeleted = false;
  readonly #settings: SchemaMessage;
  readonly #type: AvroType;
  readonly #createdAt: Seconds;

  /** @throws `Refusal` (INVALID_ARGUMENT) for a definition that is none, or (UNIMPLEMENTED) one of Protocol Buffers */
  constructor(name: string, settings: SchemaMessage, createdAt: Seconds) {
    this.name = name;
    this.#settings = settings;
    this.#type = typeOf(settings);
    this.#createdAt = createdAt;
  }

  /** As calls return it. */
  message(isComplete: boolean): object {
    const { type, definition } = this.#settings;
    const basic = { name: this.name, type, revisionId: this.revisionId, revisionCreateTime: this.#createdAt };
    return isComplete ? { ...basic, definition } : basic;
  }

  accepts(data: Buffer, encoding: number): boolean {
    try {
      if (encoding === SchemaEncoding.json) return this.#type.fitsJson(JSON.parse(data.toString()) as unknown);
      this.#type.read(new AvroReader(data));
      return true;
    } catch (error) {
      if (error instanceof RangeError || error instanceof SyntaxError) return false;
      throw error;
    }
  }
}

function typeOf({ type, definition }: SchemaMessage): AvroType {
  if (type === PROTOCOL_BUFFER) throw new Refusal(Code.unimplemented, "The emulator has no schemas of Protocol Buffers.");
  if (type !== AVRO) throw new Refusal(Code.invalidArgument, "The type of the schema is missing.");
  try {
    return avroType(JSON.parse(definition));
  } catch (error) {
    throw new Refusal(Code.invalidArgument, `The schema definition is invalid: ${String(error)}.`);
  }
}

/** @throws `Refusal` (INVALID_ARGUMENT) */
export function checkEncoding(encoding: number): void {
  if (encoding !== SchemaEncoding.json && encoding !== SchemaEncoding.binary) {
    throw new Refusal(Code.invalidArgument, "The encoding of the schema is missing.");
  }
}
