/** The arguments cannot be meant so: the message names what was received and what is allowed; exit code 2. Told to people, not to programs. */
export class UsageError extends Error {}
