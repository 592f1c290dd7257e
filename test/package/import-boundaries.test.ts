import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { foreignImports, isOfTheTree } from "./foreign-imports.ts";
import { type ImportEdge, importGraph } from "./import-graph.ts";
import { packedOnce } from "./packed-once.ts";
import { projectRoot } from "./packed-package.ts";

/** Who may import whom. The lint says the same while one types; this follows what was really built. */
interface Boundary {
  readonly name: string;
  /** The files that the rule is about. */
  readonly from: RegExp;
  /** What they may import of the tree; everything else is refused. */
  readonly allowed: (edge: ImportEdge) => boolean;
}

function adapterOf(path: string): string | undefined {
  return /^adapters\/([^/]+)\//.exec(path)?.[1];
}

const DRIVER_CONTRACT = /^src\/(driver\/|errors\.|capabilities\.|position\/|stored-time\.|text-bytes\.)/;
const DRIVER_CONTRACT_TYPES = /^src\/(tokens\.|topic-settings\.|lag\.)/;

const boundaries: readonly Boundary[] = [
  {
    name: "an adapter imports itself, the driver contract, errors, the adapter kit, leases and the frame",
    from: /^adapters\/[^/]+\//,
    allowed: ({ from, to }) =>
      adapterOf(to) === adapterOf(from) || /^src\/(driver\/|errors\.|adapter-kit\/index\.|leases\/|envelope\/index\.)/.test(to),
  },
  {
    name: "the adapter kit imports the driver contract, errors, waits, back-off and rules of options",
    from: /^src\/adapter-kit\//,
    allowed: ({ to }) => /^src\/(adapter-kit\/|driver\/|errors\.|abortable\.|back-off\.|option-rules\.)/.test(to),
  },
  {
    name: "the frame imports the types of records and places, errors, stored times and texts of bytes",
    from: /^src\/envelope\//,
    allowed: ({ to, kind }) =>
      /^src\/(envelope\/|errors\.|stored-time\.|text-bytes\.)/.test(to) ||
      (kind === "types" && /^src\/(driver\/record\.|position\/place\.)/.test(to)),
  },
  {
    name: "the registry reaches adapters only when they are asked for",
    from: /^adapters\/registry\./,
    allowed: ({ to, kind }) => to.startsWith("src/driver/") || (adapterOf(to) !== undefined && kind === "dynamic"),
  },
  {
    name: "the core imports no adapter; connect and the command line reach the registry",
    from: /^src\/(?!cli\/)/,
    allowed: ({ from, to }) =>
      (to.startsWith("src/") && !to.startsWith("src/cli/")) || (from.startsWith("src/connect.") && to.startsWith("adapters/registry.")),
  },
  {
    name: "the driver contract imports errors, capabilities, position, stored times and texts of bytes, and types of topic settings and lag",
    from: /^src\/driver\//,
    allowed: ({ to, kind }) => DRIVER_CONTRACT.test(to) || (kind === "types" && DRIVER_CONTRACT_TYPES.test(to)),
  },
  {
    name: "positions import errors, capabilities, tokens, option rules and the diagnostics channels",
    from: /^src\/position\//,
    allowed: ({ to }) => /^src\/(position\/|errors\.|capabilities\.|tokens\.|option-rules\.|diagnostics\/channels\.)/.test(to),
  },
  {
    name: "the conformance suite stays within the core",
    from: /^src\/conformance\//,
    allowed: ({ to }) => to.startsWith("src/") && !to.startsWith("src/cli/"),
  },
  {
    name: "the command line reaches the local stack and adapters lazily",
    from: /^src\/cli\//,
    allowed: ({ to, kind }) =>
      to.startsWith("src/") || to.startsWith("adapters/registry.") || (to.startsWith("localstack/") && kind !== "value"),
  },
  {
    name: "the local stack imports no adapter but memory",
    from: /^localstack\//,
    allowed: ({ to }) => /^(localstack|adapters\/memory)\//.test(to) || (to.startsWith("src/") && !to.startsWith("src/cli/")),
  },
];

let built: readonly ImportEdge[];
let declared: readonly ImportEdge[];
let sources: readonly ImportEdge[];

beforeAll(async () => {
  const { dist } = await packedOnce();
  built = await importGraph(dist, ["src", "adapters", "localstack"], ".js");
  declared = await importGraph(dist, ["src", "adapters", "localstack"], ".d.ts");
  sources = await importGraph(projectRoot, ["src", "adapters", "localstack"], ".ts");
});

test("the graph is the real one: it starts at connect and reaches memory through the registry", () => {
  expect(built).toContainEqual({ from: "src/connect.js", to: "adapters/registry.js", kind: "value" });
  expect(built).toContainEqual({ from: "adapters/registry.js", to: "adapters/memory/open.js", kind: "dynamic" });
  expect(declared).toContainEqual({ from: "src/index.d.ts", to: "src/connect.ts", kind: "types" });
});

describe.each(boundaries)("$name", ({ from, allowed }) => {
  test.each([
    ["built files", () => built],
    ["declarations", () => declared],
    ["sources", () => sources],
  ])("%s", (_, graph) => {
    const crossing = graph().filter((edge) => from.test(edge.from) && isOfTheTree(edge) && !allowed(edge));
    expect(crossing).toEqual([]);
  });
});

test("what ships imports built-in modules and itself; the command line its parser; adapters and emulators their libraries, lazily and as optional peers", async () => {
  const { peerDependenciesMeta = {} } = JSON.parse(await readFile("package.json", "utf8")) as {
    peerDependenciesMeta?: Record<string, { optional?: boolean }>;
  };
  const optional = Object.keys(peerDependenciesMeta).filter((name) => peerDependenciesMeta[name]?.optional === true);
  expect(foreignImports(built, new Set(optional))).toEqual([]);
});
