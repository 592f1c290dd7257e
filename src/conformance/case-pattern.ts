import { StreamError } from "../errors.ts";

/**
 * Case names are paths. `*` matches one part of a path, or some letters of it; `**` matches any number of parts, also none:
 * `replay/**`, `ordering/publish/*`.
 */
function matchesPattern(name: string, pattern: string): boolean {
  const parts = pattern.split(WILDCARDS).map((part) => MEANINGS[part] ?? part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("")}$`).test(name);
}

/** If `**` matches no part, the slash next to it is left out too. */
const WILDCARDS = /(\/\*\*\/|^\*\*\/|\/\*\*$|\*\*|\*)/;
const MEANINGS: Readonly<Record<string, string>> = {
  "/**/": "/(?:.*/)?",
  "**/": "(?:.*/)?",
  "/**": "(?:/.*)?",
  "**": ".*",
  "*": "[^/]*",
};

/**
 * The cases that match any of the patterns, in the order of the suite.
 * @throws `invalid-argument` for a pattern that matches no case, so that a misspelt name does not look like a pass
 */
export function selectCases<Case extends { readonly name: string }>(cases: readonly Case[], patterns: readonly string[]): readonly Case[] {
  for (const pattern of patterns) {
    if (!cases.some(({ name }) => matchesPattern(name, pattern))) {
      throw new StreamError("invalid-argument", `no conformance case is named ${JSON.stringify(pattern)}`);
    }
  }
  return cases.filter(({ name }) => patterns.some((pattern) => matchesPattern(name, pattern)));
}
