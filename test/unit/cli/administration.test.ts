import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type EmulatedKafka, startEmulatedKafka } from "../../../localstack/kafka/broker/emulated-kafka.ts";
import { startEmulatedKinesis } from "../../../localstack/kinesis/emulated-kinesis.ts";
import { bytesTopic } from "../../../src/cli/process/with-connection.ts";
import { type Connection, connect } from "../../../src/index.ts";
import { gather } from "./gather.ts";
import { type CommandResult, runInProcess } from "./run-in-process.ts";

let kafka: EmulatedKafka;
let connection: Connection<"topicAdmin" | "topicListing" | "groupAdmin" | "groupReset" | "lagInMessages">;

beforeEach(async () => {
  kafka = await startEmulatedKafka({ topics: { orders: { partitions: 2 } } });
  connection = await connect(kafka.url, { require: ["topicAdmin", "topicListing", "groupAdmin", "groupReset", "lagInMessages"] });
});

afterEach(async () => {
  await connection.close();
  await kafka.close();
});

function run(...args: readonly string[]): Promise<CommandResult> {
  return runInProcess(args, kafka.url);
}

async function fill(count: number): Promise<void> {
  const producer = bytesTopic(connection, "orders").producer();
  for (let number = 0; number < count; number += 1) {
    await producer.send({ key: null, value: Buffer.from(String(number)), toPartition: String(number % 2) });
  }
  await producer.close();
}

/** All of what `fill` has sent to a new topic. */
async function fillAndConsume(count: number, group: string): Promise<void> {
  await fill(count);
  const consumer = bytesTopic(connection, "orders").consumer({ group });
  let handled = 0;
  const running = consumer.run(async () => void (handled += 1));
  await expect.poll(() => handled).toBe(count);
  await consumer.close();
  await running;
}

describe("topics", () => {
  test("are created, listed, described, changed and deleted", async () => {
    expect(await run("topics", "create", "--topic", "events", "--partitions", "3", "--retention", "36h")).toEqual({
      exitCode: 0,
      output: "",
      errors: "Created.\n",
    });
    expect((await run("topics", "list")).output).toBe("events\norders\n");
    expect((await run("topics", "list", "--json")).output).toBe('{"topic":"events"}\n{"topic":"orders"}\n');
    const described = await run("topics", "describe", "--topic", "events");
    expect(described.output).toMatch(
      /^topic +events\nnative name +events\npartitions +3: .*\nretention +1.5 d\nlargest message +[\d,]+ bytes\n$/,
    );
    const grown = await run("topics", "update", "--topic", "events", "--partitions", "5", "--may-reorder");
    expect(grown).toEqual({ exitCode: 0, output: "", errors: "Changed.\n" });
    const json: unknown = JSON.parse((await run("topics", "describe", "--topic", "events", "--json")).output);
    expect(json).toEqual(await connection.admin.describeTopic("events"));
    expect(json).toMatchObject({ retentionMs: 129_600_000, partitions: { length: 5 } });
  });

  test("a deletion first shows what it would do, and does it with --execute", async () => {
    expect(await run("topics", "delete", "--topic", "orders")).toEqual({
      exitCode: 0,
      output: "delete orders: 2 partitions and all that is stored in them\n",
      errors: "Nothing was changed: --execute does it.\n",
    });
    expect(await connection.admin.listTopics()).toEqual(["orders"]);
    expect(await run("topics", "delete", "--topic", "orders", "--execute")).toMatchObject({ exitCode: 0, errors: "Deleted.\n" });
    expect(await connection.admin.listTopics()).toEqual([]);
    expect(await run("topics", "delete", "--topic", "orders")).toMatchObject({
      exitCode: 1,
      errors: expect.stringMatching(/^not-found: /),
    });
  });

  test("a growth that moves keys needs an option, which the error names", async () => {
    const refused = await run("topics", "update", "--topic", "orders", "--partitions", "4");
    expect(refused).toMatchObject({ exitCode: 1, errors: expect.stringMatching(/^unsupported: .*\(here: --may-reorder\)\n$/) });
    expect(await run("topics", "update", "--topic", "orders", "--partitions", "4", "--may-reorder")).toMatchObject({ exitCode: 0 });
    expect((await connection.admin.describeTopic("orders")).partitions).toHaveLength(4);
  });
});

