/**
 * What another copy of this package, of whatever version, makes and recognises as an error: not the class, which each copy has
 * for itself, but the mark that all of them put on theirs. Two copies meet where an application and a library of it each
 * have installed their own.
 */
const MARK = Symbol.for("streamport.error");

/** An error as another copy makes it. */
export class ErrorOfAnotherCopy extends Error {
  readonly code: string;
  readonly retryable = false;
  readonly provider: string | undefined = undefined;
  readonly operation: string | undefined = undefined;
  readonly topic: string | undefined = undefined;
  readonly partition: string | undefined = undefined;
  readonly position: string | undefined = undefined;
  readonly capability: string | undefined = undefined;
  readonly batch: undefined = undefined;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

Object.defineProperty(ErrorOfAnotherCopy.prototype, MARK, { value: true });

/** Does another copy take this for one of ours? */
export function isRecognisedElsewhere(error: unknown): boolean {
  return typeof error === "object" && error !== null && MARK in error;
}
