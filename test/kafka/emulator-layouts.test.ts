import { expect, test } from "vitest";
import { handlers } from "../../localstack/kafka/broker/requests/handlers.ts";
import type { Api } from "../../localstack/kafka/broker/wire/api.ts";
import { WireReader } from "../../localstack/kafka/broker/wire/wire-reader.ts";
import { WireWriter } from "../../localstack/kafka/broker/wire/wire-writer.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { DefinedCodec, type Sample, type SampleStruct, isIn } from "./defined-codec.ts";
import { type MessageDefinition, protocolDefinitions } from "./protocol-definitions.ts";

// The layouts of the emulator, in every supported version, compared with the definitions in Kafka's own jar.

const missing = kafkaRequirements();

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  expect(reason).toMatch(/\w/);
});

const definitions = missing === null ? await protocolDefinitions() : new Map<string, MessageDefinition>();

function versionsOf({ versions: { oldest, newest } }: Api): readonly number[] {
  return Array.from({ length: newest - oldest + 1 }, (_, index) => oldest + index);
}

const everyVersion = missing === null ? handlers.flatMap(({ api }) => versionsOf(api).map((version) => ({ api, version }))) : [];

test.each(everyVersion)("$api.name $version", ({ api, version }) => {
  const request = definitions.get(`${api.name}Request`)!;
  const response = definitions.get(`${api.name}Response`)!;
  expect(request.apiKey).toBe(api.key);
  expect(isIn(request.validVersions, version)).toBe(true);

  const asked = new DefinedCodec(request, version);
  expect(version >= api.flexibleFrom).toBe(asked.isFlexible);
  const question = asked.sample();
  const reader = new WireReader(asked.encode(question), version, asked.isFlexible);
  const read = api.request.read(reader) as Sample;
  expect(reader.remaining).toBe(0);
  expectSame(read, question, request.name);

  const answered = new DefinedCodec(response, version);
  const answer = answered.sample();
  const writer = new WireWriter(version, answered.isFlexible);
  api.answer.write(writer, inPieces(answer));
  expectSame(answered.decode(Buffer.concat(writer.finish())), answer, response.name);
});

/** Batches of records are written in pieces. */
function inPieces(value: Sample): unknown {
  if (Array.isArray(value)) return value.map((item: Sample) => inPieces(item));
  if (typeof value !== "object" || Buffer.isBuffer(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, name === "records" && Buffer.isBuffer(field) ? [field] : inPieces(field)]),
  );
}

/** Every field of the emulator has the value of the definition. Tagged fields may be absent. */
function expectSame(ours: Sample, defined: Sample, where: string): void {
  if (Array.isArray(defined)) {
    expect(ours, where).toHaveLength(defined.length);
    for (const [index, item] of defined.entries()) expectSame((ours as readonly Sample[])[index]!, item as Sample, `${where}[${index}]`);
  } else if (typeof defined === "object" && !Buffer.isBuffer(defined)) {
    for (const [name, value] of Object.entries(defined)) {
      if (Object.hasOwn(ours as SampleStruct, name)) expectSame((ours as SampleStruct)[name]!, value, `${where}.${name}`);
    }
  } else expect(plain(ours), where).toBe(plain(defined));
}

/** Times are numbers, but have 64 bits in the definition. */
function plain(value: Sample): string {
  if (Buffer.isBuffer(value)) return value.toString("hex");
  return typeof value === "object" ? "a structure" : value.toString();
}

test.each(everyVersion.length === 0 ? [] : handlers)("$api.name has no field that Kafka does not have", ({ api }) => {
  for (const [type, name] of [
    [api.request, `${api.name}Request`],
    [api.answer, `${api.name}Response`],
  ] as const) {
    const known = definitions.get(name)!.fields.map((field) => `${field.name.charAt(0).toLowerCase()}${field.name.slice(1)}`);
    expect(known).toEqual(expect.arrayContaining(Object.keys(type.empty as object)));
  }
});