describe("groups", () => {
  const GROUP = ["--topic", "orders", "--group", "billing"];

  test("are listed and described, with lag", async () => {
    await fillAndConsume(10, "billing");
    await fill(4);
    await connection.admin.resetGroup("orders", "audit", "earliest");
    expect((await run("groups", "list", "--topic", "orders")).output).toBe("audit\nbilling\n");
    expect((await run("groups", "list", "--topic", "orders", "--json")).output).toContain('{"topic":"orders","group":"billing"}\n');
    const { output } = await run("groups", "describe", ...GROUP);
    expect(output).toMatch(/^topic +orders\ngroup +billing\nnative name .*\nmembers +0\n\npartition +place\n/);
    expect(output).toMatch(/^billing +0 +2 .*\nbilling +1 +2 .*\nbilling +all +4 /m);
    expect(JSON.parse((await run("groups", "describe", ...GROUP, "--json")).output)).toMatchObject({
      topic: "orders",
      ...(await connection.admin.describeGroup("orders", "billing")),
      lag: { messages: 4 },
    });
    expect(await run("groups", "describe", "--topic", "orders", "--group", "none")).toMatchObject({ exitCode: 1 });
  });

  test("a reset shows by partition what would change, and moves nothing without --execute", async () => {
    await fillAndConsume(10, "billing");
    const before = await connection.admin.describeGroup("orders", "billing");
    const shown = await run("groups", "reset", ...GROUP, "--to", "earliest");
    expect(shown).toMatchObject({ exitCode: 0, errors: "Nothing was changed: --execute does it.\n" });
    expect(shown.output).toMatch(/^partition +old place +new place\n0 +\S.* {2}\S.*\n1 +\S.* {2}\S.*\n$/);
    expect(await connection.admin.describeGroup("orders", "billing")).toEqual(before);
    expect(await run("groups", "reset", ...GROUP, "--to", "earliest", "--execute")).toEqual({ ...shown, errors: "Moved.\n" });
    expect((await connection.admin.lag("orders", "billing")).messages).toBe(10);
    await run("groups", "reset", ...GROUP, "--to", "latest", "--yes");
    expect((await connection.admin.lag("orders", "billing")).messages).toBe(0);
  });

  test("a reset to a position concerns its partition only", async () => {
    await fillAndConsume(10, "billing");
    const stored = await gather(bytesTopic(connection, "orders").reader({ until: "now", partitions: ["1"] }));
    const place = `after:${stored[1]!.position}`;
    expect((await run("groups", "reset", ...GROUP, "--to", place)).output).toMatch(/^partition .*\n1 .*\n$/);
    await run("groups", "reset", ...GROUP, "--to", place, "--execute");
    expect((await connection.admin.lag("orders", "billing")).partitions).toMatchObject([
      { partition: "0", messages: 0 },
      { partition: "1", messages: 3 },
    ]);
  });

  test("a reset to a bookmark that is older than some partitions shows and does the same", async () => {
    await fillAndConsume(10, "billing");
    const bookmark = (await connection.admin.describeGroup("orders", "billing")).bookmark!;
    await connection.admin.updateTopic("orders", { partitions: 3, mayReorder: true });
    const producer = bytesTopic(connection, "orders").producer();
    await producer.send({ key: null, value: Buffer.from("new"), toPartition: "2" });
    await producer.close();
    await connection.admin.resetGroup("orders", "billing", "latest");
    const shown = await run("groups", "reset", ...GROUP, "--to", bookmark, "--execute");
    expect(shown.output).toMatch(/^0 +at 5 +at 5\n1 +at 5 +at 5\n2 +at 1 +at 0\n$/m);
    expect((await run("groups", "describe", ...GROUP)).output).toMatch(/^0 +at 5\n1 +at 5\n2 +at 0\n/m);
    expect((await connection.admin.lag("orders", "billing")).messages).toBe(1);
  });

  test("a reset creates a group; one with members has to wait", async () => {
    await fill(4);
    const shown = await run("groups", "reset", ...GROUP, "--to", "latest");
    expect(shown.output).toMatch(/^0 +- +\S/m);
    expect(await connection.admin.listGroups("orders")).toEqual([]);
    await run("groups", "reset", ...GROUP, "--to", "latest", "--execute");
    expect(await connection.admin.listGroups("orders")).toEqual(["billing"]);
    const consumer = bytesTopic(connection, "orders").consumer({ group: "billing" });
    const running = consumer.run(async () => undefined);
    await expect.poll(() => consumer.status().state).toBe("running");
    const waiting = await run("groups", "reset", ...GROUP, "--to", "earliest");
    expect(waiting).toMatchObject({ exitCode: 0, errors: expect.stringContaining("has a member, which has to stop first") });
    expect(await run("groups", "reset", ...GROUP, "--to", "earliest", "--execute")).toMatchObject({
      exitCode: 1,
      errors: expect.stringMatching(/^conflict: /m),
    });
    await consumer.close();
    await running;
  });

  test("a deletion shows the places of the group, and deletes it with --execute", async () => {
    await fillAndConsume(4, "billing");
    const shown = await run("groups", "delete", ...GROUP);
    expect(shown).toMatchObject({ exitCode: 0, errors: "Nothing was changed: --execute does it.\n" });
    expect(shown.output).toMatch(/^delete orders\.billing and its places:\npartition +place\n0 .*\n1 .*\n$/);
    expect(await connection.admin.listGroups("orders")).toEqual(["billing"]);
    expect(await run("groups", "delete", ...GROUP, "--execute")).toMatchObject({ exitCode: 0, errors: "Deleted.\n" });
    expect(await connection.admin.listGroups("orders")).toEqual([]);
  });
});

