import type { Report } from "../../../src/driver/index.ts";
import type { SdkLogger } from "./sdk.ts";

/** Passes warnings and errors of kafkajs to the diagnostics, without their details, which may hold what must not be shown. */
export function reportingLogger(report: Report): SdkLogger {
  const warn = (message: string): void => {
    if (report.wants("warning")) report({ kind: "warning", text: `kafkajs: ${message}` });
  };
  const quiet = (): void => undefined;
  const logger: SdkLogger = { namespace: () => logger, info: quiet, debug: quiet, warn, error: warn };
  return logger;
}
