import { StreamError, type StreamErrorCode, isStreamError } from "../../errors.ts";
import { durationText } from "../output/duration-text.ts";

/** How long each check may take. */
export const CHECK_MS = 20_000;

const REACH =
  "Is the server running, are host and port right, and can they be reached from here (firewall, VPN, TLS on both sides or on none)?";

const WAIT = "Try again in a moment; if it happens again, look at the load and the quotas of the provider.";

const ADVICE: Readonly<Partial<Record<StreamErrorCode, string>>> = {
  configuration: "Correct the URL: its scheme, its settings, and the SDK that has to be installed beside streamport.",
  "invalid-argument": "Correct the name: the message says what is allowed.",
  unauthenticated:
    "Check the credentials: user and password (percent-encoded in the URL) and the mechanism of a server, the key, token or profile of a cloud, and whether they have run out.",
  unavailable: REACH,
  timeout: REACH,
  throttled: WAIT,
  conflict: WAIT,
  corrupt:
    "No client can read this. A group gets past it by onFailure (skip, or a dead letter), a reader by onCorrupt, and both by a start after the position of the error.",
  "position-out-of-range": "Move the group: streamport groups reset shows what would change, and --execute does it.",
};

/** The result of one check of `doctor`; `--json` prints it as it is. */
export interface Finding {
  readonly check: string;
  /** `doubtful`: it may be intended. */
  readonly result: "ok" | "doubtful" | "failed" | "not-tried";
  readonly detail: string;
  /** What to do; `null` where there is nothing to do. */
  readonly advice: string | null;
}

export function ok(check: string, detail: string): Finding {
  return { check, result: "ok", detail, advice: null };
}

export function doubtful(check: string, detail: string, advice: string): Finding {
  return { check, result: "doubtful", detail, advice };
}

export function notTried(check: string, detail: string, advice: string | null = null): Finding {
  return { check, result: "not-tried", detail, advice };
}

/** Whether the topic or group does not exist, so that further checks of it would fail in the same way. */
export function isNotFound({ result, detail }: Finding): boolean {
  return result === "failed" && detail.startsWith("not-found: ");
}

/** A missing capability is not a failure. */
export function failed(check: string, error: StreamError): Finding {
  const detail = `${error.code}: ${error.message}`;
  return error.code === "unsupported" ? notTried(check, detail) : { check, result: "failed", detail, advice: adviceFor(error) };
}

/** What to do about an error, as one sentence. */
function adviceFor({ code, topic, operation, provider }: StreamError): string {
  if (code === "permission-denied") {
    const page = provider === undefined ? "the page of the adapter" : `adapters/${provider}/README.md of this package`;
    return `Ask for the permission: ${page} lists what each operation needs.`;
  }
  if (code !== "not-found") return ADVICE[code] ?? "This should not happen: report it, with the versions above.";
  const isGroup = operation === "admin.describeGroup" || operation === "admin.lag";
  if (isGroup) return "A group exists once it has consumed or was reset: streamport groups list shows those that do.";
  return topic === undefined
    ? "streamport topics list shows the existing ones."
    : `streamport topics list shows the existing ones; streamport topics create --topic ${topic} creates it.`;
}

/** @param work returns the detail of a finding that is ok, or a finding */
export async function attempt(
  check: string,
  work: (signal: AbortSignal) => Promise<Finding | string>,
  limitMs = CHECK_MS,
): Promise<Finding> {
  const findings = async (signal: AbortSignal): Promise<readonly Finding[]> => {
    const found = await work(signal);
    return [typeof found === "string" ? ok(check, found) : found];
  };
  return (await attemptAll(check, findings, limitMs))[0]!;
}

/** As `attempt`, for one request that answers several checks; where it fails there is one finding. */
export async function attemptAll(
  check: string,
  work: (signal: AbortSignal) => Promise<readonly Finding[]>,
  limitMs = CHECK_MS,
): Promise<readonly Finding[]> {
  const signal = AbortSignal.timeout(limitMs);
  try {
    return await work(signal);
  } catch (error) {
    if (signal.aborted) return [failed(check, noAnswer(limitMs))];
    if (isStreamError(error)) return [failed(check, error)];
    throw error;
  }
}

export function noAnswer(limitMs = CHECK_MS): StreamError {
  return new StreamError("timeout", `no answer within ${durationText(limitMs)}`);
}
