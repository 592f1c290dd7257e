import { alreadyExists, notFound } from "../refusal.ts";
import type { SchemaSettingsMessage } from "../wire/messages.ts";
import { inProject } from "./names.ts";
import { type Schema, checkEncoding } from "./schema.ts";
import { TopicSchema } from "./topic-schema.ts";

/** The schemas of all projects. */
export class Schemas {
  readonly #schemas = new Map<string, Schema>();

  /** @throws `Refusal` (ALREADY_EXISTS) */
  add(schema: Schema): void {
    if (this.#schemas.has(schema.name)) throw alreadyExists(schema.name);
    this.#schemas.set(schema.name, schema);
  }

  /** @throws `Refusal` (NOT_FOUND) */
  require(name: string): Schema {
    const schema = this.#schemas.get(name);
    if (schema === undefined) throw notFound(name);
    return schema;
  }

  /** By name. */
  ofProject(project: string): readonly Schema[] {
    return inProject([...this.#schemas.values()], project);
  }

  /** Topics that have it take no messages any more. @throws `Refusal` (NOT_FOUND) */
  delete(name: string): void {
    this.require(name).isDeleted = true;
    this.#schemas.delete(name);
  }

  /** @throws `Refusal` (NOT_FOUND) or (INVALID_ARGUMENT) */
  ofTopic(settings: SchemaSettingsMessage | null): TopicSchema | null {
    if (settings === null) return null;
    const schema = this.require(settings.schema);
    checkEncoding(settings.encoding);
    return new TopicSchema(schema, settings);
  }

  clear(): void {
    this.#schemas.clear();
  }
}
