import { test } from "vitest";
import { copy, verify } from "../../src/migration/index.ts";
import { provenanceTrail } from "../../src/provenance.ts";
import { FORMS, type Form, contentOf, keysOf, memorySide, messagesOf, produce, valuesByKey, equalResult } from "./two-topics.ts";

const pairs: readonly (readonly [Form, Form])[] = FORMS.flatMap((from) => FORMS.map((to) => [from, to] as const));

test.concurrent.for(pairs)("M06 copies from memory like %s to memory like %s, in the order of each key", async ([from, to], context) => {
  const { expect } = context;
  const source = await memorySide(context, from, "flights", 3);
  const target = await memorySide(context, to, "departures", 5);
  const keys = keysOf(9);
  await produce(source, keys, 20);
  const result = await copy(source, target);
  expect(result).toEqual({ copied: 180, duplicates: 0, lag: source.connection.capabilities.lagInMessages ? 0 : null });
  const read = await messagesOf(target);
  expect(valuesByKey(read)).toEqual(valuesByKey(await messagesOf(source)));
  const content = (messages: Awaited<ReturnType<typeof messagesOf>>): string[] =>
    messages.map((one) => JSON.stringify(contentOf(one))).toSorted();
  expect(content(read)).toEqual(content(await messagesOf(source)));
  for (const [message, trail] of read.map((message) => [message, provenanceTrail(message.raw.headers)] as const)) {
    expect(trail.copies.length).toBe(1);
    expect(trail.lastIndex).toBe(target.connection.capabilities.exactHeaders ? message.raw.headers.length - 1 : trail.lastIndex);
  }
  expect(await verify(source, target)).toEqual(equalResult(180));
  // A second run has nothing to do.
  expect(await copy(source, target)).toMatchObject({ copied: 0 });
  expect((await messagesOf(target)).length).toBe(180);
});
