const MOST_CAUSES = 10;

/**
 * Where an error that an adapter could not classify came from: kind, code and line of its innermost cause, such as
 * `TypeError at consumer.js:40:12`. Not its words: they may hold a payload, a key or a credential. `null` without a cause.
 */
export function errorOrigin(error: Error): string | null {
  if (!(error.cause instanceof Error)) return null;
  let origin: Error = error.cause;
  for (let depth = 0; origin.cause instanceof Error && depth < MOST_CAUSES; depth += 1) origin = origin.cause;
  const code = "code" in origin && typeof origin.code === "string" ? ` ${origin.code}` : "";
  const line = /\n\s+at .*?([^/\\\s(]+:\d+:\d+)\)?(?:\n|$)/.exec(origin.stack ?? "")?.[1];
  return `${origin.name}${code}${line === undefined ? "" : ` at ${line}`}`;
}
