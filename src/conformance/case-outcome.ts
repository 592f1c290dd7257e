/** A broken promise. The message says which and shows the evidence: keys and sequence numbers that the case itself made. */
export class PromiseViolation extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PromiseViolation";
  }
}

/** The target lacks something that the case needs and that is no capability of the provider: a fault, topics, groups. */
export class EnvironmentMissing extends Error {
  constructor(what: string) {
    super(what);
    this.name = "EnvironmentMissing";
  }
}
