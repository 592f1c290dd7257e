/** The exact time for a seek: the client of the service cuts milliseconds, this does not. */
export function wireTime(timestampMs: number): { readonly seconds: number; readonly nanos: number } {
  const seconds = Math.floor(timestampMs / 1_000);
  return { seconds, nanos: Math.round((timestampMs - seconds * 1_000) * 1_000_000) };
}
