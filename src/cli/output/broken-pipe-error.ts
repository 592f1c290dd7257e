/** Whoever read our output has gone, as `head` does: there is nobody left to write to, and nothing to tell. */
export class BrokenPipeError extends Error {}
