import { fork } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { type CaseReport, compareWithExpected, conformanceCases } from "../../src/conformance/index.ts";
import { expectedResults } from "../conformance/expected-results.ts";
import { npmFolder } from "./fetched-packages.ts";

const CLIENT = "@google-cloud/pubsub@5.3.1";

test("the whole suite passes with the oldest client that is supported as well", { timeout: 1_200_000 }, async () => {
  const folder = await npmFolder([CLIENT]);
  const child = fork(new URL("suite-on-client.ts", import.meta.url), [folder], { execArgv: [] });
  const exited = once(child, "exit");
  const [answer] = (await once(child, "message")) as [{ readonly resolved: string; readonly reports: readonly CaseReport[] }];
  await exited;
  // It was that client, and not the one beside the adapter.
  expect(decodeURIComponent(answer.resolved)).toContain(folder);
  expect(answer.reports).toHaveLength(conformanceCases().length);
  expect(compareWithExpected(answer.reports, await expectedResults("pubsub-emulator"))).toEqual([]);
});
