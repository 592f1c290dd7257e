import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { Authentication } from "../../../../adapters/oci-streaming/client/authentication.ts";
import { HttpTransport } from "../../../../adapters/oci-streaming/client/http-transport.ts";
import { ServiceCalls } from "../../../../adapters/oci-streaming/client/service-calls.ts";
import { ociStreaming } from "../../../../adapters/oci-streaming/index.ts";
import type { Report } from "../../../../src/driver/index.ts";
import { type Connection, connect } from "../../../../src/index.ts";
import { WAIT, keyed, member, stored } from "../members.ts";
import { OciWorld } from "./oci-world.ts";

const SIGNAL = new AbortController().signal;
const SILENT: Report = Object.assign(() => undefined, { wants: () => false });

afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test("connections that are opened, used and closed leave no timer and no socket", async () => {
  await using world = await OciWorld.start();
  const cycle = async (): Promise<void> => {
    await using connection = await connect(ociStreaming(world.options));
    expect((await connection.check()).ok).toBe(true);
  };
  await cycle();
  const counted = (): Readonly<Record<string, number>> => {
    const kinds = Map.groupBy(process.getActiveResourcesInfo(), (kind) => kind);
    return { timers: kinds.get("Timeout")?.length ?? 0, sockets: kinds.get("TCPSocketWrap")?.length ?? 0 };
  };
  const before = counted();
  for (let number = 0; number < 100; number += 1) await cycle();
  await expect.poll(() => counted()["sockets"]! - before["sockets"]!, WAIT).toBeLessThanOrEqual(2);
  expect(counted()["timers"]! - before["timers"]!).toBeLessThanOrEqual(2);
});

test("nothing depends on globals that an application or a polyfill has replaced, and nothing is printed", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 2 } } });
  const foreign = (): never => {
    throw new Error("a global that somebody has replaced");
  };
  for (const name of ["fetch", "Headers", "Request", "Response", "FormData"]) vi.stubGlobal(name, foreign);
  const printed = (["log", "info", "warn", "error"] as const).map((level) => vi.spyOn(console, level));
  const connection = await world.connect();
  const consuming = member(connection, "orders");
  world.emulator.inject({ kind: "fail-before-write", topic: "orders", times: 3 });
  await keyed(connection, "orders").producer().send({ value: "a 0" });
  await expect.poll(() => consuming.values, WAIT).toEqual(["a 0"]);
  expect(await stored(connection, "orders")).toEqual(["a 0"]);
  await consuming.consumer.close();
  for (const spy of printed) expect(spy).not.toHaveBeenCalled();
});

test("each try is one request, also where the SDK's own retries are switched on", async () => {
  vi.stubEnv("OCI_SDK_DEFAULT_RETRY_ENABLED", "true");
  await using world = await OciWorld.start();
  const calls = new ServiceCalls(new Authentication(world.options), SILENT);
  for (const [status, code] of [
    [429, "TooManyRequests"],
    [500, "InternalServerError"],
    [503, "ServiceUnavailable"],
    [409, "IncorrectState"],
  ] as const) {
    const before = world.emulator.callCount("ListStreams");
    world.emulator.answerWith({ operation: "ListStreams", status, code });
    const url = `${world.emulator.endpoint}/20180418/streams?streamPoolId=${world.emulator.streamPool}`;
    await expect(calls.send({ operation: "ListStreams", method: "GET", url }, SIGNAL)).rejects.toMatchObject({ statusCode: status });
    expect(world.emulator.callCount("ListStreams") - before).toBe(1);
  }
  calls.close();
});

test("a request ends in its time, also where the body of the answer stalls, and at once where it is given up", async () => {
  const server = createServer((request, response) => {
    if (request.url === "/silent") return;
    response.writeHead(200, { "content-length": "10" });
    response.write("half");
    if (request.url === "/cut") setTimeout(() => response.destroy(), 20);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const transport = new HttpTransport();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const send = (path: string, limitMs: number, signal = SIGNAL) =>
    transport.send({ method: "GET", url: url + path, headers: new Map(), body: null }, limitMs, signal);
  for (const path of ["/silent", "/half"]) await expect(send(path, 100)).rejects.toMatchObject({ name: "TimeoutError" });
  await expect(send("/cut", 10_000)).rejects.toMatchObject({ code: "ECONNRESET" });
  const giveUp = new AbortController();
  const startedMs = performance.now();
  const given = [send("/silent", 60_000, giveUp.signal), send("/half", 60_000, giveUp.signal)].map(async (each) =>
    each.catch((error: unknown) => error),
  );
  setTimeout(() => giveUp.abort(new Error("enough")), 50);
  for (const reason of await Promise.all(given)) expect(reason).toMatchObject({ message: "enough" });
  expect(performance.now() - startedMs).toBeLessThan(10_000);
  await expect(send("/silent", 60_000, AbortSignal.abort(new Error("before")))).rejects.toThrow("before");
  transport.close();
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
});

test("a service that throttles for long loses nothing, keeps the order of keys and is given the pause that it asks for", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 2 } } });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  await producer.send({ value: "key-0 0" });
  const wait = "Request was throttled because bytes limit exhausted, next request can be made in 400 ms";
  world.emulator.answerWith({ operation: "PutMessages", status: 429, code: "TooManyRequests", message: wait, times: 6 });
  const before = world.emulator.callCount("PutMessages");
  const startedMs = performance.now();
  const values = Array.from({ length: 30 }, (_, number) => `key-${number % 5} ${number + 1}`);
  await Promise.all(values.map((value) => producer.send({ value })));
  expect(performance.now() - startedMs).toBeGreaterThan(350);
  expect(world.emulator.callCount("PutMessages") - before).toBeLessThan(30);
  const found = await stored(connection, "orders");
  expect(found.toSorted()).toEqual(["key-0 0", ...values].toSorted());
  for (let key = 0; key < 5; key += 1) {
    const own = found.filter((value) => value.startsWith(`key-${key} `)).map((value) => Number(value.split(" ")[1]));
    expect(own).toEqual(own.toSorted((a, b) => a - b));
  }
});

test.each([1, 3])(
  "readers and groups of %i connections together keep within five reads a second of a partition, and none is throttled",
  async (count) => {
    await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } }, getsPerSecond: 5 });
    const connections = await Promise.all(Array.from({ length: count }, async () => world.connect({ pollMs: 200 })));
    const [connection] = connections as [Connection];
    const of = (index: number): Connection => connections[index % count]!;
    const members = ["one", "two", "three"].map((group, index) => member(of(index), "orders", { group }));
    await keyed(connection, "orders").producer().send({ value: "a 0" });
    await expect.poll(() => members.every(({ values }) => values.length === 1), WAIT).toBe(true);
    const refused: unknown[] = [];
    const note = (event: unknown): void => void refused.push(event);
    for (const channel of ["streamport:retry", "streamport:throttle"]) subscribe(channel, note);
    const [startedMs, before] = [performance.now(), world.emulator.callCount("GetMessages")];
    await Promise.all([0, 1, 2].map(async (index) => stored(of(index), "orders")));
    await new Promise((resolve) => {
      setTimeout(resolve, 2_000);
    });
    const seconds = (performance.now() - startedMs) / 1_000;
    for (const channel of ["streamport:retry", "streamport:throttle"]) unsubscribe(channel, note);
    expect(refused).toEqual([]);
    // What was saved in the last second may be used at once.
    expect(world.emulator.callCount("GetMessages") - before).toBeLessThanOrEqual(5 * seconds + 6);
  },
);
