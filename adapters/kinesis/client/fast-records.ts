import type { GetRecordsOutput, PutRecordsInput, PutRecordsOutput } from "@aws-sdk/client-kinesis";

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
 * Lets a client read and write records, and what became of them, by parsers and a writer for their form: those of the SDK, which are for every form,
 * take more than half of what a record costs. A client whose protocol is another one stays as it is, and so does every other request and answer.
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
        return PARSERS.get(nameOf(schema))?.(bytes) ?? deserializer.read.call(this, schema, bytes);
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
      return body === null ? serializer.flush.call(this) : Buffer.from(body, "utf8");
    },
  });
}

/** Schemas of structures begin with their kind, the name of the service, and their own. */
function isOfPut(schema: unknown): boolean {
  return Array.isArray(schema) && schema[2] === "PutRecordsInput";
}

/** Text that is the same in JSON, between quotes. */
const PLAIN = /^[ !#-[\]-~]*$/;

/**
 * One text is added up: objects for `JSON.stringify` cost half as much again.
 * @returns `null` for an input with more than what is written here
 */
export function writeRecords({ Records: entries = [], ...stream }: PutRecordsInput): string | null {
  for (const name in stream) if (name !== "StreamName" && name !== "StreamARN") return null;
  const named = JSON.stringify(stream).slice(0, -1);
  let text = `${named}${named === "{" ? "" : ","}"Records":[`;
  let begin = '{"Data":"';
  for (const entry of entries) {
    const { Data: data, PartitionKey: key, ExplicitHashKey: hashKey } = entry;
    if (!(data instanceof Uint8Array) || typeof key !== "string" || hasMore(entry)) return null;
    const bytes = Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.length);
    text += begin + bytes.toString("base64") + '","PartitionKey":' + quoted(key);
    if (hashKey !== undefined) text += `,"ExplicitHashKey":${quoted(hashKey)}`;
    begin = '},{"Data":"';
  }
  return `${text}${entries.length === 0 ? "" : "}"}]}`;
}

function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

function hasMore(entry: object): boolean {
  for (const name in entry) if (name !== "Data" && name !== "PartitionKey" && name !== "ExplicitHashKey") return true;
  return false;
}

const PARSERS: ReadonlyMap<unknown, (bytes: Uint8Array) => unknown> = new Map<unknown, (bytes: Uint8Array) => unknown>([
  ["GetRecordsOutput", parseRecords],
  ["PutRecordsOutput", parseResults],
]);

function nameOf(schema: unknown): unknown {
  const { getName } = schema as { readonly getName?: () => unknown };
  return typeof getName === "function" ? getName.call(schema) : undefined;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8"));
  } catch {
    return null;
  }
}

/** @returns `null` where something has another form than it should */
export function parseRecords(bytes: Uint8Array): Omit<GetRecordsOutput, "$metadata"> | null {
  const answer = parseJson(bytes) as GetRecordsOutput | null;
  if (!Array.isArray(answer?.Records)) return null;
  for (const record of answer.Records) {
    const { Data: data, ApproximateArrivalTimestamp: seconds } = (record ?? {}) as WrittenRecord;
    if (typeof data !== "string" || (seconds !== undefined && typeof seconds !== "number")) return null;
    record.Data = Buffer.from(data, "base64");
    if (seconds !== undefined) record.ApproximateArrivalTimestamp = new Date(Math.round(seconds * 1_000));
  }
  return answer;
}

/** @returns `null` where something has another form than it should */
export function parseResults(bytes: Uint8Array): Omit<PutRecordsOutput, "$metadata"> | null {
  const answer = parseJson(bytes) as PutRecordsOutput | null;
  if (!Array.isArray(answer?.Records)) return null;
  for (const result of answer.Records) {
    const { SequenceNumber: number, ShardId: shard, ErrorCode: code } = result ?? {};
    const isStored = code === undefined && typeof number === "string" && typeof shard === "string";
    if (!isStored && typeof code !== "string") return null;
  }
  return answer;
}
