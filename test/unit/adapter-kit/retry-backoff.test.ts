import { expect, test } from "vitest";
import { RetryBackoff, type RetrySettings, retrying } from "../../../src/adapter-kit/index.ts";
import { type DriverReport, StreamError } from "../../../src/driver/index.ts";

const signal = new AbortController().signal;
const busy = (): StreamError => new StreamError("throttled", "slow down");

function settings(kinds: readonly DriverReport["kind"][], more: Partial<RetrySettings> = {}) {
  const reports: DriverReport[] = [];
  const report = Object.assign((reported: DriverReport) => void reports.push(reported), {
    wants: (kind: DriverReport["kind"]) => kinds.includes(kind),
  });
  const classify = (error: unknown): StreamError =>
    error instanceof StreamError ? error : new StreamError("internal", "unknown", { cause: error });
  const all: RetrySettings = { report, topic: "orders", classify, initialDelayMs: 1, maxDelayMs: 4, ...more };
  return { reports, backoff: new RetryBackoff(all) };
}

test("work is repeated until it succeeds; each pause is reported, grows up to its bound, and begins anew after a success", async () => {
  const { reports, backoff } = settings(["retry"], { initialDelayMs: 4, maxDelayMs: 16 });
  let left = 6;
  const answer = await retrying("GetRecords", backoff, signal, () => {
    if (left-- > 0) throw busy();
    return "records";
  });
  expect(answer).toBe("records");
  const delays = reports.map((report) => (report.kind === "retry" ? report.delayMs : -1));
  expect(delays).toHaveLength(6);
  expect(reports[0]).toMatchObject({ kind: "retry", operation: "GetRecords", topic: "orders", error: { code: "throttled" } });
  [4, 8, 16, 16, 16, 16].forEach((ceiling, index) => {
    expect(delays[index]).toBeGreaterThanOrEqual(ceiling / 2);
    expect(delays[index]).toBeLessThanOrEqual(ceiling);
  });
  backoff.reset();
  await backoff.failed("GetRecords", busy(), signal);
  expect((reports.at(-1) as { delayMs: number }).delayMs).toBeLessThanOrEqual(4);
});

test("a pause that the service asks for is kept, and reported as a throttle; other errors are no throttle", async () => {
  const { reports, backoff } = settings(["retry", "throttle"], {
    retryAfterMs: (error) => ((error as StreamError).code === "throttled" ? 30 : null),
  });
  const begun = performance.now();
  await backoff.failed("GetRecords", busy(), signal);
  expect(performance.now() - begun).toBeGreaterThan(28);
  expect(reports).toMatchObject([
    { kind: "throttle", operation: "GetRecords", topic: "orders", delayMs: 30 },
    { kind: "retry", delayMs: 30 },
  ]);
  await backoff.failed("GetRecords", new StreamError("unavailable", "away"), signal);
  expect(reports).toHaveLength(3);
  expect(reports[2]).toMatchObject({ kind: "retry", error: { code: "unavailable" } });
});

test("nothing is built for a report that nobody wants", async () => {
  const { reports, backoff } = settings([]);
  await backoff.failed("GetRecords", busy(), signal);
  expect(reports).toEqual([]);
});

test("an error that is not retryable ends the work at once, classified", async () => {
  const { reports, backoff } = settings(["retry"]);
  const cause = new TypeError("x");
  await expect(retrying("GetRecords", backoff, signal, () => Promise.reject(cause))).rejects.toMatchObject({ code: "internal", cause });
  expect(reports).toEqual([]);
});

test("an abort ends the pause, and no further attempt is made", async () => {
  const { backoff } = settings([], { initialDelayMs: 60_000, maxDelayMs: 60_000 });
  const abort = new AbortController();
  const reason = new Error("enough");
  let attempts = 0;
  const working = retrying("GetRecords", backoff, abort.signal, () => {
    attempts += 1;
    throw busy();
  });
  setImmediate(() => abort.abort(reason));
  await expect(working).rejects.toBe(reason);
  expect(attempts).toBe(1);
  await expect(backoff.failed("GetRecords", new Error("of the abort"), abort.signal)).rejects.toBe(reason);
});
