/** A promise was broken. The message names the promise and shows the evidence: keys and sequence numbers that the case itself made. */
export class PromiseViolation extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PromiseViolation";
  }
}

/** The target lacks something that the case needs and that is not a capability of the provider: a fault, topics or groups. */
export class EnvironmentMissing extends Error {
  constructor(what: string) {
    super(what);
    this.name = "EnvironmentMissing";
  }
}
