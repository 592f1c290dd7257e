import type { GetRecordsOutput } from "@aws-sdk/client-kinesis";

/** The part of the SDK's protocol that turns the JSON of an answer into an output. */
interface Deserializer {
  read(schema: unknown, bytes: Uint8Array): unknown;
}

interface Protocol {
  deserializer?: Deserializer;
}

/** As the service writes it: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_Record.html */
interface WrittenRecord {
  readonly Data?: unknown;
  readonly ApproximateArrivalTimestamp?: unknown;
}

/**
 * Lets a client read records by a parser for their form: that of the SDK, which is for every form, takes more than half of what a record costs.
 * A client whose protocol is another one stays as it is, and so does every other answer.
 */
export function readRecordsFast(client: object): void {
  const { config } = client as { readonly config?: { readonly protocol?: Protocol } };
  const { protocol } = config ?? {};
  const deserializer = protocol?.deserializer;
  if (protocol === undefined || typeof deserializer?.read !== "function") return;
  // What it has besides stays in use.
  protocol.deserializer = Object.assign(Object.create(deserializer) as Deserializer, {
    read(this: Deserializer, schema: unknown, bytes: Uint8Array): unknown {
      return (isOfRecords(schema) ? parseRecords(bytes) : null) ?? deserializer.read.call(this, schema, bytes);
    },
  });
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
