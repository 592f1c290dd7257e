/**
 * Every copy of this package, of any version, recognises an error by this mark. The class is no help, because each copy has
 * a class of its own. Two copies meet where an application and one of its libraries have each installed one.
 */
const MARK = Symbol.for("streamport.error");

/** An error as another copy creates it. */
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

/** Does another copy recognise this error? */
export function isRecognisedElsewhere(error: unknown): boolean {
  return typeof error === "object" && error !== null && MARK in error;
}
