/** Operations that leave something behind or disturb others, so that they cannot be tried only to learn whether they are permitted. */
export type GuardedOperation = "send" | "consume" | "createTopic" | "updateTopic" | "deleteTopic" | "resetGroup" | "deleteGroup";

/** Whether an operation is permitted, learnt without carrying it out. */
export interface Permission {
  readonly operation: GuardedOperation;
  /** `null`: the provider does not report it. */
  readonly isAllowed: boolean | null;
  /** The permissions that are missing, or not reported, in the provider's own words: `Write on the topic`. Empty where it is allowed. */
  readonly lacking: readonly string[];
}
