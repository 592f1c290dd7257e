import { expect, test } from "vitest";
import { abortable } from "../../../../src/abortable.ts";
import type { PubSubConnection } from "../../../../adapters/pubsub/client/pubsub-connection.ts";
import { PubSubReader } from "../../../../adapters/pubsub/reader.ts";

test("a subscription whose creation was given up is deleted behind it, not before it", { timeout: 10_000 }, async () => {
  const existing = new Set<string>();
  const creation = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const connection = {
    closing: new AbortController().signal,
    name: async (collection: string, id: string) => `projects/p/${collection}/${id}`,
    publisher: async () => ({ messageRetentionDuration: { seconds: 600 } }),
    // As a service that carries out a request whose client no longer waits.
    subscriber: async (
      method: string,
      request: { readonly name: string; readonly subscription: string },
      _routing: string,
      _facts: object,
      signal: AbortSignal,
    ) => {
      if (method === "createSubscription") {
        asked.resolve();
        await abortable(
          creation.promise.then(() => existing.add(request.name)),
          signal,
        );
      } else if (method === "deleteSubscription" && !existing.delete(request.subscription)) {
        throw Object.assign(new Error("no such subscription"), { code: 5 });
      }
      return {};
    },
  } as unknown as PubSubConnection;
  const report = Object.assign(() => undefined, { wants: () => false });
  const reader = new PubSubReader(
    { connection, report, seekSettlingMs: 0, quietMs: 0, googleEmulator: false, exactlyOnce: false },
    "flights",
  );
  const given = new AbortController();
  const resolved = reader.resolve({ from: { kind: "earliest" }, until: null, partitions: null }, given.signal);
  await asked.promise;
  given.abort(new Error("given up"));
  await expect(resolved).rejects.toThrow("given up");
  const closed = reader.close();
  setTimeout(() => creation.resolve(), 50);
  await Promise.all([closed, creation.promise]);
  expect([...existing]).toEqual([]);
});
