import { afterEach, expect, test, vi } from "vitest";
import type { Emulator } from "../../../../localstack/emulator.ts";
import { startEmulatedEventHubs } from "../../../../localstack/event-hubs/emulated-event-hubs.ts";

afterEach(() => {
  vi.doUnmock("rhea");
  vi.resetModules();
});

test("without rhea the emulator says what to install", async () => {
  vi.resetModules();
  vi.doMock("rhea", () => {
    throw new Error("Cannot find package 'rhea'");
  });
  const { startEmulatedEventHubs: start } = await import("../../../../localstack/event-hubs/emulated-event-hubs.ts");
  await expect(start()).rejects.toMatchObject({ code: "configuration", message: expect.stringMatching(/npm install --save-dev rhea@3$/) });
});

test("a port that is taken is a mistake of the configuration", async () => {
  await using emulator: Emulator & AsyncDisposable = await startEmulatedEventHubs();
  const port = Number(new URL(emulator.url).port);
  await expect(startEmulatedEventHubs({ port })).rejects.toMatchObject({
    code: "configuration",
    message: expect.stringContaining(`port ${port}`),
  });
});

test("clients reach it by the name that is advertised, over a port that is given", async () => {
  const first = await startEmulatedEventHubs({ host: "0.0.0.0", advertisedHost: "host.docker.internal" });
  const { port, hostname, searchParams } = new URL(first.url);
  await first.close();
  expect(hostname).toBe("host.docker.internal");
  expect(new URL(searchParams.get("checkpoints")!).host).toBe(`host.docker.internal:${port}`);
  await using second = await startEmulatedEventHubs({ port: Number(port) });
  expect(second.connectionString).toContain(`Endpoint=sb://127.0.0.1:${port};`);
});

test("after close everything but closing fails with closed", async () => {
  const emulator = await startEmulatedEventHubs({ topics: { orders: {} } });
  await emulator.close();
  await emulator.close();
  const closed = expect.objectContaining({ code: "closed", provider: "event-hubs" });
  for (const call of [
    () => emulator.inject({ kind: "restart" }),
    () => emulator.clearFaults(),
    () => emulator.answerWith({ call: "Send" }),
    () => emulator.addPartitions("orders", 1),
    () => emulator.expireTokens(),
  ]) {
    expect(call).toThrow(closed);
  }
  for (const call of [
    () => emulator.createTopic("x"),
    () => emulator.deleteTopic("orders"),
    () => emulator.expire("orders"),
    () => emulator.restart(),
  ]) {
    await expect(call()).rejects.toEqual(closed);
  }
});

test("what does not exist is not found, and what it cannot show is unsupported", async () => {
  await using emulator = await startEmulatedEventHubs();
  await expect(emulator.expire("nowhere")).rejects.toMatchObject({ code: "not-found" });
  await expect(emulator.compact("nowhere")).rejects.toMatchObject({ code: "not-found" });
  await expect(emulator.deleteTopic("nowhere")).rejects.toMatchObject({ code: "not-found" });
  expect(() => emulator.damage("nowhere", "0")).toThrow(expect.objectContaining({ code: "not-found" }));
  expect(() => emulator.inject({ kind: "earthquake" as "stall" })).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  expect(() => emulator.inject({ kind: "throttle", operation: "fetch" })).toThrow(expect.objectContaining({ code: "unsupported" }));
  expect(emulator.faultKinds).toHaveLength(11);
});
