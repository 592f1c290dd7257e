import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { inflateRawSync } from "node:zlib";
import { kafkaClassPath, kafkaVersion } from "../../localstack/kafka/kafka-jars.ts";

/** A field as Kafka itself defines it. */
export interface FieldDefinition {
  readonly name: string;
  readonly type: string;
  readonly versions: string;
  readonly taggedVersions?: string;
  readonly nullableVersions?: string;
  readonly tag?: number;
  readonly fields?: readonly FieldDefinition[];
}

export interface MessageDefinition {
  readonly apiKey: number;
  readonly name: string;
  readonly validVersions: string;
  readonly flexibleVersions: string;
  readonly fields: readonly FieldDefinition[];
  readonly commonStructs?: readonly { readonly name: string; readonly fields: readonly FieldDefinition[] }[];
}

/** The definitions of all messages of the protocol, by name, out of Kafka's own jar. */
export async function protocolDefinitions(): Promise<ReadonlyMap<string, MessageDefinition>> {
  const folder = join(await kafkaClassPath(), "..");
  const jar = readdirSync(folder).find((name) => name === `kafka-clients-${kafkaVersion()}.jar`);
  if (jar === undefined) throw new Error("there is no jar of Kafka's clients");
  const definitions = new Map<string, MessageDefinition>();
  for (const [name, content] of zipEntries(readFileSync(join(folder, jar)))) {
    if (!/^common\/message\/\w+(Request|Response)\.json$/.test(name)) continue;
    const withoutComments = content()
      .toString("utf8")
      .replaceAll(/^\s*\/\/.*$/gm, "");
    const definition = JSON.parse(withoutComments) as MessageDefinition;
    definitions.set(definition.name, definition);
  }
  return definitions;
}

/** Names and contents of a zip file, as its directory lists them. */
function* zipEntries(zip: Buffer): Generator<readonly [name: string, content: () => Buffer]> {
  const end = zip.lastIndexOf(Buffer.from("PK\u0005\u0006", "latin1"));
  const count = zip.readUInt16LE(end + 10);
  let at = zip.readUInt32LE(end + 16);
  for (let entry = 0; entry < count; entry += 1) {
    const [packedBytes, nameBytes, extraBytes, commentBytes] = [
      zip.readUInt32LE(at + 20),
      zip.readUInt16LE(at + 28),
      zip.readUInt16LE(at + 30),
      zip.readUInt16LE(at + 32),
    ] as const;
    const isPacked = zip.readUInt16LE(at + 10) !== 0;
    const local = zip.readUInt32LE(at + 42);
    const name = zip.toString("utf8", at + 46, at + 46 + nameBytes);
    yield [
      name,
      () => {
        const begin = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
        const packed = zip.subarray(begin, begin + packedBytes);
        return isPacked ? inflateRawSync(packed) : packed;
      },
    ];
    at += 46 + nameBytes + extraBytes + commentBytes;
  }
}
