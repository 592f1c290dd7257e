import type { DriverReport, Report, StreamError } from "../../../src/driver/index.ts";
import { kafkaError } from "../errors.ts";
import type { KafkaService } from "../service.ts";

/**
 * Runs one administrative call with a time limit, also for its retries.
 * @throws at the time limit: the failure of the last attempt, or `timeout` if no attempt has failed
 */
export async function boundedCall<T>(
  service: KafkaService,
  durationMs: number,
  signal: AbortSignal,
  work: (service: KafkaService, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  let lastFailure: StreamError | undefined;
  const { report } = service;
  const note = (reported: DriverReport): void => {
    if (reported.kind === "retry") lastFailure = reported.error;
    if (report.wants(reported.kind)) report(reported);
  };
  const noting: Report = Object.assign(note, { wants: (kind: DriverReport["kind"]) => kind === "retry" || report.wants(kind) });
  const late = AbortSignal.timeout(durationMs);
  try {
    return await work({ ...service, report: noting }, AbortSignal.any([signal, late]));
  } catch (error) {
    if (!late.aborted || signal.aborted) throw error;
    if (lastFailure === undefined) throw kafkaError("timeout", `the cluster did not answer within ${durationMs} ms`, { cause: error });
    const { code, message, topic } = lastFailure;
    throw kafkaError(code, `${message}; tried again for ${durationMs} ms`, { topic, cause: lastFailure });
  }
}
