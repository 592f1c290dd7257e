import { Code, Refusal } from "../refusal.ts";
import type { SchemaSettingsMessage } from "../wire/messages.ts";
import type { PublishedMessage } from "./publish-check.ts";
import { type Schema, SchemaEncoding } from "./schema.ts";

const DELETED_SCHEMA = "_deleted-schema_";

/** The schema of a topic. Another one of the same name that is made later is not its schema. */
export class TopicSchema {
  readonly #schema: Schema;
  readonly #settings: SchemaSettingsMessage;

  constructor(schema: Schema, settings: SchemaSettingsMessage) {
    this.#schema = schema;
    this.#settings = settings;
  }

  /** As calls return it. */
  get message(): object {
    return { ...this.#settings, schema: this.#schema.isDeleted ? DELETED_SCHEMA : this.#schema.name };
  }

  /** What the service adds to each message. */
  get attributes(): Readonly<Record<string, string>> {
    return {
      googclient_schemaencoding: this.#settings.encoding === SchemaEncoding.json ? "JSON" : "BINARY",
      googclient_schemaname: this.#schema.name,
      googclient_schemarevisionid: this.#schema.revisionId,
    };
  }

  /** @throws `Refusal` for the whole request, without a word about which message it is */
  check(messages: readonly PublishedMessage[]): void {
    if (this.#schema.isDeleted) throw new Refusal(Code.notFound, "The schema that is associated with the topic was deleted.");
    if (messages.every(({ data }) => this.#schema.accepts(data, this.#settings.encoding))) return;
    throw new Refusal(Code.invalidArgument, "Invalid data in message: Message failed schema validation.");
  }
}
