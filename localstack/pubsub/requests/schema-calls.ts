import { Code, Refusal } from "../refusal.ts";
import { checkName, projectOf } from "../resources/names.ts";
import { Schema, checkEncoding } from "../resources/schema.ts";
import type { PageRequest, SchemaMessage } from "../wire/messages.ts";
import { secondsOf } from "../wire/seconds.ts";
import type { Call } from "./call.ts";
import { pageOf } from "./page.ts";

/** Without the definition. */
const BASIC = 1;
const FULL = 2;

interface Named {
  readonly name: string;
}

interface InProject {
  /** `projects/flights` */
  readonly parent: string;
}

/** Faults are about topics and groups. */
const subject = (): object => ({});

export const createSchema: Call<InProject & { readonly schemaId: string; readonly schema: SchemaMessage | null }> = {
  subject,
  handle({ parent, schemaId, schema: settings }, { registry }) {
    const name = `${parent}/schemas/${schemaId}`;
    checkName("schemas", name);
    registry.checkProject(name);
    const schema = new Schema(name, required(settings), secondsOf(registry.clock.nowMs));
    registry.schemas.add(schema);
    return schema.message(true);
  },
};

export const getSchema: Call<Named & { readonly view: number }> = {
  subject,
  handle: ({ name, view }, { registry }) => registry.schemas.require(name).message(view !== BASIC),
};

export const listSchemas: Call<InProject & PageRequest & { readonly view: number }> = {
  subject,
  handle(request, { registry }) {
    registry.checkProject(request.parent);
    const { page, nextPageToken } = pageOf(registry.schemas.ofProject(projectOf(request.parent)), request);
    return { schemas: page.map((schema) => schema.message(request.view === FULL)), nextPageToken };
  },
};

export const deleteSchema: Call<Named> = {
  subject,
  handle({ name }, { registry }) {
    registry.schemas.delete(name);
    return {};
  },
};

export const validateSchema: Call<InProject & { readonly schema: SchemaMessage | null }> = {
  subject,
  handle({ parent, schema }, { registry }) {
    void new Schema(parent, required(schema), secondsOf(registry.clock.nowMs));
    return {};
  },
};

/** Of the schema of this name, or of one that is given. */
export const validateMessage: Call<
  InProject & { readonly name: string; readonly schema: SchemaMessage | null; readonly message: Buffer; readonly encoding: number }
> = {
  subject,
  handle({ parent, name, schema: settings, message, encoding }, { registry }) {
    checkEncoding(encoding);
    const schema = settings === null ? registry.schemas.require(name) : new Schema(parent, settings, secondsOf(registry.clock.nowMs));
    if (!schema.accepts(message, encoding)) throw new Refusal(Code.invalidArgument, "Message failed schema validation.");
    return {};
  },
};

function required(schema: SchemaMessage | null): SchemaMessage {
  if (schema === null) throw new Refusal(Code.invalidArgument, "The schema is missing.");
  return schema;
}
