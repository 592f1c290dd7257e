import { StreamError } from "../errors.ts";

/**
 * Case names are paths. `*` stands for one part of a path or some of its letters, `**` for any number of parts, none as well:
 * `replay/**`, `ordering/publish/*`, `group/reset/**` with `group/reset/back-and-forward` itself.
 */
function matchesPattern(name: string, pattern: string): boolean {
  const parts = pattern.split(WILDCARDS).map((part) => MEANINGS[part] ?? part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("")}$`).test(name);
}

/** Where there are no parts, a slash beside them is not there either. */
const WILDCARDS = /(\/\*\*\/|^\*\*\/|\/\*\*$|\*\*|\*)/;
const MEANINGS: Readonly<Record<string, string>> = {
  "/**/": "/(?:.*/)?",
  "**/": "(?:.*/)?",
  "/**": "(?:/.*)?",
  "**": ".*",
  "*": "[^/]*",
};

/**
 * The cases that any of the patterns names, in the suite's order.
 * @throws `invalid-argument` for a pattern that names none: a misspelt name must not look like a pass
 */
export function selectCases<Case extends { readonly name: string }>(cases: readonly Case[], patterns: readonly string[]): readonly Case[] {
  for (const pattern of patterns) {
    if (!cases.some(({ name }) => matchesPattern(name, pattern))) {
      throw new StreamError("invalid-argument", `no conformance case is named ${JSON.stringify(pattern)}`);
    }
  }
  return cases.filter(({ name }) => patterns.some((pattern) => matchesPattern(name, pattern)));
}