test("a group of a former topic of the name is listed, and can be reset or deleted", async () => {
  await using kinesis = await startEmulatedKinesis();
  const of = (...args: readonly string[]): Promise<CommandResult> => runInProcess(args, kinesis.url);
  await using operator = await connect(kinesis.url, { require: ["topicAdmin", "groupReset"] });
  const { admin } = operator;
  for (const change of ["reset", "delete"] as const) {
    await admin.createTopic("orders", { partitions: 1 });
    await admin.resetGroup("orders", "billing", "earliest");
    await admin.deleteTopic("orders");
    await admin.createTopic("orders", { partitions: 1 });
    expect(await of("groups", "list", "--topic", "orders")).toEqual({ exitCode: 0, output: "billing\n", errors: "" });
    expect(await of("lag", "--topic", "orders")).toMatchObject({
      exitCode: 1,
      errors: expect.stringMatching(/^position-mismatch: group "billing": .*resetGroup/) as string,
    });
    const to = change === "reset" ? ["--to", "earliest"] : [];
    const shown = await of("groups", change, "--topic", "orders", "--group", "billing", ...to, "--execute");
    expect(shown).toMatchObject({ exitCode: 0, errors: change === "reset" ? "Moved.\n" : "Deleted.\n" });
    expect((await of("groups", "list", "--topic", "orders")).output).toBe(change === "reset" ? "billing\n" : "");
    expect(await of("lag", "--topic", "orders")).toMatchObject({ exitCode: 0, errors: "" });
    await admin.deleteTopic("orders");
  }
});

describe("lag", () => {
  test("is printed for one group or for all, as a table and as JSON lines", async () => {
    await connection.admin.resetGroup("orders", "audit", "earliest");
    await fill(4);
    await connection.admin.resetGroup("orders", "billing", "latest");
    const { output } = await run("lag", "--topic", "orders");
    expect(output).toMatch(/^group +partition +messages +age\naudit +0 +2 .*\naudit +1 +2 .*\naudit +all +4 .*\nbilling +0 +0 /);
    const before = Date.now();
    const lines = (await run("lag", "--topic", "orders", "--group", "audit", "--json")).output.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        topic: "orders",
        group: "audit",
        timestamp: expect.any(Number),
        messages: 4,
        timeMs: null,
        partitions: [
          { partition: "0", messages: 2, timeMs: null },
          { partition: "1", messages: 2, timeMs: null },
        ],
      },
    ]);
    expect((JSON.parse(lines[0]!) as { timestamp: number }).timestamp).toBeGreaterThanOrEqual(before);
    expect(await run("lag", "--topic", "orders", "--group", "none")).toMatchObject({
      exitCode: 1,
      errors: expect.stringMatching(/^not-found: /),
    });
  });
});

describe("capabilities", () => {
  test("are those of the connection, as a table and as JSON", async () => {
    expect(JSON.parse((await run("capabilities", "--json")).output)).toEqual(connection.capabilities);
    const { output } = await run("capabilities");
    expect(output).toMatch(/^capability +kafka\n/);
    expect(output).toMatch(/^partitions +yes$/m);
    expect(output).toMatch(/^readerEnd +position$/m);
    expect(output).toMatch(/^limits.messageBytes +[\d,]+$/m);
  });

  test("of a topic ask the provider", async () => {
    expect(await run("capabilities", "--topic", "orders", "--json")).toMatchObject({ exitCode: 0 });
    expect(await run("capabilities", "--topic", "missing")).toMatchObject({ exitCode: 1, errors: expect.stringMatching(/^not-found: /) });
  });
});
