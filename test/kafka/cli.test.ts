import { createReadStream } from "node:fs";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { type Connection, connect, text } from "../../src/index.ts";
import { type Ended, runCommandLine, startCommand } from "../cli/command-line.ts";
import { type PrintedLine, type Stop, linesOf, runSlowly } from "./printed-lines.ts";

const missing = kafkaRequirements();
const FLIGHTS_FILE = join(import.meta.dirname, "..", "..", "localstack", "demo", "flights-20k.jsonl");
const FLIGHTS = 20_000;

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

describe.each(missing === null ? ["Kafka"] : [])("the command line on a real %s", () => {
  let cluster: KafkaCluster;
  let connection: Connection<"topicAdmin" | "groupAdmin" | "lagInMessages">;
  let folder: string;
  let flights: readonly string[];
  /** The result of the command that sent all flights. */
  let produced: Ended;
  let env: { readonly STREAM_URL: string };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "streamport-cli-"));
    flights = (await readFile(FLIGHTS_FILE, "utf8")).trimEnd().split("\n");
    cluster = await startKafka();
    env = { STREAM_URL: cluster.url };
    connection = await connect(cluster.url, { require: ["topicAdmin", "groupAdmin", "lagInMessages"] });
    await run("topics", "create", "--topic", "flights", "--partitions", "8");
    const producing = startCommand(["produce", "--topic", "flights", "--key-field", "origin"], { env });
    createReadStream(FLIGHTS_FILE).pipe(producing.child.stdin);
    produced = await producing.ended;
  }, 180_000);

  afterAll(async () => {
    await connection.close();
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  });

  function run(...args: readonly string[]): Promise<Ended> {
    return runCommandLine(args, { env });
  }

  /** Each flight is there as often as in the file, and the flights of each airport are in the order of the file. */
  function expectAllFlights(lines: readonly PrintedLine[]): void {
    expect(lines).toHaveLength(FLIGHTS);
    expect(new Set(lines.map(({ position }) => position)).size).toBe(FLIGHTS);
    expect(byAirport(lines.map(({ key, value }) => [key!, value]))).toEqual(
      byAirport(flights.map((line) => [(JSON.parse(line) as { origin: string }).origin, line])),
    );
  }

  function byAirport(entries: readonly (readonly [string, string])[]): ReadonlyMap<string, readonly string[]> {
    const airports = new Map<string, string[]>();
    for (const [airport, line] of entries) airports.set(airport, [...(airports.get(airport) ?? []), line]);
    return new Map([...airports].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  test("produce --key-field stores all 20,000 flights, and says so", () => {
    expect(produced).toEqual({
      exitCode: 0,
      signal: null,
      output: "",
      errors: expect.stringMatching(/^20,000 messages stored in \d+\.\d s\n$/),
    });
  });

  describe("read", () => {
    test("--until now prints all 20,000, byte by byte as in the file", async () => {
      const { exitCode, output, errors } = await run("read", "--topic", "flights", "--until", "now");
      expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: "" });
      expect(output.split("\n")).toHaveLength(FLIGHTS + 1);
      expectAllFlights(linesOf(output));
    });

    test("reads ranges: by partition, by position, by time, by count", async () => {
      const all = linesOf((await run("read", "--topic", "flights")).output);
      const ofThree = all.filter(({ partition }) => partition === "3");
      const read = async (...args: readonly string[]): Promise<string[]> =>
        linesOf((await run("read", "--topic", "flights", ...args)).output).map(({ position }) => position);
      const positions = ofThree.map(({ position }) => position);
      expect(await read("--partition", "3")).toEqual(positions);
      expect(await read("--from", `after:${positions[9]}`)).toEqual(positions.slice(10));
      expect(await read("--from", `at:${positions[9]}`, "--until", `through:${positions[19]}`)).toEqual(positions.slice(9, 20));
      expect(await read("--until", `through:${positions[19]}`)).toEqual(positions.slice(0, 20));
      expect(await read("--partition", "3", "--max", "7")).toEqual(positions.slice(0, 7));
      expect(await read("--from", "latest")).toEqual([]);
      expect(await read("--from", "1h")).toHaveLength(FLIGHTS);
      expect(await read("--until", "1h")).toEqual([]);
      const middle = all.map(({ timestamp }) => timestamp).toSorted((a, b) => a - b)[FLIGHTS / 2]!;
      const until = await read("--until", String(middle));
      const from = await read("--from", new Date(middle).toISOString());
      expect(new Set([...until, ...from]).size).toBe(FLIGHTS);
      expect(until.length + from.length).toBe(FLIGHTS);
    });

    /** Runs repeatedly with one bookmark file until a run ends by itself. `null`: no interruption. */
    async function readInParts(
      stop: (part: number) => Stop | null,
    ): Promise<{ readonly parts: readonly PrintedLine[][]; readonly ended: readonly Ended[] }> {
      const bookmarkFile = join(folder, randomUUID());
      const args = ["read", "--topic", "flights", "--until", "now", "--bookmark-file", bookmarkFile];
      const ended: Ended[] = [];
      const parts: PrintedLine[][] = [];
      for (let part = 0; part < 60; part += 1) {
        const result = await runSlowly(args, stop(part), { env });
        ended.push(result);
        parts.push(linesOf(result.output));
        if (result.exitCode === 0) return { parts, ended };
      }
      throw new Error("it has not come to an end in 60 parts");
    }

    test("with --bookmark-file and repeated interruptions, prints every message exactly once", { timeout: 180_000 }, async () => {
      const { parts, ended } = await readInParts((part) => {
        const signal = Math.random() < 0.7 ? "SIGINT" : "SIGTERM";
        // Before it connects, while it connects, and while it prints.
        return part % 4 === 0
          ? { signal, since: "start", afterMs: Math.random() * 1_000 }
          : { signal, since: "output", afterMs: Math.random() * 300 };
      });
      expectAllFlights(parts.flat());
      // Some of the interruptions must come while it prints. Otherwise the test would prove nothing.
      expect(parts.filter(({ length }) => length > 0 && length < FLIGHTS).length).toBeGreaterThan(1);
      for (const { exitCode, signal, errors } of ended.slice(0, -1)) {
        expect(errors).toBe("");
        // Before the program starts, the signal ends the process.
        expect(signal ?? exitCode).toSatisfy((end) => [130, 143, "SIGINT", "SIGTERM"].includes(end as number | string));
      }
      expect(await readdir(folder)).not.toContainEqual(expect.stringMatching(/\.tmp$/));
    });

    test("with --bookmark-file, killed repeatedly, misses no message", { timeout: 240_000 }, async () => {
      // All of them come within a second, and it still makes progress.
      const { parts, ended } = await readInParts((part) =>
        part > 8 ? null : { signal: "SIGKILL", since: "output", afterMs: part % 2 === 0 ? Math.random() * 300 : 300 + Math.random() * 400 },
      );
      expect(parts.at(-1)!.length).toBeLessThan(FLIGHTS);
      expect(ended.filter(({ signal }) => signal === "SIGKILL").length).toBeGreaterThan(1);
      const seen = new Map(parts.flat().map((line) => [line.position, line]));
      expectAllFlightsOnce([...seen.values()]);
    });

    function expectAllFlightsOnce(lines: readonly PrintedLine[]): void {
      expect(new Set(lines.map(({ position }) => position)).size).toBe(FLIGHTS);
      expect(lines.map(({ value }) => value).toSorted()).toEqual(flights.toSorted());
    }

    test(
      "--follow continues, also after a pause of the messages, and --bookmark-file stores the position",
      { timeout: 60_000 },
      async () => {
        await connection.admin.createTopic("ticks", { partitions: 2 });
        const producer = connection.topic("ticks", { codec: text(), key: () => null }).producer();
        const send = (value: string): Promise<unknown> => producer.send({ value });
        const args = ["read", "--topic", "ticks", "--follow", "--from", "latest", "--bookmark-file", join(folder, "ticks")];
        await send("before");
        const first = startCommand(args, { env });
        // It must have its position before the next send. The first printed line shows that.
        await expect
          .poll(
            async () => {
              await send("tick");
              return first.output();
            },
            { timeout: 20_000 },
          )
          .not.toBe("");
        const printed = linesOf(first.output()).length;
        await send("one");
        await send("two");
        await expect
          .poll(() => linesOf(first.output()).map(({ value }) => value), { timeout: 10_000 })
          .toEqual(expect.arrayContaining(["one", "two"]));
        first.child.kill("SIGINT");
        const firstEnded = await first.ended;
        expect(firstEnded).toMatchObject({ exitCode: 0, errors: "" });
        expect(linesOf(firstEnded.output).length).toBeGreaterThanOrEqual(printed + 2);
        expect(linesOf(firstEnded.output).map(({ value }) => value)).not.toContain("before");
        await send("three");
        const second = startCommand([...args, "--max", "1"], { env });
        expect(linesOf((await second.ended).output).map(({ value }) => value)).toEqual(["three"]);
        await producer.close();
      },
    );

    test("a reader of the output that ends, like head, ends it without an error", async () => {
      const { child, ended } = startCommand(["read", "--topic", "flights"], { env });
      const [chunk] = (await once(child.stdout, "data")) as [string];
      expect(chunk).toMatch(/^\{"topic":"flights"/);
      child.stdout.destroy();
      expect(await ended).toMatchObject({ exitCode: 141, signal: null, errors: "" });
    });

    test("a bookmark of another topic is refused", async () => {
      const bookmarkFile = join(folder, "other");
      await run("read", "--topic", "flights", "--max", "1", "--bookmark-file", bookmarkFile);
      await connection.admin.createTopic("other");
      expect(await run("read", "--topic", "other", "--bookmark-file", bookmarkFile)).toMatchObject({
        exitCode: 1,
        output: "",
        errors: expect.stringMatching(/^position-mismatch: /),
      });
    });
  });

  describe("consume", () => {
    async function consumeInParts(group: string, stop: (part: number) => Stop): Promise<readonly Ended[]> {
      const args = ["consume", "--topic", "flights", "--group", group, "--concurrency", "3"];
      const ended: Ended[] = [];
      for (let part = 0; part < 40; part += 1) {
        ended.push(await runSlowly(args, stop(part), { env }));
        const lag = await connection.admin.lag("flights", group).catch(() => null);
        if (lag?.messages === 0) return ended;
      }
      throw new Error("the group has not come to the end in 40 parts");
    }

    test("with repeated interruptions, the group loses and repeats no message", { timeout: 240_000 }, async () => {
      const ended = await consumeInParts("interrupted", (part) =>
        part > 5
          ? { signal: "SIGINT", since: "output", afterMs: 5_000 }
          : { signal: "SIGINT", since: part % 3 === 0 ? "start" : "output", afterMs: Math.random() * (part % 3 === 0 ? 2_000 : 300) },
      );
      const parts = ended.map(({ output }) => linesOf(output));
      expectAllFlights(parts.flat());
      expect(parts.filter(({ length }) => length > 0 && length < FLIGHTS).length).toBeGreaterThan(1);
      expect(ended.map(({ errors }) => errors).join("")).toBe("");
      // A run that had not joined yet is interrupted. If the signal comes very early, the program has not started, so it reports nothing.
      for (const { exitCode, signal, output } of ended) expect(output === "" ? [0, 130, "SIGINT"] : [0]).toContain(signal ?? exitCode);
    });

    test("--max prints exactly that many, and the next run continues after them", { timeout: 120_000 }, async () => {
      const parts: PrintedLine[][] = [];
      for (const max of [1, 1_234, 777]) {
        const { exitCode, output, errors } = await run(
          "consume",
          "--topic",
          "flights",
          "--group",
          "by-count",
          "--concurrency",
          "3",
          "--max",
          String(max),
        );
        expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: "" });
        parts.push(linesOf(output));
        expect(parts.at(-1)).toHaveLength(max);
      }
      expect((await connection.admin.lag("flights", "by-count")).messages).toBe(FLIGHTS - 2_012);
      const rest = await run("consume", "--topic", "flights", "--group", "by-count", "--max", String(FLIGHTS - 2_012));
      expectAllFlights([...parts.flat(), ...linesOf(rest.output)]);
    });

    test("after a kill, the group continues at its committed offsets, and loses no message", { timeout: 240_000 }, async () => {
      // Long enough for a commit, and for the session time-out of the killed member.
      const ended = await consumeInParts("killed", (part) =>
        part < 2
          ? { signal: "SIGKILL", since: "output", afterMs: 800 + Math.random() * 600 }
          : { signal: "SIGINT", since: "output", afterMs: 10_000 },
      );
      expect(ended.filter(({ signal }) => signal === "SIGKILL").length).toBeGreaterThan(0);
      const seen = new Map(ended.flatMap(({ output }) => linesOf(output)).map((line) => [line.position, line]));
      expect([...seen.values()].map(({ value }) => value).toSorted()).toEqual(flights.toSorted());
    });

    test("messages that the reader of the output has not read count as not handled", { timeout: 120_000 }, async () => {
      const args = ["consume", "--topic", "flights", "--group", "broken-pipe"];
      const { child, ended } = startCommand(args, { env });
      let taken = "";
      child.stdout.on("data", (text: string) => {
        taken += text;
        child.stdout.destroy();
      });
      expect(await ended).toMatchObject({ exitCode: 141, signal: null, errors: "" });
      const lag = (await connection.admin.lag("flights", "broken-pipe")).messages!;
      expect(lag).toBeGreaterThan(0);
      const rest = linesOf((await run(...args, "--max", String(lag))).output);
      expect(rest).toHaveLength(lag);
      // A pipe holds up to 64 KiB that was written but not read, and some more waits in this process.
      const seen = new Set([...linesOf(`${taken.slice(0, taken.lastIndexOf("\n"))}\n`), ...rest].map(({ position }) => position));
      expect(FLIGHTS - seen.size).toBeLessThan(2_000);
    });
  });

  test("produce restores the output of read: keys, values, tombstones, headers, partitions and times", async () => {
    for (const topic of ["odd", "odd-copy"]) await connection.admin.createTopic(topic, { partitions: 3 });
    const bytes = { encode: (value: Uint8Array) => value, decode: (value: Uint8Array) => value };
    const odd = connection.topic<Uint8Array, Uint8Array, true>("odd", { codec: bytes, tombstones: true });
    const values = [Buffer.from("text"), Buffer.from('{"a": 1.0}'), Buffer.from("null"), Buffer.from([0xff, 0]), Buffer.alloc(0), null];
    const producer = odd.producer();
    for (const [index, value] of values.entries()) {
      const headers = { plain: "é", binary: "\udcff\udc80", empty: "" };
      await producer.send({
        key: index % 2 === 0 ? `k\udcfe${index}` : null,
        value,
        headers,
        toPartition: String(index % 3),
        producedAt: 1_700_000_000_000 + index,
      });
    }
    await producer.close();
    const printed = await run("read", "--topic", "odd");
    const produced = await runCommandLine(["produce", "--topic", "odd-copy", "--keep", "partition,timestamp"], {
      env,
      stdin: printed.output,
    });
    expect(produced).toMatchObject({ exitCode: 0, errors: expect.stringMatching(/^6 messages stored/) });
    const stored = async (topic: string): Promise<unknown[]> => {
      const all: unknown[] = [];
      for await (const message of connection
        .topic<Uint8Array, Uint8Array, true>(topic, { codec: bytes, tombstones: true })
        .reader({ until: "now" })) {
        const { key, value, headers } = message.raw;
        const text = (part: Uint8Array | null): string | null => (part === null ? null : Buffer.from(part).toString("hex"));
        all.push([
          message.partition,
          message.timestamp.getTime(),
          text(key),
          text(value),
          headers.map(([name, part]) => [name, text(part)]),
        ]);
      }
      return all.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    };
    expect(await stored("odd-copy")).toEqual(await stored("odd"));
    expect(await stored("odd")).toHaveLength(values.length);
  });

  test("a header is added to every message, and replaces one of the same name", async () => {
    await connection.admin.createTopic("headers");
    const stdin = '{"key":null,"value":"a","headers":{"own":"1","host":"x"}}\n{"key":null,"value":"b"}\n';
    await runCommandLine(["produce", "--topic", "headers", "--header", "host=web-1", "--header", "empty="], { env, stdin });
    expect(linesOf((await run("read", "--topic", "headers")).output).map(({ headers }) => headers)).toEqual([
      { own: "1", host: "web-1", empty: "" },
      { host: "web-1", empty: "" },
    ]);
  });

  test("groups: a reset is shown, then done; lag follows; a deletion likewise", { timeout: 60_000 }, async () => {
    const group = ["--topic", "flights", "--group", "moved"];
    expect(await run("consume", ...group, "--max", "100")).toMatchObject({ exitCode: 0 });
    const lag = async (): Promise<number> => (JSON.parse((await run("lag", ...group, "--json")).output) as { messages: number }).messages;
    expect(await lag()).toBe(FLIGHTS - 100);
    const shown = await run("groups", "reset", ...group, "--to", "latest");
    expect(shown).toMatchObject({ exitCode: 0, errors: "Nothing was changed: --execute does it.\n" });
    expect(shown.output).toMatch(/^partition +old place +new place\n(\d +at \d+ +at \d+\n){8}$/);
    expect(await lag()).toBe(FLIGHTS - 100);
    expect(await run("groups", "reset", ...group, "--to", "latest", "--execute")).toEqual({ ...shown, errors: "Moved.\n" });
    expect(await lag()).toBe(0);
    await run("groups", "reset", ...group, "--to", "earliest", "--execute");
    expect(await lag()).toBe(FLIGHTS);
    expect((await run("groups", "list", "--topic", "flights")).output.split("\n")).toContain("moved");
    expect((await run("groups", "describe", ...group)).output).toMatch(/^native name +flights\.moved\nmembers +0$/m);
    await run("groups", "delete", ...group);
    expect(await lag()).toBe(FLIGHTS);
    expect(await run("groups", "delete", ...group, "--execute")).toMatchObject({ exitCode: 0, errors: "Deleted.\n" });
    expect(await run("lag", ...group)).toMatchObject({ exitCode: 1, errors: expect.stringMatching(/^not-found: /) });
  });

  test("lag --watch prints it repeatedly, until Ctrl-C", async () => {
    await run("groups", "reset", "--topic", "flights", "--group", "watched", "--to", "earliest", "--execute");
    const { child, output, ended } = startCommand(
      ["lag", "--topic", "flights", "--group", "watched", "--watch", "--interval", "200ms", "--json"],
      { env },
    );
    await expect.poll(() => output().split("\n").length, { timeout: 10_000 }).toBeGreaterThan(3);
    child.kill("SIGINT");
    const { exitCode, errors, output: all } = await ended;
    expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: "" });
    for (const line of all.trimEnd().split("\n"))
      expect(JSON.parse(line)).toMatchObject({ topic: "flights", group: "watched", messages: FLIGHTS });
  });

  test("topics: created, described, changed, listed, deleted", async () => {
    await run("topics", "create", "--topic", "short-lived", "--partitions", "2", "--retention", "3d");
    expect((await run("topics", "describe", "--topic", "short-lived")).output).toMatch(/^partitions +2: 0, 1\nretention +3 d$/m);
    expect(await run("topics", "update", "--topic", "short-lived", "--partitions", "4")).toMatchObject({
      exitCode: 1,
      errors: expect.stringContaining("--may-reorder"),
    });
    await run("topics", "update", "--topic", "short-lived", "--partitions", "4", "--retention", "1d", "--may-reorder");
    expect(JSON.parse((await run("topics", "describe", "--topic", "short-lived", "--json")).output)).toMatchObject({
      partitions: ["0", "1", "2", "3"],
      retentionMs: 86_400_000,
    });
    await run("topics", "delete", "--topic", "short-lived");
    expect((await run("topics", "list")).output.split("\n")).toContain("short-lived");
    await run("topics", "delete", "--topic", "short-lived", "--execute");
    expect((await run("topics", "list")).output.split("\n")).not.toContain("short-lived");
  });

  describe("doctor", () => {
    test("finds no problem if there is none", async () => {
      await run("groups", "reset", "--topic", "flights", "--group", "healthy", "--to", "latest", "--execute");
      const { exitCode, output, errors } = await run("doctor", "--topic", "flights", "--group", "healthy");
      expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: "" });
      for (const check of [
        "versions",
        "url",
        "reach",
        "list topics",
        "describe topic",
        "read",
        "clock",
        "list groups",
        "describe group",
        "lag",
      ]) {
        expect(output).toMatch(new RegExp(`^ok +${check} `, "m"));
      }
      expect(output).toMatch(/kafkajs \d/);
    });

    test("reports what is missing, and what to do", async () => {
      const { exitCode, output } = await run("doctor", "--topic", "missing");
      expect(exitCode).toBe(1);
      expect(output).toMatch(/^FAILED +describe topic +not-found: .*\n +-> .*topics create --topic missing/m);
    });

    test("reports that no server answers", async () => {
      // A port that was free just before.
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as { port: number };
      server.close();
      const { exitCode, output } = await runCommandLine(["doctor", `kafka://127.0.0.1:${port}`, "--topic", "flights"]);
      expect(exitCode).toBe(1);
      expect(output).toMatch(/^FAILED +reach +unavailable: .*\n +-> Is the server running/m);
    });
  });
});
