const SEGMENTS_SHOWN = 12;
const IDENTIFIER = /^[A-Za-z_$][\w$-]{0,39}$/;

/**
 * Where in a value something is wrong: indexes, and names that look like a field of a program. Any other name may be data (a
 * record by e-mail address or account), which no message may show.
 */
export function pathText(path: readonly unknown[]): string {
  if (path.length === 0) return "the value itself";
  const text = path
    .slice(0, SEGMENTS_SHOWN)
    .map((segment) => {
      if (typeof segment === "number") return `[${segment}]`;
      return typeof segment === "string" && IDENTIFIER.test(segment) ? `.${segment}` : "[…]";
    })
    .join("")
    .replace(/^\./, "");
  return path.length > SEGMENTS_SHOWN ? `${text}…` : text;
}
