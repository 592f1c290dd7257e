import * as fc from "fast-check";
import { expect, test } from "vitest";
import { operations } from "../../../../localstack/oci-streaming/operations/operations.ts";
import { startEmulatedOciStreaming } from "../../../../localstack/oci-streaming/emulated-oci-streaming.ts";
import { RawClients } from "./raw-clients.ts";

/** Names that any of the operations reads, in a body or a query. */
const FIELDS = [
  ...["name", "partitions", "retentionInHours", "streamPoolId", "compartmentId", "freeformTags", "messages", "key", "value"],
  ...["partition", "type", "offset", "time", "groupName", "instanceName", "timeoutInMs", "commitOnGet"],
];
const PARAMETERS = [
  "streamPoolId",
  "compartmentId",
  "limit",
  "page",
  "sortBy",
  "sortOrder",
  "cursor",
  "prefix",
  "start",
  "delimiter",
  "fields",
];
const WORDS = [
  "orders",
  "0",
  "LATEST",
  "TRIM_HORIZON",
  "AT_TIME",
  "AT_OFFSET",
  "NAME",
  "/",
  "",
  "b3JkZXJz",
  "2026-01-01T00:00:00Z",
  "+/=",
  "%",
  "é",
];

const scalar = fc.oneof(
  fc.constantFrom(...WORDS),
  fc
    .constantFrom("-1", "0", "1", "1e99", "-9007199254740993", "123456789012345678901234567890", "99999999999")
    .map((digits) => ({ digits })),
  fc.constantFrom(null, true, false),
);
const fieldsOf = (value: fc.Arbitrary<unknown>): fc.Arbitrary<object> => fc.dictionary(fc.constantFrom(...FIELDS), value, { maxKeys: 8 });
/** Bodies that are right but for one field. */
const VALID: Readonly<Record<string, object>> = {
  CreateStream: { name: "new", partitions: 1, retentionInHours: 24, streamPoolId: "{streamPoolId}" },
  PutMessages: { messages: [{ key: "b3JkZXJz", value: "b3JkZXJz" }] },
  CreateCursor: { partition: "0", type: "AT_TIME", offset: 0, time: "2026-01-01T00:00:00Z" },
  CreateGroupCursor: {
    groupName: "group",
    instanceName: "one",
    type: "AT_TIME",
    time: "2026-01-01T00:00:00Z",
    timeoutInMs: 1_000,
    commitOnGet: true,
  },
};
const anything = fc.oneof(
  fieldsOf(fc.oneof(scalar, fc.array(fc.oneof(scalar, fieldsOf(scalar)), { maxLength: 3 }), fieldsOf(scalar))).map(jsonText),
  fc.constantFrom("", "{", "[]", "null", "7", '{"partitions":1e999}', "\u0000"),
);
const calls = fc.oneof(
  fc.tuple(fc.constantFrom(...operations), anything),
  fc.constantFrom(...operations.filter(({ name }) => name in VALID)).chain((operation) =>
    fc.tuple(
      fc.constant(operation),
      fc
        .tuple(fc.constantFrom(...Object.keys(VALID[operation.name]!)), scalar)
        .map(([field, value]) => jsonText({ ...VALID[operation.name], [field]: value })),
    ),
  ),
);
const query = fc.array(fc.tuple(fc.constantFrom(...PARAMETERS), fc.constantFrom(...WORDS, "1", "-1", "1e9")), { maxLength: 4 });

/** JSON with numbers of any size. */
function jsonText(value: unknown): string {
  return JSON.stringify(value).replaceAll(/\{"digits":"([^"]+)"\}/g, "$1");
}

test("whatever a client sends, the service answers, and says what is wrong", async () => {
  await using emulator = await startEmulatedOciStreaming({
    topics: { orders: { partitions: 2 } },
    getsPerSecond: Infinity,
    lifecycleMs: 0,
  });
  using clients = new RawClients(emulator);
  const warnings: unknown[] = [];
  const onWarning = (warning: unknown): void => void warnings.push(warning);
  process.on("warning", onWarning);
  const streamId = await clients.streamId("orders");
  const values: Record<string, string> = {
    streamId,
    streamPoolId: emulator.streamPool,
    namespaceName: emulator.leases.namespace,
    bucketName: emulator.leases.bucket,
  };
  const request = fc.tuple(calls, query, fc.boolean());
  await fc.assert(
    fc.asyncProperty(request, async ([[{ method, path, endpoint, name }, body], parameters, isKnown]) => {
      // The stream of the other requests must stay.
      if (name === "DeleteStream") return;
      const filled = path.replaceAll(/\{(\w+)\+?\}/g, (_, variable: string) => (isKnown ? (values[variable] ?? "x") : "none"));
      const asked = parameters.map(([parameter, value]) => `${parameter}=${value === "%" ? "%zz" : encodeURI(value)}`).join("&");
      const uri = `${endpoint === "admin" ? emulator.endpoint : emulator.messagesEndpoint}${filled}${asked === "" ? "" : `?${asked}`}`;
      const text = body.replace("{streamPoolId}", emulator.streamPool);
      const { status, text: answer } = await clients.send(method, uri, method === "GET" || method === "HEAD" ? {} : { body: text });
      expect([name, asked, text, status < 500]).toEqual([name, asked, text, true]);
      if (status >= 400 && method !== "HEAD") expect(JSON.parse(answer)).toEqual({ code: expect.any(String), message: expect.any(String) });
    }),
    { numRuns: 300, seed: 18 },
  );
  await clients.put(streamId, [["key", "value"]]);
  process.off("warning", onWarning);
  expect(warnings).toEqual([]);
});
