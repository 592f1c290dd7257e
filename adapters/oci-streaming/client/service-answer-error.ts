import type { HttpAnswer } from "./http-transport.ts";

/** An answer of the service that is no success. https://docs.oracle.com/en-us/iaas/Content/API/References/apierrors.htm */
export class ServiceAnswerError extends Error {
  override readonly name = "ServiceAnswerError";
  readonly operation: string;
  readonly statusCode: number;
  /** Of the body; `None` where it is not the service's own. */
  readonly serviceCode: string;
  /** What the service says. It may name what was sent. */
  readonly serviceText: string;
  /** For a request to the vendor's support. */
  readonly requestId: string | null;
  /** The service's clock when it answered, in milliseconds, to the second; `null`: it did not say. */
  readonly answeredMs: number | null;

  constructor(operation: string, { status, headers, body }: HttpAnswer) {
    const { code, message } = detailsOf(body);
    super(`${operation} was answered ${status} ${code}`);
    this.operation = operation;
    this.statusCode = status;
    this.serviceCode = code;
    this.serviceText = message;
    const { "opc-request-id": requestId, date } = headers;
    this.requestId = typeof requestId === "string" ? requestId : null;
    const answeredMs = typeof date === "string" ? Date.parse(date) : Number.NaN;
    this.answeredMs = Number.isNaN(answeredMs) ? null : answeredMs;
  }
}

function detailsOf(body: Buffer): { readonly code: string; readonly message: string } {
  try {
    const { code, message } = JSON.parse(body.toString("utf8")) as { readonly code?: unknown; readonly message?: unknown };
    if (typeof code === "string") return { code, message: typeof message === "string" ? message : "" };
  } catch {
    // A proxy on the way has answered.
  }
  return { code: "None", message: "" };
}
