/** What leaves something behind or disturbs others, so that nobody tries it only to know whether it is permitted. */
export type GuardedOperation = "send" | "consume" | "createTopic" | "updateTopic" | "deleteTopic" | "resetGroup" | "deleteGroup";

/** Whether one may do it; told without doing it. */
export interface Permission {
  readonly operation: GuardedOperation;
  /** `null`: the provider does not tell. */
  readonly isAllowed: boolean | null;
  /** What is needed and not there, or not told, in the provider's own words: `Write on the topic`. Empty where it is allowed. */
  readonly lacking: readonly string[];
}
