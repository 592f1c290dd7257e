import { expect, test } from "vitest";
import { type Bench, assignment, bench, records, rejection } from "./fake-driver.ts";

const hanging = { encode: (value: string) => Buffer.from(value), decode: () => new Promise<string>(() => {}) };

async function deliver(of: Bench) {
  const mine = assignment();
  const sink = await of.sink();
  sink.assigned(mine);
  void sink.deliver(mine, records("a"));
  return mine;
}

test("a codec that never answers: the consumer closes all the same, and the message stays to be handled", async () => {
  const it = bench({ codec: hanging });
  const member = it.consumer({});
  const run = member.run(() => expect.unreachable("nothing was decoded"));
  const mine = await deliver(it);
  await member.close({ timeoutMs: 20 });
  await run;
  expect(it.driver.through(mine)).toBe(null);
});

test("a codec that never answers counts against handlerTimeoutMs: the run ends as timeout before the message", async () => {
  const it = bench({ codec: hanging });
  const run = rejection(it.consumer({ handlerTimeoutMs: 10 }).run(() => expect.unreachable("nothing was decoded")));
  const mine = await deliver(it);
  expect(await run).toMatchObject({ code: "timeout", partition: "0" });
  expect(it.driver.through(mine)).toBe(null);
});
