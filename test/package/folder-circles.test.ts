import { expect, test } from "vitest";
import { type ImportEdge, importGraph } from "./import-graph.ts";
import { projectRoot } from "./packed-package.ts";

/** A folder of `src`, or a file that lies directly in it. */
function partOf(path: string): string {
  const [, first = "", second] = path.split("/");
  return second === undefined ? first : `${first}/`;
}

/** Each set of parts that reach each other, in no particular order. Types count as well: a reader has to follow them. */
function circlesOf(edges: readonly ImportEdge[]): readonly (readonly string[])[] {
  const reached = new Map<string, Set<string>>();
  for (const { from, to } of edges) {
    if (!from.startsWith("src/") || !to.startsWith("src/") || partOf(from) === partOf(to)) continue;
    reached.set(partOf(from), (reached.get(partOf(from)) ?? new Set()).add(partOf(to)));
  }
  const parts = [...reached.keys()];
  for (const middle of parts) {
    for (const targets of reached.values()) if (targets.has(middle)) for (const further of reached.get(middle)!) targets.add(further);
  }
  const inCircles = parts.filter((part) => reached.get(part)!.has(part));
  const circles = inCircles.map((part) =>
    inCircles.filter((other) => reached.get(part)!.has(other) && reached.get(other)!.has(part)).toSorted(),
  );
  return [...new Map(circles.map((circle) => [circle.join(), circle])).values()];
}

test("a circle is found, and a line is none", () => {
  const edge = (from: string, to: string): ImportEdge => ({ from, to, kind: "types" });
  expect(circlesOf([edge("src/a/x.ts", "src/b/x.ts"), edge("src/b/y.ts", "src/c.ts"), edge("src/c.ts", "src/a/z.ts")])).toEqual([
    ["a/", "b/", "c.ts"],
  ]);
  expect(circlesOf([edge("src/a/x.ts", "src/b/x.ts"), edge("src/a/y.ts", "src/a/x.ts")])).toEqual([]);
});

test("folders of src import each other in one direction only, types included", async () => {
  const edges = await importGraph(projectRoot, ["src"], ".ts");
  expect(edges.length).toBeGreaterThan(300);
  expect(circlesOf(edges)).toEqual([]);
});

test("publish, consume, replay and admin do not know each other", async () => {
  const siblings = new Set(["publish/", "consume/", "replay/", "admin/"]);
  const edges = await importGraph(projectRoot, ["src"], ".ts");
  const arrows = edges.filter(
    ({ from, to }) => to.startsWith("src/") && siblings.has(partOf(from)) && siblings.has(partOf(to)) && partOf(from) !== partOf(to),
  );
  expect(arrows).toEqual([]);
});
