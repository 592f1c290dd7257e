import type { StreamError, StreamErrorCode } from "../../errors.ts";

const REACH =
  "Is the server running, are host and port right, and can they be reached from here (firewall, VPN, TLS on both sides or on none)?";
const WAIT = "Try again in a moment; if it stays so, look at the load and the quotas of the provider.";

const ADVICE: Readonly<Partial<Record<StreamErrorCode, string>>> = {
  configuration: "Correct the URL: its scheme, its settings, and the SDK that has to be installed beside streamport.",
  "invalid-argument": "Correct the name: the message says what is allowed.",
  unauthenticated: "Check user and password (percent-encoded in the URL), and the mechanism that the server expects.",
  unavailable: REACH,
  timeout: REACH,
  throttled: WAIT,
  conflict: WAIT,
};

/** What to do about an error, in a sentence. */
export function adviceFor({ code, topic, operation, provider }: StreamError): string {
  if (code === "permission-denied") {
    const page = provider === undefined ? "the page of the adapter" : `adapters/${provider}/README.md of this package`;
    return `Ask for the permission: ${page} lists what each operation needs.`;
  }
  if (code !== "not-found") return ADVICE[code] ?? "This should not happen: report it, with the versions above.";
  const isGroup = operation === "admin.describeGroup" || operation === "admin.lag";
  if (isGroup) return "A group exists once it has consumed or was reset: streamport groups list shows those that do.";
  return topic === undefined
    ? "streamport topics list shows what there is."
    : `streamport topics list shows what there is; streamport topics create --topic ${topic} creates it.`;
}
