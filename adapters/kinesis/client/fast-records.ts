import type { GetRecordsOutput, PutRecordsInput } from "@aws-sdk/client-kinesis";

/** The part of the SDK's protocol that turns the JSON of an answer into an output. */
interface Deserializer {
  read(schema: unknown, bytes: Uint8Array): unknown;
}

/** The part that turns an input into the JSON of a request, in two steps. */
interface Serializer {
  write(schema: unknown, input: unknown): void;
  flush(): unknown;
}

interface Protocol {
  deserializer?: Deserializer;
  serializer?: Serializer;
}

/** As the service writes it: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_Record.html */
interface WrittenRecord {
  readonly Data?: unknown;
  readonly ApproximateArrivalTimestamp?: unknown;
}

/**
 * Lets a client read and write records by a parser and a writer for their form: those of the SDK, which are for every form, take more than half of
 * what a record costs. A client whose protocol is another one stays as it is, and so does every other request and answer.
 */
export function useFastRecords(client: object): void {
  const { config } = client as { readonly config?: { readonly protocol?: Protocol } };
  const { protocol } = config ?? {};
  if (protocol === undefined) return;
  const { deserializer, serializer } = protocol;
  // What they have besides stays in use.
  if (typeof deserializer?.read === "function") {
    protocol.deserializer = Object.assign(Object.create(deserializer) as Deserializer, {
      read(this: Deserializer, schema: unknown, bytes: Uint8Array): unknown {
        return (isOfRecords(schema) ? parseRecords(bytes) : null) ?? deserializer.read.call(this, schema, bytes);
      },
    });
  }
  if (typeof serializer?.write !== "function" || typeof serializer.flush !== "function") return;
  let written: string | null = null;
  protocol.serializer = Object.assign(Object.create(serializer) as Serializer, {
    write(this: Serializer, schema: unknown, input: unknown): void {
      written = isOfPut(schema) ? writeRecords(input as PutRecordsInput) : null;
      if (written === null) serializer.write.call(this, schema, input);
    },
    flush(this: Serializer): unknown {
      const body = written;
      written = null;
      return body ?? serializer.flush.call(this);
    },
  });
}

/** Schemas of structures begin with their kind, the name of the service, and their own. */
function isOfPut(schema: unknown): boolean {
  return Array.isArray(schema) && schema[2] === "PutRecordsInput";
}

const STREAM_MEMBERS = ["StreamName", "StreamARN"] as const;

/** @returns `null` for an input with more than what is written here */
export function writeRecords(input: PutRecordsInput): string | null {
  const { Records: entries = [], StreamName: _name, StreamARN: _arn, ...rest } = input;
  if (Object.keys(rest).length > 0) return null;
  const records: string[] = [];
  for (const { Data: data, PartitionKey: key, ExplicitHashKey: hash, ...more } of entries) {
    if (!(data instanceof Uint8Array) || key === undefined || Object.keys(more).length > 0) return null;
    const base64 = Buffer.from(data.buffer, data.byteOffset, data.length).toString("base64");
    const explicit = hash === undefined ? "" : `,"ExplicitHashKey":${JSON.stringify(hash)}`;
    records.push(`{"Data":"${base64}","PartitionKey":${JSON.stringify(key)}${explicit}}`);
  }
  const stream = STREAM_MEMBERS.flatMap((name) => (input[name] === undefined ? [] : [`"${name}":${JSON.stringify(input[name])},`])).join(
    "",
  );
  return `{${stream}"Records":[${records.join(",")}]}`;
}

function isOfRecords(schema: unknown): boolean {
  const { getName } = schema as { readonly getName?: () => unknown };
  return typeof getName === "function" && getName.call(schema) === "GetRecordsOutput";
}

/** @returns `null` where something has another form than it should */
export function parseRecords(bytes: Uint8Array): Omit<GetRecordsOutput, "$metadata"> | null {
  let answer: GetRecordsOutput | null;
  try {
    answer = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8")) as GetRecordsOutput | null;
  } catch {
    return null;
  }
  if (!Array.isArray(answer?.Records)) return null;
  for (const record of answer.Records) {
    const { Data: data, ApproximateArrivalTimestamp: seconds } = (record ?? {}) as WrittenRecord;
    if (typeof data !== "string" || (seconds !== undefined && typeof seconds !== "number")) return null;
    record.Data = Buffer.from(data, "base64");
    if (seconds !== undefined) record.ApproximateArrivalTimestamp = new Date(Math.round(seconds * 1_000));
  }
  return answer;
}
