import { GetRecordsCommand, GetShardIteratorCommand, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { expect, test } from "vitest";
import { createClients } from "../../../../adapters/kinesis/client/aws-clients.ts";
import { parseRecords, parseResults, writeRecords } from "../../../../adapters/kinesis/client/fast-records.ts";
import { loadSdk } from "../../../../adapters/kinesis/client/sdk.ts";
import { KinesisWorld } from "./kinesis-world.ts";

const bytes = (value: unknown): Uint8Array => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));

test("records are read as the SDK reads them, by the own parser", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  const { endpoint, region } = world.emulator;
  const clients = await createClients(await loadSdk(), { endpoint, region });
  try {
    const Records = ["", "value", "\u0000ÿ€".repeat(5_000)].map((text, index) => ({
      PartitionKey: `schlüssel "${index}"`,
      Data: Buffer.from(text),
    }));
    const explicit = Records.map((record) => ({ ...record, ExplicitHashKey: "0" }));
    for (const [sender, put] of [
      [world.raw, Records],
      [clients, Records],
      [world.raw, explicit],
      [clients, explicit],
    ] as const) {
      const { FailedRecordCount } = await sender.kinesis.send(new PutRecordsCommand({ StreamName: "orders", Records: put }));
      expect(FailedRecordCount).toBe(0);
    }
    const start = { StreamName: "orders", ShardId: "shardId-000000000000", ShardIteratorType: "TRIM_HORIZON" } as const;
    const { ShardIterator } = await world.raw.kinesis.send(new GetShardIteratorCommand(start));
    const read = async (kinesis: typeof clients.kinesis) => {
      const { $metadata, NextShardIterator, Records: found = [], ...rest } = await kinesis.send(new GetRecordsCommand({ ShardIterator }));
      const records = found.map(({ Data, ...record }) => ({ ...record, text: Buffer.from(Data!).toString() }));
      return { status: $metadata.httpStatusCode, goesOn: typeof NextShardIterator, records, ...rest };
    };
    const byOurs = await read(clients.kinesis);
    expect(byOurs).toEqual(await read(world.raw.kinesis));
    expect(byOurs.records.map(({ text }) => text)).toEqual(
      Array(4)
        .fill(Records.map(({ Data }) => Data.toString()))
        .flat(),
    );
    expect(byOurs.records[0]!.ApproximateArrivalTimestamp).toBeInstanceOf(Date);
    const isOurs = (kinesis: typeof clients.kinesis): readonly boolean[] => {
      const { protocol } = kinesis.config as unknown as { readonly protocol: Readonly<Record<"serializer" | "deserializer", object>> };
      return [Object.hasOwn(protocol.deserializer, "read"), Object.hasOwn(protocol.serializer, "write")];
    };
    expect(isOurs(clients.kinesis)).toEqual([true, true]);
    // Those of other clients stay as they are, also those of a client of the application that is used here.
    const lent = await createClients(await loadSdk(), { client: world.raw.kinesis });
    expect(lent.kinesis).toBe(world.raw.kinesis);
    lent.destroy();
    expect(isOurs(world.raw.kinesis)).toEqual([false, false]);
    // Errors and all other answers are the SDK's.
    await expect(clients.kinesis.send(new GetRecordsCommand({ ShardIterator: "none" }))).rejects.toMatchObject({
      name: "InvalidArgumentException",
    });
  } finally {
    clients.destroy();
  }
});

test("an answer of another form is left to the SDK", () => {
  const record = { Data: "dmFsdWU=", PartitionKey: "a", SequenceNumber: "1", ApproximateArrivalTimestamp: 1.001 };
  expect(parseRecords(bytes({ Records: [record], MillisBehindLatest: 7 }))).toEqual({
    Records: [{ ...record, Data: Buffer.from("value"), ApproximateArrivalTimestamp: new Date(1_001) }],
    MillisBehindLatest: 7,
  });
  for (const other of [
    "{",
    "null",
    [],
    {},
    { Records: {} },
    { Records: [{ Data: 1 }] },
    { Records: [{ ...record, ApproximateArrivalTimestamp: "x" }] },
  ]) {
    expect(parseRecords(bytes(other))).toBeNull();
  }
});

test("results are read as the SDK reads them, and an answer of another form is left to the SDK", async () => {
  const stored = { SequenceNumber: "495", ShardId: "shardId-000000000000" };
  const refused = { ErrorCode: "InternalFailure", ErrorMessage: "Internal Service Failure" };
  const answer = { FailedRecordCount: 1, Records: [stored, refused], EncryptionType: "KMS" };
  await using world = await KinesisWorld.start();
  const { protocol } = world.raw.kinesis.config as unknown as {
    readonly protocol: { readonly deserializer: { read(schema: unknown, bytes: Uint8Array): unknown } };
  };
  const { PutRecordsOutput$ } = (await import("@aws-sdk/client-kinesis")) as unknown as { readonly PutRecordsOutput$: unknown };
  expect(parseResults(bytes(answer))).toEqual(await protocol.deserializer.read(PutRecordsOutput$, bytes(answer)));
  const none = { SequenceNumber: "495", ShardId: null };
  for (const other of ["{", "null", [], {}, { Records: {} }, { Records: [null] }, { Records: [{}] }, { Records: [none] }]) {
    expect(parseResults(bytes(other))).toBeNull();
  }
});

test("an input is written as the SDK writes it, and one with more than records and a stream is left to the SDK", async () => {
  await using world = await KinesisWorld.start();
  const { protocol } = world.raw.kinesis.config as unknown as {
    readonly protocol: { readonly serializer: { write(schema: unknown, input: unknown): void; flush(): Uint8Array } };
  };
  const { PutRecordsInput$ } = (await import("@aws-sdk/client-kinesis")) as unknown as { readonly PutRecordsInput$: readonly unknown[] };
  expect(PutRecordsInput$[2]).toBe("PutRecordsInput");
  const Records = [
    { Data: Buffer.from("value"), PartitionKey: 'a "key" ß' },
    { Data: new Uint8Array(), PartitionKey: "b", ExplicitHashKey: "7" },
    { Data: Uint8Array.of(0, 0xff), PartitionKey: "back\\slash, line\n, \u007f, \ud800, é and 😀", ExplicitHashKey: '"' },
  ];
  for (const few of [[], Records.slice(0, 1)]) {
    expect(JSON.parse(writeRecords({ StreamName: "orders", Records: few })!)).toEqual({
      StreamName: "orders",
      Records: few.map(({ Data, ...rest }) => ({ Data: Buffer.from(Data).toString("base64"), ...rest })),
    });
  }
  for (const stream of [{ StreamName: "orders" }, { StreamARN: "arn:aws:kinesis:eu-west-1:123456789012:stream/orders" }]) {
    const input = { ...stream, Records };
    protocol.serializer.write(PutRecordsInput$, input);
    expect(JSON.parse(writeRecords(input)!)).toEqual(JSON.parse(Buffer.from(protocol.serializer.flush()).toString()));
    expect(writeRecords({ ...input, DryRun: true })).toBeNull();
  }
  expect(writeRecords({ StreamName: "orders", Records: [{ Data: "text", PartitionKey: "a" } as never] })).toBeNull();
  expect(writeRecords({ StreamName: "orders", Records: [{ Data: new Uint8Array(), PartitionKey: 1 } as never] })).toBeNull();
});
