/** The codes of gRPC: https://grpc.io/docs/guides/status-codes/. */
export const Code = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

/** The service refuses a call, or ends a stream, with this status. */
export class Refusal extends Error {
  readonly code: number;
  /** Which ack ids failed, and why: the metadata of the status's `ErrorInfo`. */
  readonly ackFailures: ReadonlyMap<string, string>;

  constructor(code: number, message: string, ackFailures: ReadonlyMap<string, string> = new Map()) {
    super(message);
    this.name = "Refusal";
    this.code = code;
    this.ackFailures = ackFailures;
  }
}

const RESOURCE = /^projects\/[^/]+\/(?:topics|subscriptions|snapshots|schemas)\/[^/]+$/;

/** @param name the resource's complete name: one that cannot be is INVALID_ARGUMENT */
export function notFound(name: string): Refusal {
  if (!RESOURCE.test(name)) return new Refusal(Code.invalidArgument, `Invalid resource name given (name=${name}).`);
  return new Refusal(Code.notFound, `Resource not found (resource=${idOf(name)}).`);
}

export function alreadyExists(name: string): Refusal {
  return new Refusal(Code.alreadyExists, `Resource already exists in the project (resource=${idOf(name)}).`);
}

/** The last part of a complete name: `flights` of `projects/p/topics/flights`. */
export function idOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
